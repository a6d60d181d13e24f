"""Checkpoints of a run: the last few are kept, damage falls back, nothing else is touched."""

import os

import keras
import numpy as np
import pytest

from keras_bert.errors import InputError
from keras_bert.training.checkpoints import Checkpoints


def make(seed):
    """Returns a small trained model with dropout, whose generator's counter is state too."""
    keras.utils.set_random_seed(seed)
    model = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(4), keras.layers.Dropout(0.5), keras.layers.Dense(1)]
    )
    model.compile(keras.optimizers.AdamW(0.1), "mse", jit_compile=False)
    model.optimizer.build(model.trainable_variables)
    return model


def fit(model, steps=3):
    data = np.random.default_rng(0).normal(size=(8 * steps, 4)).astype("float32")
    model.fit(data[:, :3], data[:, 3:], batch_size=8, shuffle=False, verbose=0)


def state(model):
    return [v.numpy() for v in (*model.weights, *model.optimizer.variables)]


def assert_same(ours, theirs):
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(one, other)


def test_what_was_saved_comes_back_and_trains_on_the_same(tmp_path):
    model = make(1)
    fit(model)
    Checkpoints(tmp_path / "c", "run").save(model, 3)
    again = make(2)
    assert Checkpoints(tmp_path / "c", "run").restore(again) == (3, [], {})
    assert_same(state(again), state(model))
    fit(model)
    fit(again)
    assert_same(state(again), state(model))


def test_what_a_fine_tuning_needs_comes_back_too(tmp_path):
    model, checkpoints = make(1), Checkpoints(tmp_path / "c", "run")
    fit(model)
    extra = {
        "seconds": 12.5,
        "history": [{"epoch": 1, "loss": float("inf"), "eval_accuracy": 0.1 + 0.2}],
        "best_epoch": 1,
        "best_weights": model.get_weights(),
    }
    checkpoints.save(model, 3, **extra)
    found = checkpoints.restore(make(2)).extra
    assert set(found) == set(extra)
    assert_same(found.pop("best_weights"), extra.pop("best_weights"))
    assert found == extra
    checkpoints.save(model, 4, best_weights=[])  # before the first epoch's end
    assert checkpoints.restore(make(2)).extra == {"best_weights": []}
    with np.load(tmp_path / "c" / "step-0000000003.npz", allow_pickle=False) as data:
        assert all(data[name].dtype != object for name in data.files)


def test_a_checkpoint_of_version_0_1_has_nothing_besides(tmp_path):
    model, checkpoints = make(1), Checkpoints(tmp_path / "c", "run")
    checkpoints.save(model, 3)
    path = tmp_path / "c" / "step-0000000003.npz"
    with np.load(path, allow_pickle=False) as data:
        arrays = {**data, "header": np.frombuffer(b'{"fingerprint": "run", "step": 3}', "uint8")}
    np.savez(path, **arrays)
    assert checkpoints.restore(make(2)) == (3, [], {})


def test_the_state_of_an_older_version_starts_anew_with_a_note(tmp_path):
    folder = tmp_path / "c"
    folder.mkdir()
    (folder / "state.npz").write_bytes(b"PK")
    checkpoints = Checkpoints(folder, "run")
    step, notes, extra = checkpoints.restore(make(1))
    assert (step, extra) == (0, {})
    assert notes == [
        f"{folder / 'state.npz'}: is of an older version and cannot be read: starting anew"
    ]
    checkpoints.save(make(1), 5)
    assert checkpoints.restore(make(1)).notes == []
    checkpoints.discard()
    assert not folder.exists()


def test_without_a_checkpoint_it_starts_at_0(tmp_path):
    assert Checkpoints(tmp_path / "none", "run").restore(make(1)) == (0, [], {})


def test_the_last_k_are_kept(tmp_path):
    checkpoints, model = Checkpoints(tmp_path / "c", "run", keep=3), make(1)
    for step in (5, 10, 15, 20, 100):
        checkpoints.save(model, step)
    assert checkpoints.steps() == [15, 20, 100]


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "foreign"])
def test_a_damaged_one_falls_back_and_says_so(tmp_path, damage):
    checkpoints, model = Checkpoints(tmp_path / "c", "run"), make(1)
    fit(model)
    checkpoints.save(model, 1)
    before = state(model)
    fit(model)
    checkpoints.save(model, 2)
    path = tmp_path / "c" / "step-0000000002.npz"
    content = bytearray(path.read_bytes())
    if damage == "cut":
        del content[-50:]
    elif damage == "flip":
        content[len(content) // 3] ^= 1
    elif damage == "empty":
        content.clear()
    else:
        with open(path, "wb") as file:
            np.savez(file, header=np.frombuffer(b'{"fingerprint": "run", "step": 2}', "uint8"))
        content = path.read_bytes()
    path.write_bytes(content)
    again = make(2)
    step, notes, _ = checkpoints.restore(again)
    assert (step, len(notes)) == (1, 1)
    assert str(path) in notes[0]
    assert "is damaged" in notes[0]
    assert_same(state(again), before)


def test_all_damaged_is_an_error_and_changes_nothing(tmp_path):
    checkpoints, model = Checkpoints(tmp_path / "c", "run"), make(1)
    checkpoints.save(model, 1)
    (tmp_path / "c" / "step-0000000001.npz").write_bytes(b"nothing")
    again = make(2)
    before = state(again)
    with pytest.raises(InputError, match="every checkpoint in it is damaged"):
        checkpoints.restore(again)
    assert_same(state(again), before)


def test_another_runs_is_refused_even_behind_a_damaged_one(tmp_path):
    model = make(1)
    Checkpoints(tmp_path / "c", "this").save(model, 1)
    Checkpoints(tmp_path / "c", "this").save(model, 2)
    (tmp_path / "c" / "step-0000000002.npz").write_bytes(b"nothing")
    with pytest.raises(InputError, match="belongs to a run with other data or settings"):
        Checkpoints(tmp_path / "c", "other").restore(make(1))


def test_pickles_are_not_read(tmp_path):
    checkpoints = Checkpoints(tmp_path / "c", "run")
    os.makedirs(tmp_path / "c")
    with open(tmp_path / "c" / "step-0000000001.npz", "wb") as file:
        np.savez(file, header=np.array([{"an": "object"}], object))
    with pytest.raises(InputError, match="is damaged"):
        checkpoints.restore(make(1))


def test_discard_takes_what_a_kill_left_but_nothing_of_the_users(tmp_path):
    checkpoints = Checkpoints(tmp_path / "c", "run")
    checkpoints.save(make(1), 7)
    (tmp_path / "c" / "step-0000000008.npz.tmp").write_bytes(b"half")
    (tmp_path / "c" / "notes.txt").write_text("mine")
    checkpoints.discard()
    assert os.listdir(tmp_path / "c") == ["notes.txt"]
    (tmp_path / "c" / "notes.txt").unlink()
    checkpoints.discard()
    assert not (tmp_path / "c").exists()
