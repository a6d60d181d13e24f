"""Tagged sentences from tables: lists of words, a word a row, texts with marked spans."""

import csv
import io
import json
import random

import pandas
import pytest
from said import said_by

from keras_bert.errors import InputError
from keras_bert.tasks.file_layout import FileLayout
from keras_bert.tasks.in_hand import examples_of
from keras_bert.tasks.tagging.task import TaggingTask
from keras_bert.tasks.tagging.words import words_of

TASK = TaggingTask()
WORDS = [["Ada", "ran", ",", "home"], ["Paris"], ["a", "b"]]
TAGS = [["B-PER", "O", "O", "O"], ["B-LOC"], ["O", "O"]]


@pytest.fixture
def read(tmp_path):
    def read(text, name="a.jsonl", labelled=True, **layout):
        path = tmp_path / name
        path.write_text(text)
        return said_by(TASK.read, path, FileLayout(**layout), labelled)

    return read


def lines_of(*rows):
    return "".join(json.dumps(row) + "\n" for row in rows)


def csv_of(*rows, separator=","):
    file = io.StringIO()
    csv.writer(file, delimiter=separator, lineterminator="\n").writerows(rows)
    return file.getvalue()


@pytest.mark.parametrize(
    ("words", "tags"),
    [("tokens", "ner_tags"), ("words", "labels"), ("Tokens", "Tags"), ("form", "upos")],
)
@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "a"])
def test_lists_of_words_and_tags(read, words, tags, name):
    rows = [{"id": n, words: w, tags: t} for n, (w, t) in enumerate(zip(WORDS, TAGS))]
    text = json.dumps(rows, indent=1) if name == "a.json" else lines_of(*rows)
    found, lines = read(text, name)
    assert (found.words, found.tags) == (WORDS, TAGS)
    assert len(lines) == (name == "a")  # said: it is JSON
    assert found.lines == [1, 2, 3]
    unlabelled, _ = read(text, name, labelled=False)
    assert (unlabelled.words, unlabelled.tags) == (WORDS, None)


def test_entities_go_before_parts_of_speech_unless_a_column_is_named(read):
    text = lines_of({"tokens": ["a"], "pos_tags": ["DT"], "ner_tags": ["O"], "x": ["B-Y"]})
    assert read(text)[0].tags == [["O"]]
    assert read(text, tag_column="pos_tags")[0].tags == [["DT"]]
    assert read(text, tag_column="4", word_column="1")[0].tags == [["B-Y"]]
    with pytest.raises(InputError, match="no column 'y'; its columns are tokens"):
        read(text, tag_column="y")
    with pytest.raises(InputError, match="4 columns, so none is 5"):
        read(text, tag_column="5")


@pytest.mark.parametrize(
    "features",
    [
        {"ner_tags": {"feature": {"names": ["O", "B-PER"], "_type": "ClassLabel"}}},
        {"ner_tags": {"names": ["O", "B-PER"]}},
        [{"name": "ner_tags", "sequence": {"class_label": {"names": {"0": "O", "1": "B-PER"}}}}],
    ],
)
def test_numbers_of_tags_have_the_names_that_the_file_declares(read, features):
    rows = [{"tokens": ["Ada", "ran"], "ner_tags": [1, 0]}]
    found, lines = read(json.dumps({"features": features, "data": rows}), "a.json")
    assert (found.tags, lines) == ([["B-PER", "O"]], [])
    rows[0]["ner_tags"][0] = 2
    with pytest.raises(InputError, match="entry 1: 2 in ner_tags is not a number of one of the 2"):
        read(json.dumps({"features": features, "data": rows}), "a.json")


@pytest.mark.parametrize("separator", [",", ";"])
def test_a_word_a_row_as_in_kaggles_collection(read, separator):
    rows = [["Sentence #", "Word", "POS", "Tag"]]
    for number, (words, tags) in enumerate(zip(WORDS, TAGS), start=1):
        for i, (word, tag) in enumerate(zip(words, tags)):
            rows.append([f"Sentence: {number}" if not i else "", word, "X", tag])
    found, lines = read(csv_of(*rows, separator=separator), "a.csv")
    assert (found.words, found.tags) == (WORDS, TAGS)
    assert found.lines == [2, 6, 7]
    assert found.word_lines == [[2, 3, 4, 5], [6], [7, 8]]
    assert len(lines) == (separator == ";")
    assert read(csv_of(*rows), "a.csv", tag_column="POS")[0].tags[1] == ["X"]


