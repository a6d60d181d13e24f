"""Characters in a TensorFlow graph: code points, and what Python knows of each of them.

Everything here is a table that is read off Python's own `str` and `unicodedata`, so that a graph
holds the very classes, lower case and decompositions of the Python modules, and not those of a
library of TensorFlow. What depends on neighbours, the final sigma, is computed as CPython does.
"""

import dataclasses
import functools
import unicodedata

import numpy as np
import tensorflow as tf

from keras_bert.text import cleaning

_ALL_CODES = 0x110000
_BLOCK = 256
# The planes in which Unicode has assigned anything but private use; surrogates are no UTF-8.
PLANES = (*range(0xD800), *range(0xE000, 0x40000), *range(0xE0000, 0xF0000))
_SIGMA, _FINAL, _INNER = 0x3A3, 0x3C2, 0x3C3


@functools.cache
def _known_codes():
    """Returns the code points that are anything but signs without case to the functions below."""
    return [
        code
        for code in PLANES
        if unicodedata.category(chr(code)) != "Cn" or cleaning.is_cjk(chr(code))
    ]


def _is_cased(char):
    return f"{char}\u03a3".lower()[-1] == "\u03c2"


def _is_ignorable(char):
    """Returns whether the final sigma looks past a character, such as an apostrophe."""
    return f"A{char}\u03a3".lower()[-1] == "\u03c2" and not _is_cased(char)


# What one bit of a number says of a character.
PREDICATES = {
    "control": cleaning.is_control,
    "whitespace": cleaning.is_whitespace,
    "punctuation": cleaning.is_punctuation,
    "cjk": cleaning.is_cjk,
    "mark": lambda char: unicodedata.category(char)[0] == "M",
    "space": str.isspace,
    "alpha": str.isalpha,
    "alnum": str.isalnum,
    "digit": lambda char: unicodedata.category(char) == "Nd",
    "upper": str.isupper,
    "cased": _is_cased,
    "ignorable": _is_ignorable,
}


