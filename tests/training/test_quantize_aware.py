"""`finetune --quantize_aware` and `--teacher`: what is trained, written, resumed and refused."""

import dataclasses
import json

import keras
import numpy as np
import pytest
from conftest import toy_rows, write_tsv
from task_models import KINDS, make_bert, write_data

import keras_bert
from keras_bert.bert import Bert
from keras_bert.config import RESCALING_FILE
from keras_bert.description import read_description
from keras_bert.errors import InputError
from keras_bert.export.export import export
from keras_bert.loading import load
from keras_bert.opening import open_model
from keras_bert.quantization import fake
from keras_bert.tasks.file_layout import FileLayout
from keras_bert.tasks.registry import get_task
from keras_bert.training.quantize_aware import rescaling_for
from keras_bert.training.settings import FinetuneSettings, FitSettings
from keras_bert.training.task_training import TaskTraining, config_for
from keras_bert.training.teachers import Teachers


def quantized(bert):
    """Returns a copy of a model that computes as the file that it was trained for."""
    model = bert.plain_model()
    field = bert.config.quantize_aware
    fake.enable(model, field["weights"], field["table_bits"], bert.rescaling)
    return Bert.from_config(bert.config, model, bert.tokenizer)


@pytest.mark.slow
def test_the_folder_has_what_an_export_needs(cli, toy, tmp_path):
    output, train = tmp_path / "model", write_tsv(tmp_path / "train.tsv", toy_rows(160, seed=5))
    flags = (f"--init={toy.model}", f"--train={train}", f"--eval={toy.dev}", "--length=32")
    found = cli(
        "finetune", *flags, "--quantize_aware=int4", "--table_bits=8", "--epochs=1",
        "--learning_rate=2e-4", f"--output={output}", "--json",
    )  # fmt: skip
    assert found.status == 0, found.err
    assert "learns from the logits of the start too, in float: --teacher=none" in found.err
    assert "--quantize=int4: weights of 4 bits, word table of 8 bits; ranges of 128" in found.err
    report = json.loads(found.out.splitlines()[-1])
    assert report["dtype_policy"] == "float32"
    assert report["quantize_aware"] == {"weights": "int4", "table_bits": 8}
    assert (output / RESCALING_FILE).exists()
    assert not output.with_suffix(".training").exists()

    bert = load(output)
    assert bert.config.quantize_aware == report["quantize_aware"]
    examples = get_task("classification").read(toy.dev, FileLayout())
    rows = bert.task.rows(examples, bert.tokenizer, bert.config)
    scores = {}
    for name, each in (("file", quantized(bert)), ("float", bert)):
        answers = bert.task.answers(each.outputs(rows), rows, examples, bert.config)
        scores[name] = bert.task.scores(answers, examples, bert.config)
    assert report["accuracy"] == scores["file"]["accuracy"]
    assert report["in_float32"] == {n: scores["float"][n] for n in report["in_float32"]}
    evaluated = cli("evaluate", f"--model={output}", f"--data={toy.dev}", "--json")
    found = json.loads(evaluated.out.splitlines()[-1])
    assert found["accuracy"] == scores["float"]["accuracy"]
    card = (output / "README.md").read_text(encoding="utf-8")
    assert "Trained for `export --quantize=int4 --table_bits=8`" in card
    assert "--quantize_aware=int4" in card

    exported = tmp_path / "model.tflite"
    found = cli("export", f"--model={output}", "--format=tflite", f"--output={exported}")
    assert "note: the model was trained for --quantize=int4: this file does not use" in found.err

    # A copy of the folder is the same; a `.keras` file has the float model, and so has what a
    # further training makes of it.
    bert.save(tmp_path / "copy")
    again = load(tmp_path / "copy")
    for name in ("inputs", "values"):
        for key, value in getattr(bert.rescaling, name).items():
            np.testing.assert_array_equal(getattr(again.rescaling, name)[key], value)
    bert.model.save(tmp_path / "model.keras")
    kept = load(tmp_path / "model.keras")
    assert kept.config.quantize_aware == {}
    assert kept.rescaling is None
    (output / RESCALING_FILE).unlink()
    with pytest.raises(InputError, match=f"{RESCALING_FILE}: no such file"):
        load(output)


