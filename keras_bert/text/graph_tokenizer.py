"""The tokenizer of `tokenization.py` as TensorFlow operations: raw strings in, model inputs out.

It runs inside `tf.data.Dataset.map` and is saved with a SavedModel; whoever loads that needs
`import tensorflow_text` and nothing else of ours.

TensorFlow Text's own BERT normalizer folds by NFKC ("," for the full-width comma, "fi" for the
ligature), so here the text is normalized by regular expressions first, whose character classes
are written out from Python's `unicodedata`: the graph then holds the very classes of the Python
tokenizer. Only lower-casing and NFD come from ICU. TensorFlow 2.21's ICU does not lower the 40
capital letters that Unicode 14 added (Vithkuqi, U+2C2F, U+A7C0, U+A7D0, U+A7D6, U+A7D8), and
TensorFlow Text's decomposes 20 letters of Unicode 16; no other character differs. A string that
is not UTF-8 loses its invalid bytes, as in the original.
"""

import functools
import itertools

import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.extras import missing_message
from keras_bert.text import cleaning
from keras_bert.text.graph_added_tokens import AddedTokensInGraph

_BYTES_PER_CHAR = 4

# The planes in which Unicode has assigned anything but private use; surrogates are no UTF-8.
_CODES = (*range(0xD800), *range(0xE000, 0x40000), *range(0xE0000, 0xF0000))


