"""Packing: every example once, no row too long, few tokens wasted."""

import random

import pytest

from keras_bert.pretraining.packing import pack


def _lengths(count, seed, low=5, high=128):
    rng = random.Random(seed)
    return [rng.randint(low, high) for _ in range(count)]


@pytest.mark.parametrize("open_rows", [1, 2, 256])
def test_every_example_is_in_one_row_that_holds_it(open_rows):
    lengths = _lengths(5000, seed=1)
    rows = pack(lengths, 128, open_rows)
    assert sorted(example for row in rows for example in row) == list(range(5000))
    assert all(0 < sum(lengths[example] for example in row) <= 128 for row in rows)
    assert [row[0] for row in rows] == sorted(row[0] for row in rows)


def test_rows_are_nearly_full():
    lengths = _lengths(20000, seed=2)
    rows = pack(lengths, 128)
    assert sum(lengths) / (len(rows) * 128) > 0.96
    halves = pack([64] * 1000, 128)
    assert halves == [[i, i + 1] for i in range(0, 1000, 2)]


def test_best_fit():
    # 60 opens a row, 100 another; 28 goes where it leaves least: beside the 100.
    assert pack([60, 100, 28, 68], 128) == [[0, 3], [1, 2]]


def test_memory_is_bounded():
    # With one open row only neighbours can share.
    assert pack([100, 100, 28, 28], 128, open_rows=1) == [[0], [1, 2], [3]]


def test_nothing_to_pack():
    assert pack([], 128) == []
    assert pack([128, 128], 128) == [[0], [1]]
