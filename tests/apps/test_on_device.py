"""The program of the device, in an environment that has neither TensorFlow nor Keras."""

import subprocess

import numpy as np
import pytest
from environments import run_in
from task_models import PASSAGE, QUESTIONS, asked_of

import keras_bert
from keras_bert.tasks.tagging.conll import read_conll

pytestmark = pytest.mark.slow


def ask(device, program, *arguments, cwd):
    """Runs a program of the device; returns its lines, cut at tabs, without the milliseconds."""
    found = run_in(device, program, *arguments, cwd=cwd)
    assert found.returncode == 0, found.stderr
    lines = [line.split("\t") for line in found.stdout.splitlines()]
    return [[cell for cell in line if not cell.endswith(" ms")] for line in lines]


def test_nothing_of_training_is_installed(device, tmp_path):
    python = device.with_name("python")
    for module in ("tensorflow", "keras", "sklearn", "scipy", "h5py", "onnxruntime"):
        found = run_in(python, "-c", f"import {module}", cwd=tmp_path)
        assert found.stderr.splitlines()[-1] == f"ModuleNotFoundError: No module named '{module}'"
    complaints = run_in(python, "-m", "pip", "check", cwd=tmp_path)
    assert complaints.returncode == 0, complaints.stdout


def test_classifies_from_the_file_alone(cli, toy, device, tmp_path):
    path = tmp_path / "model.tflite"
    flags = ["--format=tflite", f"--output={path}"]
    assert cli("export", f"--model={toy.model}", *flags).status == 0
    texts = ["a superb, lovely film", "Café NAÏVE 完全。", "awful plot 🙂"]
    answers = keras_bert.load(toy.model).predict(texts)
    assert ask(device, "classify", f"--model={path}", *texts, cwd=tmp_path) == [
        [a["label"], f"{a['probability']:.4f}", t] for a, t in zip(answers, texts)
    ]


def test_gives_the_numbers_of_a_regressor(models, device, tmp_path):
    bert, path = models["regression"]
    texts = ["a superb, lovely film", "Café NAÏVE 完全。", "awful plot 🙂"]
    found = ask(device, "classify", f"--model={path}", *texts, cwd=tmp_path)
    assert [text for _, text in found] == texts
    values = [answer["value"] for answer in bert.predict(texts)]
    np.testing.assert_allclose([float(value) for value, _ in found], values, atol=1e-4)


@pytest.mark.parametrize("in_file", [True, False])
def test_answers_about_a_long_passage_with_exact_slices(models, device, tmp_path, in_file):
    bert, path = models["question_answering"]
    flag = f"--passage_text={PASSAGE}"
    if in_file:
        (tmp_path / "passage.txt").write_bytes(PASSAGE.encode())
        flag = "--passage=passage.txt"
    found = ask(device, "answer", f"--model={path}", flag, *QUESTIONS, cwd=tmp_path)
    answers = bert.predict(QUESTIONS, [PASSAGE] * len(QUESTIONS))
    assert {bool(answer["text"]) for answer in answers} == {True, False}
    for line, answer, question in zip(found, answers, QUESTIONS, strict=True):
        shown, probability, place, asked = line
        assert asked == question
        assert float(probability) == pytest.approx(answer["probability"], abs=1.1e-4)
        if not answer["text"]:
            assert (shown, place) == ("(no answer)", "-")
            continue
        start, end = map(int, place.split("-"))
        assert (start, end) == (answer["start"], answer["end"])
        assert PASSAGE[start:end] == answer["text"]
        assert shown == " ".join(PASSAGE[start:end].split())


def test_tags_sentences_as_conll(models, device, tmp_path):
    bert, path = models["tagging"]
    texts = asked_of("tagging")[0]
    # The last is longer than a row.
    texts = ["Jim Henson's café in New York, naïve 北京。", texts[0], texts[-1]]
    found = run_in(device, "tag", f"--model={path}", *texts, cwd=tmp_path)
    assert found.returncode == 0, found.stderr
    (tmp_path / "tags.conll").write_text(found.stdout, encoding="utf-8")
    read = read_conll(tmp_path / "tags.conll")
    answers = bert.predict(texts)
    assert read.words == [answer["words"] for answer in answers]
    assert read.tags == [answer["tags"] for answer in answers]
    comments = [line.split("\t") for line in found.stdout.splitlines() if line.startswith("# ")]
    assert [line[2] for line in comments if line[0] == "# text"] == texts
    entities = [line for line in comments if line[0] != "# text"]
    expected = [(text, each) for text, a in zip(texts, answers) for each in a["entities"]]
    assert len(expected) > 5
    for (kind, probability, place, shown), (text, entity) in zip(entities, expected, strict=True):
        start, end = map(int, place.split("-"))
        assert (kind, start, end) == (f"# {entity['type']}", entity["start"], entity["end"])
        assert shown == text[start:end]
        assert float(probability) == pytest.approx(entity["probability"], abs=1.1e-4)


def test_texts_come_from_stdin_too(models, device, tmp_path):
    _, path = models["tagging"]
    command = [str(device), "tag", f"--model={path}"]
    found = subprocess.run(command, input="a film\n\nthe café\r\n".encode(), capture_output=True)
    assert found.returncode == 0, found.stderr
    lines = [line.split("\t") for line in found.stdout.decode().splitlines()]
    assert [line[-1] for line in lines if line[0] == "# text"] == ["a film", "the café"]
    found = subprocess.run(command, input=b"a film\n\xff\n", capture_output=True)
    assert found.returncode == 2
    assert found.stderr.splitlines()[-1] == b"tag: stdin:2: is not UTF-8"


