"""The page of apps/web in headless Chromium: answers as in Python, bad input, keyboard, offline.

WEB_PICTURES=FOLDER python -m pytest tests/web/test_page.py writes pictures of the page there.
"""

import json
import pathlib
import socket
import subprocess

import pytest
from conftest import toy_rows
from environments import ROOT, build_page
from exported_files import tampered
from passages import NASTY
from task_models import SENTENCES, answer_half, asked_of, make_bert

from keras_bert.export.runners import TFLiteRunner

pytestmark = pytest.mark.slow

SENTIMENT = ROOT / "apps" / "models" / "sentiment" / "sentiment.tflite"
SCRIPT = pathlib.Path(__file__).with_name("page.mjs")
OPINIONS = [
    "A warm, funny film that I would happily watch again tomorrow.",
    "Two hours of noise, and not one scene that I believed.",
    "Not bad at all.",
    "Zoë’s naïve café\tcosts  10 €,  twice…",
    "北京是中国的首都。Peking has 21,893,095 people;上海\u3000more.",
    "ok",
    " ".join(text for _, text in toy_rows(20, seed=4)),  # longer than the model reads at once
]


def in_field(text):
    """Returns a text as a text field of a page holds it."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def utf16(text, place):
    """Returns a place in characters as one in JavaScript's units."""
    return len(text[:place].encode("utf-16-le", "surrogatepass")) // 2


def exported(kind, folder, **changes):
    """Exports a small model of a task; returns its path."""
    bert = make_bert(kind, **changes)
    if kind == "question_answering":
        answer_half(bert, *(texts[:16] for texts in asked_of(kind)))
    path = folder / f"{kind}.tflite"
    bert.export(path, format="tflite", verify=False)
    return path


def answers_about(path):
    questions, passages = asked_of("question_answering")
    runner, cases = TFLiteRunner(path), []
    for question, passage in zip(questions[:18], map(in_field, passages)):
        (answer,) = runner.predict([question], [passage])
        cases.append({
            "question": question, "passage": passage, "text": answer["text"],
            "place": [utf16(passage, answer[end]) for end in ("start", "end")],
            "candidates": [[e["text"], e["probability"]] for e in answer["n_best"] if e["text"]],
            "nullOdds": answer["null_odds"],
        })  # fmt: skip
    assert 0 < sum(case["text"] == "" for case in cases) < len(cases)
    return {"file": str(path), "line": "question answering · may find no answer", "cases": cases}


def tags_of(path):
    texts = [in_field(text) for text in (*NASTY, *SENTENCES[:6], " ".join(SENTENCES[:8]))]
    cases = []
    for text, answer in zip(texts, TFLiteRunner(path).predict(texts)):
        entities = [
            [utf16(text, e["start"]), utf16(text, e["end"]), e["type"]] for e in answer["entities"]
        ]
        cases.append({"text": text, "entities": entities})
    assert sum(len(case["entities"]) for case in cases) > 20
    return {"file": str(path), "line": "tagging · PER, LOC", "cases": cases}


def classes_of(path):
    runner = TFLiteRunner(path)
    answers = map(runner.predict, OPINIONS)
    return [
        {
            "text": text,
            "best": answer["label"],
            "labels": {label: answer["probabilities"][label] for label in runner.config.labels},
        }
        for text, answer in zip(OPINIONS, answers)
    ]


def bad_files(folder, good, tagger):
    """Returns files that the page must refuse, with what it must say of each."""
    no_model, empty, cut = (folder / name for name in ("text.tflite", "empty.tflite", "cut.tflite"))
    no_model.write_text("a text that only has the name of a model", encoding="utf-8")
    empty.touch()
    cut.write_bytes(SENTIMENT.read_bytes()[:5_000_000])
    # Without what is appended to the network, as other programs write files.
    foreign = folder / "foreign.tflite"
    tampered(good, foreign, dict.clear)

    def lengthen(files):
        files["vocab.txt"] += b"one\nmore\n"

    long = tampered(tagger, folder / "long.tflite", lengthen)

    def shorten(files):
        files["vocab.txt"] = b"\n".join(files["vocab.txt"].split(b"\n")[5:]) + b"\n"

    short = tampered(tagger, folder / "short.tflite", shorten)
    choices = exported("multiple_choice", folder)
    return [
        [str(no_model), "not a TensorFlow Lite file"],
        [str(empty), "not a TensorFlow Lite file"],
        [str(cut), "cut short|incomplete"],
        [str(foreign), "keras_bert.json|export"],
        [str(long), "146 tokens for an embedding of 144"],
        [str(short), "vocab"],
        [str(choices), "multiple.choice"],
    ]


@pytest.fixture(scope="module")
def differences(tmp_path_factory):
    """What each check found, by its name."""
    build_page()
    folder = tmp_path_factory.mktemp("page")
    answerer, tagger = (exported(kind, folder) for kind in ("question_answering", "tagging"))
    regression = exported("regression", folder)
    runner = TFLiteRunner(regression)
    numbers = [{"text": text, "value": runner.predict(text)["value"]} for text in SENTENCES[:3]]
    expected = {
        "classify": classes_of(SENTIMENT),
        "ask": answers_about(answerer),
        "tag": tags_of(tagger),
        "regression": {"file": str(regression), "cases": numbers},
        "badFiles": bad_files(folder, answerer, tagger),
    }
    (folder / "expected.json").write_text(json.dumps(expected), encoding="utf-8")
    command = ["node", SCRIPT, folder / "expected.json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=400)
    assert (done.returncode, done.stderr) == (0, "")
    return {line["name"]: line["differences"] for line in map(json.loads, done.stdout.splitlines())}


CHECKS = (
    "classifies as Python does",
    "answers as Python does",
    "marks a candidate that is chosen",
    "tags as Python does",
    "takes a regression, and goes back to the shipped model",
    "says what is wrong with a file, and keeps the model",
    "says so where the model does not come, and tries again",
    "takes what is no text",
    "reads 200,000 characters in parts, and stops when told",
    "takes a text file, and says what is none",
    "takes what is dropped",
    "takes several files that are dropped at once",
    "fits a phone without sideways scroll",
    "has no serious finding of axe, light or dark",
    "draws the answers of other kinds of models",
    "is plain in forced colours, and from right to left",
    "prints all of a text",
    "prefers the user's file to the shipped one",
    "says so where the browser does not keep the page",
    "works by the keyboard alone",
    "follows typing, and speaks when it rests",
    "works without a network, and offers a newer page",
    "keeps the build of the runtime that fits the browser",
    "refuses and reports other hosts",
    "says so where the browser cannot run it",
)


@pytest.mark.parametrize("check", CHECKS)
def test_page(differences, check):
    assert differences[check] == []


def test_a_port_that_is_in_use_is_one_line(differences):  # which builds what is served
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        command = ["node", ROOT / "apps" / "web" / "scripts" / "serve.mjs", str(port)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (2, "")
    line = f"port {port} is in use: take another one, make web PORT={port + 1}\n"
    assert done.stderr == line


def test_all_checks_are_tested(differences):
    assert tuple(differences) == CHECKS
