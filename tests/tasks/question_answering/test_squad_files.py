"""Reading SQuAD's layout and tables, and what is said of each thing that can be wrong in them."""

import copy
import gzip
import json

import pytest

from keras_bert.errors import InputError
from keras_bert.tasks.question_answering.squad_files import read_questions

CONTEXT = "The Danube rises in Donaueschingen. The Danube ends in the Black Sea 🌊."


def entry(question_id="q1", question="Where does it rise?", answers=None, **more):
    if answers is None:
        answers = [{"text": "Donaueschingen", "answer_start": 20}]
    return {"id": question_id, "question": question, "answers": answers, **more}


def squad(*entries, context=CONTEXT, title="Danube"):
    return {
        "version": "1.1",
        "data": [{"title": title, "paragraphs": [{"context": context, "qas": list(entries)}]}],
    }


def write(path, data):
    content = json.dumps(data, ensure_ascii=False).encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def read(tmp_path, data, **kwargs):
    return read_questions(write(tmp_path / "file.json", data), **kwargs)


def answer(text, start):
    return {"text": text, "answer_start": start}


@pytest.mark.parametrize("name", ["a.json", "a.json.gz", "a"])
def test_reads_the_layout_under_any_name(tmp_path, name):
    second = entry("q2", "And end?", [answer("Black Sea", 59), answer("the Black Sea", 55)])
    path = write(tmp_path / name, squad(entry(), second))
    found = read_questions(path)
    assert found.path == str(path)
    assert found.ids == found.lines == ["q1", "q2"]
    assert found.questions == ["Where does it rise?", "And end?"]
    assert found.contexts == [CONTEXT, CONTEXT]
    assert found.contexts[0] is found.contexts[1]
    assert found.titles == ["Danube", "Danube"]
    assert found.answers == [
        [("Donaueschingen", 20)],
        [("Black Sea", 59), ("the Black Sea", 55)],
    ]
    assert found.impossible == [False, False]
    assert (found.skipped, found.moved, len(found)) == (0, 0, 2)


def test_reads_questions_without_an_answer_and_what_else_sets_leave_out(tmp_path):
    data = squad(entry("q1", answers=[], is_impossible=True, plausible_answers=[answer("x", 0)]))
    assert read(tmp_path, data).impossible == [True]
    assert read(tmp_path, data).answers == [[]]
    # COVID-QA: no title, ids that are numbers; CMRC 2018: an id for each paragraph.
    data = squad(entry(7, is_impossible=False))
    del data["data"][0]["title"], data["version"]
    data["data"][0]["id"] = data["data"][0]["paragraphs"][0]["document_id"] = 630
    found = read(tmp_path, data)
    assert (found.ids, found.titles) == (["7"], [""])


def test_unlabelled_questions_need_no_answers(tmp_path):
    data = squad({"id": "q1", "question": "Where?"})
    found = read(tmp_path, data, labelled=False)
    assert (found.answers, found.impossible) == (None, None)
    assert found.take([0]).answers is None
    with pytest.raises(InputError, match="question 'q1': answers is missing"):
        read(tmp_path, data)


