"""N replicas with their share of a batch learn what one replica learns from the whole of it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time

import numpy as np
import pytest
from pretraining_helpers import make_records, write_config
from strategy_helpers import SCRIPT, environment, read_weights

# 7 rows a step divide evenly by no number of parts used here; the clipping is always at work; and
# a higher learning rate would only make room for a larger tolerance.
FLAGS = (
    "--batch_size=7", "--learning_rate=1e-3", "--clipnorm=0.05", "--dropout=0",
    "--precision=float32", "--seed=3",
)  # fmt: skip
# Weights move by 0.01 and more. What is left is the order of float32 additions, which Adam passes
# on at most once a step.
TOLERANCE = 2e-6


def assert_close(folder, expected):
    ours, theirs = read_weights(folder), read_weights(expected)
    assert set(ours) == set(theirs)
    for name, value in ours.items():
        np.testing.assert_allclose(value, theirs[name], rtol=0, atol=TOLERANCE, err_msg=name)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("strategies")
    write_config(folder / "config.json")
    make_records(folder / "records")
    make_records(folder / "packed", packed=True)
    return folder


def run_strategies(place, runs, *flags, records="records"):
    command = [
        sys.executable, str(SCRIPT), "2", *runs,
        "--", f"--config={place / 'config.json'}", f"--records={place / records}", *flags,
    ]  # fmt: skip
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("records", "optimizer"),
    [
        pytest.param("records", "adamw", marks=pytest.mark.slow),
        pytest.param("records", "lamb", marks=pytest.mark.slow),
        pytest.param("packed", "adamw", marks=pytest.mark.slow),
    ],
)
def test_two_devices_and_accumulation_give_the_weights_of_one(place, records, optimizer):
    base = place / f"{records}_{optimizer}"
    runs = [f"{s}={m}={base}_{s}_{m}" for s in ("one", "mirrored") for m in (1, 3)]
    flags = ["--steps=6", f"--optimizer={optimizer}", f"--eval_records={place / records}"]
    run_strategies(place, runs, *FLAGS, *flags, records=records)
    for run in ("one_3", "mirrored_1", "mirrored_3"):
        assert_close(f"{base}_{run}", f"{base}_one_1")
        # So do the means that are logged and the scores.
        with open(f"{base}_{run}.log.jsonl") as ours, open(f"{base}_one_1.log.jsonl") as theirs:
            for line, expected in zip(ours, theirs, strict=True):
                assert json.loads(line) == pytest.approx(json.loads(expected), rel=1e-4)


@pytest.mark.slow
def test_weights_move_and_clipping_is_at_work(place):
    """Or the equalities would be of runs that do nothing."""
    runs = [f"one=1={place / 'short'}"]
    run_strategies(place, runs, *FLAGS, "--steps=1", "--warmup=0")
    run_strategies(place, [f"one=1={place / 'long'}"], *FLAGS, "--steps=6")
    free = [flag for flag in FLAGS if "clipnorm" not in flag]
    run_strategies(place, [f"one=1={place / 'free'}"], *free, "--clipnorm=0", "--steps=6")
    short, long, unclipped = (read_weights(place / name) for name in ("short", "long", "free"))
    moved = max(np.abs(long[name] - short[name]).max() for name in long)
    differ = max(np.abs(long[name] - unclipped[name]).max() for name in long)
    assert moved > 1000 * TOLERANCE
    assert differ > 100 * TOLERANCE


class Workers:
    """Two processes over loopback, with TF_CONFIG as on two machines."""

    def __init__(self, place, output, *flags):
        ports = []
        sockets = [socket.socket() for _ in range(2)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
            ports.append(each.getsockname()[1])
        for each in sockets:
            each.close()
        cluster = {"worker": [f"127.0.0.1:{port}" for port in ports]}
        self.logs = [open(f"{output}.worker{index}", "w+") for index in range(2)]
        self.processes = [
            subprocess.Popen(
                [
                    sys.executable, "-m", "keras_bert", "pretrain", "--strategy=multi_worker",
                    f"--config={place / 'config.json'}", f"--records={place / 'records'}",
                    f"--output={output}", *flags,
                ],
                env=environment(
                    TF_CONFIG=json.dumps(
                        {"cluster": cluster, "task": {"type": "worker", "index": index}}
                    )
                ),
                stdout=subprocess.DEVNULL,
                stderr=log,
            )
            for index, log in enumerate(self.logs)
        ]  # fmt: skip

    def wait(self, timeout=240):
        """Returns both exit statuses and what they printed to stderr."""
        try:
            statuses = [process.wait(timeout) for process in self.processes]
        finally:
            for process in self.processes:
                process.kill()
        texts = []
        for log in self.logs:
            log.seek(0)
            texts.append(log.read())
            log.close()
        return statuses, texts


@pytest.mark.slow
def test_two_processes_one_killed_and_restarted_give_the_weights_of_one(place):
    flags = [*FLAGS, "--steps=160", "--checkpoint_every=10"]
    run_strategies(place, [f"one=1={place / 'alone'}"], *flags)
    output = place / "together"
    workers = Workers(place, output, *flags)
    checkpoint = f"{output}.training/step-0000000030.npz"
    deadline = time.monotonic() + 200
    while not os.path.exists(checkpoint) and time.monotonic() < deadline:
        assert workers.processes[1].poll() is None, "\n".join(workers.wait()[1])
        time.sleep(0.02)
    workers.processes[1].send_signal(signal.SIGKILL)
    statuses, texts = workers.wait()
    assert statuses == [1, -signal.SIGKILL], texts[0]
    assert "another worker was lost: start all of them again, with --resume" in texts[0]
    assert not os.path.exists(output)
    left = sorted(os.listdir(f"{output}.training"))
    assert left
    assert left[-1] < "step-0000000160.npz"

    statuses, texts = Workers(place, output, *flags, "--resume").wait()
    assert statuses == [0, 0], texts
    assert_close(output, place / "alone")
    assert not os.path.exists(f"{output}.training")


def test_multi_worker_without_tf_config_says_what_to_do(place):
    command = [
        sys.executable, "-m", "keras_bert", "pretrain", "--strategy=multi_worker", "--steps=1",
        f"--config={place / 'config.json'}", f"--records={place / 'records'}",
        f"--output={place / 'never'}",
    ]  # fmt: skip
    env = environment()
    env.pop("TF_CONFIG", None)
    env.pop("TF_CPP_MIN_LOG_LEVEL", None)  # what a user's terminal has
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 2
    assert "set TF_CONFIG" in done.stderr
    assert done.stderr.count("\n") == 1
