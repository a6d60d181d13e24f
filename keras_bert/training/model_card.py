"""The model card that stands in every model folder as README.md."""

import os
import shlex

# Flags whose default says nothing to a reader of the card.
_DATA_FLAGS = ("train", "eval", "init", "vocab")

_CAPITALS = " The segment_ids are 1 for words with a capital letter."


def model_card(values, bert, train, evaluation, scores, best, summary):
    """Returns the text of a fine-tuned model's card.

    Args:
        values: the flags of `finetune`.
        bert: the trained `Bert`.
        train, evaluation: the task's examples.
        scores: what the task's `scores` gave on `evaluation`.
        best: dict of the best run, with `metric` and the `result` that has its `seed`.
        summary: dict of `mean` and `standard_deviation` over several seeds; {} for one.
    """
    given = [name for name in sorted(values) if values[name].present and name != "json"]
    command = " ".join(
        ["keras-bert finetune", *(f"--{n}={shlex.quote(_shown(values, n))}" for n in given)]
    )
    encoder, task = bert.config.encoder, bert.task
    marks = bert.config.settings.get("mark_capitals")
    labels = ", ".join(bert.config.labels[:50])
    score_lines = "\n".join(task.score_lines(scores, bert.config))
    return f"""# {task.title}{f": {labels}" if labels else ""}

A BERT of {encoder.num_hidden_layers} layers, {encoder.hidden_size} wide, \
{bert.model.count_params():,} parameters, fine-tuned with keras-bert\
{f" for {task.name}" if task.name != task.kind else ""}.

## Use

    keras-bert predict --model=. {task.usage}
    keras-bert export --model=. --format=tflite --quantize=dynamic --output=model.tflite

{task.length_note.format(bert.config.max_length)}{_CAPITALS if marks else ""}

## Data

- Trained on {os.path.basename(train.path)}: {len(train):,} examples.
- Scored on {os.path.basename(evaluation.path)}: {len(evaluation):,} examples, \
{"a file of its own" if values.eval else "held out of the same file; no text is in both parts"}.

## Scores

```
{score_lines}
```

The best of {values.epochs} epochs by {best["metric"]} on the same examples, so slightly optimistic.
{_seed_lines(summary, best)}
## Command

    {command}

## Licence

Not set. The weights derive from `{os.path.basename(os.path.normpath(values.init))}` and from the \
data above: their licences apply.
"""


def _seed_lines(summary, best):
    if not summary:
        return ""
    rows = "\n".join(
        f"| {name} | {mean:.4f} | {summary['standard_deviation'][name]:.4f} |"
        for name, mean in summary["mean"].items()
    )
    return f"""
This is the best of several runs, that of seed {best["result"]["seed"]}. Over all of them:

| | mean | standard deviation |
|---|---|---|
{rows}
"""


def _shown(values, name):
    value = values[name].value
    if name in _DATA_FLAGS:
        # File names without their folders: a card is read elsewhere.
        return os.path.basename(os.path.normpath(value))
    if name == "output":
        return os.path.basename(os.path.normpath(value))
    return ",".join(value) if isinstance(value, list) else str(value)
