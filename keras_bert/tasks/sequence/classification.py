"""Classes of single texts and of pairs."""

import warnings

import numpy as np

from keras_bert.errors import InputError, name_of
from keras_bert.tasks.calibration import expected_calibration_error
from keras_bert.tasks.columns import some
from keras_bert.tasks.label_pairs import label_index, renamed
from keras_bert.tasks.overrides import NameOverrides
from keras_bert.tasks.panels import Reliability, confusion_of
from keras_bert.tasks.sequence.text_task import TextTask
from keras_bert.tasks.task import check_labels

METRICS = ("accuracy", "macro_f1", "matthews")


class ClassificationTask(TextTask):
    """One label for each text or pair (Devlin et al. 2018, section 4.1)."""

    kind = "classification"
    outputs = {"probability": "one number for each label"}
    title = "Classifier"
    usage = '--text="…"'
    export_name, export_description = "BERT text classifier", "Classifies text"
    Overrides = NameOverrides
    link = "softmax"
    weighs_labels = True
    problem_type = "single_label_classification"

    def metrics(self, config):
        return METRICS

    def config_fields(self, examples, overrides):
        labels = overrides.get("labels")
        names = labels or label_list(examples)
        if len(names) < 2 or len(set(names)) < len(names):
            place = name_of("labels", labels) if labels else examples.path
            raise InputError(f"{place}: at least two different labels are needed, found {names}")
        fields = {"labels": tuple(names), "pair": examples.texts_b is not None}
        return {**fields, **named_labels(names, overrides, examples)}

    def check_config(self, config):
        check_labels(config)

    def check(self, examples, config):
        super().check(examples, config)
        if examples.labels is not None:
            label_ids(examples, config.labels, config.file_labels)

    def targets(self, examples, rows, config):
        return label_ids(examples, config.labels, config.file_labels)[rows.example_indices]

    def answers(self, outputs, rows, examples, config):
        return decode(self.pooled(outputs, rows)["probability"], config.labels)

    def scores(self, answers, examples, config):
        index = {label: i for i, label in enumerate(config.labels)}
        predicted = np.array([index[answer["label"]] for answer in answers], "int32")
        true = label_ids(examples, config.labels, config.file_labels)
        found = scores(true, predicted, config.labels)
        if not all("probability" in answer for answer in answers):
            return found
        error = expected_calibration_error(*_certainty(answers, true, config))
        return {**found, "expected_calibration_error": error}

    def panels(self, answers, examples, config):
        true = label_ids(examples, config.labels, config.file_labels)
        predicted = [answer["label"] for answer in answers]
        return [
            confusion_of([config.labels[i] for i in true], predicted, config.labels),
            Reliability(*_certainty(answers, true, config)),
        ]

    def score_lines(self, scores, config):
        table = confusion_table(scores["confusion"], config.labels)
        return [*super().score_lines(scores, config), *table]

    def answer_line(self, answer):
        return f"{answer['label']}\t{answer['probability']:.4f}"

    def columns(self, config):
        return ["label", "probability", *(f"probability_{label}" for label in config.labels)]

    def cells(self, answer, config):
        probabilities = [answer["probabilities"][label] for label in config.labels]
        return [answer["label"], answer["probability"], *probabilities]

    def true_answers(self, examples, config):
        true = label_ids(examples, config.labels, config.file_labels)
        return [config.labels[i] for i in true]

    def short_answer(self, answer):
        return answer["label"], answer["probability"]

    def answers_agree(self, answer, other, config):
        return answer["label"] == other["label"]


def _certainty(answers, true, config):
    """Returns the probability of each answer, and whether it is right.

    Args:
        answers: list of dicts.
        true: the right labels, numbers of `config.labels`.
        config: `ModelConfig`.
    """
    right = [a["label"] == config.labels[i] for a, i in zip(answers, true, strict=True)]
    return np.array([answer["probability"] for answer in answers]), np.array(right, bool)


def label_list(examples):
    """Returns the distinct labels: numbers in numeric order, else in order of the alphabet."""
    labels = sorted(set(examples.labels))
    try:
        return sorted(labels, key=int)  # stable, so 1 and 01 have an order too
    except ValueError:
        return labels


def binary_f1(true, predicted):
    """Returns the F1 of the positive class, 0 where it is neither true nor predicted.

    Args:
        true: sequence of bool.
        predicted: sequence of bool, of the same length.
    """
    from sklearn import metrics

    true, predicted = np.array(true, bool), np.array(predicted, bool)
    return float(metrics.f1_score(true, predicted, zero_division=0.0))


def named_labels(labels, overrides, examples):
    """Returns the fields of `ModelConfig` for the setting `label_names`; {} where it is None."""
    if overrides.get("label_names") is None:
        return {}
    place = name_of("labels") if overrides.get("labels") else examples.path
    names = renamed(labels, overrides["label_names"], place)
    return {"labels": tuple(names), "file_labels": tuple(labels)}


def label_ids(examples, labels, file_labels=()):
    """Returns the index of each example's label, int32 of shape (count,).

    Raises:
        InputError: a label is not one of the model's; names file, line and label.
    """
    index = label_index(labels, file_labels)
    for label, line in zip(examples.labels, examples.lines):
        if label not in index:
            raise InputError(
                f"{examples.path}:{line}: label {label!r} is not a label of the model "
                f"({some(index)}): correct it or leave the row out"
            )
    return np.array([index[label] for label in examples.labels], "int32")


def decode(class_probabilities, labels):
    """Returns the answers of probabilities.

    Args:
        class_probabilities: float array of shape (batch, num_classes).
        labels: list of num_classes str.

    Returns:
        A list of dicts: `label`, its `probability`, and `probabilities` by label.
    """
    return [
        {
            "label": labels[int(np.argmax(row))],
            "probability": float(np.max(row)),
            "probabilities": {label: float(p) for label, p in zip(labels, row)},
        }
        for row in class_probabilities
    ]


def scores(true_ids, predicted_ids, labels):
    """Scores predictions with scikit-learn.

    Args:
        true_ids: int array of shape (count,).
        predicted_ids: int array of shape (count,).
        labels: list of str, the names of the classes.

    Returns:
        A dict: `accuracy`, `macro_f1` (over the classes that occur in either array), `matthews`,
        `count`, and `confusion`, a list of rows, true class by predicted class.
    """
    from sklearn import metrics

    with warnings.catch_warnings():
        # It warns where all texts are of one class, for which 0 is the usual answer.
        warnings.simplefilter("ignore", UserWarning)
        matthews = float(metrics.matthews_corrcoef(true_ids, predicted_ids))
    return {
        "accuracy": float(metrics.accuracy_score(true_ids, predicted_ids)),
        "macro_f1": float(
            metrics.f1_score(true_ids, predicted_ids, average="macro", zero_division=0.0)
        ),
        "matthews": matthews,
        "count": len(true_ids),
        "confusion": metrics.confusion_matrix(
            true_ids, predicted_ids, labels=range(len(labels))
        ).tolist(),
    }


def confusion_table(confusion, labels):
    """Returns the confusion matrix as lines of text, true classes down, predicted across."""
    cells = [["true \\ predicted", *labels]]
    cells += [[label, *map(str, row)] for label, row in zip(labels, confusion)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
    return [
        "  ".join([row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:]))])
        for row in cells
    ]
