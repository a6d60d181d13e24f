"""Long passages as overlapping windows of tokens: [CLS] question [SEP] part of the passage [SEP].

Each passage is tokenized once, however many questions there are about it. A window only has the
bounds of its part; its token ids are joined when they are used.
"""

import dataclasses
import functools

import numpy as np

from keras_bert.errors import InputError
from keras_bert.text.encoding import overlapping_tokens

_TEXTS_AT_ONCE = 512


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Passage:
    """The tokens of one text, without special tokens.

    Attributes:
        token_ids: int32 array of shape (tokens,).
        starts, ends: int32 arrays of shape (tokens,), the characters of the text that each token
            comes from, the end not included; neither ever decreases.
    """

    token_ids: np.ndarray
    starts: np.ndarray
    ends: np.ndarray

    def __len__(self):
        return len(self.token_ids)

    def align(self, start, end):
        """Returns the first and last token that overlap characters `start` to `end`, or None."""
        return overlapping_tokens(self.starts, self.ends, start, end)


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Window:
    """One row of the model's input: a question and a part of a passage.

    Attributes:
        question: int32 array, the token ids of the question.
        passage: `Passage`.
        first: int, the first token of the passage in this window.
        count: int, tokens of the passage in this window; 0 only where the passage has none.
        owned: (first, end), tokens of the passage that have most context in this window.
        cls_id, sep_id: int.
    """

    question: np.ndarray
    passage: Passage
    first: int
    count: int
    owned: tuple
    cls_id: int
    sep_id: int

    def __len__(self):
        return len(self.question) + self.count + 3

    @property
    def position(self):
        """The position in the row of the first token of the passage."""
        return len(self.question) + 2

    @property
    def token_ids(self):
        """int32 array of shape (length,)."""
        ids = np.empty(len(self), "int32")
        ids[0] = self.cls_id
        ids[1 : self.position - 1] = self.question
        ids[self.position - 1] = ids[-1] = self.sep_id
        ids[self.position : -1] = self.passage.token_ids[self.first : self.first + self.count]
        return ids

    @property
    def segment_ids(self):
        """int32 array of shape (length,), 0 up to and with the first [SEP], then 1."""
        ids = np.ones(len(self), "int32")
        ids[: self.position] = 0
        return ids

    def position_of(self, token):
        """Returns the position in the row of a token of the passage, None if it is not there."""
        is_here = self.first <= token < self.first + self.count
        return self.position + token - self.first if is_here else None


def check_room(max_length, doc_stride, max_question_length):
    """Raises InputError if windows with the longest question cannot cover a passage."""
    room = max_length - max_question_length - 3
    if room < 1:
        raise InputError(
            f"length {max_length} leaves no room for a passage beside a question of "
            f"{max_question_length} tokens and 3 special ones: a length of {max_length - room + 1} "
            f"would, or a lower max_question_length"
        )
    if doc_stride > room:
        raise InputError(
            f"doc_stride {doc_stride} would skip tokens: of length {max_length}, a question of "
            f"{max_question_length} tokens leaves {room} for the passage: give at most {room}"
        )


def cut_passages(tokenizer, texts):
    """Tokenizes texts.

    Args:
        tokenizer: `WordPieceTokenizer`.
        texts: list of str.

    Returns:
        A list of `Passage`.
    """
    passages = []
    for i in range(0, len(texts), _TEXTS_AT_ONCE):  # the tokenizer's own objects are large
        for pieces in tokenizer.cut(texts[i : i + _TEXTS_AT_ONCE]):
            offsets = np.array(pieces.offsets, "int32").reshape(-1, 2)
            starts, ends = np.ascontiguousarray(offsets.T)
            passages.append(Passage(np.array(pieces.ids, "int32"), starts, ends))
    return passages


def make_windows(tokenizer, questions, contexts, max_length, doc_stride, max_question_length):
    """Makes the windows of questions about passages.

    Args:
        tokenizer: `WordPieceTokenizer`.
        questions: list of str; more than `max_question_length` tokens of one are cut off.
        contexts: list of str, of the same length.
        max_length: int, the most tokens of a window, special tokens included.
        doc_stride: int, tokens from the start of one window to the start of the next.
        max_question_length: int, in tokens.

    Returns:
        A tuple: list of `Window`, those of one question together and in order; int array of the
        same length, the question of each.

    Raises:
        InputError: `max_length` leaves no room, or `doc_stride` would skip tokens.
    """
    check_room(max_length, doc_stride, max_question_length)
    distinct = list(dict.fromkeys(contexts))
    passages = dict(zip(distinct, cut_passages(tokenizer, distinct)))
    windows, indices = [], []
    for i, (question, context) in enumerate(zip(cut_passages(tokenizer, questions), contexts)):
        passage = passages[context]
        question = question.token_ids[:max_question_length]
        parts = layout(len(passage), max_length - len(question) - 3, doc_stride)
        for first, count, owned in parts:
            windows.append(
                Window(question, passage, first, count, owned, tokenizer.cls_id, tokenizer.sep_id)
            )
        indices += [i] * len(parts)
    return windows, np.array(indices, "int64")


@functools.lru_cache(maxsize=4096)
def layout(tokens, room, doc_stride):
    """Returns the part of a passage in each window.

    Args:
        tokens: int, tokens of the passage.
        room: int, the most tokens of it in a window.
        doc_stride: int, at most `room`.

    Returns:
        A tuple of (first, count, owned), as in `Window`: each token of the passage is owned by
        exactly one window.

    Source: google-research/bert run_squad.py, convert_examples_to_features and
    _check_is_max_context.
    """
    firsts = [0]
    while firsts[-1] + room < tokens:
        firsts.append(firsts[-1] + doc_stride)
    counts = [min(room, tokens - first) for first in firsts]
    ends = [
        first + _handover(count, next_count, doc_stride)
        for first, count, next_count in zip(firsts, counts, counts[1:])
    ]
    owned = zip([0, *ends], [*ends, tokens])
    return tuple(zip(firsts, counts, owned))


@functools.lru_cache(maxsize=4096)
def _handover(count, next_count, doc_stride):
    """Returns the first token of a window that has more context in the next window.

    The context of a token is the smaller number of neighbours to its left and right, plus a
    hundredth of the window's length. Along the tokens it falls in the one window and rises in the
    next, so two neighbouring windows decide.
    """
    tokens = np.arange(doc_stride, count)
    here = np.minimum(tokens, count - 1 - tokens) + 0.01 * count
    there = tokens - doc_stride
    there = np.minimum(there, next_count - 1 - there) + 0.01 * next_count
    better = np.flatnonzero(there > here)
    return doc_stride + int(better[0]) if len(better) else count


def answer_tokens(passage, answers):
    """Returns the (first, last) token of the first answer that can be found, or None.

    Args:
        passage: `Passage`.
        answers: list of (text, start), start being a character of the passage, or -1.
    """
    for text, start in answers:
        tokens = passage.align(start, start + len(text)) if start >= 0 else None
        if tokens:
            return tokens
    return None
