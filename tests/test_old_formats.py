"""What older versions wrote still loads, with the same outputs; what newer ones wrote does not."""

import json
import shutil
import zipfile

import keras
import numpy as np
import pytest
from conftest import DATA
from exported_files import tampered

import keras_bert
from keras_bert.errors import InputError
from keras_bert.export.runners import open_exported
from keras_bert.model_folder import CONFIG_FILE, ModelConfig, is_model_folder, read_config

KINDS = (
    "classification",
    "regression",
    "tagging",
    "question_answering",
    "multiple_choice",
    "pretraining",
)
NETWORKS = (
    "BertEncoder",
    "BertClassifier",
    "BertTagger",
    "BertQuestionAnswerer",
    "BertMultipleChoice",
    "BertPretrainer",
    "compiled",
)
EXPORTED = ("dynamic.tflite", "classification.onnx", "saved_model")


@pytest.fixture(scope="module")
def old(tmp_path_factory):
    """A folder with the files that version 0.1.0 wrote."""
    folder = tmp_path_factory.mktemp("version_0_1")
    with zipfile.ZipFile(DATA / "version_0_1" / "files.zip") as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture(scope="module")
def recorded():
    with np.load(DATA / "version_0_1" / "outputs.npz") as arrays:
        return dict(arrays)


def assert_outputs_equal(name, outputs, recorded):
    outputs = outputs if isinstance(outputs, dict) else {"logits": outputs}
    expected = {
        key.removeprefix(f"{name}/"): value
        for key, value in recorded.items()
        if key.startswith(f"{name}/")
    }
    assert expected
    assert outputs.keys() == expected.keys()
    for key, value in expected.items():
        np.testing.assert_allclose(outputs[key], value, rtol=0, atol=1e-6)


def run_network(model, recorded):
    inputs = {name: recorded[name] for name in model.input}
    choices = next(iter(model.input.values())).shape[1] if "choice" in model.name else None
    if choices:
        # As the file's maker did: a text's choices are itself and the next texts.
        inputs = {
            name: np.stack([np.roll(array, -i, axis=0) for i in range(choices)], axis=1)
            for name, array in inputs.items()
        }
    return model.predict_on_batch(inputs)


@pytest.mark.parametrize("kind", KINDS)
def test_model_folders_load_with_the_same_outputs(old, recorded, kind):
    bert = keras_bert.load(old / kind)
    assert bert.config.task == kind
    assert_outputs_equal(kind, run_network(bert.model, recorded), recorded)


@pytest.mark.parametrize("name", NETWORKS)
def test_keras_files_load_with_the_same_outputs(old, recorded, name):
    import keras_bert.models
    import keras_bert.training.optimizer  # noqa: F401  registers what the compiled one needs

    model = keras.saving.load_model(old / f"{name}.keras")
    assert_outputs_equal(f"{name}.keras", run_network(model, recorded), recorded)
    if name == "compiled":
        assert int(model.optimizer.iterations) == 1
        schedule = model.optimizer.get_config()["learning_rate"]
        assert schedule["registered_name"] == "keras_bert>WarmupLinearDecay"
        inputs = {name: recorded[name] for name in model.input}
        model.train_on_batch(inputs, np.array([0, 1, 1, 0]))
        assert int(model.optimizer.iterations) == 2


@pytest.mark.parametrize("name", EXPORTED)
def test_exported_files_run_with_the_same_outputs(old, recorded, name):
    runner = open_exported(old / name)
    inputs = {name: recorded[name] for name in ("token_ids", "segment_ids", "padding_mask")}
    rows = [runner.run({key: value[i : i + 1] for key, value in inputs.items()}) for i in range(4)]
    outputs = {key: np.concatenate([row[key] for row in rows]) for key in rows[0]}
    assert_outputs_equal(name, outputs, recorded)
    assert runner.predict("a great film")["label"] in ("0", "1")


@pytest.mark.parametrize("kind", KINDS)
def test_a_loaded_folder_is_saved_in_the_format_of_today(old, recorded, tmp_path, kind):
    keras_bert.load(old / kind).save(tmp_path / "new")
    data = json.loads((tmp_path / "new" / CONFIG_FILE).read_text())
    assert data["format_version"] == 2
    assert data["tokenizer_files"] == ["vocab.txt"]
    assert "keras_bert_format" not in data
    before, after = read_config(old / kind), read_config(tmp_path / "new")
    assert {**vars(after), "versions": None} == {**vars(before), "versions": None}
    model = keras_bert.load(tmp_path / "new").model
    assert_outputs_equal(kind, run_network(model, recorded), recorded)


def config_of(old):
    return json.loads((old / "classification" / CONFIG_FILE).read_text())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format_version": 3}, "format_version is 3, this version .* up to 2: install a newer"),
        ({"format_version": 1}, "format_version is 1, this version of keras-bert reads 2"),
        ({"format_version": "2"}, "format_version is '2'"),
        ({"format_version": True}, "format_version is True"),
        ({"format_version": None}, "format_version is None"),
        ({"keras_bert_format": 2}, "keras_bert_format is 2, .* up to 1: install a newer"),
        ({"tokenizer_files": ["tokenizer.json"]}, "tokenizer_files must be .*tokenizer.json"),
        ({"tokenizer_files": ["../vocab.txt"]}, "tokenizer_files must be"),
        ({"tokenizer_files": "vocab.txt"}, "tokenizer_files must be"),
        ({"tokenizer_files": 1}, "tokenizer_files must be"),
    ],
)
def test_other_formats_are_refused_by_name(old, tmp_path, changes, message):
    data = json.loads(ModelConfig.from_dict(config_of(old)).to_json())
    folder = tmp_path / "model"
    shutil.copytree(old / "classification", folder)
    (folder / CONFIG_FILE).write_text(json.dumps({**data, **changes}))
    assert is_model_folder(folder)
    with pytest.raises(InputError, match=f"config.json: {message}") as refused:
        keras_bert.load(folder)
    assert len(str(refused.value).splitlines()) == 1


def test_an_exported_file_of_a_newer_version_is_refused(old, tmp_path):
    def change(files):
        files["keras_bert.json"] = json.dumps({**config_of(old), "keras_bert_format": 7}).encode()

    path = tampered(old / "dynamic.tflite", tmp_path / "new.tflite", change)
    with pytest.raises(InputError, match="new.tflite: .*keras_bert_format is 7, .*up to 1"):
        open_exported(path)


def test_a_folder_of_another_program_is_not_taken_for_ours(tmp_path):
    for text in ('{"format_version": 2}', '{"model_type": "bert"}', "[]", "no JSON"):
        (tmp_path / CONFIG_FILE).write_text(text)
        assert not is_model_folder(tmp_path)
