"""The script that asks one model in several places, and the one that times a program's start."""

import importlib
import json
import sys

import programs
import pytest
from environments import ROOT
from stub_models import answerer

import keras_bert
from keras_bert.export.runners import open_tflite

SENTIMENT = ROOT / "apps" / "models" / "sentiment" / "sentiment.tflite"
TEXTS = ["so good", "an awful  plot", "a dull, dull film", "charming"]


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks" / "scores"))
    return importlib.import_module("same_answers")


@pytest.fixture
def data(tmp_path):
    path = tmp_path / "dev.tsv"
    path.write_text("sentence\tlabel\n" + "".join(f"{text}\t1\n" for text in TEXTS))
    return path


class Wrong:
    """A program that answers one text otherwise."""

    def ask(self, calls):
        found = programs.here().ask(calls)
        found[0][1]["label"] = "positive"
        return found


def run(script, monkeypatch, capsys, *arguments):
    monkeypatch.setattr(sys, "argv", ["same_answers.py", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        script.main()
    out, err = capsys.readouterr()
    return ended.value.code, out.splitlines(), err


def test_differences_are_listed_and_counted(script, data, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(script.COUNTS, "classify", 3)
    monkeypatch.setattr(programs, "on_arm", lambda _: Wrong())
    monkeypatch.setattr(script, "import_tensorflow_quietly", lambda: None)
    monkeypatch.setattr(keras_bert, "load", lambda _: open_tflite(SENTIMENT))
    output = tmp_path / "answers.json"
    flags = [f"--classify={SENTIMENT},{data}", f"--output={output}", "--arm=here"]
    status, lines, _ = run(script, monkeypatch, capsys, *flags, "--keras=folder")
    assert status == 1
    asked = ["so good", "a dull, dull film", "charming"]
    assert lines[0].startswith(
        f"64-bit ARM, emulated: classify: {asked[1]!r}: label: 'positive', not 'negative'"
    )
    assert lines[2:] == [
        "|---|---|",
        "| keras-bert-device | 3 of 3, 0e+00 |",
        "| Keras | 3 of 3, 0e+00 |",
        "| 64-bit ARM, emulated | 2 of 3, 0e+00 |",
    ]
    written = json.loads(output.read_text())
    ((_, texts),) = written["calls"]["classify"]
    assert texts == asked
    found = written["answers"]["keras-bert-device"]["classify"]
    for answer, expected in zip(found, open_tflite(SENTIMENT).predict(asked), strict=True):
        assert {name: answer[name] for name in expected} == expected


def test_without_differences_the_status_is_0(script, data, monkeypatch, capsys):
    monkeypatch.setattr(programs, "on_arm", lambda _: programs.here())
    status, lines, _ = run(
        script, monkeypatch, capsys, f"--classify={SENTIMENT},{data}", "--arm=here"
    )
    assert (status, len(lines)) == (0, 4)
    assert lines[-1] == "| 64-bit ARM, emulated | 4 of 4, 0e+00 |"


def test_questions_come_from_few_passages(script, monkeypatch, tmp_path):
    model = answerer()
    passages = [f"She did live in {city}." for city in ("london", "paris", "a")]
    questions = [(f"where {i}?\n", passage) for passage in passages for i in range(7)]
    examples = model.task.examples_from(*zip(*questions))
    monkeypatch.setattr(
        script, "open_with_examples", lambda *_, **__: (model, model.task, examples)
    )
    monkeypatch.setitem(script.COUNTS, "answer", 10)
    calls = script.calls_of("answer", "m.tflite", "dev.json")
    assert [arguments[2] for arguments, _ in calls] == [
        f"--passage_text={passages[0]}",
        f"--passage_text={passages[2]}",
    ]
    assert [texts for _, texts in calls] == [[f"where {i}?" for i in range(5)]] * 2


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ([], "give some of --answer --classify --tag, and a folder for each in --keras"),
        (["--classify=sentiment"], "--classify: expected FILE.tflite,DATA"),
        (["--tag=none.tflite,x"], "none.tflite: no such file or folder"),
    ],
)
def test_bad_arguments_are_one_line(script, monkeypatch, capsys, flags, message):
    status, _, err = run(script, monkeypatch, capsys, *flags)
    assert (status, err.splitlines()[-1]) == (2, f"same_answers: {message}")


def test_the_start_is_measured(monkeypatch, capsys):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks" / "speed"))
    module = importlib.import_module("cold_start")
    monkeypatch.setattr(sys, "argv", ["cold_start.py", f"--model={SENTIMENT}", "--repeats=1"])
    module.main()
    header, _, row = capsys.readouterr().out.splitlines()
    assert header.split(" | ")[3:] == ["first", "again", "CPU", "python", "import", "open",
                                       "answer", "second |"]  # fmt: skip
    numbers = [float(cell.split()[0]) for cell in row.strip(" |").split(" | ")[2:]]
    size, first, again, work, *parts = numbers
    assert size == pytest.approx(SENTIMENT.stat().st_size / 1e6, abs=0.05)
    assert min(first, again, work, *parts) > 0