def test_a_word_a_row_with_numbers_of_sentences_or_empty_lines(read):
    numbered = [["sentence_id", "word", "tag"]]
    parted = [["word", "tag"]]
    for number, (words, tags) in enumerate(zip(WORDS, TAGS)):
        numbered += [[number, word, tag] for word, tag in zip(words, tags)]
        parted += [[word, tag] for word, tag in zip(words, tags)] + [[]]
    for rows in (numbered, parted):
        found, lines = read(csv_of(*rows), "a.csv")
        assert (found.words, found.tags, lines) == (WORDS, TAGS, [])
    frame = pandas.DataFrame(numbered[1:], columns=numbered[0])
    found, lines = said_by(examples_of, TASK, frame, FileLayout())
    assert (found.words, found.tags) == (WORDS, TAGS)
    long = csv_of(["word", "tag"], *[["a", "O"]] * 1001)
    with pytest.raises(InputError, match=":1002: more than 1000 words in one sentence: number"):
        read(long, "a.csv")


@pytest.mark.parametrize("write", [json.dumps, str, " ".join])
def test_a_sentence_a_row_in_csv(read, write):
    rows = [[n, write(w), write(t)] for n, (w, t) in enumerate(zip(WORDS, TAGS))]
    found, lines = read(csv_of(["id", "words", "tags"], *rows), "a.csv")
    assert (found.words, found.tags, lines) == (WORDS, TAGS, [])
    tsv = "words\ttags\n" + "".join(f"{row[1]}\t{row[2]}\n" for row in rows)
    assert read(tsv, "a.tsv")[0].words == WORDS
    if write is str:  # Kaggle's: the words with spaces, the tags as a list of Python's
        rows = [[n, " ".join(w), str(t)] for n, (w, t) in enumerate(zip(WORDS, TAGS))]
        found, _ = read(csv_of(["Sentence #", "Sentence", "Tag"], *rows), "a.csv")
        assert (found.words, found.tags) == (WORDS, TAGS)


def spans_by_definition(text, spans):
    """The tags of words by the characters that they share with spans without overlap."""
    owner = [None] * len(text)
    for index, (start, end, _) in enumerate(spans):
        owner[start:end] = [index] * (end - start)
    tags, before = [], None
    for start, end in words_of(text):
        own = next((i for i in owner[start:end] if i is not None), None)
        letter = "I" if own == before else "B"
        tags.append("O" if own is None else f"{letter}-{spans[own][2]}")
        before = own
    return tags


def test_spans_mark_the_words_that_they_share_characters_with(read):
    rng = random.Random(3)
    rows, expected = [], []
    for _ in range(200):
        parts = rng.choices(["Ada", "Ulm", "x", "3.5", "漢字", "don't", "."], k=rng.randint(1, 9))
        text = " ".join(parts)
        words, spans, first = words_of(text), [], 0
        while first < len(words):
            last = min(first + rng.randint(0, 2), len(words) - 1)
            if rng.random() < 0.5:
                spans.append([words[first][0], words[last][1], rng.choice(["PER", "LOC"])])
            first = last + 1
        expected.append(spans_by_definition(text, spans))
        rng.shuffle(spans)
        rows.append({"text": text, "label": spans})
    rows.append({"text": "Ada", "label": [[0, 3, "PER"]]})
    found, lines = read(lines_of(*rows))
    assert found.tags == [*expected, ["B-PER"]]
    assert (found.texts, lines) == ([row["text"] for row in rows], [])


