"""The heads, the head alone on cached features, resuming inside an epoch, several seeds."""

import dataclasses
import io
import json
import os
import threading

import keras
import numpy as np
import pytest
from conftest import toy_rows, write_tsv
from keras import ops
from safetensors.numpy import load_file, save_file

import keras_bert
from keras_bert import models
from keras_bert.converting import convert
from keras_bert.loading import load
from keras_bert.tasks.file_layout import FileLayout
from keras_bert.tasks.registry import get_task
from keras_bert.tasks.sequence.classification import ClassificationTask
from keras_bert.text.padding import TokenizedTexts
from keras_bert.training.cached_features import CachedFeatures, can_cache, head_of
from keras_bert.training.finetune import _fingerprint
from keras_bert.training.fit import fine_tune, freeze
from keras_bert.training.optimizer import adamw
from keras_bert.training.progress import ProgressLine
from keras_bert.training.settings import FinetuneSettings, FitSettings
from keras_bert.training.task_training import TaskTraining, config_for


def small_encoder(dropout=0.1):
    return keras_bert.BertEncoder(
        50, 16, 2, 2, intermediate_size=32, max_position_embeddings=16,
        hidden_dropout_prob=dropout, attention_probs_dropout_prob=dropout,
    )  # fmt: skip


def inputs_of(shape, seed=0):
    rng = np.random.default_rng(seed)
    token_ids = rng.integers(1, 50, shape).astype("int32")
    padding_mask = np.ones(shape, "int32")
    padding_mask[..., -2:] = 0
    segment_ids = (np.cumsum(np.ones(shape), axis=-1) > shape[-1] // 2).astype("int32")
    return {
        "token_ids": token_ids * padding_mask,
        "segment_ids": segment_ids,
        "padding_mask": padding_mask,
    }


def test_a_script_gets_what_the_command_gets(cli, toy, tmp_path):
    flags = ["--length=32", "--learning_rate=2e-3", "--precision=float32", "--seed=3"]
    start = f"--init={toy.model}"
    command = ("finetune", start, f"--train={toy.train}", f"--output={tmp_path / 'model'}")
    found = cli(*command, *flags, "--epochs=2", "--pooling=mean", "--json")
    assert found.status == 0, found.err
    settings = {"learning_rate": 2e-3, "precision": "float32", "seed": 3, "pooling": "mean"}
    before = keras_bert.load(toy.model)
    weights = before.model.get_weights()
    bert, scores = keras_bert.finetune(
        before, "classification", toy.train, length=32, epochs=2, **settings
    )
    expected = json.loads(found.out.splitlines()[-1])
    assert all(expected[name] == value for name, value in scores.items())
    other = keras_bert.load(tmp_path / "model").model.get_weights()
    assert all(map(np.array_equal, bert.model.get_weights(), other))
    assert all(map(np.array_equal, before.model.get_weights(), weights))
    with pytest.raises(keras_bert.InputError, match="no such file"):
        keras_bert.finetune(before, "tagging", tmp_path / "nothing.conll")
    with pytest.raises(TypeError, match="rate"):
        keras_bert.finetune(before, "classification", toy.train, rate=1)


def test_a_script_trains_on_examples_that_it_read(toy, tmp_path):
    path = tmp_path / "train.conll"
    path.write_text("good B-ADJ\nfilm O\n\nthe O\ngood B-ADJ\nstory I-ADJ\n\n" * 20)
    task = get_task("tagging")
    examples = task.read(path, FileLayout())
    train, dev = examples.take(range(30)), examples.take(range(30, 40))
    settings = {"epochs": 20, "batch_size": 8, "learning_rate": 3e-3}
    tagger, scores = keras_bert.finetune(
        keras_bert.load(toy.model), "tagging", train, dev, length=16, scheme="bioes", **settings
    )
    assert tagger.config.labels == ("O", "B-ADJ", "E-ADJ", "S-ADJ")
    assert tagger.config.max_length == 16
    assert scores["f1"] == 1.0
    assert scores["count"] == 10
    assert tagger.predict("the good story")["tags"] == ["O", "B-ADJ", "E-ADJ"]


_CHARACTERS = "这部电影很真的他说我们觉得今天天气书店花呗额度，。"


@pytest.mark.slow
@pytest.mark.parametrize("paired", [False, True])
def test_chinese_texts_and_pairs_go_the_same_way(cli, tmp_path, paired):
    """In the layouts of ChnSentiCorp (label, text_a) and AFQMC (JSON lines of pairs)."""
    rng = np.random.default_rng(0)
    rows = []
    for i in range(400):
        texts = ["".join(rng.choice(list(_CHARACTERS), 8)) for _ in range(2)]
        at = rng.integers(8)
        texts[paired] = texts[paired][:at] + ("好", "坏")[i % 2] + texts[paired][at:]
        rows.append((*texts, str(i % 2)))
    if paired:
        path = tmp_path / "train.json"
        lines = [dict(zip(("sentence1", "sentence2", "label"), row)) for row in rows]
        lines = [json.dumps(line, ensure_ascii=False) for line in lines]
    else:
        path = tmp_path / "train.tsv"
        lines = ["label\ttext_a", *(f"{label}\t{text}" for text, _, label in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    vocabulary = tmp_path / "vocab.txt"
    special = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
    vocabulary.write_text("\n".join([*special, *sorted({*_CHARACTERS, "好", "坏"})]), "utf-8")
    output = tmp_path / "model"
    found = cli(
        "finetune", "--init=bert_tiny_en_uncased", f"--vocab={vocabulary}", f"--train={path}",
        f"--output={output}", "--length=32", "--epochs=8", "--learning_rate=2e-3", "--json",
    )  # fmt: skip
    assert found.status == 0, found.err
    assert json.loads(found.out.splitlines()[-1])["accuracy"] >= 0.95
    bert = keras_bert.load(output)
    assert bert.config.pair is paired
    pair = ("今天天气好", "书店。") if not paired else ("书店。", "今天天气好")
    assert bert.predict(*(pair if paired else pair[:1]))["label"] == "0"


@pytest.mark.slow
def test_marked_capitals_are_learned_and_asked_for_everywhere(cli, toy, tmp_path):
    rng = np.random.default_rng(0)
    path = tmp_path / "train.conll"
    words = [rng.choice([word, word.capitalize()]) for word in ["film", "good"] * 200]
    lines = [f"{word} {'A' if word[0].isupper() else 'B'}\n" for word in words]
    path.write_text("".join(line + "\n" * (i % 4 == 3) for i, line in enumerate(lines)))
    flags = [
        "--task=tagging", f"--init={toy.model}", f"--train={path}", f"--eval={path}", "--length=16",
        "--epochs=8", "--learning_rate=3e-3", "--batch_size=8", "--json",
    ]  # fmt: skip
    scores = []
    for name, marks in (("plain", []), ("marked", ["--mark_capitals"])):
        found = cli("finetune", *flags, *marks, f"--output={tmp_path / name}")
        assert found.status == 0, found.err
        scores.append(json.loads(found.out.splitlines()[-1])["accuracy"])
    # The vocabulary is uncased: without the mark a capital cannot be seen.
    assert scores[0] < 0.8
    assert scores[1] == 1.0
    model, exported = tmp_path / "marked", tmp_path / "marked.tflite"
    assert (
        "The segment_ids are 1 for words with a capital letter."
        in (model / "README.md").read_text()
    )
    assert keras_bert.load(model).predict("Good film")["tags"] == ["A", "B"]
    assert cli("export", f"--model={model}", "--format=tflite", f"--output={exported}").status == 0
    found = cli("predict", f"--model={exported}", "--text=film Film good Good", "--json")
    answer = json.loads(found.out.splitlines()[-1])["predictions"][0]
    assert answer["tags"] == ["B", "A", "B", "A"]
    output = tmp_path / "huggingface"
    found = cli("convert", f"--from={model}", "--to=huggingface", f"--output={output}")
    assert "note: the model needs segment_ids of 1 for words with a capital" in found.out
    assert keras_bert.load(output).predict("Good film")["tags"] == ["A", "B"]
    config = json.loads((model / "config.json").read_text())
    config["encoder"]["type_vocab_size"] = 1
    (model / "config.json").write_text(json.dumps(config))
    with pytest.raises(keras_bert.InputError, match="mark_capitals needs a second segment"):
        keras_bert.load(model)


HEADS = {
    "tagging": lambda encoder: models.BertTagger(encoder, num_classes=5),
    "question_answering": lambda encoder: models.BertQuestionAnswerer(encoder),
    "multiple_choice": lambda encoder: models.BertMultipleChoice(encoder, num_choices=3),
    "regression": lambda encoder: models.BertRegressor(encoder),
    "multi_label": lambda encoder: models.BertMultiLabelClassifier(encoder, num_classes=3),
}


@pytest.mark.parametrize("kind", HEADS)
def test_a_head_is_a_dense_layer_on_the_encoder(kind):
    model = HEADS[kind](small_encoder())
    shape = (4, 3, 12) if kind == "multiple_choice" else (4, 12)
    inputs = inputs_of(shape)
    found = keras.tree.map_structure(ops.convert_to_numpy, model(inputs, training=False))
    rows = {name: value.reshape(-1, 12) for name, value in inputs.items()}
    encoded = {k: ops.convert_to_numpy(v) for k, v in model.encoder(rows, training=False).items()}
    logits = getattr(model, "scorer", model).get_layer("logits")
    kernel, bias = (ops.convert_to_numpy(v) for v in (logits.kernel, logits.bias))
    per_token = kind in ("tagging", "question_answering")
    features = encoded["sequence_output" if per_token else "pooled_output"]
    expected = features @ kernel + bias
    if kind == "question_answering":
        assert list(found) == ["start_logits", "end_logits"]
        np.testing.assert_allclose(found["start_logits"], expected[..., 0], atol=2e-6)
        np.testing.assert_allclose(found["end_logits"], expected[..., 1], atol=2e-6)
        return
    np.testing.assert_allclose(found, expected.reshape(found.shape), atol=2e-6)


@pytest.mark.parametrize("kind", HEADS)
def test_a_head_round_trips_and_trains_through_fit(kind, tmp_path):
    model = HEADS[kind](small_encoder())
    inputs = inputs_of((4, 3, 12) if kind == "multiple_choice" else (4, 12))
    targets = {
        "tagging": np.where(inputs["padding_mask"] > 0, 1, -1) if kind == "tagging" else None,
        "question_answering": {
            "start_logits": np.array([1, 2, 3, 4]),
            "end_logits": np.array([5, 6, 7, 8]),
        },
        "multiple_choice": np.array([0, 1, 2, 0]),
        "regression": np.array([[0.5], [1.0], [-1.0], [2.0]]),
        "multi_label": np.array([[1, 0, 1], [0, 1, 1], [0, 0, 0], [1, 0, 0]], "float32"),
    }[kind]
    before = {v.path: ops.convert_to_numpy(v) for v in model.trainable_variables}
    model.compile(adamw(1e-2), model.default_loss(), loss_weights=model.default_loss_weights())
    losses = model.fit(inputs, targets, epochs=16, batch_size=4, verbose=0).history["loss"]
    assert losses[-1] < 0.7 * losses[0]
    # Every variable that is said to be trained gets a gradient; the unused pooler is not.
    for variable in model.trainable_variables:
        assert not np.array_equal(ops.convert_to_numpy(variable), before[variable.path])
    assert any("pooler" in path for path in before) == (
        kind in ("multiple_choice", "regression", "multi_label")
    )

    model.save(tmp_path / "model.keras")
    copy = keras.saving.load_model(tmp_path / "model.keras")
    for one, other in zip(
        keras.tree.flatten(model.predict(inputs, verbose=0)),
        keras.tree.flatten(copy.predict(inputs, verbose=0)),
        strict=True,
    ):
        np.testing.assert_array_equal(one, other)


def test_tokens_that_continue_a_word_do_not_count_in_the_loss():
    """Against the mean over the counted tokens, written out."""
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(3, 7, 5)).astype("float32")
    targets = rng.integers(-1, 5, (3, 7))
    shifted = logits.astype("float64")
    log_probabilities = shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
    counted = [
        -log_probabilities[i, j, targets[i, j]]
        for i in range(3) for j in range(7) if targets[i, j] >= 0
    ]  # fmt: skip
    found = float(HEADS["tagging"](small_encoder()).default_loss()(targets, logits))
    assert found == pytest.approx(np.mean(counted), rel=1e-6)


def test_the_rate_is_that_of_the_present_call_of_fit(monkeypatch):
    """A run that goes on within an epoch calls `fit` for its rest, and again for what follows."""
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    stream = io.StringIO()
    line = ProgressLine(20, 4, batch_size=3, stream=stream, every_seconds=4)
    for steps in (6, 10):
        now[0] += 1000
        line.on_train_begin()
        for _ in range(steps):
            now[0] += 2
            line.on_train_batch_end(0, {"loss": 0.5})
    lines = stream.getvalue().splitlines()
    assert lines[0] == "step 6/20  loss 0.5000  1.5 examples/s  ETA 0:00:28"
    assert lines[-1] == "step 20/20  loss 0.5000  1.5 examples/s  ETA 0:00:00"
    assert {shown.split("  ")[2] for shown in lines} == {"1.5 examples/s"}


@pytest.mark.parametrize("kind", ["tagging", "question_answering", "regression"])
def test_a_head_on_cached_features_trains_as_with_the_frozen_encoder(kind):
    rng = np.random.default_rng(1)
    # An answerer's softmax goes over padding too, whose features a cache does not have.
    sizes = rng.integers(4, 17, 40) if kind != "question_answering" else [16] * 40
    texts = TokenizedTexts(
        [
            type("Row", (), {"token_ids": rng.integers(1, 50, n), "segment_ids": np.zeros(n)})
            for n in sizes
        ],
        16,
    )
    targets = {
        "tagging": [rng.integers(-1, 5, n).astype("int32") for n in sizes],
        "question_answering": {
            name: rng.integers(0, 4, 40).astype("int32") for name in ("start_logits", "end_logits")
        },
        "regression": rng.normal(size=(40, 1)).astype("float32"),
    }[kind]
    settings = FitSettings(epochs=2, batch_size=8, learning_rate=1e-2)
    heads = []
    for cached in (False, True):
        keras.utils.set_random_seed(0)
        model = HEADS[kind](small_encoder(dropout=0.0))
        freeze(model.encoder, "encoder")
        assert can_cache(model, texts)
        frozen = model.encoder.get_weights()
        if cached:
            fine_tune(
                head_of(model), model.default_loss(), CachedFeatures(model, texts), targets,
                settings, lambda: {"eval_x": 0.0}, model.default_loss_weights(),
            )  # fmt: skip
        else:
            fine_tune(
                model, model.default_loss(), texts, targets, settings, lambda: {"eval_x": 0.0},
                model.default_loss_weights(),
            )  # fmt: skip
        for one, other in zip(model.encoder.get_weights(), frozen, strict=True):
            np.testing.assert_array_equal(one, other)
        heads.append(model.get_layer("logits").get_weights())
    # A softmax over the tokens does not see the bias of an answerer: its gradient is rounding.
    compared = 1 if kind == "question_answering" else 2
    for one, other in zip(*(head[:compared] for head in heads), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=2e-6)


class _Killed(Exception):
    pass


# A hundred texts give 26 steps, of batches of at most 4 lengths and 2 sizes.
@pytest.mark.parametrize(("steps_per_shape", "with_fused"), [(3, True), (30, False)])
def test_a_run_killed_inside_an_epoch_resumes_to_the_same_weights(
    toy, tmp_path, monkeypatch, steps_per_shape, with_fused
):
    monkeypatch.setattr("keras_bert.training.fit._STEPS_PER_SHAPE", steps_per_shape)
    task = ClassificationTask()
    train, dev = (task.read(path, FileLayout()) for path in (toy.train, toy.dev))
    train = train.take(range(100))

    def training():
        keras.utils.set_random_seed(0)
        start = load("bert_tiny_en_uncased", vocabulary=toy.vocabulary)
        config = config_for(task, start, 32, task.config_fields(train, {}))
        settings = FitSettings(epochs=2, batch_size=8, checkpoint_every=3)
        return TaskTraining(start, config, settings, precision="float32")

    whole = training()
    expected = whole.train(train, dev)

    killed = training()
    steps = []

    def die(self, batch, logs=None):
        steps.append(batch)
        if len(steps) == 20:  # step 7 of the second epoch of 13; step 18 was saved
            raise _Killed

    with monkeypatch.context() as patch:
        patch.setattr("keras_bert.training.progress.ProgressLine.on_train_batch_end", die)
        with pytest.raises(_Killed):
            killed.train(train, dev, state_folder=tmp_path / "state", fingerprint="x")
    resumed = training()
    outcome = resumed.train(
        train, dev, state_folder=tmp_path / "state", fingerprint="x", resume=True
    )
    for each in (whole, resumed):
        assert each.model.encoder.get_layer("layer_0").use_fused == with_fused
    assert outcome["best_epoch"] == expected["best_epoch"]
    for name, value in expected["history"][1].items():
        if name != "loss":  # of the part of the epoch that the resumed run saw
            assert outcome["history"][1][name] == value
    for one, other in zip(resumed.model.get_weights(), whole.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.slow
def test_layer_decay_slows_the_lower_blocks(toy):
    task = ClassificationTask()
    train = task.read(toy.train, FileLayout()).take(range(64))
    moved = {}
    for decay in (1.0, 0.1):
        start = load(toy.model)
        config = config_for(task, start, 32, task.config_fields(train, {}))
        # Few steps of one batch: Adam then moves every weight by about the learning rate.
        settings = FitSettings(
            epochs=1, batch_size=64, warmup=0.0, layer_decay=decay, weight_decay=0.0
        )
        training = TaskTraining(start, config, settings, precision="float32")
        before = [v.numpy() for v in training.model.trainable_variables]
        training.train(train, train)
        for variable, old in zip(training.model.trainable_variables, before, strict=True):
            moved[decay, variable.path] = np.abs(variable.numpy() - old).max()
    kernels = [path for d, path in moved if d == 1.0 and path.endswith("query/kernel")]
    for path in kernels:
        expected = 0.1 if "layer_1" in path else 0.01
        assert moved[0.1, path] / moved[1.0, path] == pytest.approx(expected, rel=0.05), path


@pytest.mark.slow
def test_several_seeds_give_mean_and_deviation_and_the_best_model(cli, toy, tmp_path):
    arguments = [*toy.arguments, "--epochs=1", "--learning_rate=3e-4", "--json"]
    singles = []
    for seed in (3, 4, 5):
        found = cli(*arguments, f"--output={tmp_path / str(seed)}", f"--seed={seed}")
        singles.append(json.loads(found.out.splitlines()[-1])["accuracy"])
    found = cli(*arguments, f"--output={tmp_path / 'all'}", "--seeds=3,4,5")
    assert found.status == 0, found.err
    result = json.loads(found.out.splitlines()[-1])
    assert [run["seed"] for run in result["runs"]] == [3, 4, 5]
    assert [run["accuracy"] for run in result["runs"]] == singles
    assert result["mean"]["accuracy"] == pytest.approx(np.mean(singles), abs=1e-12)
    deviation = result["standard_deviation"]["accuracy"]
    assert deviation == pytest.approx(np.std(singles, ddof=1), abs=1e-12)
    assert result["accuracy"] == max(singles)
    best = str((3, 4, 5)[int(np.argmax(singles))])
    for one, other in zip(
        load(tmp_path / "all").model.get_weights(), load(tmp_path / best).model.get_weights(),
        strict=True,
    ):  # fmt: skip
        np.testing.assert_array_equal(one, other)
    card = (tmp_path / "all" / "README.md").read_text(encoding="utf-8")
    assert f"| accuracy | {np.mean(singles):.4f} |" in card
    assert not list(tmp_path.glob("*.training*"))


def test_what_is_told_of_a_run_hides_no_score(cli, toy, tmp_path):
    """Precision is a score of tagging, and was the number format of the training."""
    lines = ["Ann B-PER\nsees O\nBob B-PER\n", "rain O\nin O\nOslo B-LOC\n"]
    train = tmp_path / "train.conll"
    train.write_text("\n".join(lines * 20), encoding="utf-8")
    task = ("--task=tagging", f"--init={toy.model}", f"--train={train}", f"--eval={train}")
    flags = ("--epochs=2", "--length=32", "--learning_rate=1e-3", "--seeds=1,2", "--json")
    found = cli("finetune", *task, *flags, f"--output={tmp_path / 'm'}")
    assert found.status == 0, found.err
    result = json.loads(found.out.splitlines()[-1])
    found = cli("evaluate", f"--model={tmp_path / 'm'}", f"--data={train}", "--json")
    scores = json.loads(found.out.splitlines()[-1])
    names = ("f1", "precision", "recall", "accuracy")
    assert {name: result[name] for name in names} == pytest.approx(
        {name: scores[name] for name in names}, abs=1e-12
    )
    for name in names:
        values = [run[name] for run in result["runs"]]
        assert result["mean"][name] == pytest.approx(np.mean(values), abs=1e-12)
    assert result["dtype_policy"] in ("float32", "mixed_bfloat16", "mixed_float16")


@pytest.mark.slow
def test_a_collapsed_run_is_told(cli, toy, tmp_path):
    """A learning rate of 0 leaves the random head, which says the same of nearly all texts."""
    found = cli(
        *toy.arguments, f"--output={tmp_path / 'm'}", "--learning_rate=0", "--epochs=1", "--seed=1"
    )
    assert found.status == 0
    answers = load(tmp_path / "m").predict(toy.texts)
    collapsed = len({answer["label"] for answer in answers}) == 1
    assert ("seed 1: the run collapsed" in found.err) == collapsed
    found = cli(*toy.arguments, f"--output={tmp_path / 'n'}", "--epochs=3")
    assert "the run collapsed" not in found.err
    # One answer to everything is right where the file has no other.
    rows = [("positive", text) for _, text in toy_rows(100, seed=2) if "great" in text.split()]
    same = write_tsv(tmp_path / "same.tsv", rows)
    found = cli(*toy.arguments, f"--eval={same}", f"--output={tmp_path / 'p'}", "--json")
    assert json.loads(found.out.splitlines()[-1])["accuracy"] == 1
    assert "the run collapsed" not in found.err


def test_a_run_fed_by_a_pipe_ends_and_is_named_by_what_was_read(cli, toy, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    rows = [("label", "text"), *toy_rows(64, seed=1)]
    text = "".join("\t".join(row) + "\n" for row in rows)
    writer = threading.Thread(target=pipe.write_text, args=(text,))
    writer.start()
    flags = [*toy.arguments, f"--train={pipe}", f"--output={tmp_path / 'm'}", "--epochs=1"]
    assert cli(*flags).status == 0
    writer.join()
    read = get_task("classification").read(toy.dev, FileLayout())
    again = get_task("classification").read(toy.dev, FileLayout())
    call, settings, part = (
        {"init": toy.model, "epochs": 1},
        FinetuneSettings(),
        read.take(range(50)),
    )
    name = _fingerprint(call, settings, 0, (read, part))
    assert name == _fingerprint(call, settings, 0, (again, part))
    assert name == _fingerprint({**call, "checkpoint_every": 7}, settings, 0, (read, part))
    assert name != _fingerprint(call, settings, 0, (read.take(range(99)), part))
    assert name != _fingerprint({**call, "epochs": 2}, settings, 0, (read, part))
    assert name != _fingerprint(call, settings, 1, (read, part))


@pytest.mark.slow
def test_a_seed_that_diverges_does_not_end_the_others(cli, toy, tmp_path, monkeypatch):
    finished = TaskTraining.finished

    def with_one_broken(self, evaluation):
        if self.settings.seed == 4:
            weights = [np.full_like(weight, np.nan) for weight in self.model.get_weights()]
            self.model.set_weights(weights)
        return finished(self, evaluation)

    monkeypatch.setattr(TaskTraining, "finished", with_one_broken)
    arguments = [*toy.arguments, "--epochs=1", "--json"]
    found = cli(*arguments, f"--output={tmp_path / 'm'}", "--seeds=4,5,6")
    assert found.status == 0, found.err
    assert "seed 4: --learning_rate=0.001: the training diverged" in found.err
    result = json.loads(found.out.splitlines()[-1])
    assert result["diverged"] == [4]
    assert [run["seed"] for run in result["runs"]] == [5, 6]
    assert set(result["mean"]) == {"accuracy", "macro_f1", "matthews"}
    load(tmp_path / "m")
    found = cli(*arguments, f"--output={tmp_path / 'n'}", "--seeds=4")
    assert found.status == 2
    assert "the training diverged" in found.err
    assert [path.name for path in tmp_path.iterdir()] == ["m"]


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["--seeds=1,1"], "a seed is there twice"),
        (["--seeds=1,01"], "a seed is there twice"),
        (["--seeds="], "expected numbers"),
        (["--seeds=1," + "9" * 5000], "expected numbers"),
        (["--seeds=4294967296"], "expected numbers"),
        (["--freeze=" + "9" * 5000], "expected encoder, embeddings or a number"),
        (["--doc_stride=16"], "--doc_stride is for question_answering, not for --task=class"),
        (["--misaligned=skip"], "--misaligned is for question_answering"),
        (["--tag_column=3"], "--tag_column is for tagging"),
        (["--scheme=bio"], "--scheme is for tagging"),
        (
            ["--task=tagging", "--pooling=mean"],
            "--pooling is for classification, multi_label and regression",
        ),
        (
            ["--task=squad1", "--labels=a,b"],
            "--labels is for classification, multi_label and tagging",
        ),
        (["--seeds=one"], "expected numbers"),
        (["--seeds=1,2", "--seed=3"], "either --seed or --seeds"),
        (["--metric=f1"], "--metric=f1: classification has accuracy, macro_f1, matthews"),
    ],
)
def test_refused(cli, toy, tmp_path, arguments, part):
    found = cli(*toy.arguments, f"--output={tmp_path / 'm'}", *arguments)
    assert found.status == 2
    assert part in found.err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("flags", "name"), [([], "m.training"), (["--seeds=1,2"], "m.training.2")])
