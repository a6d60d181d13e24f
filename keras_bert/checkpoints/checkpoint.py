"""The type that every reader returns, and how its weights get into a model's variables."""

import dataclasses
import os
import re
import sys
from collections.abc import Callable

import numpy as np

from keras_bert.checkpoints import names, tokenizer_json
from keras_bert.config import BertConfig
from keras_bert.errors import InputError
from keras_bert.text.vocabulary import load_vocabulary

_DIFFERENCES_SHOWN = 5


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """An opened checkpoint: sizes are known and checked, weights are read on demand.

    Args:
        path: the file that the weights come from, for messages.
        config: the `BertConfig` that the checkpoint states.
        vocabulary_path: its `vocab.txt`, or None.
        tokenizer_switches: those of `lower_case`, `strip_accents` and `tokenize_chinese_chars`
            that the checkpoint states.
        labels: names of a classifier's classes or a tagger's tags, else None.
        shapes: dict from canonical name (see `names`) to shape, heads included.
        read: function from a canonical name to its weight, float32.
        pieces: list of str, the vocabulary of a Hugging Face `tokenizer.json`, or None.
        task: the kind of task whose head it has, as `ModelConfig.task`; None for an encoder, and
            for one with the heads of pretraining.
        settings: dict of the task's settings that it states.
        notes: what a user should know of it, one line each.
        pooling: "cls" or "mean", the vector that it uses for a whole text.
        normalize: whether it brings the vectors of texts to length 1; None where it states neither
            that nor a pooling.
        added_tokens: dicts of the tokens that its tokenizer's files declare beside the word
            pieces: `content`, `id` (or None), `place` (the file) and flags of `AddedToken`.
        max_chars_per_word: int, its longest word in characters, or None; longer ones are [UNK].
        max_length: the most tokens of a text that it states, or None.
    """

    path: str
    config: BertConfig
    vocabulary_path: str | None
    tokenizer_switches: dict
    labels: list | None
    shapes: dict
    read: Callable[[str], np.ndarray]
    pieces: list | None = None
    task: str | None = None
    settings: dict = dataclasses.field(default_factory=dict)
    notes: tuple = ()
    pooling: str = "cls"
    normalize: bool | None = None
    added_tokens: tuple = ()
    max_chars_per_word: int | None = None
    max_length: int | None = None

    @property
    def length(self):
        """The most tokens of a text: what it states, as far as it has positions."""
        return min(self.max_length or sys.maxsize, self.config.max_position_embeddings)

    def read_vocabulary(self):
        """Returns the list of word pieces, or None where the checkpoint has none.

        Raises:
            InputError: the file is not a word-piece vocabulary, or there are two of them.
        """
        if self.vocabulary_path is None:
            return self.pieces  # transformers 5 saves no vocab.txt
        vocabulary = load_vocabulary(self.vocabulary_path)
        if self.pieces is not None:
            added = {token["content"] for token in self.added_tokens}
            folder = os.path.dirname(self.vocabulary_path)
            tokenizer_json.check_same(vocabulary, self.pieces, added, folder)
        # Blank lines at the end are no tokens of any text, and often more than the table's rows.
        while len(vocabulary) > self.config.vocab_size and not vocabulary[-1]:
            vocabulary.pop()
        return vocabulary


def check_against_config(checkpoint):
    """Checks that the encoder's weights fit the checkpoint's own config.

    Returns:
        The checkpoint.

    Raises:
        InputError: they do not; the message names the differences.
    """
    # An untrusted config can claim a billion layers: they are not listed one by one.
    layers = checkpoint.config.num_hidden_layers
    if layers > len(checkpoint.shapes):
        raise InputError(
            f"{checkpoint.path}: weights do not fit its config: "
            f"{_count_layers(checkpoint.shapes)} layers, expected {layers}"
        )
    _compare(checkpoint, names.expected_shapes(checkpoint.config), "its config")
    return checkpoint


def assign(variables, checkpoint):
    """Copies a checkpoint's weights into variables: all of them, or none and an error.

    Args:
        variables: dict from canonical name to `keras.Variable`, as `names.variables_of` makes it.
        checkpoint: a `Checkpoint`.

    Returns:
        List of the canonical names that were not changed: the pooler's, where the checkpoint has
        none (masked language models, taggers and question answerers often have none), else empty.

    Raises:
        InputError: a weight is missing, has another shape, cannot be read or is not finite, or the
            checkpoint's encoder has a weight that is not in `variables`. No variable has changed.
    """
    expected = {name: names.canonical_shape(name, v) for name, v in variables.items()}
    untouched = _compare(checkpoint, expected, "the model")
    # Every weight is read and checked before the first is assigned, so a file that is damaged in
    # the middle does not change the model. This needs memory for a second copy of the weights.
    values = {}
    for name in expected:
        if name in untouched:
            continue
        value = checkpoint.read(name)
        if not np.isfinite(value).all():
            raise InputError(f"{checkpoint.path}: {name} has values that are not finite")
        values[name] = value.T if names.is_transposed(name) else value
    for name, value in values.items():
        variables[name].assign(value)
    return untouched


def to_float32(array, name):
    """Widens a stored weight.

    Raises:
        InputError: it is not a floating-point array.
    """
    array = np.asarray(array)
    if array.dtype.name not in ("float16", "bfloat16", "float32", "float64"):
        raise InputError(f"{name} has type {array.dtype.name}; a weight must be floating-point")
    return array.astype(np.float32, copy=False)


def describe_differences(actual, expected):
    """Returns in one line how two dicts from name to shape differ.

    Args:
        actual: the shapes of the weights; only those under `bert/` count as unexpected.
        expected: the shapes that they should have.

    Returns:
        A line, empty where nothing is missing, unexpected or of another shape.
    """
    lines = [f"{name} is missing" for name in expected if name not in actual]
    lines += [
        f"{name} has shape {tuple(actual[name])}, expected {tuple(shape)}"
        for name, shape in expected.items()
        if name in actual and tuple(actual[name]) != tuple(shape)
    ]
    lines += [
        f"{name} is unexpected"
        for name in actual
        if name.startswith("bert/") and name not in expected
    ]
    more = len(lines) - _DIFFERENCES_SHOWN
    shown = lines[:_DIFFERENCES_SHOWN] + ([f"and {more} more"] if more > 0 else [])
    layers = _count_layers(actual), _count_layers(expected)
    if lines and layers[0] != layers[1]:
        shown.insert(0, f"{layers[0]} layers, expected {layers[1]}")
    return "; ".join(shown)


def _compare(checkpoint, expected, what):
    """Raises unless the shapes fit; returns the pooler's names if the checkpoint has no pooler."""
    no_pooler = not any(name in checkpoint.shapes for name in names.POOLER)
    untouched = [name for name in names.POOLER if no_pooler and name in expected]
    expected = {name: shape for name, shape in expected.items() if name not in untouched}
    differences = describe_differences(checkpoint.shapes, expected)
    if differences:
        raise InputError(f"{checkpoint.path}: weights do not fit {what}: {differences}")
    return untouched


def _count_layers(shapes):
    return len({m.group() for name in shapes if (m := re.match(r"bert/encoder/layer_\d+/", name))})
