"""Labels that mean that there is none: left out where that is sure, said either way."""

import json

import pytest
from said import said_by

from keras_bert.errors import InputError
from keras_bert.tasks.file_layout import FileLayout
from keras_bert.tasks.registry import get_task
from keras_bert.tasks.sequence.texts import read_examples
from keras_bert.training.settings import sorted_settings

INFERENCE = ["entailment", "neutral", "contradiction"]


def read(tmp_path, labels, task="classification", pair=True, **layout):
    rows = [
        {"sentence1" if pair else "text": f"a {n}", "label": label}
        | ({"sentence2": "b"} if pair else {})
        for n, label in enumerate(labels)
    ]
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    examples, lines = said_by(get_task(task).read, path, FileLayout(**layout))
    return examples, lines


@pytest.mark.parametrize("none", ["-", "-1", -1])
def test_pairs_without_consensus_are_left_out_and_counted(tmp_path, none):
    examples, (line,) = read(tmp_path, [*INFERENCE, none, none])
    assert examples.labels == INFERENCE
    assert f"skip_labels={none}: 2 rows left out" in line
    examples, (line,) = read(tmp_path, [0, -1, 1, 2])
    assert examples.labels == ["0", "1", "2"]
    assert examples.lines == [1, 3, 4]


@pytest.mark.parametrize(
    ("labels", "pair", "is_said"),
    [
        ([-1, 1], True, False),
        ([-1, 0, 1], False, True),
        ([-1, 0, 1, 2], False, True),
        (["-", "yes", "no"], False, True),
        (["+", "-"], False, True),
        (INFERENCE, True, False),
    ],
)
def test_elsewhere_they_are_labels_and_that_is_said(tmp_path, labels, pair, is_said):
    examples, lines = read(tmp_path, labels, pair=pair)
    assert examples.labels == [str(label) for label in labels]
    assert len(lines) == is_said
    assert all("taken as labels like the others" in line for line in lines)


def test_a_setting_decides(tmp_path):
    examples, lines = read(tmp_path, [*INFERENCE, "-"], skip_labels=[])
    assert (examples.labels, lines) == ([*INFERENCE, "-"], [])
    examples, (line,) = read(tmp_path, ["x", "?", "y", "n/a"], skip_labels=["?", "n/a"])
    assert examples.labels == ["x", "y"]
    assert line.endswith("skip_labels=?,n/a: 2 rows left out")
    with pytest.raises(InputError, match="every label is one of those to leave out"):
        read(tmp_path, ["x", "y"], skip_labels=["x", "y"])


def test_every_task_with_labels_has_it(tmp_path):
    examples, _ = read(tmp_path, [0.5, "-", "1.5"], "regression", skip_labels=["-"])
    assert examples.labels == [0.5, 1.5]
    path = tmp_path / "a.csv"
    path.write_text("text,labels\na,x|y\nb,?\nc,x\n")
    layout = FileLayout(skip_labels=["?"], label_separator="|")
    examples, lines = said_by(get_task("multi_label").read, path, layout)
    assert (examples.labels, len(lines)) == ([("x", "y"), ("x",)], 1)
    path.write_text("text,choice0,choice1,label\na,b,c,1\nd,e,f,-1\n")
    examples, lines = said_by(
        get_task("multiple_choice").read, path, FileLayout(skip_labels=["-1"])
    )
    assert (examples.labels, len(lines)) == ([1], 1)
    for task in ("tagging", "question_answering"):
        with pytest.raises(InputError, match="skip_labels is for classification"):
            sorted_settings(get_task(task), {"skip_labels": ["-"]})


def test_labels_of_json_that_are_missing_or_whole_numbers_with_a_point(tmp_path):
    path = tmp_path / "a.json"
    path.write_text('[{"text": "a", "label": 1.0}, {"text": "b", "label": 0.0}]')
    found, lines = said_by(read_examples, path)
    assert found.labels == ["1", "0"]
    assert lines == [f"{path}: label: whole numbers such as 1.0 are read as 1"] * 2
    path.write_text('[{"text": "a", "label": 1}, {"text": "b"}]')
    with pytest.raises(InputError, match="entry 2: label is missing: leave the row out"):
        read_examples(path)
    path.write_text('[{"text": "a", "label": 1.5}]')
    with pytest.raises(InputError, match=r"entry 1: label must be .*, not 1\.5"):
        read_examples(path)
