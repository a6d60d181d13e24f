"""Ctrl-C and SIGTERM in a training: it is saved and goes on exactly; two on one output."""

import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from pretraining_helpers import make_records, write_config
from strategy_helpers import environment, read_weights

import keras_bert
from keras_bert.errors import Stopped
from keras_bert.locking import locked
from keras_bert.training import stopping
from keras_bert.training.progress import ProgressLine


@pytest.fixture(autouse=True)
def as_in_a_terminal():
    """A shell's background job ignores Ctrl-C, and so would the tests."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def signal_at(monkeypatch):
    """Sends this process a signal when a training has done a step."""

    def send(number, step):
        shown, steps = ProgressLine.on_train_batch_end, []

        def show_and_send(self, batch, logs=None):
            shown(self, batch, logs)
            steps.append(batch)
            if len(steps) == step:
                os.kill(os.getpid(), number)

        monkeypatch.setattr(ProgressLine, "on_train_batch_end", show_and_send)

    return send


def assert_same_weights(ours, theirs):
    ours, theirs = (keras_bert.load(each).model.get_weights() for each in (ours, theirs))
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(one, other)


# === finetune ===


@pytest.mark.parametrize(
    ("number", "step", "saved"),
    [
        (signal.SIGINT, 7, 8),  # no state was due yet
        pytest.param(signal.SIGTERM, 18, 19, marks=pytest.mark.slow),  # the end of an epoch
        pytest.param(signal.SIGINT, 75, 76, marks=pytest.mark.slow),  # the last step of all
    ],
)
def test_a_signal_saves_names_the_step_and_the_way_on(
    cli, toy, tmp_path, signal_at, monkeypatch, number, step, saved
):
    output = tmp_path / "model"
    arguments = [*toy.arguments, f"--output={output}", "--resume"]
    handlers = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    signal_at(number, step)
    found = cli(*arguments)
    monkeypatch.undo()
    assert found.status == 128 + number
    assert f"--resume: no state of a run in {output}.training: starting at step 0\n" in found.err
    assert found.err.splitlines()[-1] == (
        f"keras-bert finetune: {output}.training: saved step {saved}: run the same command with "
        f"--resume to go on"
    )
    assert os.listdir(tmp_path) == ["model.training"]
    assert f"step-{saved:010d}.npz" in os.listdir(tmp_path / "model.training")
    assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)] == handlers
    found = cli(*arguments)
    assert found.status == 0, found.err
    assert "no state" not in found.err
    assert_same_weights(output, toy.model)
    assert os.listdir(tmp_path) == ["model"]


def test_an_output_that_another_process_writes_is_left_alone(cli, toy, tmp_path):
    state = tmp_path / "model.training" / "step-0000000009.npz"
    state.parent.mkdir()
    state.write_text("another's")
    with locked(tmp_path / "model"):
        found = cli(*toy.arguments, f"--output={tmp_path / 'model'}", "--force")
    assert found.status == 2
    assert "model: another process (process " in found.err
    assert "--force is for a process of another machine" in found.err
    assert state.read_text() == "another's"


# === pretrain ===


@pytest.mark.slow
def test_pretraining_is_saved_and_a_second_one_on_its_output_is_refused(cli, tmp_path):
    write_config(tmp_path / "config.json")
    make_records(tmp_path / "records", rows=(200, 150))
    arguments = [
        "pretrain", f"--config={tmp_path / 'config.json'}", f"--records={tmp_path / 'records'}",
        "--batch_size=8", "--learning_rate=3e-3", "--checkpoint_every=20", "--steps=150",
    ]  # fmt: skip
    mine, folder = [*arguments, f"--output={tmp_path / 'mine'}"], tmp_path / "mine.training"
    process = subprocess.Popen(
        [sys.executable, "-m", "keras_bert", *mine],
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 120
    while not folder.exists() or not os.listdir(folder):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.005)
    process.send_signal(signal.SIGSTOP)  # it lives, and is slow
    before = sorted(os.listdir(folder))
    found = cli(*mine)
    assert (found.status, found.err.count("\n")) == (2, 1), found.err
    assert f"{tmp_path / 'mine'}: another process (process {process.pid} on " in found.err
    assert sorted(os.listdir(folder)) == before
    process.send_signal(signal.SIGCONT)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate()
    assert process.returncode == 143, err
    asked, last = err.splitlines()[-2:]
    assert asked.startswith("keras-bert: ending after this step, which is saved first")
    step = int(sorted(os.listdir(folder))[-1].removeprefix("step-").removesuffix(".npz"))
    assert step < 150
    assert f"mine.training: saved step {step}: run the same command with --resume" in last
    assert not (tmp_path / ".mine.lock").exists()
    # It goes on as if nothing had happened, its log too.
    assert cli(*mine, "--resume").status == 0
    whole = cli(*arguments, f"--output={tmp_path / 'whole'}", "--resume")
    assert f"--resume: no state of a run in {tmp_path / 'whole'}.training" in whole.err
    ours, theirs = read_weights(tmp_path / "mine"), read_weights(tmp_path / "whole")
    assert set(ours) == set(theirs)
    for name, value in ours.items():
        np.testing.assert_array_equal(value, theirs[name], err_msg=name)
    logs = [(tmp_path / f"{name}.log.jsonl").read_text() for name in ("mine", "whole")]
    assert logs[0] == logs[1]


# === Signals ===


def test_in_a_script_a_signal_is_what_it_always_was():
    with pytest.raises(KeyboardInterrupt), stopping.training():
        signal.raise_signal(signal.SIGINT)
    assert not stopping.is_asked()
    stopping.check(1, "folder")


def test_outside_of_a_training_a_signal_ends_the_command():
    for number, error in ((signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit)):
        with pytest.raises(error), stopping.signals_save_first():
            signal.raise_signal(number)


def test_a_signal_that_comes_when_no_step_is_left_ends_the_command():
    def train():
        with stopping.signals_save_first(), stopping.training():
            signal.raise_signal(signal.SIGINT)
            assert stopping.is_asked()

    with pytest.raises(KeyboardInterrupt):
        train()


def test_what_ends_a_training_names_where_it_is_saved():
    def train(folder):
        with stopping.signals_save_first(), stopping.training():
            signal.raise_signal(signal.SIGTERM)
            stopping.check(12, folder)

    with pytest.raises(Stopped, match="out: saved step 12: run .* with resume=True to go on"):
        train("out")
    with pytest.raises(Stopped, match="ended after step 12: another process saves") as caught:
        train(None)
    assert caught.value.number == signal.SIGTERM


def test_in_another_thread_there_are_no_handlers():
    found = []

    def train():
        with stopping.signals_save_first(), stopping.training():
            found.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=train)
    thread.start()
    thread.join()
    assert found == [signal.getsignal(signal.SIGINT)]


WAITING = """
import signal, sys, time
from keras_bert.training.stopping import signals_save_first, training
if sys.argv[1] == "ignored":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
with signals_save_first(), training():
    print("training", flush=True)
    time.sleep(600)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_ends_at_once(number):
    """Also while a step takes long; the first one is answered at once as well."""
    process = waiting("")
    process.send_signal(number)
    assert process.stderr.readline().startswith("keras-bert: ending after this step")
    assert process.poll() is None
    process.send_signal(number)
    assert process.communicate(timeout=60)[1] == "keras-bert: ended at once\n"
    assert process.returncode == 128 + number


def test_a_background_job_that_ignores_ctrl_c_goes_on_doing_so():
    process = waiting("ignored")
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGTERM)
    assert process.stderr.readline().startswith("keras-bert: ending after this step")
    process.kill()
    process.communicate()


def waiting(how):
    process = subprocess.Popen(
        [sys.executable, "-c", WAITING, how],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell's background job ignores Ctrl-C, and hands that down.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert process.stdout.readline() == "training\n"
    return process
