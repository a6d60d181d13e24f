"""What the writers of all formats share."""

import json

from keras_bert.checkpoints import names
from keras_bert.checkpoints.checkpoint import describe_differences
from keras_bert.errors import InputError


def check_model(config, weights, vocabulary, labels):
    """Checks that the parts of a model fit together before any is written.

    Args:
        config: `BertConfig`.
        weights: dict from canonical name to array.
        vocabulary: list of word pieces.
        labels: names of the classes, or None.

    Raises:
        InputError: they do not, or no other format can express the model.
    """
    if config.left_to_right:
        raise InputError("a left-to-right model cannot be written: only our own folder holds it")
    expected = names.expected_shapes(config)
    if labels is not None:
        shapes = ((len(labels), config.hidden_size), (len(labels),))
        expected.update(zip(names.CLASSIFIER, shapes, strict=True))
    heads = names.head_shapes(config)
    for part in (names.MASKED_LM, names.PAIR):
        if part[0] in weights:
            expected.update({name: heads[name] for name in part})
    differences = describe_differences({n: v.shape for n, v in weights.items()}, expected)
    if differences:
        raise InputError(f"weights do not fit the config: {differences}")
    if len(vocabulary) != config.vocab_size:
        raise InputError(
            f"the vocabulary has {len(vocabulary)} tokens, the embedding {config.vocab_size} rows"
        )


def write_json(path, data):
    """Writes an object as indented JSON."""
    with open(path, "w", encoding="utf-8") as file:
        json.dump(data, file, indent=2, ensure_ascii=False)
        file.write("\n")


def write_vocabulary(path, vocabulary):
    """Writes a vocabulary, one token a line."""
    with open(path, "w", encoding="utf-8", newline="") as file:
        file.writelines(f"{token}\n" for token in vocabulary)