def test_a_file_in_the_way_of_the_state_is_told_before_training(cli, toy, tmp_path, flags, name):
    (tmp_path / name).write_text("mine")
    found = cli(*toy.arguments, f"--output={tmp_path / 'm'}", *flags)
    assert found.status == 2
    assert f"{name}: a file of that name is in the way" in found.err
    assert (tmp_path / name).read_text() == "mine"


def test_the_mean_of_the_tokens_leaves_padding_out(tmp_path):
    model = models.BertClassifier(small_encoder(), num_classes=3, pooling="mean")
    inputs = inputs_of((4, 12))
    inputs["padding_mask"][0, 5:] = 0
    found = ops.convert_to_numpy(model(inputs, training=False))
    tokens = model.encoder(inputs, training=False)["sequence_output"]
    tokens = ops.convert_to_numpy(tokens).astype("float64")
    kernel, bias = (ops.convert_to_numpy(v) for v in model.get_layer("logits").weights)
    for row, mask, logits in zip(tokens, inputs["padding_mask"], found):
        mean = row[mask > 0].mean(axis=0)
        np.testing.assert_allclose(logits, mean @ kernel + bias, atol=2e-6)
    assert not any("pooler" in variable.path for variable in model.trainable_variables)
    model.save(tmp_path / "model.keras")
    copy = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(ops.convert_to_numpy(copy(inputs, training=False)), found)
    with pytest.raises(keras_bert.InputError, match="pooling must be one of"):
        models.BertClassifier(small_encoder(), num_classes=3, pooling="max")