def test_the_file_computes_what_the_training_saw(tmp_path):
    """A rounding that falls the other way, for the last bit of a float, is all that is between."""
    bert = make_bert("regression")
    examples = get_task("regression").read(write_data("regression", bert, tmp_path), FileLayout())
    field = {"weights": "int4", "table_bits": 8}
    bert.config = dataclasses.replace(bert.config, quantize_aware=field)
    bert.rescaling = rescaling_for(bert, examples)
    bert.save(tmp_path / "model")
    exported = str(tmp_path / "model.tflite")
    export(load(tmp_path / "model"), output=exported, format="tflite", quantize="int4")
    rows = bert.task.rows(examples, bert.tokenizer, bert.config)
    file, simulated, plain = (
        np.array(each.outputs(rows)["value"])
        for each in (open_model(exported), quantized(bert), bert)
    )
    assert np.abs(file - simulated).mean() < 0.02 * np.abs(file - plain).mean()


def test_a_folder_of_another_training_says_nothing_of_it(toy):
    config, _ = read_description(toy.model)
    assert config.quantize_aware == {}
    assert "quantize_aware" not in config.to_json()
    assert load(toy.model).rescaling is None
    for wrong in ({"weights": "int4"}, {"weights": "int2", "table_bits": 4}, {"table_bits": 5}, []):
        data = {**json.loads(config.to_json()), "quantize_aware": wrong}
        with pytest.raises(InputError, match="quantize_aware must be"):
            type(config).from_dict(data)


class _Killed(Exception):
    pass


