"""Multi-label classification: files, targets, thresholds, scores, and every exported file."""

import json
import random
import warnings

import numpy as np
import pytest

import keras_bert
from keras_bert import numpy_ops
from keras_bert.config import BertConfig
from keras_bert.errors import InputError
from keras_bert.guesses import Guess
from keras_bert.model_folder import ModelConfig
from keras_bert.models import BertMultiLabelClassifier
from keras_bert.tasks.file_layout import FileLayout
from keras_bert.tasks.sequence.multi_label import MultiLabelTask, best_threshold, scores
from keras_bert.tasks.splitting import hold_out

TASK = MultiLabelTask()
ENCODER = BertConfig(
    vocab_size=8, hidden_size=4, num_hidden_layers=1, num_attention_heads=1, intermediate_size=4
)


def make(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def read(path, labelled=True, **layout):
    return TASK.read(path, FileLayout(**layout), labelled)


def config(labels=("a", "b", "c"), thresholds=(0.5, 0.25, 0.75)):
    settings = {"thresholds": list(thresholds)}
    return ModelConfig(encoder=ENCODER, task="multi_label", labels=labels, settings=settings)


@pytest.mark.parametrize(
    ("name", "text", "layout", "note"),
    [
        ("a.csv", 'text,labels\none,a|b\ntwo,\nthree," b "\n', {}, "'|' separates"),
        ("a.tsv", "text\ttags\none\ta; b\ntwo\t\nthree\tb\n", {}, "';' separates"),
        ("a.csv", 'text,label\none,"a,b"\ntwo,\nthree,b\n', {}, "',' separates"),
        ("a.csv", "text,kinds\none,a/b\ntwo,\nthree,b\n",
         {"label_column": "kinds", "label_separator": "/"}, ""),
        ("a.csv", "id,text,a,b\n7,one,1,1\n8,two,0,0\n9,three,False,True\n", {}, "0 and 1"),
        ("a.csv", "text,a,b,c\none,1,1,9\ntwo,0,0,9\nthree,0,1.0,9\n",
         {"label_columns": ["a", "b"]}, ""),
        ("a.jsonl", '{"text": "one", "labels": ["a", "b"]}\n{"text": "two", "labels": []}\n'
         '{"text": "three", "labels": "b"}\n', {}, ""),
        ("a.jsonl", '{"text": "one", "a": 1, "b": true}\n{"text": "two", "a": 0, "b": false}\n'
         '{"text": "three", "a": 0, "b": 1}\n', {}, "0 and 1"),
    ],
)  # fmt: skip
def test_files_as_people_have_them(tmp_path, name, text, layout, note):
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        found = read(make(tmp_path, name, text), **layout)
    assert found.texts == ["one", "two", "three"]
    assert found.labels == [("a", "b"), (), ("b",)]
    assert found.lines == ([1, 2, 3] if name.endswith("jsonl") else [2, 3, 4])
    assert len(said) == bool(note)
    assert all(w.category is Guess and note in str(w.message) for w in said)
    # Parts keep their labels.
    rest, held = hold_out(found, 0.34, seed=0)
    assert sorted([*rest.labels, *held.labels]) == sorted(found.labels)


def test_pairs_and_unlabelled_files(tmp_path):
    found = read(make(tmp_path, "a.csv", "question1,question2,labels\na,b,x|y\nc,d,x\n"))
    assert (found.texts, found.texts_b) == (["a", "c"], ["b", "d"])
    fields = TASK.config_fields(found, {})
    assert fields == {
        "labels": ("x", "y"), "pair": True, "settings": {"thresholds": [0.5, 0.5]},
    }  # fmt: skip
    assert read(make(tmp_path, "b.csv", "text\none\n"), labelled=False).labels is None


@pytest.mark.parametrize(
    ("text", "layout", "message"),
    [
        ("text,x\na,maybe\n", {}, r"a\.csv: no label column .*labels, label"),
        (
            "text,x,y\na,1,2\n",
            {"label_columns": ["x", "y"]},
            r"a\.csv:2: y must be 0 or 1, not '2'",
        ),
        ("text,x\na,1\n", {"label_columns": ["x", "z"]}, r"a\.csv: no column 'z'"),
        ("text,x\na,1\n", {"label_columns": ["x", "text"]}, "'text' is used twice"),
        ("text,labels\na,x|\n", {}, r"a\.csv:2: labels has an empty label"),
        ("text,labels\na,x|y|x\n", {}, r"a\.csv:2: labels has a label twice"),
        ('text,labels\na,"x|y;z"\n', {"label_separator": ";"}, r"'x\|y' has a '\|'"),
        ("text,labels\n ,x\n", {}, r"a\.csv:2: text is empty"),
    ],
)
def test_bad_files_are_refused_by_line(tmp_path, text, layout, message):
    with pytest.raises(InputError, match=message):
        read(make(tmp_path, "a.csv", text), **layout)


def test_labels_that_the_model_does_not_know(tmp_path):
    found = read(make(tmp_path, "a.csv", "text,labels\none,a|b\ntwo,d\n"))
    with pytest.raises(InputError, match=r"a\.csv:3: label 'd' is not a label .*\(a, b, c\)"):
        TASK.check(found, config())
    with pytest.raises(InputError, match="at least two different labels"):
        TASK.config_fields(read(make(tmp_path, "b.csv", "text,labels\none,a\ntwo,\n")), {})
    assert TASK.config_fields(found, {"labels": ["d", "b", "a"]})["labels"] == ("d", "b", "a")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"settings": {}}, "settings must be thresholds"),
        ({"settings": {"thresholds": [0.5, 0.5]}}, "must be 3 numbers from 0 to 1"),
        ({"settings": {"thresholds": [0.5, 0.5, 1.5]}}, "must be 3 numbers from 0 to 1"),
        ({"settings": {"thresholds": [0.5, 0.5, True]}}, "must be 3 numbers from 0 to 1"),
        ({"settings": {"thresholds": [0.5, 0.5, float("nan")]}}, "must be 3 numbers"),
        ({"labels": ("a",), "settings": {"thresholds": [0.5]}}, "at least two labels"),
        ({"labels": ("a", "b|c", "d")}, "has a '|'"),
    ],
)
def test_configs_of_anybody_are_checked(change, message):
    base = {"labels": ("a", "b", "c"), "settings": {"thresholds": [0.5] * 3}}
    with pytest.raises(InputError, match=message.replace("|", r"\|")):
        ModelConfig(encoder=ENCODER, task="multi_label", **{**base, **change})


