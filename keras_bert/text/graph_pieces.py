"""Word pieces with the characters that they come from, in a TensorFlow graph.

The same ids and offsets as `WordPieceTokenizer.cut`. TensorFlow Text's own BERT normalizer folds by
NFKC ("," for the full-width comma, "fi" for the ligature), so texts are normalized by tables of
`graph_characters` first. A string that is not UTF-8 loses its invalid bytes, as in the original.
"""

import dataclasses

import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.extras import missing_message
from keras_bert.text.graph_added_tokens import FIRST_PRIVATE, AddedTokensInGraph
from keras_bert.text.graph_characters import (
    CharacterFlags,
    Normalizer,
    Sequence,
    decoded,
    encoded,
    masked,
    utf8_sizes,
)

_BYTES_PER_CHAR = 4


def tensorflow_text():
    """Returns the module of TensorFlow Text.

    Raises:
        InputError: it is not installed.
    """
    try:
        import tensorflow_text
    except ImportError as error:
        raise InputError(
            f"tokenizing inside a TensorFlow graph: {missing_message('tensorflow_text')}"
        ) from error
    return tensorflow_text


def word_pieces_of(added, tokenizer, **more):
    """Returns TensorFlow Text's FastWordpieceTokenizer of a vocabulary.

    Args:
        added: `AddedTokensInGraph` of the tokenizer.
        tokenizer: `WordPieceTokenizer`.
        **more: further arguments of its constructor.
    """
    return tensorflow_text().FastWordpieceTokenizer(
        added.vocabulary,
        suffix_indicator="##",
        max_bytes_per_word=_BYTES_PER_CHAR * tokenizer.max_chars_per_word,
        token_out_type=tf.int32,
        unknown_token="[UNK]",
        **more,
    )


@dataclasses.dataclass(frozen=True)
class GraphPieces:
    """The pieces of texts, without special tokens: int32 RaggedTensors (batch, pieces).

    Attributes:
        ids: the tokens.
        starts, ends: characters of the text, the end not included.
    """

    ids: tf.RaggedTensor
    starts: tf.RaggedTensor
    ends: tf.RaggedTensor