@pytest.mark.slow
def test_mean_pooling_from_the_command_line_to_every_format(cli, toy, tmp_path):
    folder = str(tmp_path / "mean")
    assert cli(*toy.arguments, f"--output={folder}", "--pooling=mean").status == 0
    bert = load(folder)
    assert bert.config.pooling == "mean"
    expected = bert.probabilities(toy.texts[:20])
    from keras_bert.export.runners import open_exported

    for name, kind in (("m.tflite", "tflite"), ("m.onnx", "onnx"), ("served", "saved_model")):
        path = str(tmp_path / name)
        found = cli("export", f"--model={folder}", f"--format={kind}", f"--output={path}")
        assert found.status == 0, found.err
        found = open_exported(path).probabilities(toy.texts[:20])
        np.testing.assert_allclose(found, expected, atol=1e-5)
    found = cli("convert", f"--from={folder}", "--to=huggingface", f"--output={tmp_path / 'hf'}")
    assert "only the encoder" in found.out
    assert load(tmp_path / "hf").config.task is None


def test_dropout_of_the_start_can_be_changed(cli, toy, tmp_path):
    folder = str(tmp_path / "m")
    arguments = [f"--train={toy.train}", f"--eval={toy.dev}", "--length=32", "--epochs=1"]
    found = cli(
        "finetune", f"--init={toy.model}", *arguments, f"--output={folder}", "--dropout=0.3"
    )
    assert found.status == 0, found.err
    encoder = load(folder).config.encoder
    assert (encoder.hidden_dropout_prob, encoder.attention_probs_dropout_prob) == (0.3, 0.3)
    assert load(toy.model).config.encoder.hidden_dropout_prob == 0.1


