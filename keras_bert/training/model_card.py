"""The model card that stands in every model folder as README.md."""

import os
import shlex

from keras_bert.tasks import classification

# Flags whose default says nothing to a reader of the card.
_DATA_FLAGS = ("train", "eval", "init", "vocab")


def model_card(values, bert, train, evaluation, scores):
    """Returns the text of a classifier's model card.

    Args:
        values: the flags of `finetune`.
        bert: the trained `Bert`.
        train, evaluation: `Examples`.
        scores: what `classification.scores` gave on `evaluation`.
    """
    given = [name for name in sorted(values) if values[name].present and name != "json"]
    command = " ".join(
        ["keras-bert finetune", *(f"--{n}={shlex.quote(_shown(values, n))}" for n in given)]
    )
    encoder = bert.config.encoder
    labels = ", ".join(bert.config.labels)
    kind = "pairs of texts" if bert.config.pair else "texts"
    confusion = "\n".join(classification.confusion_table(scores["confusion"], bert.config.labels))
    return f"""# Classifier of {kind}: {labels}

A BERT of {encoder.num_hidden_layers} layers, {encoder.hidden_size} wide, \
{bert.model.count_params():,} parameters, fine-tuned with keras-bert.

## Use

    keras-bert predict --model=. --text="…"
    keras-bert export --model=. --format=tflite --quantize=dynamic --output=model.tflite

Texts are cut to {bert.config.max_length} tokens.

## Data

- Trained on {os.path.basename(train.path)}: {len(train)} {kind}.
- Scored on {os.path.basename(evaluation.path)}: {len(evaluation)} {kind}, \
{"a file of its own" if values.eval else "held out of the same file; no text is in both parts"}.

## Scores

| accuracy | macro F1 | Matthews |
|---|---|---|
| {scores["accuracy"]:.4f} | {scores["macro_f1"]:.4f} | {scores["matthews"]:.4f} |

```
{confusion}
```

The best of {values.epochs} epochs by {values.metric} on the same texts, so slightly optimistic.

## Command

    {command}

## Licence

Not set. The weights derive from `{os.path.basename(os.path.normpath(values.init))}` and from the \
data above: their licences apply.
"""


def _shown(values, name):
    value = values[name].value
    if name in _DATA_FLAGS:
        # File names without their folders: a card is read elsewhere.
        return os.path.basename(os.path.normpath(value))
    if name == "output":
        return os.path.basename(os.path.normpath(value))
    return ",".join(value) if isinstance(value, list) else str(value)
