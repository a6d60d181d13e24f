"""The shipped models: found by name in a checkout; their cards, and what cards must say."""

import importlib
import json
import pathlib
import sys
import warnings
import zipfile

import pytest
from conftest import DATA
from environments import ROOT
from exported_files import tampered
from said import said_by

from keras_bert import shipped
from keras_bert.device.main import main as device
from keras_bert.errors import InputError
from keras_bert.export.runners import open_exported
from keras_bert.guesses import Note
from keras_bert.opening import open_model
from keras_bert.showcase import shipped_answers

BENCHMARKS = ROOT / "benchmarks" / "scores"
PROOF = {
    "data": "dev.tsv",
    "seen": False,
    "count": 4,
    "metric": "accuracy",
    "model_scores": {"accuracy": 0.75},
    "exported_scores": {"accuracy": 0.5},
}
CARD = """# A model

## Data

- SST-2, from GLUE

## Licence

SST-2 states none; it is free for research only.

## Command

    keras-bert finetune --task=glue/sst2

## What it is bad at

Irony.
"""


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A small classifier's .tflite file for SST-2, with the scores of `PROOF` in it."""
    folder = tmp_path_factory.mktemp("source")
    with zipfile.ZipFile(DATA / "version_0_1" / "files.zip") as archive:
        plain = pathlib.Path(archive.extract("dynamic.tflite", folder))
    proof = {"proof.json": json.dumps(PROOF).encode()}
    return tampered(plain, folder / "proven.tflite", lambda files: files.update(proof))


def ship(root, source, *names):
    """Puts models into `apps/models` of a folder; returns a dict of their paths."""
    paths = {name: root / "apps" / "models" / name / f"{name}.tflite" for name in names}
    for path in paths.values():
        path.parent.mkdir(parents=True)
        path.write_bytes(source.read_bytes())
        (path.parent / "README.md").write_text(CARD)
    return paths


@pytest.fixture
def checkout(tmp_path, monkeypatch, source):
    """An empty checkout, in which the package seems to be; a function that ships models there."""
    root = tmp_path / "checkout"
    (root / "apps" / "models").mkdir(parents=True)
    (root / "setup.cfg").write_text("")
    monkeypatch.setattr(shipped, "_ROOT", str(root))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    return lambda *names: ship(root, source, *names)


