"""Names of labels: what files call them, what the model calls them, and settings by label."""

import json

import pytest
from conftest import toy_rows, write_tsv

import keras_bert
from keras_bert.config import BertConfig
from keras_bert.errors import InputError
from keras_bert.model_folder import ModelConfig
from keras_bert.tasks.label_pairs import label_index, pairs_of, renamed
from keras_bert.tasks.registry import get_task
from keras_bert.tasks.sequence.glue import GlueExamples
from keras_bert.tasks.sequence.texts import Examples

NAMES = "0:negative,1:positive"


def test_pairs_are_read():
    assert pairs_of("x", "a:b", "") == {"a": "b"}
    assert pairs_of("x", " a : b , c:d:e ", "") == {"a": "b", "c:d": "e"}
    assert pairs_of("x", '{"a,b": "c"}', "") == {"a,b": "c"}


def test_labels_are_renamed_in_their_order():
    assert renamed(["0", "1"], "1:positive,0:negative", "f") == ["negative", "positive"]
    assert renamed(["0", "1", "2"], "1:one", "f") == ["0", "one", "2"]
    assert label_index(["no", "yes"], ["0", "1"]) == {"no": 0, "yes": 1, "0": 0, "1": 1}


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ("negative,positive", "label_names=negative,positive: expected a value for each label"),
        ("0:a,2:b", "label_names: f: no label is '2', they are 0, 1"),
        ("0:a,1:a", "label_names: two labels are called 'a'"),
        ("0:1,1:0", "label_names: '1' is already a label of f, and not '0'"),
        ("0:1", "label_names: two labels are called '1'"),
        ('{"0": 5}', "5 is not a name of one line"),
        ('{"0": "a\\nb"}', "is not a name of one line"),
        ('{"0": " "}', "is not a name of one line"),
        ("0:a,0:b", "has '0' twice"),
    ],
)
def test_bad_names_are_told_of(names, message):
    with pytest.raises(InputError) as caught:
        renamed(["0", "1"], names, "f")
    assert message in str(caught.value)


@pytest.mark.parametrize("kind", ["classification", "multi_label"])
def test_the_config_has_both(kind):
    labels = ["1", "0", "1"] if kind == "classification" else [("1",), ("0", "1"), ()]
    examples = Examples("f", ["a", "b", "c"], None, labels, [2, 3, 4])
    task = get_task(kind)
    fields = task.config_fields(examples, {"labels": ["1", "0"], "label_names": NAMES})
    assert fields["labels"] == ("positive", "negative")
    assert fields["file_labels"] == ("1", "0")
    config = ModelConfig(BertConfig(vocab_size=50), kind, **fields)
    both = [labels, [_named(each) for each in labels]]
    for written in both:
        found = task.true_answers(Examples("f", examples.texts, None, written, [2, 3, 4]), config)
        names = [_named(each) for each in labels]
        assert [sorted(each) for each in found] == [sorted(each) for each in names]
    other = ["2"] if kind == "classification" else [("2",)]
    with pytest.raises(InputError, match="f:9: label '2' is not a label of the model"):
        task.check(Examples("f", ["a"], None, other, [9]), config)


def _named(label):
    names = {"0": "negative", "1": "positive"}
    return names[label] if isinstance(label, str) else tuple(names[each] for each in label)


def test_a_benchmark_keeps_its_labels_in_files():
    task = get_task("glue/mrpc")
    examples = Examples("f", ["a", "b"], ["c", "d"], ["1", "0"], [2, 3])
    fields = task.config_fields(examples, {"label_names": "0:different,1:same"})
    assert fields["labels"] == ("different", "same")
    config = ModelConfig(
        BertConfig(vocab_size=50), "classification", benchmark="glue/mrpc",
        **fields,
    )  # fmt: skip
    task.check(examples, config)
    answers = [{"label": "same"}, {"label": "same"}]
    scores = task.scores(answers, examples, config)
    assert scores["accuracy"] == 0.5
    assert scores["f1"] == pytest.approx(2 / 3, abs=1e-12)
    test = GlueExamples("f", ["a", "b"], ["c", "d"], None, [2, 3], indices=["0", "1"])
    assert task.submission(answers, test, config) == "index\tprediction\n0\t1\n1\t1\n"


def test_a_model_answers_with_names_and_is_scored_on_numbers(cli, toy, tmp_path):
    numbers = {"negative": "0", "positive": "1"}
    rows = [(numbers[label], text) for label, text in toy_rows(200, seed=1)]
    train = write_tsv(tmp_path / "train.tsv", rows)
    named = write_tsv(tmp_path / "named.tsv", toy_rows(50, seed=2))
    numbered = write_tsv(
        tmp_path / "numbered.tsv", [(numbers[label], text) for label, text in toy_rows(50, seed=2)]
    )
    model = tmp_path / "model"
    found = cli(
        "finetune", f"--init={toy.model}", f"--train={train}", f"--label_names={NAMES}",
        "--class_weight=1:2", "--length=32", "--epochs=2", "--learning_rate=1e-3",
        f"--output={model}", "--json",
    )  # fmt: skip
    assert found.status == 0, found.err
    result = json.loads(found.out.splitlines()[-1])
    assert result["labels"] == ["negative", "positive"]
    assert result["class_weight"] == {"negative": 1.0, "positive": 2.0}
    bert = keras_bert.load(model)
    assert bert.config.file_labels == ("0", "1")
    assert bert.predict("a great film")["label"] in ("negative", "positive")
    exported = tmp_path / "model.tflite"
    assert cli("export", f"--model={model}", "--format=tflite", f"--output={exported}").status == 0
    scores = []
    for path in (model, exported):
        for data in (named, numbered):
            found = cli("evaluate", f"--model={path}", f"--data={data}", "--json")
            assert found.status == 0, found.err
            scores.append(json.loads(found.out.splitlines()[-1])["accuracy"])
    assert len(set(scores)) == 1
    assert scores[0] > 0.9
    # Other names are other labels than those of files.
    renamed_bert = keras_bert.Bert(bert.model, labels=["bad", "good"])
    assert renamed_bert.config.file_labels == ()


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--label_names=5:a"], "no label is '5', they are negative, positive"),
        (["--label_names=positive"], "--label_names=positive: expected a value for each label"),
        (
            ["--task=regression", "--label_names=0:a"],
            "--label_names is for classification and multi_label, not for --task=regression",
        ),
        (
            ["--task=tagging", "--label_names=0:a"],
            "--label_names is for classification and multi_label, not for --task=tagging",
        ),
    ],
)
def test_bad_flags_are_one_line(cli, toy, tmp_path, flags, message):
    found = cli(
        "finetune",
        f"--init={toy.model}",
        f"--train={toy.dev}",
        f"--output={tmp_path / 'm'}",
        *flags,
    )
    assert found.status == 2
    assert message in found.err.splitlines()[-1]
