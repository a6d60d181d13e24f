"""Scores against their definitions in exact arithmetic, on random and on degenerate input."""

import fractions
import math
import types

import numpy as np
import pytest

from keras_bert.errors import InputError
from keras_bert.tasks.multiple_choice.choice_files import Choices
from keras_bert.tasks.multiple_choice.task import MultipleChoiceTask
from keras_bert.tasks.sequence import classification, regression
from keras_bert.tasks.sequence.classification import binary_f1
from keras_bert.tasks.sequence.glue import glue_average, glue_task
from keras_bert.tasks.sequence.texts import Examples

# True and predicted classes: all right, all wrong, one class on one side or on both, one example.
DEGENERATE = [
    ([0, 1], [0, 1]), ([0, 1], [1, 0]), ([0, 0, 0], [0, 0, 0]), ([1, 1, 1], [1, 1, 1]),
    ([1, 1], [0, 0]), ([0, 0], [1, 1]), ([0, 1, 1], [1, 1, 1]), ([0, 1, 1], [0, 0, 0]),
    ([0, 0, 0], [0, 1, 0]), ([1], [1]), ([0], [0]), ([1], [0]),
]  # fmt: skip


def random_classes():
    rng = np.random.default_rng(0)
    for count, share in ((2, 0.5), (7, 0.9), (408, 0.68), (1043, 0.02)):
        for _ in range(5):
            yield tuple((rng.random((2, count)) < share).astype(int).tolist())


def counts(true, predicted):
    pairs = list(zip(true, predicted))
    return [pairs.count(pair) for pair in ((1, 1), (0, 1), (1, 0), (0, 0))]


def exact_f1(true, predicted):
    right, false_alarms, missed, _ = counts(true, predicted)
    total = 2 * right + false_alarms + missed
    return fractions.Fraction(2 * right, total) if total else 0


def exact_matthews(true, predicted):
    """Matthews 1975, with 0 where a class is missing on one side."""
    tp, fp, fn, tn = counts(true, predicted)
    square = (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)
    return (tp * tn - fp * fn) / math.sqrt(square) if square else 0.0


def of_scores(recwarn):
    """Returns the warnings but those of files, which other tests may have left to be collected."""
    return [str(each) for each in recwarn.list if each.category is not ResourceWarning]


@pytest.mark.parametrize(("true", "predicted"), [*DEGENERATE, *random_classes()])
def test_binary_scores(true, predicted, recwarn):
    found = classification.scores(true, predicted, ["0", "1"])
    assert found["matthews"] == pytest.approx(exact_matthews(true, predicted), abs=1e-9)
    right = sum(a == b for a, b in zip(true, predicted))
    assert found["accuracy"] == pytest.approx(right / len(true), abs=1e-9)
    f1 = binary_f1([t == 1 for t in true], [p == 1 for p in predicted])
    assert f1 == pytest.approx(float(exact_f1(true, predicted)), abs=1e-9)
    assert not of_scores(recwarn)


@pytest.mark.parametrize("labels", [("0", "1"), ("1", "0")])
def test_f1_is_that_of_the_label_1_whatever_the_order_of_the_labels(labels):
    true, predicted = ["1", "1", "0", "0", "0"], ["1", "0", "0", "0", "1"]
    answers = [{"label": label} for label in predicted]
    config = types.SimpleNamespace(labels=labels, file_labels=(), pair=True)
    examples = Examples("f", ["a"] * 5, ["b"] * 5, true, list(range(5)))
    for name in ("mrpc", "qqp"):
        found = glue_task(name).scores(answers, examples, config)
        assert found["f1"] == pytest.approx(1 / 2, abs=1e-9)  # macro F1 would be 7/12
        assert found["accuracy"] == pytest.approx(3 / 5, abs=1e-9)
        assert found["count"] == 5
        assert found["confusion"] == ([[2, 1], [1, 1]] if labels[0] == "0" else [[1, 1], [1, 2]])


def ranks(values):
    """Ranks from 1, the mean rank for ties."""
    return [
        fractions.Fraction(2 * sum(other < v for other in values) + values.count(v) + 1, 2)
        for v in values
    ]


def exact_pearson(xs, ys):
    xs, ys = [fractions.Fraction(x) for x in xs], [fractions.Fraction(y) for y in ys]
    mean_x, mean_y = sum(xs) / len(xs), sum(ys) / len(ys)
    cross = sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys))
    square = sum((x - mean_x) ** 2 for x in xs) * sum((y - mean_y) ** 2 for y in ys)
    return float(cross) / math.sqrt(square) if square else 0.0


def number_pairs():
    rng = np.random.default_rng(1)
    yield [1.0, 2.0, 3.0], [3.0, 2.0, 1.0]
    yield [1.0, 2.0], [5.0, 5.0]  # a constant
    yield [2.5, 2.5, 2.5], [2.5, 2.5, 2.5]
    yield [1.0], [2.0]
    yield [1.0, 2.0], [0.1, 0.2]
    yield [0.0, 0.0, 0.0, 5.0], [1.0, 1.0, 2.0, 2.0]  # ties on both sides
    yield [1e6 + 1, 1e6 + 2, 1e6 + 4], [1e-6, 3e-6, 2e-6]  # far from 0, and next to it
    for count in (3, 10, 150):
        yield rng.normal(size=count).tolist(), rng.normal(size=count).tolist()
        true = (rng.integers(0, 26, count) / 5).tolist()  # scores in fifths, as in STS-B
        yield true, [t + noise for t, noise in zip(true, rng.normal(size=count).tolist())]
        yield true, rng.integers(0, 3, count).astype(float).tolist()