def test_answers_hold_from_the_threshold_on():
    outputs = {"probability": np.array([[0.5, 0.2, 0.7], [0.4, 0.25, 0.75]], "float32")}
    first, second = TASK.answers(outputs, None, None, config())
    assert (first["labels"], second["labels"]) == (["a"], ["b", "c"])
    assert list(second["probabilities"]) == ["a", "b", "c"]
    assert TASK.answer_line(second) == "b|c\t0.2500|0.7500"
    assert TASK.answer_line({"labels": [], "probabilities": {"a": 0.25, "b": 0.1}}) == (
        "(no label)\t0.2500"
    )
    assert TASK.columns(config())[:2] == ["labels", "probability_a"]
    assert TASK.cells(second, config())[0] == "b|c"
    assert TASK.answers_agree(first, {"labels": ["a"]}, config())
    assert not TASK.answers_agree(first, second, config())
    # The graph chooses the same labels.
    chosen = BertMultiLabelClassifier.chosen_labels(outputs, config().settings, numpy_ops)
    assert chosen.tolist() == [[True, False, False], [False, True, True]]


def f1_by_hand(true, predicted):
    hits = int((true & predicted).sum())
    return 2 * hits / max(int(true.sum()) + int(predicted.sum()), 1)


def test_scores_are_those_of_the_definitions():
    draw = np.random.default_rng(3)
    truth, predicted = draw.random((2, 40, 4)) < 0.3
    truth[:, 3] = False
    found = scores(truth, predicted, ["a", "b", "c", "d"])
    by_label = [f1_by_hand(truth[:, i], predicted[:, i]) for i in range(4)]
    assert [row["f1"] for row in found["by_label"]] == pytest.approx(by_label, abs=1e-12)
    assert found["macro_f1"] == pytest.approx(np.mean(by_label), abs=1e-12)
    assert found["micro_f1"] == pytest.approx(f1_by_hand(truth.ravel(), predicted.ravel()))
    assert found["exact_match"] == (truth == predicted).all(axis=1).mean()
    assert [row["count"] for row in found["by_label"]] == truth.sum(axis=0).tolist()


@pytest.mark.parametrize("seed", range(20))
def test_the_threshold_is_the_best_of_all(seed):
    """Against every threshold there is, also where probabilities are equal."""
    draw = np.random.default_rng(seed)
    probabilities = draw.integers(0, 12, 30).astype("float32") / 11
    truth = draw.random(30) < 0.1 + 0.8 * probabilities
    if not truth.any():
        assert best_threshold(probabilities, truth) == 0.5
        return
    found = best_threshold(probabilities, truth)
    best = max(f1_by_hand(truth, probabilities >= np.float32(t)) for t in np.linspace(0, 1, 2001))
    assert f1_by_hand(truth, probabilities >= np.float32(found)) == pytest.approx(best, abs=1e-12)


def test_the_usual_threshold_stays_where_it_is_as_good():
    assert best_threshold(np.array([0.9, 0.2], "float32"), np.array([True, False])) == 0.5
    assert best_threshold(np.array([0.9, 0.2], "float32"), np.array([False, False])) == 0.5
    found = best_threshold(np.array([0.4, 0.2], "float32"), np.array([True, False]))
    assert found == pytest.approx(0.3, abs=1e-7)