@pytest.mark.slow
def test_a_start_without_dropout_is_told_of(cli, toy, tmp_path):
    bert = load(toy.model)
    bert.config = dataclasses.replace(
        bert.config,
        encoder=dataclasses.replace(
            bert.config.encoder, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0
        ),
    )
    bert.save(str(tmp_path / "without"))
    arguments = ["finetune", f"--train={toy.train}", f"--eval={toy.dev}", "--length=32"]
    arguments += ["--epochs=1", f"--output={tmp_path / 'm'}"]
    note = "the start has no dropout, so this run has none: --dropout=0.1 is"
    assert note in cli(*arguments, f"--init={tmp_path / 'without'}").err
    for flags in ([f"--init={toy.model}"], [f"--init={tmp_path / 'without'}", "--dropout=0.1"]):
        found = cli(*arguments, *flags)
        assert found.status == 0, found.err
        assert "dropout" not in found.err


@pytest.mark.slow
def test_lists_train_as_their_file_does(toy):
    """Texts and labels in hand, a DataFrame and the file itself give the same bits."""
    import pandas

    bert, layout = keras_bert.load(toy.model), FileLayout()
    train, dev = (get_task("classification").read(path, layout) for path in (toy.train, toy.dev))
    settings = {"length": 32, "epochs": 1, "precision": "float32"}
    ways = [
        (toy.train, toy.dev),
        ((train.texts, train.labels), (dev.texts, dev.labels)),
        tuple(pandas.DataFrame({"text": e.texts, "label": e.labels}) for e in (train, dev)),
    ]
    found = [
        keras_bert.finetune(bert, train=part, eval=other, **settings)[0] for part, other in ways
    ]
    expected, *others = (each.model.get_weights() for each in found)
    for weights in others:
        assert all(map(np.array_equal, weights, expected))


