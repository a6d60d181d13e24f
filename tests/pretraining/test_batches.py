"""Batches of records: a function of (seed, step), each row once an epoch, weights that sum to 1."""

import collections

import numpy as np
import pytest
from pretraining_helpers import CLS, MASK, PAD, VOCABULARY, make_records

from keras_bert.errors import InputError
from keras_bert.pretraining.batches import PretrainingBatches
from keras_bert.pretraining.masking import Masking
from keras_bert.pretraining.records import read_manifest, read_shard

ROWS = 93  # of make_records


@pytest.fixture(scope="module", params=["apart", "packed"])
def records(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("batches") / request.param
    return make_records(folder, packed=request.param == "packed")


def assert_same(first, second):
    for ours, theirs in zip(first, second, strict=True):
        assert list(ours) == list(theirs)
        for name in ours:
            assert ours[name].dtype == theirs[name].dtype
            np.testing.assert_array_equal(ours[name], theirs[name], err_msg=name)


def originals(batch):
    """Returns a batch's rows as they were before masking, without padding, as tuples."""
    inputs, targets, weights = batch
    token_ids = inputs["token_ids"].copy()
    valid = weights["masked_lm"] > 0
    rows = np.nonzero(valid)[0]
    token_ids[rows, inputs["masked_positions"][valid]] = targets["masked_lm"][valid]
    return [
        tuple(row[mask > 0]) for row, mask in zip(token_ids, inputs["padding_mask"], strict=True)
    ]


def stored(folder):
    manifest = read_manifest(folder)
    rows = []
    for index in range(len(manifest.shards)):
        shard = read_shard(folder, manifest, index)
        rows += [
            tuple(shard.token_ids[a:b])
            for a, b in zip(shard.row_starts, shard.row_starts[1:], strict=False)
        ]
    return rows


def test_any_step_can_be_made_without_those_before(records):
    once = PretrainingBatches(records, batch_size=8, seed=4)
    in_order = [once[step] for step in range(40)]
    for step in (39, 0, 17, 23, 11):
        assert_same(PretrainingBatches(records, batch_size=8, seed=4)[step], in_order[step])


def test_seed_and_step_matter(records):
    first, other = (PretrainingBatches(records, 8, seed=seed) for seed in (1, 2))
    assert originals(first[0]) != originals(other[0])
    assert originals(first[0]) != originals(first[1])


def test_every_row_comes_once_an_epoch_in_another_order_each(records):
    batches = PretrainingBatches(records, batch_size=ROWS, seed=1)
    epochs = [originals(batches[step]) for step in range(3)]
    expected = collections.Counter(stored(records))
    for epoch in epochs:
        assert collections.Counter(epoch) == expected
    assert epochs[0] != epochs[1] != epochs[2]
    # Batches that do not divide an epoch go on over its border.
    small = PretrainingBatches(records, batch_size=7, seed=1)
    rows = [row for step in range(40) for row in originals(small[step])]
    assert rows[:ROWS] == epochs[0]
    assert rows[ROWS : 2 * ROWS] == epochs[1]


def test_without_shuffling_rows_come_as_they_are_stored(records):
    batches = PretrainingBatches(records, batch_size=31, shuffle=False)
    assert [row for step in range(3) for row in originals(batches[step])] == stored(records)


def test_the_same_row_is_masked_anew_in_every_epoch(records):
    batches = PretrainingBatches(records, batch_size=ROWS, seed=1, shuffle=False)
    first, second = batches[0], batches[1]
    assert originals(first) == originals(second)
    differ = first[0]["masked_positions"] != second[0]["masked_positions"]
    assert differ.any(axis=1).mean() > 0.8  # one of some ten tokens may well be drawn twice


def test_weights_of_each_head_sum_to_one(records):
    for step in range(5):
        _, _, weights = PretrainingBatches(records, batch_size=8, seed=4)[step]
        for name in ("masked_lm", "pair"):
            assert weights[name].sum(dtype="float64") == pytest.approx(1, abs=1e-6)
            assert len(np.unique(weights[name][weights[name] > 0])) == 1


def test_masks_number_the_examples_and_pairs_point_at_their_firsts(tmp_path):
    folder = make_records(tmp_path / "packed", packed=True)
    batches = PretrainingBatches(folder, batch_size=30, seed=4)
    inputs, targets, weights = batches[0]
    valid = weights["pair"] > 0
    assert valid.sum(axis=1).min() >= 2
    rows, _ = np.nonzero(valid)
    firsts = inputs["pair_positions"][valid]
    assert (inputs["token_ids"][rows, firsts] == CLS).all()
    numbers = inputs["padding_mask"]
    for row, count in enumerate(valid.sum(axis=1)):
        tokens = numbers[row][numbers[row] > 0]
        assert list(np.unique(tokens)) == list(range(1, count + 1))
        assert (np.diff(tokens) >= 0).all()
        starts = np.flatnonzero(np.diff(np.concatenate([[0], tokens])))
        assert list(starts) == list(inputs["pair_positions"][row, :count])
    assert (inputs["token_ids"][numbers == 0] == PAD).all()
    assert set(np.unique(targets["pair"][valid])) == {0, 1}


def test_inputs_are_what_the_records_ask_for(tmp_path):
    for pair, packed in (("none", False), ("nsp", False), ("nsp", True), ("none", True)):
        folder = make_records(tmp_path / f"{pair}{packed}", pair=pair, packed=packed)
        inputs, targets, _ = PretrainingBatches(folder, batch_size=4)[0]
        assert ("pair_positions" in inputs) == (packed and pair == "nsp")
        assert ("pair" in targets) == (pair == "nsp")
        assert inputs["token_ids"].shape == (4, 24)
        assert inputs["masked_positions"].shape == (4, 4)  # ceil(0.15 * 24)
        assert (inputs["token_ids"] == MASK).any()


def test_pairs_can_be_left_aside_but_not_invented(tmp_path):
    folder = make_records(tmp_path / "nsp")
    assert "pair" not in PretrainingBatches(folder, 4, pair="none")[0][1]
    with pytest.raises(InputError, match="has no sop labels: its records have nsp"):
        PretrainingBatches(folder, 4, pair="sop")


def test_left_to_right_predicts_every_next_token(tmp_path):
    folder = make_records(tmp_path / "packed", packed=True)
    batches = PretrainingBatches(folder, 6, masking=Masking(left_to_right=True), pair="none")
    inputs, targets, weights = batches[3]
    valid = weights["masked_lm"] > 0
    rows = np.nonzero(valid)[0]
    at = inputs["masked_positions"][valid]
    assert (inputs["token_ids"][rows, at + 1] == targets["masked_lm"][valid]).all()
    numbers = inputs["padding_mask"]
    assert (numbers[rows, at] == numbers[rows, at + 1]).all()
    examples = sum(len(np.unique(row[row > 0])) for row in numbers)
    assert valid.sum() == (numbers > 0).sum() - examples


def test_a_vocabulary_without_mask_is_refused(tmp_path, monkeypatch):
    import pretraining_helpers

    odd = [token if token != "[MASK]" else "mask" for token in VOCABULARY]
    monkeypatch.setattr(pretraining_helpers, "VOCABULARY", odd)
    folder = make_records(tmp_path / "odd")
    with pytest.raises(InputError, match=r"has no \[MASK\]"):
        PretrainingBatches(folder, 4)