class PieceCutterInGraph(tf.Module):
    """Cuts texts into the pieces of a vocabulary.

    Args:
        tokenizer: `WordPieceTokenizer`, whose vocabulary and switches are taken over.
        flags: `CharacterFlags`, or None to make them.

    Raises:
        InputError: TensorFlow Text is not installed, or an added token cannot be found in a graph.
    """

    def __init__(self, tokenizer, flags=None):
        super().__init__()
        tensorflow_text()
        self._cjk_alone = tokenizer.tokenize_chinese_chars
        self._max_chars_per_word = tokenizer.max_chars_per_word
        self._flags = flags or CharacterFlags()
        self._normalizer = Normalizer(tokenizer.lower_case, tokenizer.strip_accents, self._flags)
        self._added = AddedTokensInGraph(tokenizer)
        self._unk = self._added.vocabulary.index("[UNK]")
        self._word_pieces = word_pieces_of(self._added, tokenizer, no_pretokenization=True)

    def __call__(self, texts):
        """Returns the `GraphPieces` of a string tensor, (batch,)."""
        return self.cut(decoded(texts))

    def cut(self, codes):
        """Returns the `GraphPieces` of texts.

        Args:
            codes: int32 RaggedTensor (batch, characters), their code points.
        """
        sequence = self._with_added_tokens(Sequence.of(codes))
        words, rows, sources = self._words(sequence)
        # "[UNK]" cannot be a word of a text, for brackets are split off.
        too_long = words.row_lengths() > self._max_chars_per_word
        strings = tf.where(too_long, "[UNK]", encoded(words))
        ids, first_bytes, end_bytes = self._word_pieces.tokenize_with_offsets(strings)
        word = tf.cast(ids.value_rowids(), tf.int32)
        unknown = ids.values == self._unk
        # From bytes of a word to its characters.
        before = tf.concat([[0], tf.cumsum(utf8_sizes(words.values))], axis=0)

        def character(in_word):
            begin = tf.gather(before, tf.gather(words.row_splits, word))
            return tf.searchsorted(before, begin + tf.cast(in_word, tf.int32))

        first = tf.where(unknown, tf.gather(words.row_splits, word), character(first_bytes.values))
        end = tf.where(unknown, tf.gather(words.row_splits, word + 1), character(end_bytes.values))
        starts = tf.gather(sequence.starts, tf.gather(sources, first))
        ends = tf.gather(sequence.ends, tf.gather(sources, end - 1))
        rows = tf.gather(rows, word)
        found = tf.RaggedTensor.from_value_rowids(
            self._added.ids(ids.values), rows, nrows=codes.nrows(), validate=False
        )
        return GraphPieces(found, found.with_values(starts), found.with_values(ends))

    def _words(self, sequence):
        """Normalizes texts and splits them into words, as `cleaning.split_words` does.

        Args:
            sequence: a `Sequence`.

        Returns:
            A tuple: int32 RaggedTensor (words of all texts, characters); int32 tensor of shape
            (words of all texts,), the text of each; the sources of the characters, int32 indices
            into the characters of the sequence.
        """
        chars, sources = self._normalizer(sequence.codes)
        values, rows = chars.values, chars.value_rowids()
        of_chars, of_sources = (
            self._flags(codes) for codes in (values, tf.gather(sequence.codes.values, sources))
        )
        alone = of_chars("punctuation")
        if self._cjk_alone:
            alone |= of_sources("cjk")
        if self._added.any:
            alone |= values >= FIRST_PRIVATE
        is_space = of_sources("whitespace")
        cut = alone | is_space
        begins = cut[1:] | cut[:-1] | (rows[1:] != rows[:-1])
        begins = tf.concat([tf.ones_like(rows[:1], tf.bool), begins], axis=0) & ~is_space
        _, indices = masked(chars, ~is_space)
        word = tf.cumsum(tf.cast(tf.gather(begins, indices), tf.int32)) - 1
        count = tf.reduce_sum(tf.cast(begins, tf.int32))
        words = tf.RaggedTensor.from_value_rowids(
            tf.gather(values, indices), word, nrows=count, validate=False
        )
        return words, tf.boolean_mask(rows, begins), tf.gather(sources, indices)

    def _with_added_tokens(self, sequence):
        """Returns a `Sequence` with one private character for each added token."""
        if not self._added.any:
            return sequence
        codes = sequence.codes
        free = tf.where(codes.values >= FIRST_PRIVATE, ord(self._added.free), codes.values)
        sequence = dataclasses.replace(sequence, codes=codes.with_values(free))
        sequence = _replaced(sequence, *self._added.find_raw(sequence.codes))
        chars, sources = self._normalizer(sequence.codes)
        firsts, lasts, private = self._added.find_normalized(chars)
        firsts, lasts = tf.gather(sources, firsts), tf.gather(sources, lasts)
        return _replaced(sequence, firsts, lasts, private)


def _replaced(sequence, firsts, lasts, chars):
    """Puts one character in the place of each of some stretches of a `Sequence`.

    Args:
        sequence: `Sequence`.
        firsts, lasts: int32 tensors of shape (stretches,), the indices of their characters.
        chars: int32 tensor of shape (stretches,), the new code points.
    """
    size = tf.shape(sequence.starts)
    places = firsts[:, None]
    begins = tf.scatter_nd(places, tf.ones_like(firsts), size)
    after = tf.scatter_nd(lasts[:, None] + 1, tf.ones_like(lasts), size + 1)[:-1]
    inside = tf.cumsum(begins - after) > 0
    codes = tf.tensor_scatter_nd_update(sequence.codes.values, places, chars)
    ends = tf.tensor_scatter_nd_update(sequence.ends, places, tf.gather(sequence.ends, lasts))
    kept, indices = masked(sequence.codes.with_values(codes), ~inside | (begins > 0))
    return Sequence(kept, tf.gather(sequence.starts, indices), tf.gather(ends, indices))