def test_a_script_gets_seeds_resume_card_and_folder(toy, tmp_path, capsys):
    bert = keras_bert.load(toy.model)
    train = get_task("classification").read(toy.train, FileLayout()).take(range(64))
    data = (train.texts, train.labels)
    best, scores = keras_bert.finetune(
        bert, train=data, eval=toy.dev, output=tmp_path / "best", seeds=[1, 2], epochs=1, length=32
    )
    assert "seed 2:" in capsys.readouterr().err
    assert not list(tmp_path.glob("best.training*"))
    assert keras_bert.load(tmp_path / "best").predict(toy.texts) == best.predict(toy.texts)
    card = (tmp_path / "best" / "README.md").read_text()
    for part in (
        "# Classifier: negative, positive", "Trained on the examples: 64 examples",
        "standard deviation", f"{scores['accuracy']:.4f}",
        "keras_bert.finetune(…, task='classification', train=…, eval='dev.tsv', output='best', "
        "seeds=[1, 2], epochs=1, length=32)",
    ):  # fmt: skip
        assert part in card
    best.save(tmp_path / "again")
    assert (tmp_path / "again" / "README.md").read_text() == card


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"rate": 1}, TypeError, "finetune has no setting 'rate'"),
        ({"scheme": "bio"}, keras_bert.InputError, "scheme is for tagging, not for task=class"),
        ({"task": "tagging", "pooling": "mean"}, keras_bert.InputError,
         "pooling is for classification, multi_label and regression, not for task=tagging"),
        ({"task": "regression", "labels": ["a"]}, keras_bert.InputError,
         "labels is for classification, multi_label and tagging, not for task=regression"),
        ({"epochs": 0}, keras_bert.InputError, "epochs=0: expected 1 or more"),
        ({"seed": 1, "seeds": [1, 2]}, keras_bert.InputError, "give either seed or seeds"),
        ({"seeds": [1, 1]}, keras_bert.InputError, "a seed is there twice"),
        ({"freeze": "head"}, keras_bert.InputError, "freeze=head: expected encoder, embeddings or"),
        ({"metric": "f2"}, keras_bert.InputError, "metric=f2: classification has accuracy"),
        ({"train": None}, keras_bert.InputError, "no data to train on"),
    ],
)  # fmt: skip
def test_a_scripts_settings_are_checked_by_their_names(toy, settings, error, message):
    settings = {"train": (["a b", "c"], ["x", "y"]), "eval_fraction": 0.5, **settings}
    with pytest.raises(error, match=message):
        keras_bert.finetune(keras_bert.load(toy.model), **settings)


