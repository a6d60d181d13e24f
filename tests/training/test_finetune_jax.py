"""`finetune` on JAX, in Pythons that find no TensorFlow: TensorFlow's losses, exact resumes."""

import json
import re
import subprocess
import sys

import numpy as np
import pytest
from jax_helpers import kill_after, without
from strategy_helpers import environment, read_weights

pytestmark = pytest.mark.slow

# The attention kernel's call, and a table of few rows, beside the plain forms.
SAME_NUMBERS = """
import jax, numpy as np
from keras import ops
from keras_bert.layers import attention, attention_kernel, lookup

rng = np.random.default_rng(0)
x = rng.normal(size=(2, 6, 16)).astype("float32")
bias = attention.AttentionMask()(np.array([[1, 1, 1, 1, 0, 0], [1] * 6], "int32"))
layer = attention.SelfAttention(4, dropout=0.0)
plain = layer(x, bias)
attention_kernel.available = lambda *arguments: True
np.testing.assert_allclose(layer(x, bias), plain, atol=1e-6)

table = rng.normal(size=(2, 3)).astype("float32")
ids = np.array([[0, 1, 1], [1, 0, 0]], "int32")
upstream = rng.normal(size=(2, 3, 3)).astype("float32")

def both(function):
    value, back = jax.vjp(function, table)
    return value, *back(upstream)

ours = both(lambda table: lookup.small_lookup(table, ids))
theirs = both(lambda table: ops.take(table, ids, axis=0))
np.testing.assert_array_equal(ours[0], theirs[0])
np.testing.assert_allclose(ours[1], theirs[1], rtol=1e-6)
"""


def jax_environment(folder):
    return environment(
        KERAS_BACKEND="jax",
        # Programs of a few steps need not be good ones, and the runs have the same.
        XLA_FLAGS="--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true",
        JAX_COMPILATION_CACHE_DIR=str(folder / "programs"),
        JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS="0",
        JAX_LOG_COMPILES="1",
    )


def start(folder):
    return subprocess.Popen(
        [sys.executable, "-c", without("tensorflow")],
        env=jax_environment(folder), text=True, cwd=folder,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def run(folder, *commands):
    """Runs command lines in one process; returns exit statuses, results and what is on stderr."""
    process = start(folder)
    out, errors = process.communicate("".join(json.dumps(line) + "\n" for line in commands))
    assert process.returncode == 0, errors
    lines = out.splitlines()
    results = [json.loads(line) for line in lines if line.startswith("{")]
    return [int(line) for line in lines if line in {"0", "1", "2"}], results, errors


def finetune(toy, output, *flags):
    return [
        "finetune", f"--init={toy.model}", f"--train={toy.train}", f"--output={output}",
        "--length=32", "--learning_rate=2e-3", "--precision=float32", "--seed=3", "--json", *flags,
    ]  # fmt: skip


def test_the_scores_are_tensorflows(cli, toy, tmp_path):
    """With a last batch that is smaller than the others, and lengths of several programs."""
    flags = ["--dropout=0", "--epochs=2", "--batch_size=24"]
    theirs = cli(*finetune(toy, tmp_path / "theirs", *flags))
    assert theirs.status == 0, theirs.err
    theirs = json.loads(theirs.out.splitlines()[-1])
    refused = finetune(toy, "refused", *flags, "--strategy=mirrored")
    statuses, (ours,), errors = run(tmp_path, finetune(toy, "ours", *flags), refused)
    assert statuses == [0, 2], errors
    assert "fine-tuning on JAX has one device: set KERAS_BACKEND=tensorflow" in errors
    assert len(ours["epochs"]) == len(theirs["epochs"]) == 2
    for epoch, wanted in zip(ours["epochs"], theirs["epochs"], strict=True):
        assert epoch.keys() == wanted.keys()
        # Keras counts the filled-up last batch as a whole one in the epoch's mean loss.
        for name in epoch.keys() - {"loss"}:
            np.testing.assert_allclose(epoch[name], wanted[name], rtol=1e-6, err_msg=name)
    found, wanted = read_weights(tmp_path / "ours"), read_weights(tmp_path / "theirs")
    for name, value in wanted.items():
        np.testing.assert_allclose(found[name], value, atol=2e-4, err_msg=name)
    # One program for each of the lengths 16 and 32, the smaller batches included.
    assert 1 <= len(re.findall(r"Finished XLA compilation of jit\(train_step\)", errors)) <= 2


def test_a_killed_run_goes_on_to_bit_identical_weights(toy, tmp_path):
    """With dropout, whose counters belong to the state."""
    flags = ["--dropout=0.1", "--epochs=8", "--batch_size=8", "--checkpoint_every=5"]
    process = start(tmp_path)
    process.stdin.write(json.dumps(finetune(toy, "killed", *flags)) + "\n")
    process.stdin.close()
    kill_after(process, tmp_path / "killed.training", "step-*5.npz")
    assert not (tmp_path / "killed").exists()
    statuses, (ours, theirs), errors = run(
        tmp_path, finetune(toy, "killed", *flags, "--resume"), finetune(toy, "whole", *flags)
    )
    assert statuses == [0, 0], errors
    # The first epoch's loss is that of its steps since the kill.
    assert ours["epochs"][1:] == theirs["epochs"][1:]
    found, wanted = read_weights(tmp_path / "killed"), read_weights(tmp_path / "whole")
    assert found.keys() == wanted.keys()
    for name, value in found.items():
        np.testing.assert_array_equal(value, wanted[name], err_msg=name)


def test_kernel_and_lookup_give_the_plain_numbers(tmp_path):
    subprocess.run([sys.executable, "-c", SAME_NUMBERS], env=jax_environment(tmp_path), check=True)