@pytest.fixture(scope="module")
def rows():
    """Texts with the labels that their words decide: any of them, none or both."""
    draw, found = random.Random(5), []
    moods = {"negative": ("bad", "awful"), "positive": ("good", "great")}
    for _ in range(600):
        labels = [mood for mood in moods if draw.random() < 0.5]
        words = [draw.choice(("film", "story", "actor", "scene")) for _ in range(4)]
        words += [draw.choice(moods[mood]) for mood in labels]
        draw.shuffle(words)
        found.append((" ".join(words), "|".join(labels)))
    return found


@pytest.fixture(scope="module")
def trained(rows, toy, tmp_path_factory):
    folder = tmp_path_factory.mktemp("multi_label")
    for name, part in (("train.tsv", rows[:500]), ("dev.tsv", rows[500:])):
        lines = "".join("\t".join(row) + "\n" for row in [("text", "labels"), *part])
        (folder / name).write_text(lines, encoding="utf-8")
    flags = [flag for flag in toy.arguments if not flag.startswith(("--train", "--eval"))]
    return folder, [
        *flags, "--task=multi_label", f"--train={folder / 'train.tsv'}",
        f"--eval={folder / 'dev.tsv'}", "--epochs=8", f"--output={folder / 'model'}", "--json",
    ]  # fmt: skip


@pytest.mark.slow
def test_from_a_table_to_every_exported_file(trained, rows, cli, tmp_path):
    folder, arguments = trained
    found = cli(*arguments)
    assert found.status == 0, found.err
    result = json.loads(found.out.splitlines()[-1])
    assert result["micro_f1"] > 0.95
    assert "'|' separates the labels" in found.err
    model, dev = folder / "model", folder / "dev.tsv"
    bert = keras_bert.load(model)
    assert bert.config.labels == ("negative", "positive")
    assert len(bert.config.settings["thresholds"]) == 2

    # The answers are read back as the labels that they are.
    out = tmp_path / "answers.csv"
    assert cli("predict", f"--model={model}", f"--input={dev}", f"--output={out}").status == 0
    evaluated = json.loads(
        cli("evaluate", f"--model={model}", f"--data={dev}", "--json").out.splitlines()[-1]
    )
    assert evaluated["micro_f1"] == pytest.approx(result["micro_f1"])
    again, truth = read(str(out)), read(str(dev))
    assert [set(labels) for labels in again.labels] == [
        set(answer["labels"]) for answer in bert.predict(truth.texts)
    ]

    exported = {
        "tflite": tmp_path / "m.tflite", "saved_model": tmp_path / "saved" / "1",
        "onnx": tmp_path / "m.onnx",
    }  # fmt: skip
    for name, path in exported.items():
        done = cli("export", f"--model={model}", f"--format={name}", f"--output={path}")
        assert done.status == 0, done.err
        checked = cli("verify", f"--model={model}", f"--exported={path}", f"--data={dev}", "--json")
        assert checked.status == 0, checked.err
        compared = json.loads(checked.out.splitlines()[-1])
        assert compared["agreement"] == 1.0
        assert compared["max_difference"] < 1e-5

    import tensorflow as tf
    import tensorflow_text  # noqa: F401  registers the tokenizer's ops

    served = tf.saved_model.load(str(exported["saved_model"])).signatures["serving_default"]
    labels = served(text=tf.constant(truth.texts[:20]))["label"].numpy()
    assert [label.decode() for label in labels] == [
        "|".join(answer["labels"]) for answer in bert.predict(truth.texts[:20])
    ]


def test_to_hugging_face_and_back(trained, cli, tmp_path):
    folder, arguments = trained
    if not (folder / "model").exists():
        assert cli(*arguments).status == 0
    model, there = folder / "model", tmp_path / "there"
    flags = [f"--from={model}", "--to=huggingface", f"--output={there}"]
    assert cli("convert", *flags).status == 0
    said = json.loads((there / "config.json").read_text())
    assert said["problem_type"] == "multi_label_classification"
    assert said["id2label"] == {"0": "negative", "1": "positive"}
    assert said["architectures"] == ["BertForSequenceClassification"]
    bert, back = keras_bert.load(model), keras_bert.load(there)
    assert back.config.task == "multi_label"
    assert (back.config.labels, back.config.settings) == (bert.config.labels, bert.config.settings)
    texts = ["a good film", "a bad film, great story"]
    assert back.predict(texts) == bert.predict(texts)
    # Of strangers' models nobody has chosen thresholds.
    del said["task_specific_params"]
    (there / "config.json").write_text(json.dumps(said))
    assert keras_bert.load(there).config.settings == {"thresholds": [0.5, 0.5]}
