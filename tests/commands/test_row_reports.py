"""Which rows are wrong, and where an exported file answers otherwise: files of single rows."""

import csv
import json

import numpy as np
import pytest
from conftest import toy_rows, write_tsv
from marks import slow_but
from task_models import KINDS, make_bert, perturbed, write_data

import keras_bert
from keras_bert.export.tflite import export_tflite
from keras_bert.tasks.file_layout import FileLayout
from keras_bert.tasks.registry import get_task


def read(path):
    if str(path).endswith(".jsonl"):
        return [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    if str(path).endswith(".csv"):
        with open(path, encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    lines = [line.split("\t") for line in path.read_text("utf-8").splitlines()]
    return [dict(zip(lines[0], line, strict=True)) for line in lines[1:]]


@pytest.fixture(scope="module")
def wrong_data(toy, tmp_path_factory):
    """The toy's file with every fourth label turned round."""
    turned = {"negative": "positive", "positive": "negative"}
    rows = [
        (turned[label] if i % 4 == 0 else label, text)
        for i, (label, text) in enumerate(toy_rows(40, seed=5))
    ]
    return write_tsv(tmp_path_factory.mktemp("wrong") / "dev.tsv", rows), rows


@pytest.mark.parametrize("ending", ["csv", "tsv", "jsonl"])
def test_wrong_rows_are_listed_the_most_certain_first(cli, toy, wrong_data, tmp_path, ending):
    path, rows = wrong_data
    errors = tmp_path / f"errors.{ending}"
    found = cli("evaluate", f"--model={toy.model}", f"--data={path}", f"--errors={errors}")
    assert found.status == 0, found.err
    answers = keras_bert.load(toy.model).predict([text for _, text in rows])
    expected = [
        (answer["probability"], i + 2, text, label, answer["label"])
        for i, ((label, text), answer) in enumerate(zip(rows, answers))
        if answer["label"] != label
    ]
    assert 5 < len(expected) < 20
    listed = read(errors)
    assert list(listed[0]) == ["line", "text", "expected", "answered", "probability"]
    places = {line: rest for _, line, *rest in expected}
    assert len(listed) == len(expected)
    for row in listed:
        assert places[int(row["line"])] == [row["text"], row["expected"], row["answered"]]
    numbers = [float(row["probability"]) for row in listed]
    assert numbers == sorted(numbers, reverse=True)
    np.testing.assert_allclose(sorted(numbers), sorted(e[0] for e in expected), atol=1e-5)
    assert f"{len(expected)} of 40 rows, the worst first: {errors}" in found.out


def test_no_wrong_row_is_a_file_with_a_header_alone(cli, toy, tmp_path):
    rows = [row for row in toy_rows(40, seed=5)]
    answers = keras_bert.load(toy.model).predict([text for _, text in rows])
    right = [(answer["label"], text) for (_, text), answer in zip(rows, answers)]
    path = write_tsv(tmp_path / "dev.tsv", right)
    errors = tmp_path / "errors.csv"
    found = cli("evaluate", f"--model={toy.model}", f"--data={path}", f"--errors={errors}")
    assert found.status == 0, found.err
    assert errors.read_text() == "line,text,expected,answered,probability\n"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("errors.txt", "errors.txt: the name must end in .csv, .tsv or .jsonl"),
        ("", "dev.tsv: is also the input"),
        ("folder.csv", "a folder of that name is in the way"),
    ],
)
def test_bad_names_are_told_of_before_anything_is_read(
    cli, toy, wrong_data, tmp_path, name, message
):
    (tmp_path / "folder.csv").mkdir()
    path = tmp_path / name if name else wrong_data[0]
    before = wrong_data[0].read_bytes()
    found = cli("evaluate", f"--model={toy.model}", f"--data={wrong_data[0]}", f"--errors={path}")
    assert found.status == 2
    assert message in found.err
    assert wrong_data[0].read_bytes() == before
    exported = tmp_path / "model.tflite"
    exported.write_bytes(b"")
    found = cli(
        "verify", f"--model={toy.model}", f"--exported={exported}", f"--data={wrong_data[0]}",
        f"--disagreements={path}",
    )  # fmt: skip
    assert found.status == 2
    assert message in found.err


# === Every kind ===


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """By kind a model, its file of right answers, and a noisy copy that gets some wrong."""
    found = {}
    for kind in KINDS:
        folder = tmp_path_factory.mktemp(kind)
        bert = make_bert(kind)
        noisy = perturbed(bert, share=0.7)
        noisy.save(folder / "noisy")
        found[kind] = (bert, noisy, write_data(kind, bert, folder), folder)
    return found


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_every_kind_lists_what_it_gets_wrong(cli, models, tmp_path, kind, ending):
    _, noisy, data, folder = models[kind]
    errors = tmp_path / f"errors.{ending}"
    model = folder / "noisy"
    found = cli("evaluate", f"--model={model}", f"--data={data}", f"--errors={errors}", "--json")
    assert found.status == 0, found.err
    result = json.loads(found.out.splitlines()[-1])
    task = get_task(kind)
    examples = task.read(str(data), FileLayout().for_scoring())
    answers = noisy.answers(examples)
    listed = read(errors)
    assert result["listed"] == len(listed) > 0
    lines = [str(row["line"]) for row in listed]
    if kind == "regression":
        gaps = [abs(a["value"] - label) for a, label in zip(answers, examples.labels)]
        assert lines == [str(examples.lines[i]) for i in np.argsort(gaps)[::-1]]
        found = [float(row["error"]) for row in listed]
        np.testing.assert_allclose(found, sorted(gaps, reverse=True), atol=1e-5)
        assert abs(float(listed[0]["expected"]) - float(listed[0]["answered"])) == pytest.approx(
            max(gaps), abs=1e-5
        )
    if kind == "multiple_choice":
        wrong = [i for i, a in enumerate(answers) if a["choice"] != examples.labels[i]]
        assert sorted(lines) == sorted(str(examples.lines[i]) for i in wrong)
        numbers = [float(row["probability"]) for row in listed]
        assert numbers == sorted(numbers, reverse=True)
        assert len(listed) == round((1 - result["accuracy"]) * result["count"])
    if kind == "tagging":
        wrong = [i for i, a in enumerate(answers) if a["tags"] != examples.tags[i]]
        assert sorted(lines) == sorted(str(examples.lines[i]) for i in wrong)
        first = listed[0]
        if ending == "jsonl":
            pairs = zip(first["words"], first["expected"], first["answered"], strict=True)
            assert first["wrong"] == [word for word, one, other in pairs if one != other]
    if kind == "question_answering":
        assert all(float(row["f1"]) < 100 or float(row["exact_match"]) < 100 for row in listed)
        total = sum(100 - float(row["f1"]) for row in listed) / result["count"]
        assert 100 - total == pytest.approx(result["f1"], abs=1e-6)
        assert len(listed) >= round((1 - result["exact_match"] / 100) * result["count"])
        assert {"question", "context", "expected", "answered"} <= set(listed[0])