@pytest.fixture
def cards(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("shipped_cards")


def test_commands_find_a_shipped_model_by_its_name(checkout, cli, capsys, tmp_path):
    path = checkout("sentiment")["sentiment"]
    note = f"note: --model=sentiment: takes the shipped file {path}\n"
    asked = ["--text=so good", "--json"]
    by_name = cli("predict", "--model=sentiment", *asked)
    assert (by_name.status, by_name.err.count(note)) == (0, 1)
    by_path = cli("predict", f"--model={path}", *asked)
    assert by_path.out == by_name.out
    assert "shipped" not in by_path.err

    data = tmp_path / "dev.tsv"
    data.write_text("sentence\tlabel\nso good\t1\nso bad\t0\n")
    found = cli("evaluate", "--model=sentiment", f"--data={data}", "--json", "--strict")
    assert (found.status, found.err.count(note)) == (0, 1)
    assert json.loads(found.out)["model"] == str(path)

    found = cli("verify", "--model=sentiment", "--exported=sentiment", f"--data={data}")
    first, second, last = found.err.splitlines()
    assert (found.status, first + "\n") == (2, note.replace("model", "exported", 1))
    assert (second + "\n") == note
    assert last.startswith(f"keras-bert verify: --model={path}: is an exported file itself: ")

    again = ["--against=sentiment_tiny", "--repeats=1", "--length=8", "--noprocesses", "--json"]
    checkout("sentiment_tiny")
    found = cli("benchmark", "--model=sentiment", *again)
    rows = json.loads(found.out)["models"]
    assert [row["model"] for row in rows] == ["sentiment", "sentiment_tiny"]
    assert {row["bytes"] for row in rows} == {path.stat().st_size}

    assert device(["classify", "--model=sentiment", "so good"]) == 0
    out, err = capsys.readouterr()
    label = open_exported(path).predict("so good")["label"]
    assert out.startswith(f"{label}\t")
    assert note in err


def test_python_finds_it_too(checkout):
    path = checkout("sentiment")["sentiment"]
    model, lines = said_by(open_model, "sentiment")
    assert model.path == str(path)
    assert lines == [f"model=sentiment: takes the shipped file {path}"]
    with warnings.catch_warnings():
        warnings.simplefilter("error", Note)
        assert open_model(model) is model


def test_an_existing_path_wins_over_a_name(checkout, cli):
    checkout("sentiment")
    pathlib.Path("sentiment").mkdir()
    assert said_by(shipped.located, "sentiment") == ("sentiment", [])
    pathlib.Path("sentiment/config.json").write_text('{"keras_bert_format": 1}')
    pathlib.Path("dev.tsv").write_text("sentence\tlabel\nso good\t1\n")
    found = cli("evaluate", "--model=sentiment", "--data=dev.tsv")
    broken = "keras-bert evaluate: sentiment/config.json: missing key encoder\n"
    assert (found.status, found.err) == (2, broken)


def test_an_unknown_name_is_answered_with_the_names(checkout, cli, capsys):
    plain = cli("predict", "--model=sentimnt", "--text=so good")
    assert plain.err == "keras-bert predict: sentimnt: no such file or folder\n"
    checkout("sentiment", "tagger")
    names = "sentimnt: no such file or folder; the shipped models are sentiment, tagger\n"
    for verb, *flags in (
        ["predict", "--text=so good"],
        ["evaluate", "--data=none.tsv"],
        ["benchmark"],
    ):
        found = cli(verb, "--model=sentimnt", *flags)
        assert (found.status, found.err) == (2, f"keras-bert {verb}: {names}")
    assert device(["tag", "--model=sentimnt", "a"]) == 2
    assert capsys.readouterr().err == f"tag: {names}"
    # A path is no name.
    found = cli("predict", "--model=runs/sentimnt", "--text=so good")
    assert found.err == "keras-bert predict: runs/sentimnt: no such file or folder\n"


def test_an_installed_package_has_none(checkout, tmp_path, source):
    checkout("sentiment")
    (tmp_path / "checkout" / "setup.cfg").unlink()
    assert shipped.shipped_models() == {}
    with pytest.raises(InputError, match="^sentiment: no such file or folder$"):
        open_model("sentiment")


def test_quickstart_asks_each_of_them_one_thing(checkout, capsys):
    from keras_bert import quickstart

    assert quickstart._ask_shipped_models() == []
    assert capsys.readouterr().err == ""
    # The answerer is none: its file is of another task.
    checkout("sentiment_tiny", "answerer", "other")
    (answer,), _ = said_by(lambda: [*shipped_answers()])
    assert answer["model"] == "sentiment_tiny"
    path = checkout("sentiment")["sentiment"]
    (answer,), _ = said_by(quickstart._ask_shipped_models)
    assert (answer["model"], answer["path"]) == ("sentiment", str(path))
    assert answer["answer"] == open_exported(path).predict(*answer["texts"])
    shown = capsys.readouterr().err.splitlines()
    label = answer["answer"]["label"]
    assert shown[1].startswith(f"  sentiment: {label} {answer['answer']['probability']:.4f}  ")
    assert shown[1].endswith(answer["texts"][0])


def test_what_a_card_lacks_is_found(checkout, cards):
    path = checkout("sentiment")["sentiment"]
    card, size = path.with_name("README.md"), path.stat().st_size

    def faults(change=lambda text: text):
        card.write_text(change(text))
        return [fault.removeprefix("sentiment: ") for fault in cards.faults("sentiment", path)]

    text = CARD
    assert [fault.split("## ")[-1] for fault in faults()[:2]] == ["Scores`", "Size and latency`"]
    text = cards.with_section(text, "Scores", cards.score_table(PROOF))
    text = cards.with_section(text, "Size and latency", cards.cost_table(size, {32: 0.5}))
    assert "| accuracy | 0.7500 | 0.5000 |" in text
    assert "| milliseconds, 32 tokens | 0.50 |" in text
    assert faults() == []
    assert cards.with_section(text, "Scores", cards.score_table(PROOF)) == text
    wrong = "the scores of its card are not those of its file"
    assert faults(lambda text: text.replace("0.5000", "0.9000")) == [wrong]
    assert faults(lambda text: text.replace("4 rows", "5 rows")) == [wrong]
    wrong = f"has {size:,} bytes, its card says otherwise"
    assert faults(lambda text: text.replace(f"{size:,}", "1,000")) == [wrong]
    wrong = "its licence does not say that SST-2 is for research"
    assert faults(lambda text: text.replace("research", "all")) == [wrong]
    assert faults(lambda text: text.replace("Irony.", "")) == [
        "its card has nothing under `## What it is bad at`"
    ]
    tampered(path, path.with_name("other"), lambda files: files.pop("proof.json"))
    path.with_name("other").rename(path)
    assert faults()[-1] == "its file has no scores: export it with --data"
    card.unlink()
    assert list(cards.faults("sentiment", path)) == ["sentiment: has no card README.md"]


def test_too_many_bytes_are_found(checkout, cards):
    folder = checkout("sentiment")["sentiment"].parents[1]
    assert not list(cards.size_faults(folder))
    for name in ("float16", "large"):
        (folder / name).mkdir()
        with open(folder / name / "weights", "wb") as file:
            file.truncate(cards.MOST_BYTES)
        assert len(list(cards.size_faults(folder))) == (name == "large")


def test_what_this_checkout_ships_has_its_cards(cards):
    folder = shipped.shipped_folder()
    assert pathlib.Path(folder) == ROOT / "apps" / "models"
    models = shipped.shipped_models()
    others = {"README.md", cards.NOT_COUNTED}
    assert {path.name for path in pathlib.Path(folder).iterdir()} - others == set(models)
    assert [fault for name, path in models.items() for fault in cards.faults(name, path)] == []
    assert list(cards.size_faults(folder)) == []


def test_the_table_is_measured_and_written(checkout, cards, tmp_path, monkeypatch, capsys):
    path = checkout("sentiment")["sentiment"]
    script = importlib.import_module("shipped")
    data = tmp_path / "data" / "glue" / "SST-2" / "dev.tsv"
    data.parent.mkdir(parents=True)
    answers = [int(open_exported(path).predict(text)["label"]) for text in "abcd"]
    labels = [answers[0], answers[1], 1 - answers[2], 1 - answers[3]]
    rows = [f"{text}\t{label}\n" for text, label in zip("abcd", labels, strict=True)]
    data.write_text("sentence\tlabel\n" + "".join(rows))
    page = tmp_path / "models.md"
    page.write_text(f"# Models\n\n{script._BEGIN}\nold\n{script._END}\n\nmore\n")
    monkeypatch.setattr(script, "PAGE", str(page))
    arguments = ["shipped.py", f"--data={tmp_path / 'data'}", "--write"]
    monkeypatch.setattr(sys, "argv", arguments)
    with pytest.raises(SystemExit) as ended:
        script.main()
    out, err = capsys.readouterr()
    assert (ended.value.code, err) == (0, "")
    assert "| SST-2 dev | accuracy 50.00 | " in out
    assert page.read_text() == f"# Models\n\n{script._BEGIN}\n{out}{script._END}\n\nmore\n"
    assert "| accuracy | 0.7500 | 0.5000 |" in path.with_name("README.md").read_text()
    # Two rows of four away from what the file says.
    data.write_text("sentence\tlabel\n" + "".join(f"{t}\t{a}\n" for t, a in zip("abcd", answers)))
    with pytest.raises(SystemExit) as ended:
        script.main()
    assert ended.value.code == 1
    assert capsys.readouterr().err == (
        "sentiment: accuracy 1.0000 on 4 rows, the file says 0.5000 on 4\n"
    )