def test_spans_of_other_shapes_and_what_of_them_is_left_out(read):
    found, lines = read(
        lines_of(
            {"text": "Ada Byron ran", "entities": [{"start": 0, "end": 9, "label": "PER"}]},
            {"text": "no", "entities": []},
            {"text": "no", "entities": None},
        )
    )
    assert (found.tags, lines) == ([["B-PER", "I-PER", "O"], ["O"], ["O"]], [])
    found, lines = read(
        lines_of({"text": "New York City is  far", "label": [
            [0, 8, "LOC"], [4, 13, "LOC"], [16, 18, "X"], [18, 20, "Y"],
        ]})
    )  # fmt: skip
    assert found.tags == [["O", "B-LOC", "I-LOC", "O", "B-Y"]]
    assert [line.split(": ", 1)[1] for line in lines] == [
        "1 entity beginning or ending inside a word: the whole word is read as theirs",
        "1 entity sharing a word with a longer one: left out",
        "1 entity without a word: left out",
    ]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"text": "Ada", "label": [[0, 4, "PER"]]}, r":1: \[0, 4\] is no part of a text of 3"),
        ({"text": "Ada", "label": [[2, 2, "PER"]]}, "is no part of"),
        ({"text": "Ada", "label": [[-1, 2, "PER"]]}, "is no part of"),
        ({"text": "Ada", "label": [[0, 3, 5]]}, "5 is not the type of an entity"),
        ({"text": "Ada", "label": [[0, 3.5, "PER"]]}, "is not a span: expected"),
        ({"text": "Ada", "label": [{"begin": 0}]}, "is not a span: expected"),
        ({"text": 5, "label": [[0, 3, "PER"]]}, "a text must be a string, not int"),
        ({"text": " ", "label": [[0, 1, "PER"]]}, "a text without words"),
        ({"tokens": ["a", "b"], "tags": ["O"]}, ":1: 2 tokens and 1 tags"),
        ({"tokens": ["a"], "tags": [None]}, ":1: None in tags is not a tag"),
        ({"tokens": ["a"], "tags": [" "]}, ":1: ' ' in tags is not a tag"),
        ({"tokens": [5], "tags": ["O"]}, ":1: 5 is not a word"),
        ({"tokens": ["a\tb"], "tags": ["O"]}, r":1: 'a\\tb' is not a word"),
        ({"tokens": [], "tags": []}, "no row has a word"),
        ({"tokens": ["a"], "ner_tags": [3]}, r"has numbers, such as 3, .*features\['ner_tags'\]"),
        ({"tokens": ["a"]}, "no column of tags .* its columns are tokens"),
        ({"text": "a b", "label": "good"}, "no column of words .* its columns are text, label"),
        ({"id": 1}, "no column of words"),
    ],
)
def test_what_is_no_tagged_sentence_is_refused(read, row, message):
    for name in ("a.jsonl", "a.conll", "a"):  # JSON is never read as words
        with pytest.raises(InputError, match=message) as caught:
            read(lines_of(row), name)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["a.conll", "a.txt", "a.jsonl", "a.csv.jsonl"])
@pytest.mark.parametrize("text", ['{"tokens": ["a"], "tags":\n', '{"a"\n', '[{"a": 1},\n'])
def test_broken_json_is_not_read_as_words(read, name, text):
    with pytest.raises(InputError, match="JSON"):
        read(text, name)


def test_texts_go_before_columns_that_only_look_like_words(read):
    text = csv_of(["id", "word", "text"], ["1", "x", "Ada ran"])
    assert read(text, "a.csv", labelled=False)[0].words == [["Ada", "ran"]]
    assert read(lines_of({"text": "Ada ran", "tokens": 2}), labelled=False)[0].texts == ["Ada ran"]
    found, _ = read(lines_of({"text": "x", "words": ["Ada", "ran"]}), labelled=False)
    assert found.words == [["Ada", "ran"]]


def test_words_that_are_empty_or_spaces_are_read_and_counted(read):
    for text, name in (
        ("\tO\nAda\tB-PER\n", "a.tsv"),
        ("  \tO\nAda\tB-PER\n", "a.tsv"),
        (" O\nAda B-PER\n", "a.conll"),
        ("Word,Tag\n,O\nAda,B-PER\n", "a.csv"),
        (lines_of({"tokens": [" ", "Ada"], "tags": ["O", "B-PER"]}), "a.jsonl"),
        (lines_of({"tokens": ["", "Ada"], "tags": ["O", "B-PER"]}), "a.jsonl"),
    ):
        found, lines = read(text, name)
        assert [word.strip() for word in found.words[0]] == ["", "Ada"]
        assert found.tags == [["O", "B-PER"]]
        assert [line.split(": ", 1)[1] for line in lines] == [
            "1 word is empty or a space, and read as a word that is not known"
        ]