@pytest.mark.slow
def test_a_killed_run_resumes_to_the_same_weights(toy, tmp_path, monkeypatch):
    task = get_task("classification")
    train, dev = (task.read(path, FileLayout()) for path in (toy.train, toy.dev))
    train = train.take(range(60))

    def training():
        start = load(toy.model)
        fields = task.config_fields(train, {})
        config = config_for(
            task, start, 32, fields, quantize_aware={"weights": "int4", "table_bits": 4}
        )
        settings = FitSettings(epochs=2, batch_size=8, checkpoint_every=3)
        return TaskTraining(start, config, settings, teachers=Teachers([start], 0.3, 2.0))

    whole = training()
    assert whole.policy == "float32"
    whole.train(train, dev)
    killed, steps = training(), []

    def die(self, batch, logs=None):
        steps.append(batch)
        if len(steps) == 11:
            raise _Killed

    state = tmp_path / "state"
    with monkeypatch.context() as patch:
        patch.setattr("keras_bert.training.progress.ProgressLine.on_train_batch_end", die)
        with pytest.raises(_Killed):
            killed.train(train, dev, state_folder=state, fingerprint="x")
    kept = (state / RESCALING_FILE).read_bytes()
    # The teacher is no part of the state.
    sizes = sum(weight.nbytes for weight in whole.model.get_weights())
    with np.load(max(state.glob("step-*.npz"))) as file:
        assert sum(file[name].nbytes for name in file.files if "model_" in name) < 1.1 * sizes
    resumed = training()
    # It does not measure again: what it would find now is not what the run began with.
    with monkeypatch.context() as patch:
        patch.setattr("keras_bert.training.quantize_aware.measure", None)
        resumed.train(train, dev, state_folder=state, fingerprint="x", resume=True)
    assert (state / RESCALING_FILE).read_bytes() == kept
    for one, other in zip(resumed.model.get_weights(), whole.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    resumed.discard_state()
    assert not state.exists()


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["int4", "int8"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_task_comes_closer_to_what_it_answers_in_float(kind, scheme, tmp_path):
    """The data are the start's own answers, so in float it is right, and its file is not."""
    start = make_bert(kind)
    task = get_task(kind)
    examples = task.read(write_data(kind, start, tmp_path), FileLayout())
    fields = {name: getattr(start.config, name) for name in ("labels", "pair", "settings")}
    config = config_for(
        task, start, start.config.max_length, fields, dropout=0.0,
        quantize_aware={"weights": scheme, "table_bits": 4},
    )  # fmt: skip
    rows = task.rows(examples, start.tokenizer, config)
    exact = start.outputs(rows)
    distances = {}
    for rate in (0.0, 3e-4):
        settings = FitSettings(epochs=12 if rate else 1, batch_size=8, learning_rate=rate)
        trainer = TaskTraining(start, config, settings, teachers=Teachers([start], 0.0))
        trainer.train(examples, examples)
        # The last epoch's weights, whatever it scores: the data are few, the scores coarse.
        found = Bert.from_config(config, trainer.model, start.tokenizer).outputs(rows)
        if kind == "question_answering":
            # Of places in a passage only differences of logits mean something.
            found, exact = _log_probabilities(found), _log_probabilities(exact)
        distances[rate] = np.mean(
            [np.abs(np.subtract(a, b)).mean() for n in exact for a, b in zip(found[n], exact[n])]
        )
    assert distances[3e-4] < 0.8 * distances[0.0]


def _log_probabilities(outputs):
    return {n: [row - np.log(np.exp(row).sum()) for row in rows] for n, rows in outputs.items()}


PARTS = {"adapters": ("", 2), "head": ("encoder", None), "last block": ("1", None)}


@pytest.mark.slow
@pytest.mark.parametrize("part", PARTS)
def test_a_part_is_trained_with_the_numbers_of_the_file(part, tmp_path):
    """What is frozen stays bit for bit; adapters are rounded merged, as the file has them."""
    frozen, rank = PARTS[part]
    start = make_bert("regression", encoder={"num_hidden_layers": 2})
    task = get_task("regression")
    examples = task.read(write_data("regression", start, tmp_path), FileLayout())
    fields = {name: getattr(start.config, name) for name in ("labels", "pair", "settings")}
    config = config_for(
        task, start, start.config.max_length, fields,
        quantize_aware={"weights": "int4", "table_bits": 8},
    )  # fmt: skip
    settings = FitSettings(epochs=2, batch_size=8, learning_rate=3e-3)
    trainer = TaskTraining(
        start, config, settings, frozen=frozen, lora_rank=rank, teachers=Teachers([start], 0.5)
    )
    trainer.train(examples, examples)
    trained, _, scores = trainer.finished(examples)
    before, after = (
        {variable.path: keras.ops.convert_to_numpy(variable) for variable in bert.encoder.weights}
        for bert in (start, trained)
    )
    moved = {name for name, value in after.items() if (value != before[name]).any()}
    if rank:
        assert {name.split("/")[-2] for name in moved} == {"query", "value"}
        assert len(moved) == 4
        for name in moved:
            assert np.linalg.matrix_rank(after[name] - before[name], tol=1e-5) <= rank
    elif frozen == "encoder":
        assert not moved
    else:
        assert moved == {name for name in after if name.startswith(("layer_1/", "pooler/"))}
    head = [(w != v).any() for w, v in zip(start.model.get_weights(), trained.model.get_weights())]
    assert any(head)

    trained.save(tmp_path / "model")
    again = load(tmp_path / "model")
    exported = str(tmp_path / "model.tflite")
    export(again, output=exported, format="tflite", quantize="int4")
    rows = task.rows(examples, again.tokenizer, again.config)
    training = Bert.from_config(config, trainer.model, start.tokenizer)
    file, trained_by, simulated, plain = (
        np.array(each.outputs(rows)["value"])
        for each in (open_model(exported), training, quantized(again), again)
    )
    rounding = np.abs(simulated - plain).mean()
    assert rounding > 1e-3
    assert np.abs(trained_by - simulated).mean() < 0.02 * rounding
    # The second block carries on what falls the other way in the first.
    assert np.abs(file - simulated).mean() < 0.05 * rounding
    answers = task.answers({"value": simulated}, rows, examples, again.config)
    for name, value in task.scores(answers, examples, again.config).items():
        assert scores[name] == pytest.approx(value, abs=1e-3)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"table_bits": 4}, "table_bits: goes with quantize_aware"),
        ({"quantize_aware": "int4", "table_bits": 5}, "table_bits=5: expected 4 or 8"),
        ({"quantize_aware": "int2"}, "quantize_aware=int2: expected one of int4, int8"),
        ({"quantize_aware": "int4", "precision": "mixed_bfloat16"}, "precision=mixed_bfloat16: .*"),
        ({"temperature": 2}, "temperature: goes with teacher"),
        ({"teacher": "none", "label_weight": 0.7}, "label_weight: goes with teacher"),
        ({"teacher": "x", "temperature": 0.0}, "temperature=0.0: expected a number from 0.1"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(given, message):
    with pytest.raises(InputError, match=message):
        FinetuneSettings(**given)


def test_a_start_that_is_not_fine_tuned_is_refused(toy, tmp_path):
    encoder = load("bert_tiny_en_uncased", vocabulary=toy.vocabulary)
    with pytest.raises(InputError, match="quantize_aware=int4: .* is an encoder without a task"):
        keras_bert.finetune(encoder, train=toy.train, quantize_aware="int4", length=32)
    other = make_bert("regression")
    with pytest.raises(InputError, match="init answers regression: run the command without it"):
        keras_bert.finetune(other, train=toy.train, quantize_aware="int8", length=32)
