"""The device program's flags and its prompt, where neither TensorFlow nor Keras is installed."""

import json
import subprocess

import pytest
from environments import run_in
from exported_files import tampered
from task_models import PASSAGE, QUESTIONS
from terminal import Terminal

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _no_colors(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")


@pytest.fixture
def passage_file(tmp_path):
    path = tmp_path / "passage.txt"
    path.write_bytes(PASSAGE.encode())
    return path


def records(device, *arguments, cwd):
    found = run_in(device, *arguments, "--json", cwd=cwd)
    assert found.returncode == 0, found.stderr
    return [json.loads(line) for line in found.stdout.splitlines()]


def check(found, expected):
    """Asserts that two answers are equal, but for the last digits of numbers."""
    assert type(found) is type(expected)
    if isinstance(expected, dict):
        assert found.keys() == expected.keys()
        for name in expected:
            check(found[name], expected[name])
    elif isinstance(expected, list):
        assert len(found) == len(expected)
        for pair in zip(found, expected):
            check(*pair)
    elif isinstance(expected, float):
        assert found == pytest.approx(expected, abs=1e-4)
    else:
        assert found == expected


def test_json_is_what_the_model_answers(models, device, tmp_path, passage_file):
    bert, path = models["question_answering"]
    arguments = ["answer", f"--model={path}", f"--input={passage_file}", *QUESTIONS]
    found = records(device, *arguments, cwd=tmp_path)
    answers = bert.predict(QUESTIONS, [PASSAGE] * len(QUESTIONS))
    for record, question, answer in zip(found, QUESTIONS, answers, strict=True):
        assert record.pop("milliseconds") > 0
        # The order of the lower answers may be another, where they are about as good.
        top = {**answer, "n_best": answer["n_best"][:1]}
        check(record | {"n_best": record["n_best"][:1]}, {"question": question, **top})
        assert len(record["n_best"]) == len(answer["n_best"])

    bert, path = models["tagging"]
    texts = ["Jim Henson's café in New York 北京。", "a film 👍🏽"]
    (tmp_path / "texts.txt").write_text("\n".join(texts), encoding="utf-8")
    arguments = ["tag", f"--model={path}", "--input=texts.txt"]
    for record, answer in zip(records(device, *arguments, cwd=tmp_path), bert.predict(texts)):
        del record["milliseconds"]
        check(record, answer)

    bert, path = models["regression"]
    found = records(device, "classify", f"--model={path}", *texts, cwd=tmp_path)
    assert [each["text"] for each in found] == texts
    expected = [answer["value"] for answer in bert.predict(texts)]
    assert [each["value"] for each in found] == pytest.approx(expected, abs=1e-4)


def test_more_answers_and_their_sentences(models, device, tmp_path, passage_file):
    bert, path = models["question_answering"]
    question = QUESTIONS[0]
    flags = ["answer", f"--model={path}", f"--passage={passage_file}", question]
    found = run_in(device, *flags, "--best=3", "--nocolor", cwd=tmp_path)
    lines = [line.split("\t") for line in found.stdout.splitlines()]
    answer = bert.predict(question, PASSAGE)
    assert lines[0][0] == (" ".join(answer["text"].split()) or "(no answer)")
    spans = {(each["start"], each["end"]) for each in answer["n_best"]}
    for shown, _, place, *_ in lines:
        start, end = (0, 0) if place == "-" else map(int, place.split("-"))
        assert (start, end) in spans
        assert place == "-" or shown == " ".join(PASSAGE[start:end].split())
    found = run_in(device, *flags, "--best=3", "--color", cwd=tmp_path)
    marked = [line for line in found.stdout.splitlines() if line.startswith("    ")]
    assert len(marked) == sum(line[2] != "-" for line in lines)
    assert all("\x1b[1;32m" in line for line in marked)


def test_a_person_asks_about_a_passage(models, device, tmp_path, passage_file):
    bert, path = models["question_answering"]
    command = [device, "answer", f"--model={path}"]
    for typed in (str(passage_file), "She did live in a film."):
        with Terminal(command, XDG_STATE_HOME=str(tmp_path / "state")) as terminal:
            terminal.until("passage, or its file> ")
            terminal.type(typed + "\n")
            terminal.until("question> ")
            terminal.type(QUESTIONS[1] + "\n")
            shown = terminal.until("question> ")
            terminal.type("\x04")
            assert terminal.end()[0] == 0
        passage = PASSAGE if typed == str(passage_file) else typed
        answer = bert.predict(QUESTIONS[1], passage)
        assert (" ".join(answer["text"].split()) or "(no answer)") + "\t" in shown
    history = tmp_path / "state" / "keras-bert-device" / "history"
    assert history.read_text().splitlines() == [QUESTIONS[1]] * 2


def test_a_bad_passage_is_asked_for_again(models, device, tmp_path):
    (tmp_path / "empty.txt").write_text(" \n")
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9")
    _, path = models["question_answering"]
    command = [device, "answer", f"--model={path}"]
    with Terminal(command, XDG_STATE_HOME=str(tmp_path)) as terminal:
        for name, message in (("empty", "the passage is empty"), ("latin", "is not UTF-8")):
            terminal.until("passage, or its file> ")
            terminal.type(f"{tmp_path}/{name}.txt\n")
            terminal.until(f"{name}.txt: {message}\r\n")
        terminal.until("passage, or its file> ")
        terminal.type("\x04")
        assert terminal.end()[0] == 0


def test_a_passage_of_200_000_characters(models, device, tmp_path):
    bert, path = models["question_answering"]
    passage = (PASSAGE + " ") * (200_000 // len(PASSAGE))
    (tmp_path / "long.txt").write_bytes(passage.encode())
    arguments = ["answer", f"--model={path}", "--passage=long.txt", QUESTIONS[0]]
    (record,) = records(device, *arguments, cwd=tmp_path)
    assert record["text"] == passage[record["start"] : record["end"]]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda files: files.pop("vocab.txt"), "holds no vocab.txt"),
        (
            lambda files: files.update({"vocab.txt": files["vocab.txt"].replace(b"[SEP]", b"x")}),
            "is the token [SEP]",
        ),
        (lambda files: files.update({"vocab.txt": b"\xff\n"}), "is broken"),
        (
            lambda files: files.update({"vocab.txt": files["vocab.txt"] + b"more\n" * 9000}),
            "tokens for an embedding of",
        ),
        (lambda files: files.update({"vocab.txt": files["vocab.txt"][:-1]}), "is cut short"),
        (lambda files: files.update({"keras_bert.json": b"[]"}), "description is broken"),
        (lambda files: files.clear(), "it was not written by `keras-bert export`"),
    ],
)
def test_a_file_whose_parts_do_not_fit_is_refused(models, device, tmp_path, change, message):
    _, path = models["tagging"]
    tampered(path, tmp_path / "other.tflite", change)
    found = run_in(device, "tag", "--model=other.tflite", "a film", cwd=tmp_path)
    assert (found.returncode, found.stdout, found.stderr.count("\n")) == (2, "", 1)
    assert found.stderr.startswith("tag: other.tflite: ")
    assert message in found.stderr


@pytest.mark.parametrize("share", [0.0, 0.3, 0.99])
def test_a_file_that_is_cut_short_is_refused(models, device, tmp_path, share):
    _, path = models["tagging"]
    content = path.read_bytes()
    (tmp_path / "short.tflite").write_bytes(content[: int(share * len(content))])
    found = run_in(device, "tag", "--model=short.tflite", "a film", cwd=tmp_path)
    assert (found.returncode, found.stdout, found.stderr.count("\n")) == (2, "", 1)
    assert found.stderr.startswith("tag: short.tflite: ")


@pytest.mark.parametrize(
    ("line", "status"), [("👍🏽🙂", 0), ("\u200d", 2), ("\x00", 2), ("é" * 5000, 0)]
)
def test_lines_that_are_hardly_texts(models, device, tmp_path, line, status):
    _, path = models["tagging"]
    command = [str(device), "tag", f"--model={path}"]
    found = subprocess.run(command, input=f"{line}\n".encode(), capture_output=True, cwd=tmp_path)
    assert found.returncode == status
    assert found.stderr.count(b"\n") <= 1
    assert b"Traceback" not in found.stderr
