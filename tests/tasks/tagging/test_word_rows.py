"""Rows of words: every word is read once, at its first piece, with as much context as there is."""

import random

import numpy as np
import pytest

from keras_bert.tasks.tagging.word_rows import rows_of_words, split_words
from keras_bert.text.tokenizer import WordPieceTokenizer

VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b", "##a", "##b", "北", "京", "-"]
ID = {token: index for index, token in enumerate(VOCABULARY)}


@pytest.fixture(scope="module")
def tokenizer():
    return WordPieceTokenizer(VOCABULARY)


def ids(tokens):
    return [ID[token] for token in tokens.split()]


def test_a_row_by_hand(tokenizer):
    sentences = [["ab", "x", "\u200b", "北京", "a-b", "[MASK]"], ["B"]]
    rows = rows_of_words(sentences, tokenizer, 32, 4)
    assert rows.encodings[0].token_ids == ids(
        "[CLS] a ##b [UNK] [UNK] 北 京 a - b [UNK] [UNK] [UNK] [SEP]"
    )
    assert rows.details[0].words == range(6)
    assert rows.details[0].positions.tolist() == [1, 3, 4, 5, 7, 10]
    assert rows.encodings[1].token_ids == ids("[CLS] b [SEP]")
    assert rows.example_indices.tolist() == [0, 1]
    assert all(len(e.segment_ids) == len(e.token_ids) for e in rows.encodings)
    assert set(rows.encodings[0].segment_ids) == {0}


def test_capitals_are_told_by_the_segment(tokenizer):
    sentences = [["Ab", "x", "bA", "b", "北京", "Éa"], ["B"] * 5]
    rows = rows_of_words(sentences, tokenizer, 32, 4, mark_capitals=True)
    plain = rows_of_words(sentences, tokenizer, 32, 4)
    assert [row.token_ids for row in rows.encodings] == [row.token_ids for row in plain.encodings]
    assert rows.encodings[0].token_ids == ids("[CLS] a ##b [UNK] b ##a b 北 京 [UNK] [SEP]")
    assert rows.encodings[0].segment_ids == [0, 1, 1, 0, 1, 1, 0, 0, 0, 1, 0]
    split = rows_of_words([["a", "B", "b", "A"]], tokenizer, 4, 1, mark_capitals=True)
    assert [row.token_ids for row in split.encodings] == [
        ids("[CLS] a b [SEP]"), ids("[CLS] b b [SEP]"), ids("[CLS] b a [SEP]"),
    ]  # fmt: skip
    assert [row.segment_ids for row in split.encodings] == [
        [0, 0, 1, 0],
        [0, 1, 0, 0],
        [0, 0, 1, 0],
    ]


def test_a_word_longer_than_a_row_loses_its_end(tokenizer):
    rows = rows_of_words([["b", "a" * 9, "b"]], tokenizer, 5, 4)
    assert [row.token_ids for row in rows.encodings] == [
        ids("[CLS] b [SEP]"), ids("[CLS] a ##a ##a [SEP]"), ids("[CLS] b [SEP]"),
    ]  # fmt: skip
    assert [list(read.words) for read in rows.details] == [[0], [1], [2]]


def test_a_split_by_hand():
    # Ten words of one piece, six to a row, two in common: words 4 and 5 stand in both rows, 4
    # with one word to its right and none to its left, 5 the other way round.
    assert split_words([1] * 10, 6, 2) == [
        (range(6), range(5)),
        (range(4, 10), range(5, 10)),
    ]
    assert split_words([1] * 10, 6, 0) == [(range(6), range(6)), (range(6, 10), range(6, 10))]
    assert split_words([1] * 6, 6, 2) == [(range(6), range(6))]
    # A word of five pieces leaves room for one of context.
    assert split_words([1, 1, 1, 1, 5, 1], 6, 2) == [
        (range(4), range(4)),
        (range(3, 5), range(4, 5)),
        (range(5, 6), range(5, 6)),
    ]


def context(word, span, sizes):
    left = word - span.start if span.start else np.inf
    right = span.stop - 1 - word if span.stop < len(sizes) else np.inf
    return min(left, right)


def test_every_word_is_read_once_from_the_row_with_most_context():
    rng = random.Random(0)
    for _ in range(1500):
        room = rng.randint(1, 30)
        overlap = rng.choice([0, 1, 2, 5, 100])
        sizes = [
            rng.randint(1, min(room, rng.choice([1, 3, 30]))) for _ in range(rng.randint(1, 80))
        ]
        rows = split_words(sizes, room, overlap)
        assert [word for _, read in rows for word in read] == list(range(len(sizes)))
        for span, read in rows:
            assert sum(sizes[word] for word in span) <= room
            assert read
            assert set(read) <= set(span)
        for span, read in rows:
            for word in read:
                others = [context(word, other, sizes) for other, _ in rows if word in other]
                assert context(word, span, sizes) == max(others)


def test_a_great_overlap_does_not_make_many_rows():
    rows = split_words([1] * 10_000, 100, 10_000)
    assert len(rows) <= 10_000 / 50
    inner = [min(w - s.start, s.stop - 1 - w) for s, read in rows[1:-1] for w in read]
    assert min(inner) >= 24


def test_words_are_found_in_their_rows(tokenizer):
    rng = random.Random(1)
    for _ in range(200):
        length = rng.randint(3, 20)
        sentences = [
            ["".join(rng.choice("ab-北京") for _ in range(rng.randint(1, 5))) for _ in range(n)]
            for n in (rng.randint(1, 40), rng.randint(1, 40))
        ]
        rows = rows_of_words(sentences, tokenizer, length, rng.randint(0, 9))
        seen = []
        for row, index, read in zip(rows.encodings, rows.example_indices, rows.details):
            assert len(row.token_ids) <= length
            assert (row.token_ids[0], row.token_ids[-1]) == (ID["[CLS]"], ID["[SEP]"])
            for word, position in zip(read.words, read.positions, strict=True):
                expected = tokenizer.cut([sentences[index][word]])[0].ids[: length - 2]
                assert row.token_ids[position : position + len(expected)] == expected
                seen.append((int(index), word))
        assert seen == [(i, w) for i, words in enumerate(sentences) for w in range(len(words))]


def test_no_sentences(tokenizer):
    rows = rows_of_words([], tokenizer, 8, 1)
    assert len(rows) == 0
