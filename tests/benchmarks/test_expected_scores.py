"""The program that makes EXPECTED_SCORES.md, and the splits that it makes for itself."""

import csv
import dataclasses
import gzip
import importlib
import json
import pathlib
import subprocess
import types

import pytest
from absl import flags
from pseudo_text import documents, write_json_lines
from scipy.spatial.distance import cosine

from keras_bert.commands import finetune, prepare, pretrain
from keras_bert.embedding.features import embed
from keras_bert.loading import load
from keras_bert.tasks.file_layout import FileLayout
from keras_bert.tasks.registry import get_task
from keras_bert.tasks.tagging.conll import read_conll

BENCHMARKS = pathlib.Path(__file__).parents[2] / "benchmarks" / "scores"


@pytest.fixture
def module(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module


def test_every_row_is_a_command_that_finetune_takes(module):
    rows = module("expected_scores").ROWS

    def check(verb, *given):
        values = flags.FlagValues()
        verb.define(values)
        values(["x", "--output=c", *given])

    for row in rows:
        if isinstance(row, module("score_rows").Pretraining):
            check(prepare, "--corpus=a", "--vocab=b", *row.prepare)
            check(pretrain, "--records=a", "--init=b", *row.flags)
        else:
            check(finetune, f"--task={row.task}", "--train=a", "--init=b", *row.flags)
    names = [row.name for row in rows]
    assert len(set(names)) == len(names)
    starts = {row.start for row in rows} - {"", "bert_mini_en_uncased"}
    assert "masked_lm" in starts <= set(names)


@pytest.mark.slow
def test_a_row_runs_once_after_the_row_it_starts_from(module, toy, tmp_path, monkeypatch):
    scores = module("expected_scores")
    flags = ("--epochs=1", "--length=32", "--learning_rate=1e-3")
    dev = pathlib.Path(toy.dev).name
    first = scores.Row("first", "classification", "train.tsv.gz", "", flags)
    second = scores.Row(
        "second", "classification", "train.tsv.gz", dev, (*flags, "--seeds=3,4"),
        published=(91.5, "a paper"), start="first",
    )  # fmt: skip
    monkeypatch.setattr(scores, "_BY_NAME", {"first": first, "second": second})
    options = types.SimpleNamespace(data=str(toy.folder), init=toy.model, output=str(tmp_path))
    result = scores.run(second, options)
    assert (tmp_path / "first" / "config.json").exists()
    assert json.loads((tmp_path / "second.json").read_text()) == result

    monkeypatch.setattr(subprocess, "run", None)
    assert scores.run(second, options) == result
    one, other = (run["accuracy"] for run in result["runs"])
    cells = [cell.strip() for cell in scores.line(second, result).split("|")[1:-1]]
    mean, deviation = (one + other) / 2, abs(one - other) / 2**0.5
    assert cells[:4] == ["second", "`classification`", "first", "dev.tsv"]
    assert cells[4].startswith(f"accuracy {100 * mean:.2f} ± {100 * deviation:.2f}, macro_f1 ")
    assert cells[5:8] == [f"{100 * max(one, other):.2f}", "91.5, a paper", "3 4"]
    assert cells[9] == "`--epochs=1 --length=32 --learning_rate=1e-3`"
    result = scores.run(first, options)
    assert "| 10 % of train.tsv.gz |" in scores.line(first, result)
    first = dataclasses.replace(first, flags=(*flags, "--eval_fraction=0.03"))
    assert "| 3 % of train.tsv.gz |" in scores.line(first, result)


@pytest.mark.slow
def test_a_row_may_start_from_a_model_that_was_pretrained(module, toy, tmp_path, monkeypatch):
    scores = module("expected_scores")
    write_json_lines(tmp_path / "texts.jsonl.gz", documents(30, seed=2))
    first = module("score_rows").Pretraining(
        "words", ("texts*.gz",), ("--length=32", "--pair=none"),
        ("--steps=6", "--batch_size=4", "--learning_rate=1e-3", "--seed=3"),
    )  # fmt: skip
    flags = ("--epochs=1", "--length=32", "--learning_rate=1e-3")
    second = scores.Row("second", "classification", toy.train, "", flags, start="words")
    monkeypatch.setattr(scores, "_BY_NAME", {"words": first, "second": second})
    options = types.SimpleNamespace(data=str(tmp_path), init=toy.model, output=str(tmp_path))
    scores.run(second, options)
    result = json.loads((tmp_path / "words.json").read_text())
    cells = [cell.strip() for cell in scores.line(first, result).split("|")[1:-1]]
    assert cells[:3] == ["words", "`pretrain`", "MINILM"]
    assert cells[4] == f"masked_lm_accuracy {100 * result['masked_lm_accuracy']:.2f}"
    assert cells[9].startswith("`--steps=6 ")
    assert "texts*.gz" in cells[9]
    assert len(cells) == len(scores._COLUMNS)
    # The second starts from what the first learned.
    card = (tmp_path / "second" / "README.md").read_text()
    assert "derive from `words`" in card
    assert not scores.average({first: result})


def test_the_average_is_over_each_tasks_mean_metrics(module):
    scores = module("expected_scores")
    results = {
        scores._BY_NAME["sst2"]: {"accuracy": 0.9},
        scores._BY_NAME["mrpc"]: {"f1": 0.1, "mean": {"f1": 0.88, "accuracy": 0.84}},
        scores._BY_NAME["ewt"]: {"accuracy": 0.5},
    }
    expected = "GLUE's average, of the means over sst2, mrpc: 88.00"
    assert scores.average(results) == expected
    assert not scores.average({scores._BY_NAME["ewt"]: {}})


@pytest.fixture
def data(tmp_path):
    """Files of the public ones' layout."""
    for name in ("wikigold", "squad", "nli_watson", "sick", "glue/RTE", "glue/MRPC", "glue/STS-B"):
        (tmp_path / name).mkdir(parents=True)
    articles = [f"-DOCSTART- O\n\nword{i} I-PER\n. O\n\nword{i} O\n" for i in range(10)]
    with gzip.open(tmp_path / "wikigold/wikigold.conll.txt.gz", "wt") as file:
        file.write("\n".join(articles))
    squad = [
        {
            "title": f"T{i}",
            "paragraphs": [
                {
                    "context": f"é {i}",
                    "qas": [{"id": str(i), "question": "?", "answers": [], "is_impossible": True}],
                }
            ],
        }
        for i in range(8)
    ]
    with gzip.open(tmp_path / "squad/dev-v2.0-public.json.gz", "wt") as file:
        json.dump({"version": "v2.0", "data": squad}, file)
    with gzip.open(tmp_path / "nli_watson/train.csv.gz", "wt", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "premise", "hypothesis", "lang_abv", "language", "label"])
        writer.writerow(["a", 'He said "é",\nshe left.', "She left.", "en", "English", "0"])
        writer.writerow(["b", "Il pleut.", "Il neige.", "fr", "French", "2"])
        writer.writerow(["c", "It rains.", "It snows.", "en", "English", "2"])
        writer.writerow(["d", "It is dark.", "It is night.", "en", "English", "1"])
    header = "pair_ID\tsentence_A\tsentence_B\trelatedness_score\tentailment_judgment\n"
    with gzip.open(tmp_path / "sick/SICK_train.txt.gz", "wt") as file:
        file.write(header + '1\tA "red dog\tA dog\t4.5\tENTAILMENT\n')
        file.write("2\tA dog barks\tThe dog is barking.\t4.5\tENTAILMENT\n")
        file.write("3\tA cat\tNo cat is here\t4.5\tCONTRADICTION\n")
    (tmp_path / "sick/SICK_trial.txt").write_text(header + "4\tA man\tA boy\t3.5\tNEUTRAL\n")
    glue = {
        "RTE": "index\tsentence1\tsentence2\tlabel\n0\tA.\tThe  DOG is barking!\tentailment\n",
        "MRPC": "\ufeffQuality\t#1 ID\t#2 ID\t#1 String\t#2 String\n1\t7\t8\tno cat is here .\tb\n",
        "STS-B": "index\tsentence1\tsentence2\tscore\n0\tIt is night\tB\t5.000\n",
    }
    for name, text in glue.items():
        (tmp_path / "glue" / name / "dev.tsv").write_text(text, encoding="utf-8")
    glue["MRPC"] += "0\t7\t8\tA dog runs .\tA dog sleeps .\n"
    glue["STS-B"] += "1\tRain falls\tIt rains\t4.2\n2\tA man\tA boy\t3.0\n"
    for name in ("MRPC", "STS-B"):
        with gzip.open(tmp_path / "glue" / name / "train.tsv.gz", "wt", encoding="utf-8") as file:
            file.write(glue[name])
    return tmp_path


