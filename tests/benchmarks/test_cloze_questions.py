"""Questions made from text without labels: exact answers, no sentence twice, the same each time."""

import gzip
import importlib
import json
import os
import pathlib
import random
import re
import subprocess
import sys

import pytest

from keras_bert.pretraining.sentences import split_sentences
from keras_bert.tasks.question_answering.squad_files import read_questions

GPU = pathlib.Path(__file__).parents[2] / "benchmarks" / "gpu"
FACTS = [
    "The Marlow Bridge was opened by engineer Anna Keller on 3 May 1871 after long repairs.",
    "Anna Keller later built the stone lighthouse of Port Halden for the harbour board.",
    "The harbour board paid $45,000 for the stone lighthouse and its keeper's cottage.",
    "A severe winter storm destroyed the old wooden pier near the lighthouse in 1889.",
    "The old wooden pier was rebuilt by the harbour board in 1902 with iron columns.",
]
MORE = [
    "Repairs of the Marlow Bridge took long, and on 3 May 1871 engineer Anna Keller opened it.",
    "For the harbour board of Port Halden, Anna Keller designed the stone lighthouse.",
    "In 1889 the wooden pier near the lighthouse was lost to a severe winter storm.",
    "Iron columns carried the pier that the harbour board rebuilt in 1902.",
    "Visitors paid 12 pence to walk over the Marlow Bridge and see the stone lighthouse.",
]


@pytest.fixture
def module(monkeypatch):
    monkeypatch.syspath_prepend(str(GPU))
    return importlib.import_module


@pytest.fixture
def corpus(tmp_path):
    generator = random.Random(0)
    path = tmp_path / "corpus.jsonl.gz"
    with gzip.open(path, "wt", encoding="utf-8") as file:
        for number in range(12):
            first, second = list(FACTS), list(MORE)
            generator.shuffle(first)
            generator.shuffle(second)
            text = "\n".join([" ".join(first), "History.", " ".join(second)] * 2)
            file.write(json.dumps({"title": f"Town {number}", "text": text}) + "\n")
    return path


def entries(path):
    with gzip.open(path, "rt", encoding="utf-8") as file:
        data = json.load(file)["data"]
    paragraphs = [paragraph for article in data for paragraph in article["paragraphs"]]
    return [(paragraph["context"], row) for paragraph in paragraphs for row in paragraph["qas"]]


def run(module, monkeypatch, *flags):
    monkeypatch.setattr(sys, "argv", ["cloze_questions.py", *map(str, flags)])
    module("cloze_questions").main()


def test_answers_are_where_the_file_says_and_not_in_the_question(
    module, monkeypatch, corpus, tmp_path
):
    path = tmp_path / "cloze.json.gz"
    run(module, monkeypatch, "--keep", "--corpus", corpus, "--count=5000", "--output", path)
    made = entries(path)
    assert len(made) > 20
    for context, row in made:
        [answer] = row["answers"]
        assert context[answer["answer_start"] :].startswith(answer["text"])
        assert not re.search(rf"\b{re.escape(answer['text'].lower())}\b", row["question"])
        assert row["question"].endswith("?")
        assert re.search(r"\b(?:who|what|when|where|how)\b", row["question"])
    assert len({row["id"] for _, row in made}) == len(made)
    assert {row["id"][:4] for _, row in made} == {"kept", "left"}
    questions = read_questions(path, misaligned="error")
    assert len(questions.questions) == len(made)


def test_the_sentence_of_a_question_is_not_in_its_passage(module):
    spans, passages = module("cloze_spans"), module("cloze_passages")
    sentences = [*FACTS, *MORE]
    counts = spans.WordCounts()
    for sentence in [*sentences, *["Nothing else is here."] * 500]:
        counts.add(sentence)
    article = passages.Article(sentences, "Halden", counts, "0")
    found = [(p, q) for p, questions in article.passages(keep=True) for q in questions]
    assert {question.stays for _, question in found} == {False, True}
    for passage, question in found:
        inside = split_sentences(passage)
        assert set(inside) <= set(sentences)
        assert (sentences[question.source] in inside) == question.stays


def test_the_same_seed_makes_the_same_file_whatever_the_order_of_sets(corpus, tmp_path):
    contents = []
    for name, seed, order in (("a", 0, "1"), ("b", 0, "2"), ("c", 1, "1")):
        path = tmp_path / f"{name}.json.gz"
        flags = ("--keep", "--corpus", corpus, "--count=50", f"--seed={seed}", "--output", path)
        command = [sys.executable, GPU / "cloze_questions.py", *flags]
        subprocess.run(command, env={**os.environ, "PYTHONHASHSEED": order}, check=True)
        contents.append(path.read_bytes())
        assert 0 < len(entries(path)) <= 50
    assert contents[0] == contents[1] != contents[2]


def test_only_the_contexts_of_a_squad_file_are_read(module, monkeypatch, tmp_path):
    rows = [{"id": "1", "question": "SECRET?", "answers": [{"text": "SECRET", "answer_start": 0}]}]
    paragraphs = [{"context": " ".join(part), "qas": rows} for part in (FACTS, MORE, FACTS[::-1])]
    source, path = tmp_path / "squad.json.gz", tmp_path / "cloze.json.gz"
    with gzip.open(source, "wt", encoding="utf-8") as file:
        json.dump({"data": [{"title": "Port_Halden", "paragraphs": paragraphs}]}, file)
    run(module, monkeypatch, "--squad", source, "--keep", "--count=100", "--output", path)
    assert entries(path)
    assert "SECRET" not in gzip.decompress(path.read_bytes()).decode()


def test_a_missing_file_is_named(module, monkeypatch, tmp_path, capsys):
    with pytest.raises(SystemExit) as stopped:
        run(module, monkeypatch, "--squad", tmp_path / "no.json.gz", "--output", tmp_path / "x")
    assert stopped.value.code == 2
    assert "no.json.gz" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("sentence", "answer", "question"),
    [
        (
            "The stone bridge was built in 1871 by Anna Keller.",
            "1871",
            "when was the stone bridge built by anna keller?",
        ),
        (
            "The company opened a large shop in Port Halden.",
            "Port Halden",
            "where did the company open a large shop?",
        ),
        (
            "The town council raised $45,000 for the new bridge.",
            "$45,000",
            "how much money did the town council raise for the new bridge?",
        ),
        (
            "The harbour was used by 350 ships in that winter.",
            "350",
            "by how many ships was the harbour used in that winter?",
        ),
    ],
)
def test_the_interrogative_fits_the_answer(module, sentence, answer, question):
    spans, wording = module("cloze_spans"), module("cloze_wording")
    counts = spans.WordCounts()
    counts.add("They open and build and raise and use it in the harbour of Port Halden.")
    [span] = [s for s in spans.find_spans(sentence, counts) if sentence[s.start : s.end] == answer]
    made = wording.clause_question(sentence, span, lambda options: options[0], counts)
    assert made == question
