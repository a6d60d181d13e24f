"""Checkpoints of a run: the last few are kept, damage falls back, nothing else is touched."""

import json
import os
import pickle
import resource
import subprocess
import sys
import zipfile

import keras
import numpy as np
import pytest

from keras_bert.errors import InputError
from keras_bert.training.checkpoints import Checkpoints
from keras_bert.training.run_log import RunLog


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


# === Damage ===


def save_two(folder):
    """Saves two steps of a model; returns `Checkpoints`, the last file, and both states."""
    checkpoints, model, states = Checkpoints(folder, "run"), make(1), {}
    for step in (1, 2):
        fit(model)
        extra = {"history": [{"epoch": step}], "best_weights": model.get_weights()}
        checkpoints.save(model, step, **extra)
        states[step] = state(model)
    return checkpoints, folder / "step-0000000002.npz", states


def as_an_older_version_wrote(path):
    """Writes a checkpoint without a checksum."""
    with np.load(path) as data:
        arrays = dict(data)
    np.savez(path, **arrays)


@pytest.mark.parametrize("older", [False, True])
def test_no_flipped_bit_is_a_traceback_or_half_of_a_state(tmp_path, older):
    checkpoints, path, states = save_two(tmp_path / "c")
    if older:
        as_an_older_version_wrote(path)
    whole = path.read_bytes()
    again = make(2)
    states[0], found = state(again), []
    # Half of them in the directory at the end, where damage led to eight kinds of exceptions.
    directory = whole.index(b"PK\x01\x02")
    generator = np.random.default_rng(0)
    places = np.concatenate(
        [generator.integers(0, directory, 150), generator.integers(directory, len(whole), 150)]
    )
    for place, bit in zip(places, generator.integers(0, 8, len(places))):
        content = bytearray(whole)
        content[place] ^= 1 << bit
        path.write_bytes(content)
        for variable, value in zip((*again.weights, *again.optimizer.variables), states[0]):
            variable.assign(value)
        step, notes, extra = checkpoints.restore(again)
        assert_same(state(again), states[step])
        assert extra["history"] == [{"epoch": step}]
        assert len(notes) == 2 - step
        found.append(step)
    # With a checksum every flip is seen; without one, some are of bits that mean nothing.
    assert set(found) == ({1, 2} if older else {1})


def rewritten(path, **changes):
    """Writes a checkpoint without a checksum, with other arrays."""
    with np.load(path) as data:
        arrays = {**data, **changes}
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})