def test_splits_are_by_document(module, data, tmp_path):
    out = tmp_path / "made"

    def make(name):
        return module("score_files").path_of(name, data, out, init=None)

    train, dev = (read_conll(make(f"made:wikigold.{part}.conll")) for part in ("train", "dev"))
    assert dev.words == [[f"word{i}", ".", f"word{i}"] for i in (4, 9)]
    assert dev.tags == [["I-PER", "O", "O"]] * 2
    assert len(train) == 8
    assert not {words[0] for words in train.words} & {"word4", "word9"}

    task = get_task("squad2")
    train, dev = (
        task.read(make(f"made:squad2.{part}.json"), FileLayout()) for part in ("train", "dev")
    )
    assert dev.ids == ["3", "7"]
    assert train.ids == ["0", "1", "2", "4", "5", "6"]

    lines = open(make("made:inference.jsonl"), encoding="utf-8").read().splitlines()
    assert [json.loads(line) for line in lines] == [
        {"premise": 'He said "é",\nshe left.', "hypothesis": "She left.", "label": "entailment"},
        {"premise": "It rains.", "hypothesis": "It snows.", "label": "contradiction"},
        {"premise": 'A "red dog', "hypothesis": "A dog", "label": "entailment"},
        {"premise": "A man", "hypothesis": "A boy", "label": "neutral"},
    ]
    assert make("squad/x.json") == str(data / "squad/x.json")