def test_the_pooling_that_a_checkpoint_declares_is_followed(toy, tmp_path, capsys):
    """As sentence-transformers writes it, in both of its spellings."""
    source = tmp_path / "checkpoint"
    convert(from_=toy.model, to="huggingface", output=source)
    config = json.loads((source / "config.json").read_text())
    (source / "config.json").write_text(json.dumps({**config, "architectures": ["BertModel"]}))
    weights = {k: v for k, v in load_file(source / "model.safetensors").items() if "bert." in k}
    save_file(weights, source / "model.safetensors")
    (source / "1_Pooling").mkdir()
    data, settings = (toy.texts, [str(i % 2) for i in range(100)]), {"epochs": 1, "length": 32}
    for declared, pooling in (
        ({"pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True}, "mean"),
        ({"pooling_mode": "mean", "word_embedding_dimension": 8}, "mean"),
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}, "cls"),
        ({"pooling_mode_max_tokens": True, "pooling_mode_mean_tokens": True}, "cls"),
    ):
        (source / "1_Pooling" / "config.json").write_text(json.dumps(declared))
        bert, _ = keras_bert.finetune(source, train=data, **settings)
        assert bert.config.pooling == pooling
        err = capsys.readouterr().err
        assert ("pools by the mean of its tokens" in err) == (pooling == "mean")
        assert ("which is not supported" in err) == (len(declared) == 2 and "max" in str(declared))
    (source / "1_Pooling" / "config.json").write_text('{"pooling_mode": "mean"}')
    bert, _ = keras_bert.finetune(source, train=data, pooling="cls", **settings)
    assert bert.config.pooling == "cls"
    # It stays known in a model folder of the encoder alone.
    convert(from_=source, output=tmp_path / "folder")
    bert, _ = keras_bert.finetune(tmp_path / "folder", train=data, **settings)
    assert bert.config.pooling == "mean"


