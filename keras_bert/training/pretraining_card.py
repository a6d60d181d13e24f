"""The model card of a pretrained model."""

import os
import shlex

_SHOWN = (
    ("masked-LM accuracy", "masked_lm_accuracy"),
    ("masked-LM loss", "masked_lm_loss"),
    ("perplexity", "perplexity"),
    ("pair accuracy", "pair_accuracy"),
)
_PATHS = ("records", "eval_records", "init", "config", "output")
_PAIRS = {
    "nsp": "next-sentence prediction",
    "sop": "sentence-order prediction",
    "none": "no pair objective",
}


def pretraining_card(values, bert, batches, scores):
    """Returns the text of a pretrained model's card.

    Args:
        values: the flags of `pretrain`.
        bert: the trained `Bert`.
        batches: the `PretrainingBatches` that it was trained on.
        scores: dict of the last means and evaluation scores, as `RunLog` keeps them.
    """
    encoder = bert.config.encoder
    manifest = batches.manifest
    given = [name for name in sorted(values) if values[name].present and name not in ("json",)]
    command = " ".join(["keras-bert pretrain", *(f"--{n}={_value(values, n)}" for n in given)])
    objective = "next-token prediction" if encoder.left_to_right else "masked words"
    tokens = sum(shard["tokens"] for shard in manifest.shards)
    rows = [
        f"| {title} | {_score(scores, name)} | {_score(scores, 'eval_' + name)} |"
        for title, name in _SHOWN
        if name in scores
    ]
    evaluated = "other records" if values.eval_records else "not evaluated"
    return f"""# A pretrained BERT of {encoder.num_hidden_layers} layers, {encoder.hidden_size} wide

{bert.model.count_params():,} parameters; {objective}, {_PAIRS[bert.config.pair_head]}; \
trained with keras-bert for {values.steps:,} steps of {values.batch_size} rows.

## Use

    keras-bert finetune --init=. --train=train.csv --output=classifier
    keras-bert fill-mask --model=. --text="…[MASK]…"

## Data

- Trained on {batches.rows:,} rows of up to {manifest.length} tokens, {tokens:,} tokens in all\
{", several examples a row" if manifest.packed else ""}.
- Vocabulary: {bert.tokenizer.vocabulary_size:,} tokens.

## Scores

| | training, last steps | evaluation ({evaluated}) |
|---|---|---|
{chr(10).join(rows)}

## Command

    {command}

## Licence

Not set. The weights derive from the texts above: their licences apply.
"""


def _score(scores, name):
    return f"{scores[name]:.4f}" if name in scores else ""


def _value(values, name):
    value = values[name].value
    if name in _PATHS:
        # File names without their folders: a card is read elsewhere.
        value = os.path.basename(os.path.normpath(value))
    return shlex.quote(str(value))