def test_sentences_are_joined_up_to_a_number_of_words(module):
    joined = module("score_files")._joined
    sentences = [[str(i)] * length for i, length in enumerate((100, 50, 1, 200, 149, 1))]
    assert [len(run) for run in joined(sentences)] == [150, 1, 200, 150]
    assert [word for run in joined(sentences) for word in run] == sum(sentences, [])


def test_titles_are_marked_where_all_names_of_a_sentence_are_known(module, data, tmp_path):
    articles = {
        "Ada Byron (writer)": "Ada Byron was an English poet known in Xanten. Byron met word1 in "
        "January. She met Nobody there. Then Byron rested.",
        "Old Town": "Old Town is a small village. The house of Ada Byron is in Old Town. Cities "
        "grew in Old Town. A tree fell, and the gate, and the bush, and the wall, and the bank, "
        "and the end.",
        "Thing": "Thing is what nobody knows.",
    }
    (data / "pretrain/en_wiki").mkdir(parents=True)
    with gzip.open(data / "pretrain/en_wiki/a.jsonl.gz", "wt", encoding="utf-8") as file:
        for title, text in articles.items():
            file.write(json.dumps({"title": title, "text": text}) + "\n")
    path = module("score_files").path_of("made:titles.conll", data, tmp_path / "made", None)
    found = read_conll(path)
    shown = [
        " ".join(f"{word}/{tag[2:]}" if tag != "O" else word for word, tag in zip(words, tags))
        for words, tags in zip(found.words, found.tags)
    ]
    # Not those with English, Nobody and Xanten, nor those of Then and Cities, which may be names,
    # for they are not often seen in small letters, as the is.
    assert shown == [
        "Byron/PER met word1 in January .",
        "Old/LOC Town/LOC is a small village .",
        "The house of Ada/PER Byron/PER is in Old/LOC Town/LOC .",
    ]


def test_similar_pairs_have_the_cosine_of_their_vectors(module, data, toy, tmp_path):
    path = module("score_files").path_of("made:similar.jsonl", data, tmp_path / "made", toy.model)
    pairs = [json.loads(line) for line in open(path, encoding="utf-8")]
    texts = [(pair["sentence1"], pair["sentence2"]) for pair in pairs]
    # The files' own pairs, but for those with a sentence of a dev set, then each sentence's two.
    own = [
        ("A dog runs .", "A dog sleeps ."), ("Rain falls", "It rains"), ("A man", "A boy"),
        ('A "red dog', "A dog"),
    ]  # fmt: skip
    assert texts[:4] == own
    sentences = {text for pair in own for text in pair}
    assert {text for pair in texts for text in pair} == sentences
    assert 8 <= len(texts) - 4 <= 16
    assert all(first != second for first, second in texts)
    vectors = embed(load(toy.model), [text for pair in texts for text in pair])
    for pair, first, second in zip(pairs, vectors[::2], vectors[1::2]):
        assert abs(pair["score"] - 1 + cosine(first, second)) <= 1e-4