@pytest.mark.parametrize("task", ["classification", "tagging"])
def test_adapters_train_in_place_of_the_encoder_and_are_merged(task, cli, toy, tmp_path):
    """The merged kernels differ from the start's by a matrix of the adapters' rank."""
    train, dev = toy.train, toy.dev
    if task == "tagging":
        train = dev = tmp_path / "train.conll"
        train.write_text("good B-ADJ\nfilm O\n\nthe O\nbad B-ADJ\nstory O\n\n" * 20)
    flags = [f"--init={toy.model}", f"--train={train}", f"--eval={dev}", f"--task={task}"]
    flags += ["--length=32", "--epochs=1", "--precision=float32", "--lora_rank=2"]
    found = cli("finetune", *flags, "--learning_rate=1e-2", f"--output={tmp_path / 'm'}")
    assert found.status == 0, found.err
    start, bert = keras_bert.load(toy.model), keras_bert.load(tmp_path / "m")
    total = bert.model.count_params()
    # Two blocks, query and value, each 128 x 2 and 2 x 128; the head.
    labels = len(bert.config.labels)
    trained = 2 * 2 * 2 * 128 * 2 + (128 + 1) * labels
    assert f"{trained:,} of {total + 2 * 2 * 2 * 128 * 2:,} parameters are trained" in found.err
    for ours, theirs in zip(bert.encoder.weights, start.encoder.weights, strict=True):
        difference = np.asarray(ours) - np.asarray(theirs)
        if ours.path.endswith(("query/kernel", "value/kernel")):
            assert np.linalg.matrix_rank(difference, tol=1e-5) in (1, 2), ours.path
        else:
            assert not difference.any(), ours.path
    refused = cli("finetune", *flags, "--freeze=embeddings", f"--output={tmp_path / 'n'}")
    assert refused.status == 2
    assert (
        "--lora_rank=2: adapters train in place of the encoder: leave out --freeze" in refused.err
    )
