"""Fine-tuning on two devices gives the weights of one; a killed run resumes; batches may be odd."""

import json
import os
import pathlib
import socket
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from strategy_helpers import environment, read_weights

import keras_bert
from keras_bert.errors import InputError
from keras_bert.tasks.file_layout import FileLayout
from keras_bert.tasks.sequence.classification import ClassificationTask
from keras_bert.training import distributed, strategy
from keras_bert.training.finetune import finetune

SCRIPT = pathlib.Path(__file__).parent.parent / "run_finetune.py"
# Weights move by 0.005 and more. What is left is the order of float32 additions, which Adam passes
# on at most once a step.
TOLERANCE = 2e-6


def run(output, *runs):
    """Returns the arrays of each run by name; see run_finetune.py."""
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "2", str(output), *runs],
        env=environment(), capture_output=True, text=True, timeout=560,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    with np.load(output) as data:
        arrays = dict(data)
    return {
        each: {
            name.split("/")[1]: value
            for name, value in arrays.items()
            if name.startswith(f"{each}/")
        }
        for each in runs
    }


def weights(found):
    return {name: value for name, value in found.items() if name.isdigit()}


def largest_difference(one, other):
    assert set(weights(one)) == set(weights(other)) != set()
    return max(np.abs(one[name] - other[name]).max() for name in weights(one))


KINDS = ("classification", "weighted", "question_answering")
MORE_KINDS = (
    "frozen", "layer_decay", "multi_label", "regression", "tagging", "multiple_choice", "fused",
    "taught", "inside",
)  # fmt: skip


@pytest.mark.parametrize("kinds", [KINDS, pytest.param(MORE_KINDS, marks=pytest.mark.slow)])
def test_two_devices_give_the_weights_and_the_losses_of_one(kinds, tmp_path):
    """20 steps with clipping at work, of 5 rows each; the last of an epoch has one row."""
    runs = [f"{kind}:{name}:whole" for kind in kinds for name in ("one", "mirrored")]
    found = run(tmp_path / "all.npz", *runs)
    for kind in kinds:
        one, two = found[f"{kind}:one:whole"], found[f"{kind}:mirrored:whole"]
        assert largest_difference(one, two) < TOLERANCE, kind
        assert set(one) == set(two)
        for name in set(one) - set(weights(one)):
            np.testing.assert_allclose(two[name], one[name], rtol=2e-6, err_msg=f"{kind} {name}")


@pytest.mark.slow
def test_weights_move_and_clipping_is_at_work(tmp_path):
    """Or the equalities would be of runs that do nothing."""
    names = [f"classification:mirrored:whole:{norm}" for norm in ("1e-9", "0.05", "0")]
    still, clipped, free = run(tmp_path / "moves.npz", *names).values()
    assert largest_difference(still, clipped) > 1000 * TOLERANCE
    assert largest_difference(clipped, free) > 10 * TOLERANCE


@pytest.mark.slow
def test_a_killed_run_on_two_devices_resumes_to_the_same_weights(tmp_path):
    whole, killed = "question_answering:mirrored:whole", "question_answering:mirrored:killed"
    output = tmp_path / "resume.npz"
    expected = run(output, whole, killed)
    assert list(expected[killed]["steps"]) == [10, 12]
    resumed = "question_answering:mirrored:resumed"
    found = run(output, resumed)[resumed]
    assert largest_difference(found, expected[whole]) == 0


@pytest.mark.parametrize("rows", [1, 5])
@pytest.mark.parametrize("kind", ["classification", "tagging", "regression", "answerer"])
def test_the_mean_over_a_batch_does_not_depend_on_how_it_is_parted(kind, rows):
    """Against the mean written out, from parts of every size, some of them empty."""
    rng = np.random.default_rng(rows)
    classes = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    length = 6
    if kind == "answerer":
        loss = {"start_logits": classes, "end_logits": classes}
        factors = {"start_logits": 0.5, "end_logits": 0.5}
        outputs = {n: rng.normal(size=(rows, length)).astype("float32") for n in loss}
        targets = {n: rng.integers(0, length, rows).astype("int32") for n in loss}
        expected = sum(cross_entropies(outputs[n], targets[n]).mean() for n in loss) / 2
    elif kind == "tagging":
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=-1)
        factors, outputs = None, rng.normal(size=(rows, length, 4)).astype("float32")
        targets = rng.integers(-1, 4, (rows, length)).astype("int32")
        targets[-1, :] = -1 if rows > 1 else targets[-1, :]
        counted = targets >= 0
        expected = cross_entropies(outputs[counted], targets[counted]).mean()
    elif kind == "regression":
        loss, factors = keras.losses.MeanSquaredError(), None
        outputs, targets = rng.normal(size=(2, rows, 1)).astype("float32")
        expected = np.mean((outputs.astype("float64") - targets) ** 2)
    else:
        loss, factors = classes, None
        outputs = rng.normal(size=(rows, 3)).astype("float32")
        targets = rng.integers(0, 3, rows).astype("int32")
        expected = cross_entropies(outputs, targets).mean()
    network = network_with(outputs)
    model = distributed.DistributedTask(network, loss, tf.distribute.get_strategy(), factors)
    _, targets, row_weights = model.with_weights((outputs, targets))

    @tf.function(reduce_retracing=True)
    def loss_of(*part):
        sums = model.sums(*part)
        return sum(value for name, value in sums.items() if name.endswith("_loss"))

    whole = (targets, outputs, row_weights)
    for cut in range(rows + 1):
        parts = [
            tf.nest.map_structure(lambda a, s=s: tf.convert_to_tensor(a)[s], whole)
            for s in (slice(None, cut), slice(cut, None))
        ]
        assert sum(float(loss_of(*part)) for part in parts) == pytest.approx(expected, rel=2e-6)


