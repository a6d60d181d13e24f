"""Batches made in background threads are the same ones, in the same order."""

import threading
import time

import numpy as np
import pytest
from pretraining_helpers import make_records

from keras_bert.errors import InputError
from keras_bert.pretraining import ahead
from keras_bert.pretraining.ahead import made_ahead
from keras_bert.pretraining.batches import PretrainingBatches
from keras_bert.pretraining.masking import Masking


class Numbered:
    """Batch n has n in it, and takes the longer to make the smaller n modulo 4 is."""

    def __init__(self, fails_at=None):
        self.fails_at = fails_at
        self.made = []
        self.threads = set()

    def __getitem__(self, step):
        self.threads.add(threading.current_thread().name)
        time.sleep(0.002 * (3 - step % 4))
        if step == self.fails_at:
            raise InputError(f"step {step}")
        self.made.append(step)
        return ({"step": np.array(step)},)


def steps_of(batches):
    return [int(batch[0]["step"]) for batch in batches]


@pytest.mark.parametrize(("first", "last"), [(0, 1), (5, 205), (7, 7)])
def test_batches_come_in_their_order(first, last):
    numbered = Numbered()
    assert steps_of(made_ahead(numbered, first, last)) == list(range(first, last))
    assert sorted(numbered.made) == list(range(first, last))
    assert len(numbered.threads) > 1 or last - first < 2


def test_no_more_batches_are_made_than_memory_holds(monkeypatch):
    monkeypatch.setattr(ahead, "_MOST_BYTES", 5 * np.array(0).nbytes)
    numbered = Numbered()
    stream = made_ahead(numbered, 0, 100)
    for step in range(20):
        assert int(next(stream)[0]["step"]) == step
        assert max(numbered.made) <= step + 5
    stream.close()
    time.sleep(0.05)
    made = len(numbered.made)
    assert made <= 25


def test_an_error_comes_when_its_batch_would():
    found = []
    with pytest.raises(InputError, match="step 9"):
        found.extend(int(batch[0]["step"]) for batch in made_ahead(Numbered(9), 3, 50))
    stream = made_ahead(Numbered(9), 3, 50)
    assert [int(next(stream)[0]["step"]) for _ in range(6)] == list(range(3, 9))
    with pytest.raises(InputError, match="step 9"):
        next(stream)


def assert_same(ours, theirs):
    for one, other in zip(ours, theirs, strict=True):
        assert one.keys() == other.keys()
        for name, value in one.items():
            np.testing.assert_array_equal(value, other[name], err_msg=name)


@pytest.mark.parametrize("packed", [False, True])
def test_threads_make_the_batches_that_one_makes(tmp_path, packed):
    """Over several epochs of small shards, so that the threads want different ones at once."""
    folder = make_records(tmp_path / "records", rows=(11, 7, 5, 13), packed=packed)
    masking = Masking(whole_word=True, span=3)
    count = 0
    alone = PretrainingBatches(folder, 6, 3, masking)
    for batch in made_ahead(PretrainingBatches(folder, 6, 3, masking), 0, 60):
        assert_same(batch, alone[count])
        count += 1
    assert count == 60


def test_batches_of_one_shape_differ_in_padding_only(tmp_path):
    folder = make_records(tmp_path / "records", packed=True, length=30)
    usual, fixed = PretrainingBatches(folder, 8), PretrainingBatches(folder, 8)
    fixed.has_one_shape = True
    for step in range(12):
        (inputs, targets, weights), (others, other_targets, other_weights) = (
            fixed[step], usual[step],
        )  # fmt: skip
        width = others["pair_positions"].shape[1]
        assert width < inputs["pair_positions"].shape[1] == 30 // 5
        inputs["pair_positions"], more = np.split(inputs["pair_positions"], [width], axis=1)
        assert not more.any()
        for ours in (targets, weights):
            ours["pair"], more = np.split(ours["pair"], [width], axis=1)
            assert not more.any()
        assert_same((inputs, targets, weights), (others, other_targets, other_weights))