@pytest.mark.parametrize(
    ("program", "kind", "message"),
    [
        (
            "classify",
            "question_answering",
            "not for classification or multi_label or regression: use `keras-bert-device answer`",
        ),
        (
            "answer",
            "tagging",
            "is a model for tagging, not for question_answering: use `keras-bert-device tag`",
        ),
        (
            "tag",
            "regression",
            "is a model for regression, not for tagging: use `keras-bert-device classify`",
        ),
    ],
)
def test_a_model_of_another_task_is_refused(models, device, tmp_path, program, kind, message):
    _, path = models[kind]
    flags = ["--passage_text=a film"] if program == "answer" else []
    found = run_in(device, program, f"--model={path}", *flags, "a film", cwd=tmp_path)
    assert found.returncode == 2
    assert len(found.stderr.splitlines()) == 1
    assert f"{kind}.tflite: " in found.stderr
    assert message in found.stderr
    assert not found.stdout


@pytest.mark.parametrize("threads", ["0", "-1", "257", "1" + "0" * 20, "two"])
def test_a_number_of_threads_that_the_interpreter_dies_of_is_refused(device, tmp_path, threads):
    arguments = ["--model=none.tflite", f"--threads={threads}", "a"]
    found = run_in(device, "tag", *arguments, cwd=tmp_path)
    assert found.returncode == 2
    assert "expected a number from 1 to 256" in found.stderr


@pytest.mark.parametrize(
    ("program", "kind", "flag"),
    [
        ("classify", "regression", "--text_b"),
        ("answer", "question_answering", "--passage_text"),
    ],
)
def test_a_second_text_that_is_no_text_is_told_by_its_flag(models, device, program, kind, flag):
    _, path = models[kind]
    command = [
        str(device),
        program,
        f"--model={path}",
        f"{flag}=".encode() + b"\xff",
        "a",
    ]
    found = subprocess.run(command, capture_output=True)
    assert found.returncode == 2
    said = f"{program}: {flag}: is not UTF-8"
    assert found.stderr.decode().splitlines()[-1] == said


def test_a_file_without_vocabulary_is_refused(device, tmp_path):
    path = tmp_path / "bare.tflite"
    path.write_bytes(b"TFL3" * 10)
    found = run_in(device, "classify", f"--model={path}", "a", cwd=tmp_path)
    assert found.returncode == 2
    assert len(found.stderr.splitlines()) == 1
    assert "bare.tflite" in found.stderr


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "cannot be read"), (b"\xff", "is not UTF-8"), (b" \n", "the passage is empty")],
)
def test_a_passage_that_is_none_is_refused(models, device, tmp_path, content, message):
    if content is not None:
        (tmp_path / "p.txt").write_bytes(content)
    _, path = models["question_answering"]
    flags = [f"--model={path}", "--passage=p.txt"]
    found = run_in(device, "answer", *flags, "who?", cwd=tmp_path)
    assert found.returncode == 2
    assert len(found.stderr.splitlines()) == 1
    assert found.stderr.startswith(f"answer: p.txt: {message}")


@pytest.mark.parametrize(
    ("program", "kind", "texts", "message"),
    [
        ("tag", "tagging", ["a film", "\u200b"], "text 2: '\\u200b' is a text without words"),
        ("tag", "tagging", ["a film", " "], "text 2: is empty"),
        ("classify", "regression", ["a film", ""], "text 2: is empty"),
        (
            "classify",
            "regression",
            ["--text_b=b", "a"],
            "single texts: leave out --text_b",
        ),
        ("classify", "regression", ["--text_b= ", "a"], "--text_b: is empty"),
        ("answer", "question_answering", ["a"], "--passage --passage_text is required"),
    ],
)
def test_what_is_no_question_for_the_model_is_told_in_one_line(
    models, device, tmp_path, program, kind, texts, message
):
    _, path = models[kind]
    found = run_in(device, program, f"--model={path}", *texts, cwd=tmp_path)
    assert found.returncode == 2
    assert len(found.stderr.splitlines()) == 1
    assert message in found.stderr


def test_a_line_of_stdin_is_told_by_its_number(models, device):
    _, path = models["tagging"]
    command = [str(device), "tag", f"--model={path}"]
    lines = "a film\n\n\u200b\n".encode()
    found = subprocess.run(command, input=lines, capture_output=True)
    assert found.returncode == 2
    assert found.stderr.decode().startswith("tag: stdin:3: ")


def test_output_that_nobody_takes_ends_the_program_quietly(models, device):
    _, path = models["tagging"]
    command = [str(device), "tag", f"--model={path}", *["a film"] * 2000]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.readline()
        process.stdout.close()
        said = process.stderr.read().decode()
    assert process.returncode == 141
    assert "Traceback" not in said
    with open("/dev/full", "wb") as full:
        found = subprocess.run(command[:4], stdout=full, stderr=subprocess.PIPE)
    assert found.returncode == 2
    assert found.stderr.decode().splitlines()[-1].startswith("tag: writing failed: No space")
