"""`pretrain` on JAX, in Pythons that find no TensorFlow: TensorFlow's losses, exact resumes."""

import json
import subprocess
import sys

import numpy as np
import pytest
from jax_helpers import kill_after, without
from pretraining_helpers import make_records, write_config
from strategy_helpers import environment, read_weights

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pretrain_jax")
    write_config(folder / "config.json", num_hidden_layers=1)
    make_records(folder / "records", packed=True)
    make_records(folder / "held_out", packed=True, seed=6)
    return folder


def start(place, devices=1):
    """Starts a process that runs the command lines that it is sent."""
    env = environment(
        KERAS_BACKEND="jax",
        # Programs of three steps need not be good ones, and the runs have the same few.
        XLA_FLAGS=f"--xla_force_host_platform_device_count={devices} "
        "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true",
        JAX_COMPILATION_CACHE_DIR=str(place / f"programs{devices}"),
        JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS="0",
    )
    return subprocess.Popen(
        [sys.executable, "-c", without("tensorflow", "matplotlib")], env=env, text=True, cwd=place,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def run(place, *commands, devices=1):
    """Runs command lines in one process; returns their exit statuses and what is on stderr."""
    process = start(place, devices)
    out, errors = process.communicate("".join(json.dumps(line) + "\n" for line in commands))
    assert process.returncode == 0, errors
    numbers = [line for line in out.splitlines() if line in {"0", "1", "2"}]
    return [int(line) for line in numbers], errors


def pretrain(output, *flags, steps=3):
    return [
        "pretrain", "--records=records", f"--output={output}", f"--steps={steps}",
        "--batch_size=8", "--learning_rate=3e-3", "--warmup=0", "--precision=float32", *flags,
    ]  # fmt: skip


def log_lines(place, output):
    lines = (place / f"{output}.log.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def assert_close(place, ours, theirs, loss, weight):
    """Compares the logs of all steps, evaluations included, and the weights after the last."""
    one, other = log_lines(place, ours), log_lines(place, theirs)
    assert len(one) == len(other) == 3
    for line, wanted in zip(one, other, strict=True):
        assert line.keys() == wanted.keys()
        for name in line:
            np.testing.assert_allclose(line[name], wanted[name], rtol=loss, err_msg=name)
    found, wanted = read_weights(place / ours), read_weights(place / theirs)
    assert found.keys() == wanted.keys()
    for name, value in found.items():
        np.testing.assert_allclose(value, wanted[name], atol=weight, err_msg=name)


def test_the_losses_are_tensorflows_on_one_device_and_on_two(place, cli, monkeypatch):
    monkeypatch.chdir(place)
    first = pretrain("first", "--config=config.json", steps=1)
    flags = [
        "--init=first", "--dropout=0", "--checkpoint_every=1", "--eval_records=held_out",
        "--evaluate_every=2", "--clipnorm=0.5",
    ]  # fmt: skip
    for command in (first, pretrain("theirs", *flags)):
        assert cli(*command).status == 0
    statuses, errors = run(
        place,
        pretrain("one", *flags),
        pretrain("two", *flags, "--strategy=mirrored", "--micro_batches=2"),
        pretrain("bad", *flags, "--strategy=multi_worker"),
        pretrain("bad", *flags, "--strategy=mirrored", "--micro_batches=3"),
        devices=2,
    )
    assert statuses == [0, 0, 2, 2], errors
    assert "needs TensorFlow: set KERAS_BACKEND=tensorflow, or use --strategy=mirrored" in errors
    assert "--batch_size=8: is no multiple of 6, the number of devices times" in errors
    assert "Traceback" not in errors
    # Without matplotlib there is all but the curves, and a line says so.
    assert errors.count("matplotlib is not installed") == 3
    assert not (place / "one.png").exists()
    assert (place / "theirs.png").exists()
    assert not (place / "bad").exists()
    assert_close(place, "one", "theirs", loss=1e-4, weight=2e-4)
    assert_close(place, "two", "one", loss=1e-5, weight=1e-4)


def test_a_killed_run_goes_on_to_bit_identical_weights(place):
    """With dropout, whose counters belong to the state."""
    flags = ["--config=config.json", "--checkpoint_every=20", "--eval_records=held_out"]
    flags += ["--evaluate_every=50"]
    process = start(place)
    process.stdin.write(json.dumps(pretrain("killed", *flags, steps=200)) + "\n")
    process.stdin.close()
    kill_after(process, place / "killed.training", "step-0000000060.npz")
    assert not (place / "killed").exists()
    statuses, errors = run(
        place,
        pretrain("killed", *flags, "--resume", steps=200),
        pretrain("whole", *flags, steps=200),
    )
    assert statuses == [0, 0], errors
    ours, theirs = read_weights(place / "killed"), read_weights(place / "whole")
    assert ours.keys() == theirs.keys()
    for name, value in ours.items():
        np.testing.assert_array_equal(value, theirs[name], err_msg=name)
    assert log_lines(place, "killed") == log_lines(place, "whole")
    assert len(log_lines(place, "whole")) == 12
    assert not (place / "killed.training").exists()
