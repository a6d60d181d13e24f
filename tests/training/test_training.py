"""Optimizer against NumPy, batches as a pure function, and runs that repeat and resume exactly."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import types

import keras
import numpy as np
import pytest

import keras_bert
from keras_bert.errors import InputError
from keras_bert.text.padding import TokenizedTexts
from keras_bert.training import precision
from keras_bert.training.batches import TrainingBatches
from keras_bert.training.checkpoints import Checkpoints
from keras_bert.training.fit import freeze
from keras_bert.training.optimizer import adamw
from keras_bert.training.schedule import WarmupLinearDecay

ROOT = pathlib.Path(keras_bert.__file__).parent.parent


def test_schedule_rises_and_falls_linearly():
    schedule = WarmupLinearDecay(peak=1.0, steps=110, warmup_steps=10)
    values = [float(schedule(step)) for step in range(111)]
    np.testing.assert_allclose(values[:10], np.arange(1, 11) / 10, atol=1e-6)
    np.testing.assert_allclose(values[10:], np.arange(100, -1, -1) / 100, atol=1e-6)
    assert (
        WarmupLinearDecay.from_config(schedule.get_config()).get_config() == schedule.get_config()
    )


def test_adamw_steps_equal_numpy():
    """Adam with bias correction and clipping (Kingma and Ba 2015), decay decoupled (AdamW)."""
    rng = np.random.default_rng(0)
    rate, decay, clip = 1e-2, 0.1, 1.0
    start = {"kernel": rng.normal(size=(4, 3)), "bias": rng.normal(size=3), "gamma": np.ones(3)}
    variables = [keras.Variable(v.astype("float32"), name=k) for k, v in start.items()]
    optimizer = adamw(rate, weight_decay=decay, clipnorm=clip)
    expected = {k: v.astype("float64") for k, v in start.items()}
    moments = {k: [np.zeros_like(v), np.zeros_like(v)] for k, v in expected.items()}
    for step in range(1, 6):
        gradients = {k: 3 * rng.normal(size=v.shape) for k, v in start.items()}
        optimizer.apply(
            [keras.ops.convert_to_tensor(g.astype("float32")) for g in gradients.values()],
            variables,
        )
        norm = np.sqrt(sum((g**2).sum() for g in gradients.values()))
        for name, gradient in gradients.items():
            gradient = gradient * min(1.0, clip / norm)
            if name == "kernel":
                expected[name] -= rate * decay * expected[name]
            first, second = moments[name]
            first[:] = 0.9 * first + 0.1 * gradient
            second[:] = 0.999 * second + 0.001 * gradient**2
            corrected = (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.999**step)) + 1e-6)
            expected[name] -= rate * corrected
    for variable in variables:
        np.testing.assert_allclose(
            keras.ops.convert_to_numpy(variable), expected[variable.name], rtol=2e-4, atol=2e-6
        )


def toy_texts(count=200, max_length=30, padded_lengths=None):
    rng = np.random.default_rng(0)
    encodings = []
    for i in range(count):
        length = int(rng.integers(3, max_length + 1))
        ids = [i + 1] * length  # every token tells which text it is of
        encodings.append(types.SimpleNamespace(token_ids=ids, segment_ids=[0] * length))
    return TokenizedTexts(encodings, max_length, padded_lengths=padded_lengths)


def test_an_epoch_holds_every_text_once():
    batches = TrainingBatches(toy_texts(), np.arange(200), batch_size=16, seed=0)
    for epoch in range(3):
        steps = range(epoch * 13, (epoch + 1) * 13)
        targets = np.concatenate([batches[step][1] for step in steps])
        assert sorted(targets) == list(range(200))


def test_a_batch_is_a_function_of_data_seed_and_step():
    one, two = (TrainingBatches(toy_texts(), np.arange(200), 16, seed=5) for _ in range(2))
    for step in (30, 3, 17, 3):  # any step, in any order, without those before it
        inputs, targets = one[step]
        for name, value in two[step][0].items():
            np.testing.assert_array_equal(value, inputs[name])
        np.testing.assert_array_equal(two[step][1], targets)
    other = TrainingBatches(toy_texts(), np.arange(200), 16, seed=6)
    assert not np.array_equal(other[3][1], one[3][1])
    assert not np.array_equal(one[3][1], one[3 + 13][1])


def test_batches_hold_their_texts_padded_to_the_longest():
    texts = toy_texts()
    batches = TrainingBatches(texts, np.arange(200), 16, seed=0)
    padding = []
    for step in range(13):
        inputs, targets = batches[step]
        ids, mask = inputs["token_ids"], inputs["padding_mask"]
        assert ids.dtype == mask.dtype == np.int32
        assert ids.shape[1] % 8 == 0 or ids.shape[1] == 30
        np.testing.assert_array_equal(ids, mask * (targets[:, None] + 1))
        np.testing.assert_array_equal(mask.sum(axis=1), texts.lengths[targets])
        padding.append(1 - mask.mean())
    assert np.mean(padding) < 0.25  # unsorted, half of these batches would be padding
    shapes = {batches[step][0]["token_ids"].shape for step in range(13)}
    assert batches.count_shapes() == len(shapes) > 2


def test_batches_of_few_shapes_have_the_same_mean_loss():
    """The last of an epoch, 8 of 16 texts, is filled up with texts that count nothing."""
    plain = TrainingBatches(toy_texts(), np.arange(200), 16, seed=0)
    few = toy_texts(padded_lengths=(16, 64))
    weighted = np.linspace(0.5, 2.0, 200).astype("float32")
    for weights in (None, weighted):
        batches = TrainingBatches(few, np.arange(200), 16, seed=0, weights=weights, filled=True)
        loss = keras.losses.MeanSquaredError()
        for step in range(13):
            indices = plain.indices(step)
            inputs, targets, counted = batches[step]
            assert inputs["token_ids"].shape in {(16, 16), (16, 30)}
            np.testing.assert_array_equal(targets[: len(indices)], indices)
            np.testing.assert_array_equal(counted[len(indices) :], 0)
            expected = np.ones(200) if weights is None else weights
            expected = np.mean(targets[: len(indices)] ** 2.0 * expected[indices])
            found = loss(targets[:, None] * 2.0, targets[:, None], counted)
            np.testing.assert_allclose(found, expected, rtol=1e-5)
    # Tokens without a target count nothing, so no weights are needed.
    tags = [np.full(length, index, "int32") for index, length in enumerate(few.lengths)]
    batches = TrainingBatches(few, tags, 16, seed=0, filled=True)
    step = next(step for step in range(13) if len(plain.indices(step)) == 8)
    inputs, targets = batches[step]
    assert targets.shape == inputs["token_ids"].shape
    np.testing.assert_array_equal(targets[8:], -1)
    np.testing.assert_array_equal((targets >= 0).sum(axis=1)[:8], few.lengths[plain.indices(step)])


@pytest.mark.parametrize(
    ("what", "frozen"),
    [
        ("", set()),
        ("embeddings", {"embeddings"}),
        ("1", {"embeddings", "layer_0"}),
        ("2", {"embeddings", "layer_0", "layer_1"}),
        ("encoder", {"embeddings", "layer_0", "layer_1", "pooler"}),
    ],
)
def test_freeze(what, frozen):
    size = {"load_weights": False, "vocab_size": 100}
    encoder = keras_bert.BertEncoder.from_preset("bert_tiny_en_uncased", **size)
    freeze(encoder, what)
    names = {v.path.split("/")[0].removesuffix("_norm") for v in encoder.trainable_variables}
    assert names == {"embeddings", "layer_0", "layer_1", "pooler"} - frozen


@pytest.mark.parametrize("what", ["3", "pooler", "-1"])
def test_freeze_refuses_what_is_not_there(what):
    size = {"load_weights": False, "vocab_size": 100}
    encoder = keras_bert.BertEncoder.from_preset("bert_tiny_en_uncased", **size)
    with pytest.raises(InputError, match="up to 2"):
        freeze(encoder, what)


@pytest.mark.parametrize(
    ("flags", "capabilities", "policy"),
    [
        ({"amx_bf16"}, [], "mixed_bfloat16"),
        ({"avx512_bf16"}, [], "mixed_bfloat16"),
        ({"avx2"}, [], "float32"),
        (set(), [(9, 0), (8, 0)], "mixed_bfloat16"),
        (set(), [(7, 5)], "mixed_float16"),
        ({"amx_bf16"}, [(6, 1)], "float32"),
    ],
)
def test_precision_is_chosen_for_the_machine(monkeypatch, flags, capabilities, policy):
    monkeypatch.setattr(precision, "_cpu_flags", lambda: flags)
    monkeypatch.setattr(precision, "_gpu_capabilities", lambda: capabilities)
    assert precision.resolve("auto") == policy
    assert precision.resolve("float32") == "float32"


def weights_of(folder):
    return keras_bert.load(folder).model.get_weights()


def equal(a, b):
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


@pytest.mark.slow
def test_two_runs_are_equal_and_another_seed_is_not(cli, toy, tmp_path):
    assert cli(*toy.arguments, f"--output={tmp_path / 'again'}").status == 0
    assert equal(weights_of(toy.model), weights_of(tmp_path / "again"))
    assert cli(*toy.arguments, "--seed=1", f"--output={tmp_path / 'other'}").status == 0
    assert not equal(weights_of(toy.model), weights_of(tmp_path / "other"))


def test_a_killed_run_resumes_to_the_same_weights(toy, tmp_path):
    output = tmp_path / "killed"
    command = [
        sys.executable, "-m", "keras_bert", *toy.arguments, f"--output={output}", "--resume",
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        command, env=environment, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    )
    for line in process.stderr:
        if line.startswith("epoch 2"):  # the state of epoch 1 is certainly on disk
            process.send_signal(signal.SIGKILL)
            break
    assert process.wait() == -signal.SIGKILL
    assert not output.exists()
    path = sorted((tmp_path / "killed.training").glob("step-*.npz"))[-1]
    with np.load(path) as state:
        arrays = dict(state)
    header = json.loads(bytes(arrays["header"]))
    assert 0 < header["extra"]["seconds"] < 600
    header["extra"]["seconds"] = 1000  # told below: the time before the kill is part of the run's
    arrays["header"] = np.frombuffer(json.dumps(header).encode(), "uint8")
    np.savez(path, **arrays)
    command.append("--json")
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert 1000 < json.loads(done.stdout.splitlines()[-1])["seconds"] < 1600
    assert "epoch 1:" not in done.stderr
    assert "epoch 4:" in done.stderr
    assert equal(weights_of(toy.model), weights_of(output))
    assert not (tmp_path / "killed.training").exists()


@pytest.mark.slow
def test_a_damaged_checkpoint_falls_back_to_the_one_before(cli, toy, tmp_path):
    output = tmp_path / "model"
    folder = tmp_path / "model.training"
    arguments = [*toy.arguments, "--resume"]
    saved = []

    class Killed(Exception):
        pass

    save = Checkpoints.save

    def save_twice(self, model, step, **extra):
        save(self, model, step, **extra)
        saved.append(step)
        if len(saved) == 2:
            raise Killed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Checkpoints, "save", save_twice)
        with pytest.raises(Killed):
            cli(*arguments, f"--output={output}")
    last = folder / f"step-{saved[1]:010d}.npz"
    last.write_bytes(last.read_bytes()[:-50])
    found = cli(*arguments, f"--output={output}")
    assert found.status == 0, found.err
    assert f"{last}: is damaged" in found.err
    assert "epoch 1:" not in found.err
    assert "epoch 2:" in found.err
    assert equal(weights_of(toy.model), weights_of(output))
    assert not folder.exists()


def test_the_state_of_an_older_version_starts_anew_with_one_line(cli, toy, tmp_path):
    output = tmp_path / "model"
    (tmp_path / "model.training").mkdir()
    (tmp_path / "model.training" / "state.npz").write_bytes(b"PK\x03\x04 of an older version")
    found = cli(*toy.arguments, f"--output={output}", "--resume")
    assert found.status == 0, found.err
    assert found.err.count("state.npz: is of an older version and cannot be read") == 1
    assert equal(weights_of(toy.model), weights_of(output))
    assert not (tmp_path / "model.training").exists()


def test_tensorboard_logs_hold_the_loss_and_the_scores(cli, toy, tmp_path):
    logs = tmp_path / "logs"
    arguments = [*toy.arguments, "--epochs=1", f"--output={tmp_path / 'm'}"]
    assert cli(*arguments, f"--tensorboard={logs}").status == 0
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(logs / "train"))
    events.Reload()
    assert {"batch_loss", "epoch_loss", "epoch_eval_accuracy"} <= set(events.Tags()["tensors"])


def test_a_state_of_another_run_or_a_damaged_one_is_refused(cli, toy, tmp_path):
    output = tmp_path / "model"
    folder = tmp_path / "model.training"
    folder.mkdir()
    path = folder / "step-0000000005.npz"
    path.write_bytes(b"PK\x03\x04 not really")
    found = cli(*toy.arguments, f"--output={output}", "--resume")
    assert found.status == 2
    assert f"{folder}: every checkpoint in it is damaged: drop --resume" in found.err
    header = b'{"fingerprint": "other"}'
    np.savez(path, header=np.frombuffer(header, "uint8"))
    found = cli(*toy.arguments, f"--output={output}", "--resume")
    assert found.status == 2
    assert "belongs to a run with other data or settings" in found.err
    assert not output.exists()


def test_the_toy_task_is_learned(cli, toy):
    found = cli("evaluate", f"--model={toy.model}", f"--data={toy.dev}")
    assert found.status == 0
    assert float(found.out.split()[1]) >= 0.97


def test_pairs_with_three_labels_train_and_keep_their_order(cli, toy, tmp_path):
    lines = ["sentence1\tsentence2\tlabel"]
    rng = np.random.default_rng(0)
    for i in range(30):
        a, b = rng.choice(["film", "story", "actor", "music"], 2)
        lines.append(f"{a} one\t{b} two\t{('no', 'maybe', 'yes')[i % 3]}")
    data = tmp_path / "pairs.tsv"
    data.write_text("\n".join(lines) + "\n")
    output = tmp_path / "model"
    found = cli(
        "finetune", "--init=bert_tiny_en_uncased", f"--vocab={toy.vocabulary}", f"--train={data}",
        "--eval_fraction=0.2", "--labels=yes,no,maybe", "--length=16", "--epochs=1",
        "--precision=float32", f"--output={output}",
    )  # fmt: skip
    assert found.status == 0, found.err
    bert = keras_bert.load(output)
    assert bert.config.labels == ("yes", "no", "maybe")
    assert bert.config.pair
    answers = bert.predict(["film one"] * 2, ["story two", "music two"])
    assert [list(answer["probabilities"]) for answer in answers] == [["yes", "no", "maybe"]] * 2
    assert bert.predict("film one", "story two")["label"] == answers[0]["label"]
