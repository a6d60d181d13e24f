"""Long texts through the commands: trained on in windows, or counted where they are cut."""

import functools
import json
import random

import pytest
from conftest import toy_rows, write_tsv
from said import said_by

import keras_bert
from keras_bert.tasks.file_layout import FileLayout
from keras_bert.tasks.registry import get_task
from keras_bert.training.finetune import _read
from keras_bert.training.settings import FinetuneSettings

PLAIN = "film story actor music scene end plot voice picture cast".split()
LAST = {"negative": ("bad", "awful"), "positive": ("good", "great")}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Files whose texts of 40 words have the word that tells the label at their end."""
    folder = tmp_path_factory.mktemp("long")
    rng = random.Random(4)
    paths = []
    for name, count in (("train.tsv", 400), ("dev.tsv", 80)):
        rows = []
        for i in range(count):
            label = ("negative", "positive")[i % 2]
            rows.append((label, " ".join([*rng.choices(PLAIN, k=39), rng.choice(LAST[label])])))
        rows[:4] = [(label, text.split()[-1]) for label, text in rows[:4]]  # short ones
        paths.append(write_tsv(folder / name, rows))
    return folder, *paths


def notes(found):
    return [line for line in found.err.splitlines() if line.startswith("note:")]


@pytest.mark.slow
def test_windows_learn_what_is_at_the_end_and_are_kept(cli, toy, data, tmp_path):
    folder, train, dev = data
    flags = [
        "finetune", f"--init={toy.model}", f"--train={train}", f"--eval={dev}", "--length=24",
        "--epochs=4", "--learning_rate=1e-3", "--json",
    ]  # fmt: skip
    found = cli(*flags, f"--output={tmp_path / 'cut'}")
    assert found.status == 0, found.err
    assert json.loads(found.out.splitlines()[-1])["accuracy"] < 0.75
    fix = "longer than 24 tokens and are cut: --length=N or --windows"
    assert notes(found) == [
        f"note: {train}: 396 of 400 texts are {fix}", f"note: {dev}: 76 of 80 texts are {fix}"
    ]  # fmt: skip
    found = cli(*flags, "--windows", f"--output={tmp_path / 'windows'}")
    assert found.status == 0, found.err
    assert notes(found) == []
    expected = json.loads(found.out.splitlines()[-1])["accuracy"]
    assert expected > 0.95
    card = " ".join((tmp_path / "windows" / "README.md").read_text().split())
    assert "Texts of more than 24 tokens are read in overlapping windows" in card
    assert "Texts are cut" not in card
    assert keras_bert.load(tmp_path / "windows").config.windows is True
    # The folder and its exported file read windows without being asked to.
    exported = tmp_path / "m.tflite"
    model = f"--model={tmp_path / 'windows'}"
    assert cli("export", model, "--format=tflite", f"--output={exported}").status == 0
    for each in (model, f"--model={exported}"):
        found = cli("evaluate", each, f"--data={dev}", "--json")
        assert json.loads(found.out.splitlines()[-1])["accuracy"] == pytest.approx(expected)
        assert notes(found) == []
        found = cli("evaluate", each, f"--data={dev}", "--json", "--nowindows")
        assert json.loads(found.out.splitlines()[-1])["accuracy"] < 0.75
        note = "76 of 80 texts are longer than 24 tokens and are cut"
        assert notes(found) == [f"note: {dev}: {note}"]
    found = cli("verify", model, f"--exported={exported}", f"--data={dev}", "--json")
    assert json.loads(found.out.splitlines()[-1])["agreement"] == 1.0
    found = cli("predict", model, f"--input={dev}", f"--output={tmp_path / 'p.jsonl'}")
    assert (found.status, notes(found)) == (0, [])


def test_what_is_cut_is_said_once_and_is_an_error_if_asked(cli, toy, data, tmp_path):
    folder, train, dev = data
    output = tmp_path / "p.jsonl"
    asked = [f"--model={toy.model}", f"--input={dev}", f"--output={output}"]
    found = cli("predict", *asked)
    note = "76 of 80 texts are longer than 32 tokens and are cut: --windows"
    assert (found.status, notes(found)) == (0, [f"note: {dev}: {note}"])
    cut = output.read_text()
    found = cli("predict", *asked, "--windows")
    assert (found.status, notes(found)) == (0, [])
    assert output.read_text() != cut
    for arguments in (
        ["predict", *asked],
        ["evaluate", f"--model={toy.model}", f"--data={dev}"],
        [
            "finetune", f"--init={toy.model}", f"--train={train}", "--length=32", "--epochs=1",
            f"--output={tmp_path / 'strict'}",
        ],
    ):  # fmt: skip
        found = cli(*arguments, "--strict")
        assert found.status == 2
        assert "texts are longer than 32 tokens and are cut" in found.err.splitlines()[-1]
    assert not (tmp_path / "strict").exists()


def test_a_model_of_full_length_has_windows_alone_as_the_fix(toy):
    bert = keras_bert.load(toy.model)
    positions = bert.config.encoder.max_position_embeddings
    data = (["film " * positions, "good", "bad"], ["a", "b", "a"])
    settings = {"length": positions, "epochs": 1}
    match = rf"1 of 3 texts is longer than {positions} tokens and is cut: windows=True$"
    with pytest.warns(keras_bert.Guess, match=match):
        keras_bert.finetune(bert, "classification", data, data, **settings)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--task=tagging", "--windows"], "--windows is for classification, multi_label and regr"),
        (["--length=3", "--windows", "--text_b_column=more"], "--length=3: leaves no room for win"),
    ],
)
def test_bad_flags_are_one_line(cli, toy, tmp_path, flags, message):
    path = tmp_path / "pairs.csv"
    rows = [f"{label},{text},{text} film\n" for label, text in toy_rows(40, seed=1)]
    path.write_text("label,text,more\n" + "".join(rows))
    found = cli(
        "finetune", f"--init={toy.model}", f"--train={path}", f"--output={tmp_path / 'm'}", *flags
    )
    assert found.status == 2
    assert message in found.err.splitlines()[-1]
    assert not (tmp_path / "m").exists()


def test_predictions_of_another_program_have_no_windows(cli, tmp_path):
    found = cli("evaluate", "--predictions=p.json", "--data=d.json", "--windows")
    assert found.status == 2
    assert "--windows is for --model" in found.err


def test_labels_that_the_held_out_examples_lack_are_said():
    texts = [f"text {i}" for i in range(30)]
    labels = ["rare" if i == 0 else ("a", "b")[i % 2] for i in range(30)]
    whole = get_task("classification").examples_from(texts, None, labels)
    settings = FinetuneSettings(eval_fraction=0.1)
    read = functools.partial(_read, get_task("classification"), whole, None, FileLayout())
    (rest, held_out, _), lines = said_by(read, settings)
    missing = sorted({"a", "b", "rare"} - set(held_out.labels))
    assert missing, "choose another seed"
    assert lines == [
        f"{whole.path}: the 3 examples held out for scores have none of {', '.join(missing)}: "
        f"give eval or another eval_fraction"
    ]
    assert len(rest) + len(held_out) == 30
