"""From sentences of words to rows of tokens, with the place of each word's first piece."""

import dataclasses
import math

import numpy as np

from keras_bert.tasks.task import Rows


@dataclasses.dataclass(frozen=True)
class TokenRow:
    """One row of tokens: [CLS], the pieces of some words, [SEP].

    Attributes:
        token_ids: list of int.
        segment_ids: list of int, 0, or 1 with `mark_capitals` of `rows_of_words`.
    """

    token_ids: list
    segment_ids: list


@dataclasses.dataclass(frozen=True)
class ReadWords:
    """The words of a sentence that are read from a row, and their positions.

    Attributes:
        words: range, indices into the sentence's words.
        positions: int array of shape (words,), the first piece of each word in the row.
    """

    words: range
    positions: np.ndarray


def rows_of_words(sentences, tokenizer, max_length, overlap, mark_capitals=False):
    """Returns the rows of sentences; every word is read from exactly one row.

    A word has at least one piece: one without any, such as a lone zero-width space, is [UNK].
    A sentence that is too long is split between words into rows that share some words, and each
    word is read from the row in which it has most context, the smaller of the numbers of words to
    its left and right. A word that is longer than a row loses its end.

    Args:
        sentences: list of list of str.
        tokenizer: `WordPieceTokenizer`.
        max_length: the most tokens of a row, [CLS] and [SEP] included.
        overlap: words of the row before that a row repeats, if they fill at most half of it.
        mark_capitals: whether the pieces of words with a capital letter are of segment 1, so that
            a model with an uncased vocabulary sees them; a tagger has no second text.

    Returns:
        `Rows`, with `ReadWords` as details.
    """
    room = max_length - 2
    pieces = _pieces(sentences, tokenizer, room)
    encodings, indices, details = [], [], []
    for index, words in enumerate(sentences):
        ids = [pieces[word] for word in words]
        for span, read in split_words([len(part) for part in ids], room, overlap):
            token_ids, segment_ids, positions = [tokenizer.cls_id], [0], []
            for word in span:
                if word in read:
                    positions.append(len(token_ids))
                token_ids += ids[word]
                segment_ids += [int(mark_capitals and _has_capital(words[word]))] * len(ids[word])
            token_ids.append(tokenizer.sep_id)
            segment_ids.append(0)
            encodings.append(TokenRow(token_ids, segment_ids))
            details.append(ReadWords(read, np.array(positions, "int64")))
            indices.append(index)
    return Rows(encodings, np.array(indices, "int64"), details)


def split_words(sizes, room, overlap):
    """Splits the words of a sentence among rows.

    Args:
        sizes: list of int, the pieces of each word, from 1 to `room`.
        room: the most pieces of a row.
        overlap: as in `rows_of_words`.

    Returns:
        A list of (words, read), two ranges: the words of a row, and those read from it.
    """
    if sum(sizes) <= room:
        return [(range(len(sizes)), range(len(sizes)))]
    spans, start = [], 0
    while True:
        end, filled = start, 0
        while end < len(sizes) and filled + sizes[end] <= room:
            filled += sizes[end]
            end += 1
        spans.append((start, end))
        if end == len(sizes):
            break
        # The next row needs a new word; context beyond half of it would make too many rows.
        allowed = min(room // 2, room - sizes[end])
        start, shared = end, 0
        while start > end - overlap and start > 0 and shared + sizes[start - 1] <= allowed:
            start -= 1
            shared += sizes[start]
    owned = {}
    first = 0  # of the rows that still hold the word: both ends of rows rise
    for word in range(len(sizes)):
        while spans[first][1] <= word:
            first += 1
        last = first
        while last + 1 < len(spans) and spans[last + 1][0] <= word:
            last += 1
        row = first + _most_context(word, spans[first : last + 1], len(sizes))
        owned.setdefault(row, []).append(word)
    # Rows are in the order of their words, so the words of one owner are neighbours.
    return [
        (range(*spans[row]), range(words[0], words[-1] + 1)) for row, words in sorted(owned.items())
    ]


def _most_context(word, spans, count):
    """Returns the index of the row with most context for a word; at a tie the first."""

    def context(span):
        start, end = span
        # At the ends of the sentence no context is missing.
        left = word - start if start else math.inf
        right = end - 1 - word if end < count else math.inf
        return min(left, right)

    contexts = [context(span) for span in spans]
    return contexts.index(max(contexts))


def _has_capital(word):
    return any(char.isupper() for char in word)


def _pieces(sentences, tokenizer, room):
    """Returns the token ids of each distinct word, at most `room` of them."""
    pieces = tokenizer.cut_words(word for words in sentences for word in words)
    return {word: list(encoding.ids[:room]) for word, encoding in pieces.items()}