@pytest.mark.parametrize("kind", slow_but(KINDS, "question_answering"))
def test_disagreements_have_both_answers(cli, models, tmp_path, kind):
    bert, noisy, data, folder = models[kind]
    model, exported, listing = folder / "noisy", tmp_path / "m.tflite", tmp_path / "d.jsonl"
    export_tflite(bert, exported, "dynamic")
    # The file of one model beside the folder of another: they differ here and there.
    found = cli(
        "verify", f"--model={model}", f"--exported={exported}", f"--data={data}", "--max_drop=1",
        f"--disagreements={listing}", "--json",
    )  # fmt: skip
    assert found.status == 0, found.err
    result = json.loads(found.out.splitlines()[-1])
    task = get_task(kind)
    examples = task.read(str(data), FileLayout().for_scoring())
    pairs = list(zip(noisy.answers(examples), bert.answers(examples)))
    different = [i for i, pair in enumerate(pairs) if not task.answers_agree(*pair, bert.config)]
    listed = read(listing)
    assert [row["line"] for row in listed] == [examples.lines[i] for i in different]
    assert result["listed"] == len(different) > 0
    assert result["agreement"] == pytest.approx(1 - len(different) / len(examples), abs=1e-12)
    for row, i in zip(listed, different):
        one, other = map(task.short_answer, pairs[i])
        for side, (said, sure) in (("model", one), ("exported", other)):
            if kind == "regression":
                assert row[side] == pytest.approx(said, abs=1e-4)
                assert f"{side}_probability" not in row
            else:
                assert row[side] == said
                assert row[f"{side}_probability"] == pytest.approx(sure, abs=1e-4)
    assert "answers" not in result
    assert "answers" not in result["model_scores"]


def test_several_labels_say_which_are_wrong(cli, tmp_path):
    fields = {"labels": ("a", "b", "c"), "settings": {"thresholds": [0.5, 0.5, 0.5]}}
    bert = make_bert("regression", task="multi_label", **fields)
    bert.save(tmp_path / "model")
    texts = [text for _, text in toy_rows(30, seed=3)]
    answers = bert.predict(texts)
    rows = [("|".join(a["labels"]) or "a", text) for a, text in zip(answers, texts)]
    rows[3] = ("a|b|c", texts[3])
    rows[7] = ("c", texts[7])
    path = write_tsv(tmp_path / "dev.tsv", rows)
    errors = tmp_path / "errors.jsonl"
    found = cli("evaluate", f"--model={tmp_path / 'model'}", f"--data={path}", f"--errors={errors}")
    assert found.status == 0, found.err
    certain = []
    for row in read(errors):
        answer, label = answers[row["line"] - 2], rows[row["line"] - 2][0]
        assert row["expected"] == label.split("|")
        assert row["answered"] == answer["labels"]
        assert (
            row["wrong"]
            == [n for n in "abc" if (n in row["expected"]) != (n in row["answered"])]
            != []
        )
        sure = {n: p if n in row["answered"] else 1 - p for n, p in answer["probabilities"].items()}
        certain.append(max(sure[n] for n in row["wrong"]))
    assert certain == sorted(certain, reverse=True)
    wrong = [i for i, (label, _) in enumerate(rows) if label != "|".join(answers[i]["labels"])]
    assert len(certain) == len(wrong) >= 1


def test_answers_of_another_program_have_errors_too(cli, tmp_path):
    questions = [
        {"id": i, "question": "What?", "answers": [{"text": "Danube", "answer_start": 4}]}
        for i in ("one", "two", "three")
    ]
    paragraphs = [{"context": "The Danube rises here.", "qas": questions}]
    data = tmp_path / "d.json"
    data.write_text(json.dumps({"data": [{"title": "t", "paragraphs": paragraphs}]}))
    predictions = tmp_path / "p.json"
    predictions.write_text(json.dumps({"one": "the Danube", "two": "Danube rises"}))
    errors = tmp_path / "e.jsonl"
    found = cli(
        "evaluate", "--task=squad1", f"--data={data}", f"--predictions={predictions}",
        f"--errors={errors}",
    )  # fmt: skip
    assert found.status == 0, found.err
    two, three = read(errors)
    assert (two["line"], two["answered"], two["expected"]) == ("two", "Danube rises", ["Danube"])
    assert two["f1"] == pytest.approx(200 / 3, abs=1e-9)
    assert (three["line"], three["answered"], three["f1"]) == ("three", None, 0.0)