def member(path, name, content):
    """Writes a checkpoint whose member of that name has other bytes."""
    with zipfile.ZipFile(path) as archive:
        members = {each: archive.read(each) for each in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for each, old in members.items():
            archive.writestr(each, content if each == f"{name}.npy" else old)


def header(**changes):
    whole = {"fingerprint": "run", "step": 2, "extra": {}, "lists": {}, **changes}
    return np.frombuffer(json.dumps(whole).encode(), "uint8")


def npy(text):
    """Returns a .npy file whose header is that text."""
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


def bomb(path):
    """A megabyte that claims to be a gigabyte, compressed."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("header.npy", "w", force_zip64=True) as file:
            np.lib.format.write_array(file, header())
        with archive.open("model_0.npy", "w", force_zip64=True) as file:
            file.write(npy("{'descr': '|u1', 'fortran_order': False, 'shape': (1073741824,), }\n"))
            for _ in range(64):
                file.write(bytes(2**20))


def replaced(make):
    def damage(path):
        path.unlink()
        make(path)

    return damage


_HUGE = "{'descr': '<f4', 'fortran_order': False, 'shape': (1152921504606846976,), }\n"
DAMAGES = {
    "a folder": replaced(lambda path: path.mkdir()),
    "a pipe": replaced(os.mkfifo),
    "a link to nothing": replaced(lambda path: path.symlink_to("nothing")),
    "a link to zeros": replaced(lambda path: path.symlink_to("/dev/zero")),
    "a file of a terabyte": lambda path: os.truncate(path, 2**40),
    "cut at its checksum": lambda path: os.truncate(path, path.stat().st_size - 71),
    "text": lambda path: path.write_text("<html>"),
    "objects": lambda path: rewritten(path, model_0=np.array([{"an": "object"}], object)),
    "a pickle": lambda path: member(path, "model_0", pickle.dumps({"an": "object"})),
    "an object as a list": lambda path: rewritten(
        path, header=header(lists={"more": 1}), more_0=np.array([{}], object)
    ),
    "no magic": lambda path: member(path, "model_0", b"not of NumPy"),
    "no header at all": lambda path: rewritten(path, header=None),
    "a header that is a list": lambda path: rewritten(
        path, header=np.frombuffer(b"[]", "uint8")
    ),
    "a deep header": lambda path: rewritten(path, header=np.frombuffer(b"[" * 10**5, "uint8")),
    "another step": lambda path: rewritten(path, header=header(step=3)),
    "no step": lambda path: rewritten(path, header=header(step=None)),
    "lists that are none": lambda path: rewritten(path, header=header(lists=[1])),
    "lists without end": lambda path: rewritten(path, header=header(lists={"more": 2**60})),
    "a list of less than none": lambda path: rewritten(path, header=header(lists={"more": -1})),
    "a missing array": lambda path: rewritten(path, model_0=None),
    "another shape": lambda path: rewritten(path, model_0=np.zeros((2, 2), "float32")),
    "another type": lambda path: rewritten(path, model_0=np.zeros((3, 4), "float64")),
    "a huge shape": lambda path: member(path, "model_0", npy(_HUGE)),
    "a huge list": lambda path: (
        rewritten(path, header=header(lists={"more": 1}), more_0=np.zeros(1)),
        member(path, "more_0", npy(_HUGE)),
    ),
    "a header of NumPy that is no dict": lambda path: member(path, "model_0", npy("[1, 2]\n")),
    "a bomb": bomb,
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_whatever_is_in_its_place_falls_back_to_the_one_before(tmp_path, damage):
    checkpoints, path, states = save_two(tmp_path / "c")
    DAMAGES[damage](path)
    again = make(2)
    step, notes, _ = checkpoints.restore(again)
    assert (step, len(notes)) == (1, 1)
    assert notes[0].startswith(f"{path}: is damaged (")
    assert notes[0].endswith(": going back to the one before")
    assert len(notes[0]) < 600
    assert_same(state(again), states[1])


def test_what_a_run_cannot_go_on_from_falls_back_before_anything_is_assigned(tmp_path):
    checkpoints, path, states = save_two(tmp_path / "c")

    def check(extra):
        if extra["history"] == [{"epoch": 2}]:
            raise ValueError("it has no scores")

    again = make(2)
    step, notes, _ = checkpoints.restore(again, check)
    assert step == 1
    assert "is damaged (it has no scores)" in notes[0]
    assert_same(state(again), states[1])


def test_one_of_an_older_version_is_read(tmp_path):
    checkpoints, path, states = save_two(tmp_path / "c")
    as_an_older_version_wrote(path)
    again = make(2)
    assert checkpoints.restore(again)[:2] == (2, [])
    assert_same(state(again), states[2])


def test_a_damaged_one_never_takes_the_place_of_a_whole_one(tmp_path):
    checkpoints, model = Checkpoints(tmp_path / "c", "run", keep=1), make(1)
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "step-0000000009.npz").write_text("damaged")
    checkpoints.save(model, 4)
    assert checkpoints.steps() == [4]
    assert checkpoints.restore(make(2)).step == 4


# === Writing ===


def test_its_temporary_name_cannot_be_guessed_and_a_link_is_not_followed(tmp_path):
    checkpoints, secret = Checkpoints(tmp_path / "c", "run"), tmp_path / "secret"
    secret.write_text("mine")
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "step-0000000001.npz.tmp").symlink_to(secret)
    checkpoints.save(make(1), 1)
    assert secret.read_text() == "mine"
    assert checkpoints.restore(make(2)).step == 1


def test_that_of_the_log_neither(tmp_path):
    log, secret = tmp_path / "run.log.jsonl", tmp_path / "secret"
    secret.write_text("mine")
    (tmp_path / "run.log.jsonl.tmp").symlink_to(secret)
    log.write_text('{"step": 1, "loss": 2.0}\n{"step": 2, "loss": 1.0}\n{"st')
    assert RunLog(str(log), 1, 10, 1, lambda step: 0.1).last == {"step": 1, "loss": 2.0}
    assert log.read_text() == '{"step": 1, "loss": 2.0}\n'
    assert secret.read_text() == "mine"


def test_what_a_kill_within_a_checkpoint_left_is_removed_by_the_next_run(tmp_path):
    checkpoints = Checkpoints(tmp_path / "c", "run")
    checkpoints.save(make(1), 1)
    script = (
        "import os, sys; from keras_bert.temporaries import make_file\n"
        "make_file(sys.argv[1]); os.kill(os.getpid(), 9)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", script, tmp_path / "c" / "step-0000000002.npz"]
    subprocess.run(command, env=environment)
    assert len(os.listdir(tmp_path / "c")) == 2
    checkpoints.restore(make(2))
    assert os.listdir(tmp_path / "c") == ["step-0000000001.npz"]
    subprocess.run(command, env=environment)
    checkpoints.discard()
    assert not (tmp_path / "c").exists()


def test_a_full_disk_is_said_and_leaves_the_ones_before(tmp_path):
    checkpoints, model = Checkpoints(tmp_path / "c", "run"), make(1)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(InputError, match="npz: the checkpoint cannot be written: File too"):
            checkpoints.save(model, 1)
        assert not (tmp_path / "c").exists()
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        checkpoints.save(model, 2)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
        with pytest.raises(InputError, match="File too large"):
            checkpoints.save(model, 3)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert os.listdir(tmp_path / "c") == ["step-0000000002.npz"]
