"""Questions in the layouts that people have: flat, tables, without is_impossible, null, strings."""

import collections
import csv
import json
import random
import re
import string

import pytest
from said import said_by

from keras_bert.errors import InputError
from keras_bert.evaluation import evaluate
from keras_bert.tasks.file_layout import FileLayout
from keras_bert.tasks.question_answering.squad_files import read_questions
from keras_bert.tasks.registry import get_task

PASSAGE = "Ada lives in Paris."
PARIS = {"text": ["Paris"], "answer_start": [13]}
NONE = {"text": [], "answer_start": []}


def row(question_id="1", answers=PARIS, **more):
    fixed = {"title": "t", "context": PASSAGE, "question": f"Where, {question_id}?"}
    return {"id": question_id, **fixed, "answers": answers, **more}


def nested(*entries):
    qas = [{key: value for key, value in e.items() if key not in ("title", "context")}
           for e in entries]  # fmt: skip
    return {"data": [{"title": "t", "paragraphs": [{"context": PASSAGE, "qas": qas}]}]}


def write(tmp_path, data, name="a.json"):
    path = tmp_path / name
    text = data if isinstance(data, str) else json.dumps(data)
    path.write_text(text)
    return path


LAYOUTS = {
    "data": ("a.json", lambda rows: json.dumps({"version": "0.1", "data": rows})),
    "pretty data": ("a.json", lambda rows: json.dumps({"data": rows}, indent=2)),
    "list": ("a.json", json.dumps),
    "list, no name": ("a", lambda rows: json.dumps(rows)),
    "list in lines": ("a.jsonl", lambda rows: json.dumps(rows, indent=1)),
    "lines": ("a.jsonl", lambda rows: "\n".join(map(json.dumps, rows))),
    "lines as json": ("a.json", lambda rows: "\n".join(map(json.dumps, rows))),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_flat_layouts_have_the_questions_of_squads_own(tmp_path, layout):
    rng = random.Random(layout)
    words = "the Danube rises in Donaueschingen and ends far away in the Black Sea".split()
    rows = []
    for number in range(60):
        context = " ".join(rng.sample(words, 9))
        chosen = rng.sample(context.split(), rng.randint(0, 3))
        pairs = [(word, context.index(word)) for word in chosen]
        rows.append((number, context, pairs))
    flat = [
        {"id": str(n), "title": f"a{n % 7}", "context": context, "question": f"q {n}",
         "answers": {"text": [t for t, _ in pairs], "answer_start": [s for _, s in pairs]}}
        for n, context, pairs in rows
    ]  # fmt: skip
    data = {"data": [
        {"title": f"a{n % 7}", "paragraphs": [{"context": context, "qas": [{
            "id": str(n), "question": f"q {n}", "is_impossible": not pairs,
            "answers": [{"text": t, "answer_start": s} for t, s in pairs],
        }]}]} for n, context, pairs in rows
    ]}  # fmt: skip
    name, dump = LAYOUTS[layout]
    found, lines = said_by(read_questions, write(tmp_path, dump(flat), name))
    wanted = read_questions(write(tmp_path, data, "nested.json"))
    for field in ("ids", "questions", "contexts", "titles", "answers", "impossible"):
        assert getattr(found, field) == getattr(wanted, field)
    assert lines == []
    assert found.keys() == wanted.keys()
    unlabelled, lines = said_by(read_questions, write(tmp_path, dump(flat), name), labelled=False)
    assert (unlabelled.questions, unlabelled.answers) == (wanted.questions, None)


def test_other_shapes_of_the_nested_layout(tmp_path):
    article = nested(row("1", [{"text": "Paris", "answer_start": 13}]))["data"][0]
    for name, data in (
        ("a.json", [article]),
        ("a.json", article),
        ("a.jsonl", json.dumps(article)),
        ("a.json", nested(row("1", PARIS))),
        ("a.json", nested(row("1", {"text": "Paris", "answer_start": "13"}))),
        ("a.json", nested(row("1", [{"text": "Paris", "answer_start": 13.0}]))),
    ):
        found, lines = said_by(read_questions, write(tmp_path, data, name))
        assert (found.answers, found.impossible, lines) == ([[("Paris", 13)]], [False], [])


def test_no_answers_mean_none_whatever_is_impossible_says(tmp_path):
    left_over = row("b", [{"text": "Paris", "answer_start": 13}], is_impossible=True)
    without = row("h", is_impossible=True)
    del without["answers"]
    path = write(
        tmp_path,
        nested(
            row("a", PARIS), left_over, row("c", []), row("d", None), row("e", NONE),
            row("f", [], is_impossible=False), row("g", [], is_impossible="true"), without,
            row("i", [{"text": "", "answer_start": 0}], is_impossible=True),
            row("j", [], is_impossible=1), row("k", PARIS, is_impossible=None),
        ),
    )  # fmt: skip
    found, lines = said_by(read_questions, path)
    assert dict(zip(found.ids, found.impossible)) == {
        **dict.fromkeys("abk", False), **dict.fromkeys("cdefghij", True),
    }  # fmt: skip
    assert [bool(answers) for answers in found.answers] == [not no for no in found.impossible]
    assert [line.split(": ", 1)[1] for line in lines] == [
        "without answers: 4 questions of which is_impossible does not say so: the passage holds "
        "none",
        "with answers: 1 question of which is_impossible says that there is none: the answers "
        "count, as for SQuAD's evaluate-v2.0.py",
    ]
    # In the flat layout of the datasets library empty lists are the way to say it; null is not.
    flat = write(tmp_path, [row("a"), row("b", NONE)])
    assert said_by(read_questions, flat)[1] == []
    assert len(said_by(read_questions, write(tmp_path, [row("a"), row("b", None)]))[1]) == 1


def official(path, predictions):
    """evaluate-v2.0.py, written down again: exact and F1 over the nested file."""

    def normalize(text):
        text = "".join(c for c in text.lower() if c not in string.punctuation)
        return " ".join(re.sub(r"\b(a|an|the)\b", " ", text).split())

    def f1(gold, answer):
        gold, answer = normalize(gold).split(), normalize(answer).split()
        if not gold or not answer:
            return float(gold == answer)
        same = sum((collections.Counter(gold) & collections.Counter(answer)).values())
        return 2 * same / (len(gold) + len(answer))

    exact, f1s = [], []
    for article in json.loads(path.read_text())["data"]:
        for paragraph in article["paragraphs"]:
            for entry in paragraph["qas"]:
                gold = [a["text"] for a in entry["answers"] if normalize(a["text"])] or [""]
                answer = predictions[entry["id"]]
                exact.append(max(normalize(g) == normalize(answer) for g in gold))
                f1s.append(max(f1(g, answer) for g in gold))
    return 100 * sum(exact) / len(exact), 100 * sum(f1s) / len(f1s)


@pytest.mark.parametrize("seed", range(4))
def test_scores_are_those_of_the_official_script_which_reads_no_is_impossible(tmp_path, seed):
    rng = random.Random(seed)
    entries = []
    for number in range(50):
        texts = rng.sample(["Paris", "Ada", "in Paris", "lives in"], rng.randint(0, 2))
        answers = [{"text": text, "answer_start": PASSAGE.index(text)} for text in texts]
        said = rng.choice([{}, {"is_impossible": True}, {"is_impossible": False}])
        entries.append(row(str(number), answers, **said))
    path = write(tmp_path, nested(*entries))
    predictions = {e["id"]: rng.choice(["", "Paris", "the Paris!", "Ada lives"]) for e in entries}
    answers = write(tmp_path, predictions, "p.json")
    flat = [
        {**e, "answers": {"text": [a["text"] for a in e["answers"]],
                          "answer_start": [str(a["answer_start"]) for a in e["answers"]]}}
        for e in entries
    ]  # fmt: skip
    for data in (path, write(tmp_path, flat, "flat.json")):
        (scores, _), _ = said_by(evaluate, task="squad2", data=str(data), predictions=str(answers))
        found = scores["exact_match"], scores["f1"]
        assert found == pytest.approx(official(path, predictions), abs=1e-9)


def test_tables_of_questions_with_answers(tmp_path):
    path = tmp_path / "a.csv"
    header = ["Context", "Question", "answer_text", "answer_start"]
    with open(path, "w", newline="") as file:
        csv.writer(file).writerows(
            [header, [PASSAGE, "Where?", "Paris", "13"], [PASSAGE, "W", "", ""]]
        )
    found, lines = said_by(read_questions, path)
    assert found.answers == [[("Paris", 13)], []]
    assert (found.lines, found.impossible, len(lines)) == (["2", "3"], [False, True], 1)
    with open(path, "w", newline="") as file:
        rows = [["id", "context", "question", "answers"], ["x", PASSAGE, "W", json.dumps(PARIS)]]
        csv.writer(file, delimiter=";").writerows(rows)
    found, (line,) = said_by(read_questions, path)
    assert (found.ids, found.answers) == (["x"], [[("Paris", 13)]])
    assert "separator=;" in line
    assert said_by(read_questions, path, separator=";")[1] == []


def test_answers_without_a_place_are_searched_when_asked(tmp_path):
    path = write(tmp_path, [row("a", {"text": ["Paris"]}), row("b", {"text": ["Rome"]})])
    with pytest.raises(InputError, match="entry 1: answer_start is missing: read with .*search"):
        read_questions(path)
    found, (left, moved) = said_by(read_questions, path, misaligned="search")
    assert (found.ids, found.answers, found.skipped) == (["a"], [[("Paris", 13)]], 1)
    assert "misaligned=search: 1 question left out" in left
    assert "misaligned=search: 1 answer moved" in moved


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([row(answers=NONE), row("2", None)], "entry 1: no answers, nor has any other question"),
        (nested(row("1", [])), "question '1': no answers, nor has any other question"),
        ([row(answers={"text": ["Paris"], "answer_start": []})], "entry 1: answers has 1 texts: "),
        ([row(answers={"text": ["Paris"], "answer_start": 13})], "must be a list of as many"),
        ([row(answers=["Paris"])], "entry 1: must be a JSON object, not str"),
        ([row(answers="Paris")], "entry 1: answers must be a list, not 'Paris'"),
        ([row(answers="[1")], "entry 1: answers must be JSON, such as"),
        ([row(answers={"text": ["Paris"], "answer_start": ["x"]})], "must be a whole number"),
        ([row(answers={"text": ["Paris"], "answer_start": [1.5]})], "must be a whole number"),
        ([row(answers={"text": ["Paris"], "answer_start": [True]})], "must be a whole number"),
        ([row(answers={"text": ["Paris"], "answer_start": [2]})], "is not at answer_start 2"),
        ([row(), row("1", question="And?")], "entry 2: id '1' is that of entry 1 too"),
        ([row(), 7], "entry 2: expected a JSON object, found int"),
        ([row(context=" ")], "entry 1: context is empty"),
        ([row(question="")], "entry 1: question is empty"),
        ([row(is_impossible="maybe")], "is_impossible must be true or false"),
        ([{"question": "q", "context": "c"}], "a table of questions has no answers"),
        ([{"question": "q", "answers": PARIS}], "no column context"),
    ],
)
def test_what_is_wrong_is_named_with_its_entry(tmp_path, data, message):
    with pytest.raises(InputError, match=message) as caught:
        read_questions(write(tmp_path, data))
    assert "\n" not in str(caught.value)


def test_squad1_has_no_questions_without_an_answer(tmp_path):
    task = get_task("squad1")
    examples = task.read(write(tmp_path, [row("a"), row("b", NONE)]), FileLayout())
    with pytest.raises(InputError, match="question '2' has no answer.*task=squad2"):
        task.config_fields(examples, {})


def test_a_copy_of_a_question_is_kept(tmp_path):
    assert read_questions(write(tmp_path, [row(), row()])).ids == ["1", "1"]
