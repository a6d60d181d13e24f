"""The app on the device, in an environment that has neither TensorFlow nor Keras."""

import pytest
from environments import ROOT, make_environment, run_in

import keras_bert

APP = ROOT / "apps" / "on_device"


@pytest.fixture(scope="module")
def device(tmp_path_factory):
    folder = tmp_path_factory.mktemp("device")
    return make_environment(
        folder / "venv", ["-r", APP / "requirements.txt"], ["--no-deps", str(ROOT)]
    )


def test_classifies_from_the_file_alone(cli, toy, device, tmp_path):
    path = tmp_path / "model.tflite"
    flags = ["--format=tflite", f"--output={path}"]
    assert cli("export", f"--model={toy.model}", *flags).status == 0
    for module in ("tensorflow", "keras", "sklearn"):
        assert run_in(device, "-c", f"import {module}", cwd=tmp_path).returncode == 1
    texts = ["a superb, lovely film", "Café NAÏVE 完全。", "awful plot 🙂"]
    found = run_in(device, APP / "classify.py", f"--model={path}", *texts, cwd=tmp_path)
    assert found.returncode == 0, found.stderr
    lines = [line.split("\t") for line in found.stdout.splitlines()]
    answers = keras_bert.load(toy.model).predict(texts)
    assert [(line[0], line[1], line[3]) for line in lines] == [
        (a["label"], f"{a['probability']:.4f}", t) for a, t in zip(answers, texts)
    ]


def test_a_file_without_vocabulary_is_refused(device, tmp_path):
    path = tmp_path / "bare.tflite"
    path.write_bytes(b"TFL3" * 10)
    found = run_in(device, APP / "classify.py", f"--model={path}", "a", cwd=tmp_path)
    assert found.returncode == 2
    assert len(found.stderr.splitlines()) == 1
    assert "bare.tflite" in found.stderr