def cross_entropies(logits, labels):
    logits = logits.astype("float64")
    chosen = np.take_along_axis(logits, labels[:, None], axis=1)[:, 0]
    return np.log(np.exp(logits).sum(axis=1)) - chosen


def network_with(outputs):
    """Returns a model whose outputs have the shape and names of these."""
    inputs = keras.Input((3,))

    def head(array):
        size = int(np.prod(array.shape[1:]))
        return keras.layers.Reshape(array.shape[1:])(keras.layers.Dense(size)(inputs))

    return keras.Model(inputs, tf.nest.map_structure(head, outputs))


def test_tags_that_all_continue_words_give_no_loss_and_no_nan():
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=-1)
    outputs, targets = np.ones((2, 3, 4), "float32"), np.full((2, 3), -1, "int32")
    model = distributed.DistributedTask(network_with(outputs), loss, tf.distribute.get_strategy())
    _, targets, row_weights = model.with_weights((outputs, targets))
    assert float(model.sums(targets, outputs, row_weights)["_loss"]) == 0


_SCRIPT = """
import sys
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
import keras, numpy as np
from keras_bert.loading import load
from keras_bert.training.finetune import finetune
vocabulary, train, dev, output = sys.argv[1:]
found = {}
for strategy in ("one", "mirrored"):
    for frozen in ("", "encoder"):
        keras.utils.set_random_seed(0)
        start = load("bert_tiny_en_uncased", vocabulary=vocabulary)
        bert, scores = finetune(
            start, "classification", train, dev, length=32, epochs=1, batch_size=64,
            learning_rate=1e-3, dropout=0.0, precision="float32", strategy=strategy, freeze=frozen)
        for i, weight in enumerate(bert.model.get_weights()):
            found[f"{strategy}{frozen}/{i}"] = weight
        found[f"{strategy}{frozen}/accuracy"] = scores["accuracy"]
np.savez(output, **found)
"""


@pytest.mark.slow
def test_a_script_fine_tunes_on_two_devices(toy, tmp_path):
    """The whole road, evaluation and a frozen encoder's features included."""
    output = tmp_path / "script.npz"
    done = subprocess.run(
        [
            sys.executable, "-c", _SCRIPT,
            *map(os.fspath, (toy.vocabulary, toy.train, toy.dev, output)),
        ],
        env=environment(), capture_output=True, text=True, timeout=560,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    with np.load(output) as data:
        for frozen in ("", "encoder"):
            names = [name for name in data.files if name.startswith(f"one{frozen}/")]
            assert len(names) > 10
            for name in names:
                other = data[name.replace("one", "mirrored", 1)]
                np.testing.assert_allclose(other, data[name], rtol=0, atol=1e-5, err_msg=name)


@pytest.mark.slow
def test_two_processes_fine_tune_as_one_and_one_of_them_writes(toy, tmp_path):
    flags = [
        "--task=classification", "--init=bert_tiny_en_uncased", f"--vocab={toy.vocabulary}",
        f"--train={toy.train}", f"--eval={toy.dev}", "--length=32", "--epochs=1", "--dropout=0",
        "--batch_size=64", "--precision=float32", "--learning_rate=1e-3",
    ]  # fmt: skip

    def start(output, **extra):
        return subprocess.Popen(
            [sys.executable, "-m", "keras_bert", "finetune", *flags, f"--output={output}",
             *(["--strategy=multi_worker"] if extra else [])],
            env=environment(**extra), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    sockets = [socket.socket() for _ in range(2)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    cluster = {"worker": [f"127.0.0.1:{each.getsockname()[1]}" for each in sockets]}
    for each in sockets:
        each.close()
    workers = [
        start(
            tmp_path / "together",
            TF_CONFIG=json.dumps({"cluster": cluster, "task": {"type": "worker", "index": index}}),
        )
        for index in range(2)
    ]
    try:
        texts = [worker.communicate(timeout=300) for worker in workers]
    finally:
        for worker in workers:
            worker.kill()
    assert [worker.returncode for worker in workers] == [0, 0], texts
    assert "epoch 1:" in texts[0][1]
    assert "epoch 1:" not in texts[1][1]
    alone = start(tmp_path / "alone")
    assert (alone.communicate(timeout=300), alone.returncode)[1] == 0
    ours, theirs = (read_weights(tmp_path / name) for name in ("together", "alone"))
    assert set(ours) == set(theirs) != set()
    for name, value in ours.items():
        np.testing.assert_allclose(value, theirs[name], rtol=0, atol=1e-5, err_msg=name)
    assert sorted(os.listdir(tmp_path)) == ["alone", "together"]


def test_bad_strategies_are_one_clear_line(toy, monkeypatch):
    start = keras_bert.load("bert_tiny_en_uncased", vocabulary=toy.vocabulary)
    train = ClassificationTask().read(toy.train, FileLayout()).take(range(8))
    with pytest.raises(
        InputError, match=r"strategy=two: expected one of one, mirrored, multi_worker"
    ):
        finetune(start, "classification", train, train, strategy="two")
    monkeypatch.delenv("TF_CONFIG", raising=False)
    with pytest.raises(InputError, match=r"strategy=multi_worker: set TF_CONFIG on every machine"):
        finetune(start, "classification", train, train, strategy="multi_worker")


def test_a_batch_has_a_row_for_each_device():
    two = type("Two", (), {"num_replicas_in_sync": 2})()
    strategy.check_batch_size(2, two)
    with pytest.raises(InputError, match=r"batch_size=1: is less than 2, the number of replicas"):
        strategy.check_batch_size(1, two)
