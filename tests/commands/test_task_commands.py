"""Verbs that ask models of other tasks than classification, from files with something odd."""

import csv
import json

import pytest
from task_models import make_bert


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    for kind in ("multiple_choice", "question_answering", "tagging"):
        make_bert(kind).save(folder / kind)
    return folder


def test_choices_come_out_as_json_and_no_column_is_lost(cli, folders, tmp_path):
    rows = [
        {"text": "It rains.", "choices": ['a, "b"', "c", "é"]},
        {"text": "It shines.", "question": "Why wet?", "choices": ["x", "y", "z"]},
    ]
    source, output = tmp_path / "in.jsonl", tmp_path / "out.csv"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    arguments = [f"--model={folders / 'multiple_choice'}", f"--input={source}"]
    assert cli("predict", *arguments, f"--output={output}").status == 0
    with open(output, encoding="utf-8", newline="") as file:
        found = list(csv.DictReader(file))
    assert [json.loads(row["choices"]) for row in found] == [row["choices"] for row in rows]
    assert [row["question"] for row in found] == ["", "Why wet?"]
    for row, given in zip(found, rows):
        assert row["text"] == given["choices"][int(row["choice"])]


def squad(path, *entries):
    questions = [
        {"id": i, "question": question, "answers": [{"text": "Danube", "answer_start": 4}]}
        for i, question in entries
    ]
    paragraphs = [{"context": "The Danube rises here.", "qas": questions}]
    path.write_text(json.dumps({"data": [{"title": "t", "paragraphs": paragraphs}]}))
    return path


def test_a_question_without_text_is_told_of_and_can_be_left_out(cli, folders, tmp_path):
    data = squad(tmp_path / "a.json", ("one", "What rises?"), ("two", ""))
    model = folders / "question_answering"
    for verb, flags in (
        ("evaluate", [f"--data={data}"]),
        ("predict", [f"--input={data}", f"--output={tmp_path / 'x.jsonl'}"]),
    ):
        found = cli(verb, f"--model={model}", *flags)
        assert found.status == 2
        assert "a.json: question 'two': question is empty" in found.err
        assert "--misaligned=skip" in found.err
        assert not (tmp_path / "x.jsonl").exists()
        found = cli(verb, f"--model={model}", *flags, "--misaligned=skip", "--json")
        assert found.status == 0, found.err
        assert json.loads(found.out.splitlines()[-1])["count"] == 1
    # As for the official script, it counts where answers are given.
    predictions = tmp_path / "p.json"
    predictions.write_text(json.dumps({"one": "the Danube", "two": "rises"}))
    flags = ["--task=squad1", f"--data={data}", f"--predictions={predictions}", "--json"]
    result = json.loads(cli("evaluate", *flags).out.splitlines()[-1])
    assert (result["count"], result["exact_match"], result["missing"]) == (2, 50.0, 0)


def test_another_kind_of_task_is_refused(cli, folders):
    flags = ["--task=tagging", "--text=who?", "--text_b=a passage"]
    found = cli("predict", f"--model={folders / 'question_answering'}", *flags)
    assert found.status == 2
    assert "--task=tagging: the model is for question_answering" in found.err


def test_numbers_of_thousands_of_digits_are_told_of(cli, folders, tmp_path):
    path = tmp_path / "big.jsonl"
    path.write_text('{"text": "a", "choices": ["b", "c", ' + "9" * 5000 + "]}\n")
    model = folders / "multiple_choice"
    for flags in (
        [f"--input={path}"],
        ["--text=a", '--text_b=["a", "b", ' + "9" * 5000 + "]"],
    ):
        found = cli("predict", f"--model={model}", *flags)
        assert found.status == 2
        assert len(found.err.splitlines()) == 1
