"""The making of pairs, judged from what comes out: ranges of a flat array."""

import random

import numpy as np
import pytest

from keras_bert.pretraining.pairs import Document, make_examples

LENGTH = 64


def _corpus(seed, count=400, sentences=(1, 30), size=(1, 25), copies=0):
    rng = random.Random(seed)
    documents, position = [], 0
    for number in range(count):
        bounds = [position]
        for _ in range(rng.randint(*sentences)):
            position += rng.randint(*size)
            bounds.append(position)
        documents.append(Document(bounds, number))
    for number in range(copies):
        length = documents[number].bounds[-1] - documents[number].bounds[0]
        shift = position - documents[number].bounds[0]
        documents.append(Document([b + shift for b in documents[number].bounds], number))
        position += length
    word_starts = np.array([rng.random() < 0.7 for _ in range(position)])
    for document in documents:
        word_starts[document.bounds[:-1]] = True
    return documents, word_starts


def _owner(documents):
    """Returns of each token the document it is in."""
    sizes = [document.bounds[-1] - document.bounds[0] for document in documents]
    return np.repeat([document.key for document in documents], sizes)


def _make(pair, documents, word_starts, seed=1, length=LENGTH, short=0.1):
    rng = random.Random(seed)
    return make_examples(documents, word_starts, pair, length, short, rng)


@pytest.mark.parametrize("short", [0.0, 0.1, 1.0])
@pytest.mark.parametrize("pair", ["nsp", "sop"])
def test_segments_fit_and_begin_with_a_word(pair, short):
    documents, word_starts = _corpus(1)
    examples, _ = _make(pair, documents, word_starts, short=short)
    assert len(examples) > 1000
    for a_start, a_end, b_start, b_end, label in examples:
        assert a_start < a_end
        assert b_start < b_end
        assert a_end - a_start + b_end - b_start <= LENGTH - 3
        assert word_starts[a_start]
        assert word_starts[b_start]
        assert label in (0, 1)


@pytest.mark.parametrize("sentences", [(1, 30), (1, 2), (2, 6)])
def test_nsp_labels_tell_the_truth_and_balance(sentences):
    documents, word_starts = _corpus(2, 2000, sentences, copies=50)
    owner = _owner(documents)
    examples, left_out = _make("nsp", documents, word_starts)
    ends = {bound for document in documents for bound in document.bounds}
    for a_start, a_end, b_start, b_end, label in examples:
        assert owner[a_start] == owner[a_end - 1]
        assert owner[b_start] == owner[b_end - 1]
        assert (owner[a_start] != owner[b_start]) == (label == 1)
        if not label:
            assert a_end <= b_start  # what is between was cut off
            assert a_end == b_start or not {a_end, b_start} >= ends
    share = np.mean([label for *_, label in examples])
    if sentences != (1, 2):
        assert abs(share - 0.5) < 0.002
    assert left_out == 0


def test_nsp_goes_through_the_whole_document():
    """Nothing is cut where all fits, unused segments are put back: each token is used once."""
    documents, word_starts = _corpus(3, size=(1, 6))
    examples, _ = _make("nsp", documents, word_starts, length=1000, short=1.0)
    seen = np.zeros(len(word_starts), int)
    for a_start, a_end, b_start, b_end, label in examples:
        seen[a_start:a_end] += 1
        if not label:
            seen[b_start:b_end] += 1
    assert seen.min() == seen.max() == 1


def test_nsp_with_documents_of_one_sentence_only():
    documents, word_starts = _corpus(4, sentences=(1, 1))
    examples, _ = _make("nsp", documents, word_starts)
    assert len(examples) == len(documents)
    assert all(label == 1 for *_, label in examples)


def test_nsp_without_another_document():
    """All are copies of one: no random segment can be had, so there is none."""
    documents, word_starts = _corpus(5, count=1, sentences=(20, 20), copies=1)
    examples, _ = _make("nsp", documents, word_starts)
    assert len(examples) > 2
    assert all(label == 0 for *_, label in examples)


def test_sop_takes_neighbours_and_swaps_half():
    documents, word_starts = _corpus(6, 2000)
    owner = _owner(documents)
    examples, left_out = _make("sop", documents, word_starts)
    for a_start, a_end, b_start, b_end, label in examples:
        assert owner[a_start] == owner[b_start] == owner[a_end - 1] == owner[b_end - 1]
        assert (a_start > b_start) == (label == 1)
        assert a_end <= b_start or b_end <= a_start
    assert abs(np.mean([label for *_, label in examples]) - 0.5) < 0.002
    single = sum(len(document.bounds) == 2 for document in documents)
    assert left_out >= single > 0


def test_the_lengths_are_no_hint_of_the_order():
    documents, word_starts = _corpus(7, 2000, sentences=(30, 60), size=(2, 8))
    examples, _ = _make("sop", documents, word_starts, short=0.0)
    first = [[], []]
    for a_start, a_end, _, _, label in examples:
        first[label].append(a_end - a_start)
    assert abs(np.mean(first[0]) - np.mean(first[1])) < 1.0


def test_whole_sentences():
    documents, word_starts = _corpus(8)
    examples, left_out = _make("none", documents, word_starts)
    assert left_out == 0
    position = 0
    bounds = {bound for document in documents for bound in document.bounds}
    for a_start, a_end, b_start, b_end, label in examples:
        assert (b_start, b_end, label) == (0, 0, 0)
        assert a_start == position  # one after the other, nothing lost
        assert {a_start, a_end} <= bounds
        assert 0 < a_end - a_start <= LENGTH - 2
        position = a_end
    assert position == len(word_starts)
    lengths = [a_end - a_start for a_start, a_end, *_ in examples]
    assert np.mean(lengths) > 0.6 * LENGTH


def test_the_random_segment_begins_anywhere():
    documents, word_starts = _corpus(9, count=3, sentences=(200, 200))
    examples, _ = _make("nsp", documents, word_starts)
    begins = {b_start for _, _, b_start, _, label in examples if label}
    assert len(begins) > 0.8 * sum(label for *_, label in examples)


@pytest.mark.parametrize("pair", ["nsp", "sop", "none"])
def test_the_seed_decides(pair):
    documents, word_starts = _corpus(10)
    once = _make(pair, documents, word_starts, seed=1)
    assert _make(pair, documents, word_starts, seed=1) == once
    assert _make(pair, documents, word_starts, seed=2) != once


def test_cutting_takes_from_both_ends():
    """A sentence of 400 tokens beside one of 10 keeps all but 349 tokens, around its middle."""
    starts = np.ones(820, bool)
    documents = [Document([0, 400, 410], 0), Document([410, 810, 820], 1)]
    fronts = []
    for seed in range(200):
        for a_start, a_end, b_start, b_end, _ in _make(
            "sop", documents, starts, seed=seed, short=0
        )[0]:
            long = (a_start, a_end) if a_end - a_start > b_end - b_start else (b_start, b_end)
            assert long[1] - long[0] == LENGTH - 3 - 10
            fronts.append(long[0] % 410)
    assert abs(np.mean(fronts) - 349 / 2) < 3
    assert 5 < np.std(fronts) < 14  # that of 349 tosses is 9.3