@pytest.mark.parametrize(("true", "predicted"), list(number_pairs()))
def test_correlations(true, predicted, recwarn):
    found = regression.scores(true, predicted)
    assert found["pearson"] == pytest.approx(exact_pearson(true, predicted), abs=1e-9)
    by_rank = exact_pearson(ranks(true), ranks(predicted))
    assert found["spearman"] == pytest.approx(by_rank, abs=1e-9)
    error = math.fsum(abs(t - p) for t, p in zip(true, predicted)) / len(true)
    assert found["mean_absolute_error"] == pytest.approx(error, abs=1e-9)
    assert found["count"] == len(true)
    assert not of_scores(recwarn)


def test_numbers_are_the_same_within_a_twentieth_of_the_standard_deviation():
    task = regression.RegressionTask()
    config = types.SimpleNamespace(settings={"mean": 100.0, "scale": 2.0})
    for other, is_same in ((3.0, True), (3.09, True), (2.91, True), (3.11, False), (2.5, False)):
        assert task.answers_agree({"value": 3.0}, {"value": other}, config) == is_same


@pytest.mark.parametrize("value", ["1_00", "１２", "x", "", "nan", "inf", True, None, 10**400, []])
def test_what_is_no_number(value):
    assert regression.number_of(value) is None


@pytest.mark.parametrize(("value", "number"), [("1e2", 100.0), (" 2.5 ", 2.5), (3, 3.0)])
def test_numbers(value, number):
    assert regression.number_of(value) == number


def test_accuracy_of_choices():
    rng = np.random.default_rng(2)
    task = MultipleChoiceTask()
    for count in (1, 3, 100):
        labels, chosen = rng.integers(0, 4, (2, count)).tolist()
        lines = [str(i) for i in range(count)]
        examples = Choices("f", lines, ["t"] * count, [""] * count, [list("abcd")] * count, labels)
        found = task.scores([{"choice": c} for c in chosen], examples, None)
        expected = fractions.Fraction(sum(a == b for a, b in zip(labels, chosen)), count)
        assert found["accuracy"] == pytest.approx(float(expected), abs=1e-9)
        assert found["count"] == count


# google-research/bert README.md, the table of March 11th, 2020, test sets. The scores there are
# rounded to a tenth, so the mean of them may be off by 0.05, and the published one by as much.
PUBLISHED = {
    "BERT-Tiny": (64.2, 0.0, 83.2, (81.1, 71.1), (74.3, 73.6), (62.2, 83.4), 70.2, 70.3, 81.5, 57.2,
                  62.3),
    "BERT-Mini": (65.8, 0.0, 85.9, (81.1, 71.8), (75.4, 73.3), (66.4, 86.2), 74.8, 74.3, 84.1, 57.9,
                  62.3),
    "BERT-Small": (71.2, 27.8, 89.7, (83.4, 76.2), (78.8, 77.0), (68.1, 87.0), 77.6, 77.0, 86.4,
                   61.8, 62.3),
    "BERT-Medium": (73.5, 38.0, 89.6, (86.6, 81.6), (80.4, 78.4), (69.6, 87.9), 80.0, 79.1, 87.7,
                    62.2, 62.3),
}  # fmt: skip


def as_scores(row):
    cola, sst2, mrpc, stsb, qqp, matched, mismatched, qnli, rte, wnli = row
    accuracies = {"sst2": sst2, "mnli": matched, "mnli-mm": mismatched, "qnli": qnli, "rte": rte,
                  "wnli": wnli}  # fmt: skip
    return {
        "glue/cola": {"matthews": cola, "accuracy": 0.0},
        "glue/mrpc": {"f1": mrpc[0], "accuracy": mrpc[1]},
        "glue/stsb": {"pearson": stsb[0], "spearman": stsb[1]},
        "glue/qqp": {"f1": qqp[0], "accuracy": qqp[1], "count": 1},
        **{f"glue/{name}": {"accuracy": value} for name, value in accuracies.items()},
    }


@pytest.mark.parametrize("model", PUBLISHED)
def test_average_equals_the_published_one(model):
    published, *row = PUBLISHED[model]
    assert glue_average(as_scores(row)) == pytest.approx(published, abs=0.1)
    values = [np.mean(each) for each in row]
    values[5:7] = [np.mean(values[5:7])]  # MNLI once
    assert glue_average(as_scores(row)) == pytest.approx(sum(values) / 9, abs=1e-9)


def test_average_of_some_tasks():
    assert glue_average({"rte": {"accuracy": 0.5}}) == 0.5
    both = {"mnli": {"accuracy": 0.5}, "mnli-mm": {"accuracy": 0.7}}
    assert glue_average({**both, "rte": {"accuracy": 0.8}}) == pytest.approx(0.7, abs=1e-9)
    with pytest.raises(InputError, match="'glue/snli' is not one of cola"):
        glue_average({"glue/snli": {"accuracy": 0.5}})
    with pytest.raises(InputError, match="no scores"):
        glue_average({})


@pytest.mark.parametrize(("mean", "scale"), [(0.0, 0.0), (0.0, -1.0), (0.0, 1e39), (-1e31, 1.0)])
def test_settings_that_float32_cannot_scale_by_are_refused(mean, scale):
    config = types.SimpleNamespace(settings={"mean": mean, "scale": scale})
    with pytest.raises(InputError, match="a mean and a scale above 0"):
        regression.RegressionTask().check_config(config)


def test_labels_too_large_to_learn_are_named():
    examples = Examples("a.csv", ["a", "b"], None, [1.0, -1e300], [2, 3])
    with pytest.raises(InputError, match=r"a\.csv:3: -1e\+300 is too large"):
        regression.RegressionTask().config_fields(examples, {})
