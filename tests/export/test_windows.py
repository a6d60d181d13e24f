"""Long texts in windows: every exported format answers as the model does, from raw text too."""

import json

import numpy as np
import pytest
from conftest import toy_rows
from marks import slow_but
from said import said_by
from task_models import make_bert

from keras_bert.device import main as device
from keras_bert.export.onnx import export_onnx
from keras_bert.export.runners import open_exported
from keras_bert.export.saved_model import export_saved_model
from keras_bert.export.tflite import export_tflite
from keras_bert.export.verify import verify

SENTENCES = [text for _, text in toy_rows(60, seed=3)]
TEXTS = [
    SENTENCES[0], " ".join(SENTENCES[1:9]), "Café", " ".join(SENTENCES[9:12]),
    " ".join(SENTENCES[12:40]),
]  # fmt: skip
# Now the one of a pair is the longer, now the other; at last both are longer than half a row.
SECOND = [" ".join(SENTENCES[40:44]), "good", "bad", SENTENCES[50], " ".join(SENTENCES[44:50])]
KINDS = {
    "classification": {"labels": ("a", "b", "c"), "settings": {}},
    "multi_label": {"labels": ("a", "b", "c"), "settings": {"thresholds": [0.5, 0.4, 0.6]}},
    "regression": {"labels": (), "settings": {"mean": 2.5, "scale": 1.5}},
}
PAIRED = {"classification": False, "multi_label": True, "regression": True}
LENGTH = 24
FORMATS = ("fixed.tflite", "open.tflite", "model.onnx", "saved_model")


@pytest.fixture(scope="module", params=slow_but(KINDS, "classification"))
def model(request):
    fields = {"task": request.param, "pair": PAIRED[request.param], **KINDS[request.param]}
    bert = make_bert("regression", max_length=LENGTH, windows=True, **fields)
    return bert, (TEXTS, SECOND if PAIRED[request.param] else None)


@pytest.fixture(scope="module")
def exported(model, tmp_path_factory):
    bert, _ = model
    folder = tmp_path_factory.mktemp("windows")
    export_tflite(bert, folder / "fixed.tflite")
    export_tflite(bert, folder / "open.tflite", "dynamic")
    export_onnx(bert, folder / "model.onnx")
    export_saved_model(bert, folder / "saved_model")
    return folder


def numbers(bert, answers):
    if bert.config.task == "regression":
        return np.array([answer["value"] for answer in answers])
    return np.array([list(answer["probabilities"].values()) for answer in answers])


@pytest.mark.parametrize("name", FORMATS)
def test_formats_answer_as_the_model(model, exported, name):
    bert, asked = model
    runner = open_exported(exported / name)
    assert runner.config.windows is True
    expected = numbers(bert, bert.predict(*asked))
    np.testing.assert_allclose(numbers(bert, runner.predict(*asked)), expected, atol=2e-5)
    cut = numbers(bert, runner.predict(*asked, windows=False))
    assert np.abs(cut[0 if asked[1] else 1] - expected[0 if asked[1] else 1]).max() > 1e-3
    np.testing.assert_allclose(cut, numbers(bert, bert.predict(*asked, windows=False)), atol=2e-5)


def test_raw_text_is_read_in_windows_by_tensorflow_alone(model, exported):
    import tensorflow as tf
    import tensorflow_text  # noqa: F401

    bert, (texts, second) = model
    serve = tf.saved_model.load(str(exported / "saved_model")).signatures["serving_default"]
    asked = {"text": tf.constant(texts)}
    if second:
        asked["text_b"] = tf.constant(second)
    (name,) = bert.task.outputs
    found = serve(**asked)
    answers = bert.predict(texts, second)
    expected = numbers(bert, answers).reshape(len(texts), -1)
    np.testing.assert_allclose(found[name].numpy(), expected, atol=2e-5)
    if bert.config.task == "classification":
        labels = [label.decode() for label in found["label"].numpy()]
        assert labels == [answer["label"] for answer in answers]


@pytest.mark.parametrize("model", ["classification"], indirect=True)
def test_verify_compares_windows(model, exported, tmp_path):
    bert, (texts, second) = model
    labels = [answer["label"] for answer in bert.predict(texts)]
    result, _ = verify(bert, str(exported / "open.tflite"), (texts, labels))
    assert result["model_scores"]["accuracy"] == result["exported_scores"]["accuracy"] == 1
    assert result["max_difference"] < 2e-5


@pytest.mark.parametrize("model", ["classification"], indirect=True)
def test_verify_has_no_setting_to_read_texts_whole(model, exported):
    """So it names none, where `predict` names `windows`."""
    _, (texts, _) = model
    plain = make_bert(
        "regression", max_length=LENGTH, task="classification", **KINDS["classification"]
    )
    texts = [text for text in texts if text.strip()]
    examples = texts, [plain.config.labels[0]] * len(texts)
    _, notes = said_by(verify, plain, str(exported / "open.tflite"), examples)
    assert any("tokens and are cut" in each and "windows" not in each for each in notes)
    assert not any("windows" in each for each in notes)
    _, notes = said_by(plain.predict, texts)
    assert any("are cut: windows=True" in each for each in notes)


@pytest.mark.parametrize("model", ["classification"], indirect=True)
def test_the_program_on_the_device_reads_windows_and_says_what_is_cut(model, exported, capfd):
    bert, (texts, second) = model
    (expected,) = bert.predict(texts[1:2])
    arguments = ["classify", f"--model={exported / 'open.tflite'}", texts[1]]
    assert device.main(arguments) == 0
    out = capfd.readouterr().out.split("\t")
    assert out[:2] == [expected["label"], f"{expected['probability']:.4f}"]
    plain = make_bert(
        "regression", max_length=LENGTH, task="classification", **KINDS["classification"]
    )
    export_tflite(plain, exported / "plain.tflite", "dynamic")
    arguments[1] = f"--model={exported / 'plain.tflite'}"
    capfd.readouterr()
    assert device.main([*arguments, texts[1]]) == 0
    found = capfd.readouterr()
    notes = [line for line in found.err.splitlines() if line.startswith("note:")]
    assert notes == ["note: the texts: 1 of 1 texts is longer than 24 tokens and is cut: --windows"]
    assert device.main([*arguments, "--windows"]) == 0
    found = capfd.readouterr()
    assert "note:" not in found.err
    assert found.out.split("\t")[:2] == out[:2]


def test_a_shorter_export_has_shorter_windows(model, tmp_path):
    bert, asked = model
    export_tflite(bert, tmp_path / "short.tflite", 16)
    runner = open_exported(tmp_path / "short.tflite")
    rows = runner.task.rows(runner.task.examples_from(*asked), runner.tokenizer, runner.config)
    assert max(len(row.token_ids) for row in rows.encodings) == 16
    assert json.loads(runner.config.to_json())["windows"] is True
    assert len(runner.predict(*asked)) == len(TEXTS)
