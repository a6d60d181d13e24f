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
        InputError: they do not.
    """
    expected = names.expected_shapes(config)
    if labels is not None:
        shapes = ((len(labels), config.hidden_size), (len(labels),))
        expected.update(zip(names.CLASSIFIER, shapes, strict=True))
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
