"""Decoding and scores against independent formulas; splits that do not leak."""

import itertools

import numpy as np
import pytest

from keras_bert.errors import InputError
from keras_bert.numpy_ops import softmax
from keras_bert.tasks.sequence import classification
from keras_bert.tasks.sequence.texts import Examples
from keras_bert.tasks.splitting import hold_out


def examples(texts, labels=None, texts_b=None):
    return Examples("file.tsv", texts, texts_b, labels, list(range(2, 2 + len(texts))))


def test_labels_are_in_numeric_or_alphabetic_order():
    assert classification.label_list(examples([""] * 4, ["10", "9", "-1", "9"])) == [
        "-1", "9", "10",
    ]  # fmt: skip
    assert classification.label_list(examples([""] * 3, ["b", "a", "10"])) == ["10", "a", "b"]


def test_an_unknown_label_is_refused_with_file_line_and_value():
    with pytest.raises(InputError, match=r"file\.tsv:3: label 'maybe' .*\(no, yes\)"):
        classification.label_ids(examples(["a", "b"], ["no", "maybe"]), ["no", "yes"])


def test_probabilities_and_decoding():
    logits = np.array([[1.0, 2.0, 3.0], [1000.0, 0.0, -1000.0]])
    found = softmax(logits)
    np.testing.assert_allclose(found[0], [0.09003057, 0.24472847, 0.66524096], atol=1e-7)
    np.testing.assert_allclose(found[1], [1, 0, 0])
    answer = classification.decode(found, ["a", "b", "c"])[0]
    assert answer["label"] == "c"
    assert answer["probability"] == pytest.approx(0.66524096)
    assert answer["probabilities"]["b"] == pytest.approx(0.24472847)


def naive_scores(true, predicted):
    """The definitions, written as loops; Matthews is Gorodkin's R_K (2004)."""
    classes = sorted(set(true) | set(predicted))
    f1 = []
    for c in classes:
        hits = sum(t == p == c for t, p in zip(true, predicted))
        f1.append(2 * hits / (sum(t == c for t in true) + sum(p == c for p in predicted)))
    n, right = len(true), sum(t == p for t, p in zip(true, predicted))
    t = {c: sum(x == c for x in true) for c in classes}
    p = {c: sum(x == c for x in predicted) for c in classes}
    cross = right * n - sum(t[c] * p[c] for c in classes)
    spread = (n**2 - sum(v**2 for v in p.values())) * (n**2 - sum(v**2 for v in t.values()))
    matthews = cross / spread**0.5 if spread else 0.0
    return {"accuracy": right / n, "macro_f1": sum(f1) / len(f1), "matthews": matthews}


@pytest.mark.parametrize(
    ("classes", "count", "seed"), list(itertools.product((2, 3, 7), (1, 2, 5, 200), (0, 1)))
)
def test_scores_equal_their_definitions(classes, count, seed):
    rng = np.random.default_rng([classes, count, seed])
    true, predicted = rng.integers(0, classes, (2, count))
    found = classification.scores(true, predicted, [str(i) for i in range(classes)])
    for name, expected in naive_scores(true.tolist(), predicted.tolist()).items():
        assert found[name] == pytest.approx(expected, abs=1e-9), name
    assert np.array(found["confusion"]).sum() == count
    assert np.trace(found["confusion"]) == round(found["accuracy"] * count)


def test_confusion_table_lines_up():
    lines = classification.confusion_table([[10, 2], [0, 300]], ["ham", "spam"])
    assert lines == [
        "true \\ predicted  ham  spam",
        "ham                10     2",
        "spam                0   300",
    ]


def test_hold_out_is_deterministic_whole_and_without_copies_on_both_sides():
    texts = [f"Text {i % 70}" + " " * (i // 70) for i in range(140)]  # every text twice
    data = examples(texts, ["x"] * 140)
    held, rest = hold_out(data, 0.2, seed=3)
    assert sorted(held.lines + rest.lines) == data.lines
    held_keys, rest_keys = ({t.strip().lower() for t in e.texts} for e in (held, rest))
    assert len(held_keys) == 14
    assert not held_keys & rest_keys
    assert hold_out(data, 0.2, seed=3)[0] == held
    assert hold_out(data, 0.2, seed=4)[0] != held


def test_hold_out_looks_at_both_texts_of_a_pair():
    data = examples(["a"] * 10, ["x"] * 10, [f"b{i}" for i in range(10)])
    held, rest = hold_out(data, 0.3, seed=0)
    assert (len(held), len(rest)) == (3, 7)


def test_labels_that_only_look_like_numbers_are_sorted_too():
    digits = "9" * 5000
    for labels in (["--1", "1"], ["1", digits], ["-", "3"]):
        assert classification.label_list(examples(["a"] * 2, labels)) == sorted(labels)
    # Equal numbers have an order of their own, whatever the hash seed.
    assert classification.label_list(examples(["a"] * 3, ["2", "1", "01"])) == ["01", "1", "2"]


def test_scores_of_one_class_warn_of_nothing(recwarn):
    assert classification.scores([0, 0], [0, 0], ["a", "b"])["matthews"] == 0
    assert not recwarn.list
