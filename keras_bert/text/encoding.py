"""From the pieces of one or two sentences to one row of tokens: truncation and special tokens."""

import dataclasses

import numpy as np

from keras_bert.errors import InputError


@dataclasses.dataclass(frozen=True)
class Encoding:
    """One encoded sentence or pair: [CLS] a [SEP], or [CLS] a [SEP] b [SEP], without padding.

    Args:
        token_ids: list of int.
        segment_ids: list of int, 0 up to and with the first [SEP], then 1.
        offsets: list of (start, end), characters of the sentence that the token comes from;
            (0, 0) for special tokens.
        tokens: list of str.
        word_ids: list of int, the word of the sentence, from 0, that the token is a piece of; None
            for special tokens. Words are what spaces and punctuation part, or those that were
            given.
    """

    token_ids: list
    segment_ids: list
    offsets: list
    tokens: list
    word_ids: list

    def __repr__(self):
        return f"<Encoding of {len(self.tokens)} tokens: {' '.join(self.tokens)}>"


@dataclasses.dataclass
class Pieces:
    """The pieces of one text, read like a `tokenizers.Encoding`.

    Args:
        ids: list of int.
        tokens: list of str.
        offsets: list of (start, end), characters of the text.
        word_ids: list of int, the word that each is a piece of.
    """

    ids: list
    tokens: list
    offsets: list
    word_ids: list

    def __len__(self):
        return len(self.ids)

    def append(self, part, start):
        """Appends the pieces of a later stretch of the text.

        Args:
            part: Pieces or `tokenizers.Encoding` of the stretch.
            start: the character of the text that it starts at.
        """
        words = 1 + self.word_ids[-1] if self.word_ids else 0
        self.word_ids += [words + word for word in part.word_ids]
        self.ids += part.ids
        self.tokens += part.tokens
        self.offsets += [(start + first, start + last) for first, last in part.offsets]


def assemble(a, b, kept_a, kept_b, cls_id, sep_id):
    """Puts the special tokens around what is kept of one or two sentences.

    Args:
        a: Pieces or `tokenizers.Encoding` of the first sentence.
        b: the same of the second, or None.
        kept_a: int, the first sentence keeps so many pieces.
        kept_b: int, the second sentence keeps so many.
        cls_id: int.
        sep_id: int.

    Returns:
        Encoding.
    """
    ids = [cls_id, *a.ids[:kept_a], sep_id]
    tokens = ["[CLS]", *a.tokens[:kept_a], "[SEP]"]
    offsets = [(0, 0), *a.offsets[:kept_a], (0, 0)]
    word_ids = [None, *a.word_ids[:kept_a], None]
    segment_ids = [0] * len(ids)
    if b is not None:
        ids += [*b.ids[:kept_b], sep_id]
        tokens += [*b.tokens[:kept_b], "[SEP]"]
        offsets += [*b.offsets[:kept_b], (0, 0)]
        word_ids += [*b.word_ids[:kept_b], None]
        segment_ids += [1] * (kept_b + 1)
    return Encoding(ids, segment_ids, offsets, tokens, word_ids)


def overlapping_tokens(starts, ends, start, end):
    """Returns the first and last token that overlap a stretch of characters, or None.

    Args:
        starts, ends: int arrays of shape (tokens,), the characters of the text that each token
            comes from, the end not included; neither ever goes back.
        start, end: characters of the text, the end not included.
    """
    first = int(np.searchsorted(ends, start, side="right"))
    last = int(np.searchsorted(starts, end, side="left")) - 1
    return (first, last) if first <= last else None


def truncated_lengths(length_a, length_b, length):
    """Says how many pieces of each sentence fit.

    Args:
        length_a: int, pieces of the first sentence.
        length_b: int, pieces of the second sentence, or None without one.
        length: int, room for all tokens, [CLS] and [SEP] included; None means unlimited.

    Returns:
        (int, int): the pieces kept of each sentence. What the original reaches by dropping from
        the longer sentence, at a tie from the second, until both fit.

    Raises:
        InputError: no room for the special tokens.

    Source: google-research/bert run_classifier.py, _truncate_seq_pair.
    """
    if length is None:
        return length_a, length_b or 0
    room = length - (2 if length_b is None else 3)
    if room < 0:
        raise InputError(f"length {length} has no room for the special tokens [CLS] and [SEP]")
    if length_b is None:
        return min(length_a, room), 0
    half = room // 2
    kept_a = min(length_a, max(room - length_b, room - half))
    return kept_a, min(length_b, max(room - length_a, half))
