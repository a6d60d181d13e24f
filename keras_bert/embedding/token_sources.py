"""Vectors of tokens, and the place of each token in its text. Needs numpy only."""

import dataclasses
import unicodedata

import numpy as np

# An array of strings is as wide as its longest string; one web address of a thousand characters
# must not make every word a thousand characters wide.
MAX_WORD = 100


@dataclasses.dataclass(frozen=True)
class TokenVectors:
    """Vectors of all tokens of some texts in one array, and where the tokens come from.

    `len()` is the number of texts; indexing with i returns the `TokenVectors` of text i alone.

    Attributes:
        vectors: float32, shape (tokens, hidden_size), or (tokens, layers, hidden_size).
        row_splits: int64, shape (texts + 1,); text i has tokens row_splits[i] to
            row_splits[i + 1] - 1, [CLS] and [SEP] among them.
        tokens: str array of shape (tokens,), the pieces as in the vocabulary.
        offsets: int32, shape (tokens, 2), first character and one past the last of each token in
            the text that it comes from; (0, 0) for [CLS] and [SEP].
        segment_ids: int8, shape (tokens,): 0 for tokens of the first text of a pair, 1 for those
            of the second; `offsets` refer to that text.
        word_ids: int32, shape (tokens,), the number of the token's word among those of its text
            or pair, from 0; -1 for [CLS] and [SEP].
        words: str array of shape (tokens,), that word as written in the text, at most its first
            `MAX_WORD` characters; "" for [CLS] and [SEP].
    """

    vectors: np.ndarray
    row_splits: np.ndarray
    tokens: np.ndarray
    offsets: np.ndarray
    segment_ids: np.ndarray
    word_ids: np.ndarray
    words: np.ndarray

    def __len__(self):
        return len(self.row_splits) - 1

    def __getitem__(self, index):
        if not -len(self) <= index < len(self):
            raise IndexError(f"text {index} of {len(self)}")
        index %= len(self)
        start, end = self.row_splits[index : index + 2]
        arrays = {
            field.name: getattr(self, field.name)[start:end] for field in dataclasses.fields(self)
        }
        return TokenVectors(**{**arrays, "row_splits": np.array([0, end - start])})


class TokenSources:
    """Collects where the tokens of many texts come from: `TokenVectors` without the vectors.

    Args:
        texts: list of str.
        texts_b: list of the second texts of pairs, or None.
        vocabulary: list of str, the tokens by their ids.
    """

    def __init__(self, texts, texts_b, vocabulary):
        self._texts = (texts, texts_b)
        self._vocabulary = vocabulary
        self._token_ids, self._offsets, self._segment_ids = [], [], []
        self._word_ids, self._spans = [], []

    def add(self, encoding):
        """Adds the `Encoding` of the next text or pair."""
        word_ids, spans = words_of_tokens(encoding, self._pair(len(self._token_ids)))
        self._token_ids.append(np.array(encoding.token_ids, "int32"))
        self._offsets.append(np.array(encoding.offsets, "int32"))
        self._segment_ids.append(np.array(encoding.segment_ids, "int8"))
        self._word_ids.append(word_ids)
        self._spans.append(spans)

    def _pair(self, index):
        first, second = self._texts
        return first[index], None if second is None else second[index]

    def arrays(self):
        """Returns the arrays of numbers, a dict by their names in `TokenVectors`."""
        lengths = [len(ids) for ids in self._token_ids]
        return {
            "row_splits": np.concatenate([[0], np.cumsum(lengths)]).astype("int64"),
            "offsets": np.concatenate([np.empty((0, 2), "int32"), *self._offsets]),
            "segment_ids": np.concatenate([np.empty(0, "int8"), *self._segment_ids]),
            "word_ids": np.concatenate([np.empty(0, "int32"), *self._word_ids]),
        }

    def strings(self):
        """Returns the arrays of strings, a dict of (dtype, blocks) by names in `TokenVectors`.

        `blocks` is a function that yields an array for each text: an array of strings is as wide as
        its longest, so the whole array may be larger than the vectors.
        """
        used = {token for ids in self._token_ids for token in np.unique(ids).tolist()}
        widest = max((len(self._vocabulary[token]) for token in used), default=1)
        lengths = [int((spans[:, 1] - spans[:, 0]).max()) for spans in self._spans]
        longest = min(max([1, *lengths]), MAX_WORD)
        return {
            "tokens": (f"<U{widest}", lambda: self._tokens(f"<U{widest}")),
            "words": (f"<U{longest}", lambda: self._words(f"<U{longest}")),
        }

    def _tokens(self, dtype):
        for ids in self._token_ids:
            yield np.array([self._vocabulary[token] for token in ids], dtype)

    def _words(self, dtype):
        for index, (segments, spans) in enumerate(zip(self._segment_ids, self._spans)):
            pair = self._pair(index)
            words = [
                pair[segment][start:end][:MAX_WORD] if end else ""
                for segment, (start, end) in zip(segments, spans)
            ]
            yield np.array(words, dtype)


def words_of_tokens(encoding, texts):
    """Returns for each token the word of the text that it is a piece of.

    A word is the unit that the tokenizer splits into pieces: letters between spaces, or a single
    punctuation mark or CJK ideograph.

    Args:
        encoding: `Encoding`.
        texts: the text that it was made from, or the two of a pair, as a tuple.

    Returns:
        (int32 of shape (tokens,), int32 of shape (tokens, 2)): the number of each token's word,
        -1 for special tokens, and the word's first character and one past its last.
    """
    word_ids = np.full(len(encoding.tokens), -1, "int32")
    spans = np.zeros((len(encoding.tokens), 2), "int32")
    number = -1
    first = 0
    for index, (token, offsets) in enumerate(zip(encoding.tokens, encoding.offsets)):
        if token in ("[CLS]", "[SEP]"):  # in a text, each bracket is a word of its own
            continue
        if not (token.startswith("##") and len(token) > 2):
            number, first = number + 1, index
            spans[index, 0] = offsets[0]
        word_ids[index] = number
        segment = encoding.segment_ids[index]
        text = texts[segment]
        limit = len(text)
        if encoding.tokens[index + 1] != "[SEP]":
            limit = encoding.offsets[index + 1][0]
        spans[first : index + 1] = spans[first, 0], with_marks(text, offsets[1], limit)
    return word_ids, spans


def with_marks(text, end, limit):
    """Returns where a word ends, including accents that follow it as separate characters.

    Args:
        text: str.
        end: int, one past the last character of the word that the tokenizer keeps.
        limit: int, where the next word begins: it may begin with an accent.
    """
    while end < limit and unicodedata.category(text[end]) == "Mn":
        end += 1
    return end