class GraphTokenizer(tf.Module):
    """Turns a batch of strings into `token_ids`, `segment_ids` and `padding_mask` in the graph.

    Args:
        tokenizer: WordPieceTokenizer, whose vocabulary and switches are taken over.

    Raises:
        InputError: TensorFlow Text is not installed, or an added token cannot be found in a graph.
    """

    def __init__(self, tokenizer):
        super().__init__()
        try:
            import tensorflow_text
        except ImportError as error:
            raise InputError(
                f"tokenizing inside a TensorFlow graph: {missing_message('tensorflow_text')}"
            ) from error
        self._pad_id = tokenizer.pad_id
        self._cls_id = tokenizer.cls_id
        self._sep_id = tokenizer.sep_id
        self._lower_case = tokenizer.lower_case
        self._strip_accents = tokenizer.strip_accents
        self._max_chars_per_word = tokenizer.max_chars_per_word
        self._normalize_utf8 = tensorflow_text.normalize_utf8
        alone = cleaning.is_punctuation
        if tokenizer.tokenize_chinese_chars:
            alone = _is_punctuation_or_cjk
        self._word_by_itself = f"({_character_class(alone)})"
        self._added = AddedTokensInGraph(tokenizer)
        self._word_pieces = tensorflow_text.FastWordpieceTokenizer(
            self._added.vocabulary,
            suffix_indicator="##",
            max_bytes_per_word=_BYTES_PER_CHAR * tokenizer.max_chars_per_word,
            token_out_type=tf.int32,
            unknown_token="[UNK]",
            no_pretokenization=True,
        )

    def __call__(self, texts, texts_b=None, length=128):
        """Tokenizes sentences or pairs.

        Args:
            texts: string tensor, (batch,), UTF-8.
            texts_b: string tensor, (batch,), or None.
            length: int, the length of each row; longer ones are truncated as `encode` does.

        Returns:
            dict of int32 tensors of shape (batch, length): `token_ids`, `segment_ids` and
            `padding_mask`, as `WordPieceTokenizer.__call__` gives them.

        Raises:
            InputError: `length` cannot hold the special tokens.
        """
        room = length - (2 if texts_b is None else 3)
        if room < 0:
            raise InputError(f"length {length} has no room for the special tokens [CLS] and [SEP]")
        a = self.tokenize(texts)
        if texts_b is None:
            first = self._between(_keep(a, room), self._cls_id)
            return self._pad(first, tf.zeros_like(first), length)
        b = self.tokenize(texts_b)
        # The closed form of the original's loop, see encoding.truncated_lengths.
        half = room // 2
        kept_a = tf.maximum(room - b.row_lengths(), room - half)
        kept_b = tf.maximum(room - a.row_lengths(), half)
        first = self._between(_keep(a, kept_a), self._cls_id)
        second = self._between(_keep(b, kept_b))
        segment_ids = tf.concat([tf.zeros_like(first), tf.ones_like(second)], axis=1)
        return self._pad(tf.concat([first, second], axis=1), segment_ids, length)

    def tokenize(self, texts):
        """Returns the ids of the pieces of each text, without special tokens.

        Args:
            texts: string tensor, (batch,), UTF-8.

        Returns:
            int32 RaggedTensor, (batch, pieces).
        """
        texts = tf.convert_to_tensor(texts)
        if texts.shape.rank not in (None, 1):
            raise InputError(
                f"expected a batch of texts, of shape (batch,), not {texts.shape}: call "
                f"`Dataset.batch` before `Dataset.map`"
            )
        words = tf.strings.split(self._normalize(texts))
        # "[UNK]" cannot be a word of a text, for brackets are split off.
        too_long = tf.strings.length(words.values, unit="UTF8_CHAR") > self._max_chars_per_word
        words = words.with_values(tf.where(too_long, "[UNK]", words.values))
        return self._added.ids(self._word_pieces.tokenize(words).merge_dims(1, 2))

    def _normalize(self, texts):
        """Returns the texts with a space between any two words and none inside one."""
        texts = tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8", errors="ignore")
        texts = self._added.mark_raw(texts)
        texts = _replace(texts, cleaning.is_control, "")
        texts = _replace(texts, cleaning.is_whitespace, " ")
        if self._lower_case:
            texts = tf.strings.lower(texts, encoding="utf-8")
        if self._strip_accents:
            texts = self._normalize_utf8(texts, "NFD")
            texts = _replace(texts, cleaning.is_accent, "")
        texts = self._added.mark_normalized(texts)
        return tf.strings.regex_replace(texts, self._word_by_itself, r" \1 ")

    def _between(self, ids, start=None):
        """Puts [SEP] after each row of a ragged tensor, and `start` before it."""
        column = tf.ones([ids.nrows(), 1], tf.int32)
        before = [] if start is None else [start * column]
        return tf.concat([*before, ids, self._sep_id * column], axis=1)

    def _pad(self, token_ids, segment_ids, length):
        """Fills ragged rows up to `length`."""
        shape = [None, length]
        return {
            "token_ids": token_ids.to_tensor(self._pad_id, shape=shape),
            "segment_ids": segment_ids.to_tensor(shape=shape),
            "padding_mask": tf.ones_like(token_ids).to_tensor(shape=shape),
        }


def _keep(ids, count):
    """Cuts each row of a ragged tensor down to its first `count` ids (a number or one a row)."""
    count = tf.minimum(ids.row_lengths(), tf.cast(count, tf.int64))
    positions = tf.ragged.range(ids.row_lengths())
    return tf.ragged.boolean_mask(ids, positions < tf.expand_dims(count, 1))


def _replace(texts, predicate, replacement):
    """Replaces each character of which the predicate holds."""
    return tf.strings.regex_replace(texts, _character_class(predicate), replacement)


def _is_punctuation_or_cjk(char):
    return cleaning.is_punctuation(char) or cleaning.is_cjk(char)


@functools.cache
def _character_class(predicate):
    """Writes the characters of which a predicate holds as a class of a regular expression."""
    codes = [code for code in _CODES if predicate(chr(code))]
    # In a run of consecutive codes, code minus rank is constant.
    runs = itertools.groupby(enumerate(codes), lambda pair: pair[1] - pair[0])
    ranges = ""
    for _, run in runs:
        run = [code for _, code in run]
        ranges += f"\\x{{{run[0]:X}}}-\\x{{{run[-1]:X}}}"
    return f"[{ranges}]"