class CodeTable(tf.Module):
    """A number for each code point, in blocks of which equal ones are kept once.

    Args:
        values: int array of shape (0x110000,).
    """

    def __init__(self, values):
        super().__init__()
        blocks = np.asarray(values, "int32").reshape(-1, _BLOCK)
        numbers = {}  # of distinct blocks
        index = [numbers.setdefault(block.tobytes(), len(numbers)) for block in blocks]
        with tf.init_scope():
            self._index = tf.constant(index, tf.int32) * _BLOCK
            self._values = tf.constant(np.frombuffer(b"".join(numbers), "int32"))

    def __call__(self, codes):
        """Returns the int32 numbers of code points, int32 of any shape."""
        return tf.gather(self._values, tf.gather(self._index, codes // _BLOCK) + codes % _BLOCK)


class CharacterFlags(tf.Module):
    """Which of `PREDICATES`, or of other predicates, hold of characters.

    Args:
        **more: functions from a character to bool.
    """

    def __init__(self, **more):
        super().__init__()
        predicates = {**PREDICATES, **more}
        self._bits = {name: 1 << bit for bit, name in enumerate(predicates)}
        self._table = CodeTable(_flag_values(tuple(predicates.items())))

    def __call__(self, codes):
        """Returns a function from a predicate's name to bools of the shape of `codes`."""
        found = self._table(codes)
        return lambda name: tf.bitwise.bitwise_and(found, self._bits[name]) > 0


@functools.cache
def _flag_values(predicates):
    values = np.zeros(_ALL_CODES, "int32")
    codes = _known_codes()
    chars = [chr(code) for code in codes]
    for bit, (_, holds) in enumerate(predicates):
        values[codes] |= np.array([holds(char) for char in chars], "int32") << bit
    return values


class Expansions(tf.Module):
    """Turns each character into the characters that lower-casing and stripping leave of it.

    Args:
        lower_case: whether to lower the case.
        strip_accents: whether to decompose (NFD) and drop non-spacing marks.
    """

    def __init__(self, lower_case, strip_accents):
        super().__init__()
        counts, firsts, parts = _expansion_values(lower_case, strip_accents)
        self._counts, self._firsts = CodeTable(counts), CodeTable(firsts)
        with tf.init_scope():
            self._parts = tf.constant(parts, tf.int32)

    def __call__(self, codes):
        """Returns the new code points, and of each the index of the one that it comes from.

        Args:
            codes: int32 tensor of shape (characters,).

        Returns:
            A tuple of int32 tensors of shape (new characters,).
        """
        counts = self._counts(codes)
        owner = tf.repeat(tf.range(tf.size(codes)), counts)
        number = tf.ragged.range(counts).values
        single = tf.gather(counts, owner) == 1
        first = tf.gather(self._firsts(codes), owner)
        several = tf.gather(self._parts, tf.where(single, 0, first + number))
        return tf.where(single, tf.gather(codes, owner) + first, several), owner


@functools.cache
def _expansion_values(lower_case, strip_accents):
    """Returns the number of parts of each code point; the difference to its only part, or where
    its parts begin in a list; and that list.
    """
    counts, firsts = np.ones(_ALL_CODES, "int32"), np.zeros(_ALL_CODES, "int32")
    parts = [0]
    for code in _known_codes():
        char = chr(code)
        new = char.lower() if lower_case else char
        if strip_accents:
            new = [c for c in unicodedata.normalize("NFD", new) if not cleaning.is_accent(c)]
        counts[code] = len(new)
        if len(new) == 1:
            firsts[code] = ord(new[0]) - code
        elif new:
            firsts[code] = len(parts)
            parts += map(ord, new)
    return counts, firsts, parts


def decoded(texts):
    """Returns the code points of texts, an int32 RaggedTensor (batch, characters).

    Args:
        texts: string tensor, (batch,), UTF-8; invalid bytes are dropped.
    """
    codes = tf.strings.unicode_decode(texts, "UTF-8", errors="ignore")
    return codes.with_row_splits_dtype(tf.int32)


def encoded(codes):
    """Returns the UTF-8 texts of an int32 RaggedTensor (batch, characters), shape (batch,)."""
    return tf.strings.unicode_encode(codes, "UTF-8")


def utf8_sizes(codes):
    """Returns the bytes of each character in UTF-8, int32 of the shape of `codes`."""
    sizes = [tf.cast(codes >= least, tf.int32) for least in (0x80, 0x800, 0x10000)]
    return 1 + tf.add_n(sizes)


def masked(codes, kept):
    """Returns the characters of ragged rows of which a flat bool tensor is true, and their indices.

    Args:
        codes: int32 RaggedTensor (batch, characters).
        kept: bool tensor of shape (characters of all rows,).

    Returns:
        A tuple: RaggedTensor (batch, fewer characters); int32 indices into `codes.values`.
    """
    indices = tf.cast(tf.where(kept)[:, 0], tf.int32)
    before = tf.concat([[0], tf.cumsum(tf.cast(kept, tf.int32))], axis=0)
    splits = tf.gather(before, codes.row_splits)
    values = tf.gather(codes.values, indices)
    return tf.RaggedTensor.from_row_splits(values, splits, validate=False), indices


def with_sigmas(codes, flags):
    """Lowers the capital sigmas of ragged rows: to the final one at the end of a word.

    Args:
        codes: int32 RaggedTensor (batch, characters).
        flags: `CharacterFlags`.

    Source: CPython, Objects/unicodeobject.c, handle_capital_sigma.
    """
    values, found = codes.values, flags(codes.values)
    counts = ~found("ignorable")
    total = tf.concat([[0], tf.cumsum(tf.cast(counts, tf.int32))], axis=0)
    rank, at_splits = total[:-1], tf.gather(total, codes.row_splits)
    rows = codes.value_rowids()
    # The characters that count; one that does not exist has no case.
    cased = tf.concat([[False], tf.boolean_mask(found("cased"), counts), [False, False]], axis=0)
    before = tf.gather(cased, rank) & (rank > tf.gather(at_splits, rows))
    after = tf.gather(cased, rank + 2) & (rank + 1 < tf.gather(at_splits, rows + 1))
    lowered = tf.where(before & ~after, _FINAL, _INNER)
    return codes.with_values(tf.where(values == _SIGMA, lowered, values))


class Normalizer(tf.Module):
    """Cleans, lowers and strips texts, character by character, as `cleaning.normalize` does.

    Args:
        lower_case, strip_accents: bool.
        flags: `CharacterFlags`.
    """

    def __init__(self, lower_case, strip_accents, flags):
        super().__init__()
        self._lower_case, self._flags = lower_case, flags
        self._expansions = Expansions(lower_case, strip_accents)

    def __call__(self, codes):
        """Returns normalized texts, and where their characters come from.

        Args:
            codes: int32 RaggedTensor (batch, characters).

        Returns:
            A tuple: int32 RaggedTensor (batch, normalized characters), with a space for each
            whitespace character; int32 indices into `codes.values`, one for each of its values.
        """
        kept, indices = masked(codes, ~self._flags(codes.values)("control"))
        kept = kept.with_values(
            tf.where(self._flags(kept.values)("whitespace"), ord(" "), kept.values)
        )
        if self._lower_case:
            kept = with_sigmas(kept, self._flags)
        values, owner = self._expansions(kept.values)
        rows = tf.gather(kept.value_rowids(), owner)
        normalized = tf.RaggedTensor.from_value_rowids(
            values, rows, nrows=kept.nrows(), validate=False
        )
        return normalized, tf.gather(indices, owner)


@dataclasses.dataclass(frozen=True)
class Sequence:
    """Characters of texts, each with the stretch of its text that it stands for.

    Attributes:
        codes: int32 RaggedTensor (batch, characters).
        starts, ends: int32 tensors, one number for each of `codes.values`: characters of the text.
    """

    codes: tf.RaggedTensor
    starts: tf.Tensor
    ends: tf.Tensor

    @classmethod
    def of(cls, codes):
        """Returns texts as they are."""
        starts = tf.ragged.range(codes.row_lengths()).values
        return cls(codes, starts, starts + 1)
