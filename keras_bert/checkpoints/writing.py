"""Functions that the writers of all formats share."""

import json

from keras_bert.checkpoints import names
from keras_bert.checkpoints.checkpoint import describe_differences
from keras_bert.errors import InputError

_LONGEST_NOTE = 100  # characters


def check_model(config, weights, vocabulary, labels):
    """Checks that the parts of a model fit together, before anything is written.

    Args:
        config: `BertConfig`.
        weights: dict from canonical name to array.
        vocabulary: list of word pieces.
        labels: names of the classes or tags, or None.

    Raises:
        InputError: they do not, or no other format can express the model.
    """
    if config.left_to_right:
        raise InputError("a left-to-right model cannot be written: only our own folder holds it")
    expected = names.expected_shapes(config)
    head = next((head for head in names.TASK_HEADS if head[0] in weights), None)
    if labels is not None and head not in (names.CLASSIFIER, names.TAGGER):
        head = names.CLASSIFIER
    if head is not None:
        count = len(weights[head[0]]) if labels is None else len(labels)
        count = {names.ANSWERER: 2, names.CHOICE: 1}.get(head, count)
        expected.update(zip(head, ((count, config.hidden_size), (count,)), strict=True))
    heads = names.head_shapes(config)
    for part in (names.MASKED_LM, (names.MASKED_LM_TABLE,), names.PAIR):
        if part[0] in weights:
            expected.update({name: heads[name] for name in part})
    differences = describe_differences({n: v.shape for n, v in weights.items()}, expected)
    if differences:
        raise InputError(f"weights do not fit the config: {differences}")
    if len(vocabulary) > config.vocab_size:
        raise InputError(
            f"the vocabulary has {len(vocabulary)} tokens, the embedding {config.vocab_size} rows"
        )


def with_scale(weights, mean, scale):
    """Puts a regressor's mean and scale into its last layer, for programs without these settings.

    Args:
        weights: dict from canonical name to array, with `names.CLASSIFIER`.
        mean: float, added to the scaled output.
        scale: float, the factor of the output.

    Returns:
        A dict of the same names; with its weights, the model's output is the value itself.
    """
    kernel, bias = (weights[name].astype("float64") for name in names.CLASSIFIER)
    scaled = (kernel * scale, bias * scale + mean)
    scaled = (value.astype("float32") for value in scaled)
    return {**weights, **dict(zip(names.CLASSIFIER, scaled, strict=True))}


def contents(added_tokens):
    """Returns added tokens, `WordPieceTokenizer`'s dicts, as text for a note."""
    shown = ", ".join(token["content"] for token in added_tokens)
    return shown if len(shown) <= _LONGEST_NOTE else f"{shown[:_LONGEST_NOTE]}…"


def write_json(path, data):
    """Writes an object as indented JSON."""
    with open(path, "w", encoding="utf-8") as file:
        json.dump(data, file, indent=2, ensure_ascii=False)
        file.write("\n")


def write_vocabulary(path, vocabulary):
    """Writes a vocabulary, one token a line."""
    with open(path, "w", encoding="utf-8", newline="") as file:
        file.writelines(f"{token}\n" for token in vocabulary)
