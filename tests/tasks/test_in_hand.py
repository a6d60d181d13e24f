"""What a script has in hand gives the examples that a file with the same contents gives."""

import json

import numpy as np
import pandas
import pytest
import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.tasks.file_layout import FileLayout
from keras_bert.tasks.in_hand import examples_of
from keras_bert.tasks.registry import get_task

TEXTS, SECONDS = ["one fish", "two, fish", 'red "fish"'], ["a", "b", "ü"]
LABELS = {
    "classification": ["yes", "no", "yes"],
    "multi_label": [("a", "b"), (), ("b",)],
    "regression": [1.5, 2.0, -3.0],
}


def found(kind, data, **layout):
    return examples_of(get_task(kind), data, FileLayout(**layout))


def written(tmp_path, records):
    path = tmp_path / "file.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return str(path)


@pytest.mark.parametrize("kind", LABELS)
@pytest.mark.parametrize("pairs", [False, True])
def test_texts_and_labels(kind, pairs, tmp_path):
    names = ("text", "text_b", "label") if pairs else ("text", "label")
    columns = (TEXTS, SECONDS, LABELS[kind]) if pairs else (TEXTS, LABELS[kind])
    records = [dict(zip(names, row)) for row in zip(*columns)]
    expected = found(kind, written(tmp_path, records))
    texts = (TEXTS, np.array(SECONDS, object)) if pairs else TEXTS
    ways = {
        "lists": (texts, LABELS[kind]),
        "frame": pandas.DataFrame({name: list(values) for name, values in zip(names, columns)}),
        "examples": expected,
    }
    if kind != "multi_label":
        features = (TEXTS, SECONDS) if pairs else TEXTS
        dataset = tf.data.Dataset.from_tensor_slices((features, LABELS[kind]))
        ways |= {"dataset": dataset, "batches": dataset.batch(2)}
    for name, data in ways.items():
        examples = found(kind, data)
        assert (examples.texts, examples.texts_b) == (TEXTS, SECONDS if pairs else None), name
        assert examples.labels == expected.labels, name
        assert examples.keys() == expected.keys(), name


def test_numbers_are_labels_as_in_a_file():
    for labels in ([0, 1, 0], np.array([0, 1, 0]), pandas.Series([0, 1, 0])):
        assert found("classification", (TEXTS, labels)).labels == ["0", "1", "0"]
    matrix = pandas.DataFrame({"text": TEXTS, "a": [1, 0, 0], "b": [True, False, True]})
    assert found("multi_label", matrix).labels == LABELS["multi_label"]


def test_a_frame_is_read_by_its_columns():
    frame = pandas.DataFrame({"body": TEXTS, "stars": [1, 2, 3], "text": SECONDS})
    examples = found("regression", frame, text_column="body", label_column="stars")
    assert (examples.texts, examples.labels) == (TEXTS, [1.0, 2.0, 3.0])
    frame.loc[1, "body"] = None
    with pytest.raises(InputError, match=r"the DataFrame:2: body must be a text"):
        found("regression", frame, text_column="body", label_column="stars")
    with pytest.raises(InputError, match="no label column"):
        found("classification", frame)


def test_words_and_tags():
    words, tags = [["Ann", "ran"], ["No"]], [["B-PER", "O"], ["O"]]
    examples = found("tagging", (words, tags))
    assert (examples.words, examples.tags) == (words, tags)
    for bad, message in (
        ([["B-PER"], ["O"]], r"the texts:1: 2 words need a list of 2 tags"),
        ([["B-PER", "O"], ["a b"]], r"the texts:2: 'a b' is not a tag"),
    ):
        with pytest.raises(InputError, match=message):
            found("tagging", (words, bad))


def test_questions_and_answers(tmp_path):
    passages = ["Ann met Bob. Bob left.", "It rained.", "Ann slept."]
    answers = ["Bob", None, ("Ann", 0)]
    examples = found(
        "question_answering", ((["Who left?", "Who?", "Who slept?"], passages), answers)
    )
    assert examples.answers == [[("Bob", 8)], [], [("Ann", 0)]]
    assert examples.impossible == [False, True, False]
    squad = [{"text": ["Bob", "Bob"], "answer_start": [8, 13]}, {"text": [], "answer_start": []}]
    examples = found("question_answering", ((["a", "b"], passages[:2]), squad))
    assert examples.answers == [[("Bob", 8), ("Bob", 13)], []]
    for bad, message in (
        ("Eve", "the answer 'Eve' is not in the passage"),
        (("Bob", 7), "the passage has no 'Bob' at character 7"),
        (7, "the answer must be a text, not 7"),
        ({"text": ["Bob"]}, "expected lists text and answer_start"),
    ):
        with pytest.raises(InputError, match=message):
            found("question_answering", ((["a"], passages[:1]), [bad]))


def test_choices():
    data = ((["It is", "We are"], [["so", "not"], ["in", "out"]]), [1, 0])
    examples = found("multiple_choice", data)
    assert (examples.choices, examples.labels) == ([["so", "not"], ["in", "out"]], [1, 0])
    with pytest.raises(InputError, match="label 2 is not the number of a choice"):
        found("multiple_choice", (data[0], [1, 2]))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ((TEXTS, ["a"]), r"differ in their number: \[1, 3\]"),
        (("text", ["a"]), "expected a sequence of texts or labels, not 'text'"),
        (7, "expected a path, .* not int"),
        (([], []), "no rows"),
        (([b"\xff", "b"], ["x", "y"]), "not UTF-8"),
        ((["a", 3], ["x", "y"]), "the examples:2: text must be a text, not 3"),
        ((["a", "b"], ["x", None]), "the examples:2: label is missing"),
    ],
)
def test_what_is_neither_is_refused(data, message):
    with pytest.raises(InputError, match=message):
        found("classification", data)


def test_a_dataset_of_something_else_is_refused():
    with pytest.raises(InputError, match="must be .text, label."):
        found("classification", tf.data.Dataset.from_tensor_slices(TEXTS))
    with pytest.raises(InputError, match="the dataset is empty"):
        found("classification", tf.data.Dataset.from_tensor_slices((TEXTS, TEXTS)).take(0))