def without(data, key):
    del data["data"][0]["paragraphs"][0]["qas"][0][key]
    return data


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (squad(entry(question=" ")), r"file\.json: question 'q1': question is empty: .*skip"),
        (squad(entry(question="a\ud800")), "question 'q1': question has a lone surrogate"),
        (squad(entry(question=None)), "question 'q1': question is missing"),
        (squad(entry(question=3)), "question 'q1': question must be a text, not 3"),
        (without(squad(entry()), "id"), "article 1, paragraph 1, question 1: id is missing"),
        (squad(entry(True)), "question 1: id must be a text, not True"),
        (squad(entry(), context="\n"), "article 1, paragraph 1: context is empty"),
        (squad(entry(), context=None), "article 1, paragraph 1: context is missing"),
        (squad(entry(answers=[])), "question 'q1': no answers"),
        (squad(entry(answers="x")), "question 'q1': answers must be a list, not 'x'"),
        (squad(entry(answers=["x"])), "question 'q1': must be a JSON object, not str"),
        (squad(entry(answers=[answer("", 0)])), "question 'q1': an answer is empty"),
        (squad(entry(answers=[answer("The", None)])), "answer_start is missing"),
        (squad(entry(answers=[answer("The", 0.5)])), "must be a whole number, not 0.5"),
        (squad(entry("\ud800")), "id has a lone surrogate"),
        (squad(entry(is_impossible="no")), "is_impossible must be true or false, not 'no'"),
        (squad(entry(), entry(question="And?")), "'q1': two different questions have this id"),
        (
            squad(entry(answers=[answer("Donau", 21)])),
            r"'q1': the answer 'Donau' is not at answer_start 21, where 'onaue' is, "
            r"but at 20: .* misaligned=search",
        ),
        (squad(entry(answers=[answer("Donau", -5)])), "at answer_start -5, where '' is"),
        (squad(entry(answers=[answer("Donau", 10**30)])), "where '' is, but at 20"),
        (squad(entry(answers=[answer("Rhine", 4)])), "'Rhine' does not occur in its context"),
        (squad(), "no questions"),
        ({"data": {}}, r"file\.json: data must be a list"),
        ({"data": [1]}, "article 1: must be a JSON object, not int"),
        ({"data": [{}]}, "article 1: paragraphs is missing"),
        ({"version": "1.1"}, "data is missing"),
        ([], "must be a JSON object, not list"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_place(tmp_path, data, message):
    path = tmp_path / "file.json"
    path.write_text(json.dumps(data))
    with pytest.raises(InputError, match=message) as caught:
        read_questions(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_unreadable_files(tmp_path):
    path = tmp_path / "a.json"
    for content, message in [
        (b"", "the file is empty"),
        (b'{"data": [', "not a readable JSON file"),
        (b"[" * 100_000, "not a readable JSON file"),
        (b"\xff\xfe\x00\xff", "not a readable JSON file"),
        (gzip.compress(b"{}" * 99)[:-9], "cannot be read"),
    ]:
        path.write_bytes(content)
        with pytest.raises(InputError, match=message):
            read_questions(path)
    with pytest.raises(InputError, match="no such file"):
        read_questions(tmp_path / "b.json")


def test_ways_on_for_misaligned_answers(tmp_path):
    data = squad(
        entry("off", answers=[answer("Danube", 37)]),  # stands at 4 and 40
        entry("absent", answers=[answer("Rhine", 4)]),
        entry("half", answers=[answer("Rhine", 4), answer("Donau", 20)]),
        entry("empty", question=""),
        entry("right"),
    )
    with pytest.raises(InputError, match="must be one of error, skip, search, keep"):
        read(tmp_path, data, misaligned="none")
    found = read(tmp_path, data, misaligned="skip")
    assert (found.ids, found.skipped, found.moved) == (["half", "right"], 3, 0)
    assert found.answers[0] == [("Donau", 20)]
    found = read(tmp_path, data, misaligned="search")
    assert (found.ids, found.skipped, found.moved) == (["off", "half", "right"], 2, 1)
    assert found.answers[0] == [("Danube", 40)]
    with pytest.raises(InputError, match="question 'empty': question is empty"):
        read(tmp_path, data, misaligned="keep")
    found = read(tmp_path, data, misaligned="keep", empty="skip")
    assert (found.ids, found.skipped) == (["off", "absent", "half", "right"], 1)
    kept = read(tmp_path, data, misaligned="keep", empty="keep")
    assert (kept.ids[3], kept.questions[3], kept.skipped) == ("empty", "", 0)
    del data["data"][0]["paragraphs"][0]["qas"][3]
    found = read(tmp_path, data, misaligned="keep")
    assert (found.ids, found.skipped, found.moved) == (["off", "absent", "half", "right"], 0, 1)
    assert found.answers[1:3] == [[("Rhine", -1)], [("Rhine", -1), ("Donau", 20)]]
    nothing = squad(entry(answers=[answer("Rhine", 4)]))
    with pytest.raises(InputError, match="no questions, 1 were left out"):
        read(tmp_path, nothing, misaligned="skip")


@pytest.mark.parametrize("start", [-3, 0, 1, 3, 4, 5, 6, 50])
def test_search_takes_the_nearest_place(tmp_path, start):
    context = "ab..ab..."
    data = squad(entry(answers=[answer("ab", start)]), context=context)
    places = [i for i in range(len(context)) if context.startswith("ab", i)]
    nearest = min(places, key=lambda i: abs(i - start))
    assert read(tmp_path, data, misaligned="search").answers == [[("ab", nearest)]]
    del data["data"][0]["paragraphs"][0]["qas"][0]["answers"][0]["answer_start"]
    assert read(tmp_path, data, misaligned="search").answers == [[("ab", 0)]]


def test_a_question_that_is_repeated_whole_is_kept(tmp_path):
    assert read(tmp_path, squad(entry(), copy.deepcopy(entry()))).ids == ["q1", "q1"]


def articles(count, paragraphs=2):
    return {
        "data": [
            {
                "title": f"Article {i}",
                "paragraphs": [
                    {
                        "context": f"Paragraph {j} of {i}.",
                        "qas": [entry(f"{i}-{j}-{k}", answers=[answer("Par", 0)]) for k in "ab"],
                    }
                    for j in range(paragraphs)
                ],
            }
            for i in range(count)
        ]
    }


def test_keys_keep_articles_together_where_there_are_many(tmp_path):
    found = read(tmp_path, articles(12))
    assert found.keys() == found.titles
    few = read(tmp_path, articles(3))
    assert few.keys() == few.contexts


def test_keys_keep_a_passage_together_that_stands_in_two_articles(tmp_path):
    data = articles(12)
    data["data"][5]["paragraphs"][0]["context"] = data["data"][2]["paragraphs"][0]["context"]
    found = read(tmp_path, data)
    keys_of = {}
    for key, context in zip(found.keys(), found.contexts):
        keys_of.setdefault(context, set()).add(key)
    assert all(len(keys) == 1 for keys in keys_of.values())
    assert len(found.take([3, 1])) == 2
    assert found.take([3, 1]).ids == [found.ids[3], found.ids[1]]
    assert found.take([3, 1]).answers == [found.answers[3], found.answers[1]]


def test_tables_of_questions(tmp_path):
    rows = [("Who?", "Ann\u2028and Bob"), ("When?", "Ann\u2028and Bob")]
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps({"question": q, "context": c}) + "\n" for q, c in rows))
    found = read_questions(path, labelled=False)
    assert list(zip(found.questions, found.contexts)) == rows
    assert found.lines == found.ids == ["1", "2"]
    assert found.contexts[0] is found.contexts[1]
    # The same under .json, even of one line, as for other tasks.
    for count in (1, 2):
        path = tmp_path / "a.json"
        lines = (json.dumps({"id": f"x{q}", "question": q, "passage": c}) for q, c in rows[:count])
        path.write_text("\n".join(lines))
        found = read_questions(path, labelled=False)
        assert found.ids == ["xWho?", "xWhen?"][:count]
    path = tmp_path / "ids.jsonl"
    lines = [{"id": i, "question": q, "context": c} for i, (q, c) in enumerate(rows)]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert read_questions(path, labelled=False).ids == ["0", "1"]
    path = tmp_path / "a.tsv"
    path.write_text("Who?\tAnn\n")
    found = read_questions(path, labelled=False, columns=["question", "context"])
    assert (found.questions, found.contexts, found.keys()) == (["Who?"], ["Ann"], ["Ann"])
    path.write_text("q\tp\nWho?\tAnn\n")
    found = read_questions(path, labelled=False, question_column="q", context_column="p")
    assert found.lines == ["2"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("q,context\na,b\n", "no column question or query for the question; .* text_column"),
        ("question,c\na,b\n", "no column context or .* for the context; .* text_b_column"),
        ("question,context\na,b\n ,b\n", r"a\.csv:3: question is empty"),
        ("question,context\na,\n", r"a\.csv:2: context is empty"),
        ("id,question,context\n7,a,b\n7,c,d\n", r"a\.csv:3: id '7' is that of line 2 too"),
        ("id,question,context\n3,a,b\n,c,d\n", r"a\.csv:3: id '3' is that of line 2 too"),
    ],
)
def test_faults_of_tables_are_named(tmp_path, content, message):
    path = tmp_path / "a.csv"
    path.write_text(content)
    with pytest.raises(InputError, match=message):
        read_questions(path, labelled=False)
    with pytest.raises(InputError, match="a table of questions has no answers"):
        read_questions(path)
