"""Any number of labels for each text or pair: topics, tags of a question, kinds of abuse."""

import numpy as np

from keras_bert.errors import InputError, name_of
from keras_bert.tasks.columns import some
from keras_bert.tasks.label_pairs import label_index
from keras_bert.tasks.overrides import NameOverrides
from keras_bert.tasks.panels import MOST_LABELS, Bars, Reliability
from keras_bert.tasks.sequence.classification import named_labels
from keras_bert.tasks.sequence.label_sets import SEPARATOR, read_label_sets
from keras_bert.tasks.sequence.text_task import TextTask
from keras_bert.tasks.settings import check_types
from keras_bert.tasks.task import check_labels

_USUAL_THRESHOLD = 0.5


class MultiLabelTask(TextTask):
    """The labels of a text: those whose probability is at least the label's threshold.

    The thresholds are the best for each label's F1 on the evaluation texts.
    """

    kind = "multi_label"
    outputs = {"probability": "one number for each label, that it holds"}
    title = "Multi-label classifier"
    usage = '--text="…"'
    export_name = "BERT multi-label text classifier"
    export_description = "Decides for each label whether it holds for a text"
    Overrides = NameOverrides
    link = "sigmoid"
    layout_fields = ("label_columns", "label_separator", "skip_labels")
    problem_type = "multi_label_classification"

    def metrics(self, config):
        return ("micro_f1", "macro_f1")

    def read(self, path, layout, labelled=True):
        return read_label_sets(path, layout, labelled)

    def config_fields(self, examples, overrides):
        labels = overrides.get("labels") or sorted(set().union(*examples.labels))
        if len(labels) < 2 or len(set(labels)) < len(labels):
            place = name_of("labels", labels) if overrides.get("labels") else examples.path
            raise InputError(f"{place}: at least two different labels are needed, found {labels}")
        settings = {"thresholds": [_USUAL_THRESHOLD] * len(labels)}
        pair = examples.texts_b is not None
        fields = {"labels": tuple(labels), "pair": pair, "settings": settings}
        return {**fields, **named_labels(labels, overrides, examples)}

    def check_config(self, config):
        check_labels(config)
        check_types(config.settings, {"thresholds": list})
        thresholds = config.settings["thresholds"]
        right = [type(value) in (int, float) and 0 <= value <= 1 for value in thresholds]
        if len(thresholds) != len(config.labels) or not all(right):
            raise InputError(
                f"setting thresholds must be {len(config.labels)} numbers from 0 to 1, one for "
                f"each label, not {thresholds!r:.100}"
            )
        for label in (*config.labels, *config.file_labels):
            if SEPARATOR in label:
                raise InputError(
                    f"label {label!r} has a {SEPARATOR!r}, which separates the labels of one text"
                )

    def check(self, examples, config):
        super().check(examples, config)
        if examples.labels is not None:
            self._truth(examples, config)

    def targets(self, examples, rows, config):
        """Returns 1 for the labels that hold, else 0, float32 of shape (rows, num_classes)."""
        return self._truth(examples, config)[rows.example_indices]

    def placeholder(self, config):
        return ()

    def _truth(self, examples, config):
        index = label_index(config.labels, config.file_labels)
        targets = np.zeros((len(examples), len(config.labels)), "float32")
        for row, (labels, line) in enumerate(zip(examples.labels, examples.lines)):
            for label in labels:
                if label not in index:
                    raise InputError(
                        f"{examples.path}:{line}: label {label!r} is not a label of the model "
                        f"({some(index)}): correct it or leave the row out"
                    )
                targets[row, index[label]] = 1
        return targets

    def fields_from_checkpoint(self, labels, settings, positions):
        settings = {"thresholds": [_USUAL_THRESHOLD] * len(labels)} | settings
        return {"labels": tuple(labels), "pair": None, "settings": settings}

    def answers(self, outputs, rows, examples, config):
        """Returns a dict a text: `labels`, those that hold, and `probabilities` by label."""
        # In float32, as exported graphs compare.
        thresholds = np.array(config.settings["thresholds"], "float32")
        answers = []
        for probability in self.pooled(outputs, rows)["probability"]:
            holds = np.asarray(probability, "float32") >= thresholds
            answers.append(
                {
                    "labels": [label for label, here in zip(config.labels, holds) if here],
                    "probabilities": dict(zip(config.labels, map(float, probability))),
                }
            )
        return answers

    def scores(self, answers, examples, config):
        return scores(self._truth(examples, config), _matrix(answers, config), config.labels)

    def panels(self, answers, examples, config):
        """Returns the scores of the most frequent labels, and the reliability of all decisions."""
        by_label = self.scores(answers, examples, config)["by_label"]
        often = sorted(by_label, key=lambda row: -row["count"])[:MOST_LABELS]
        title = "scores of each label"
        if len(often) < len(by_label):
            title = f"scores of the {len(often)} most frequent of {len(by_label)} labels"
        columns = {name: [row[name] for row in often] for name in ("precision", "recall", "f1")}
        probabilities = [list(answer["probabilities"].values()) for answer in answers]
        truth = self._truth(examples, config) > 0
        return [
            Bars([row["label"] for row in often], columns, title),
            Reliability(np.array(probabilities, "float64").ravel(), truth.ravel(), "decisions"),
        ]

    def score_lines(self, scores, config):
        table = label_table(scores["by_label"], config.settings["thresholds"])
        return [*super().score_lines(scores, config), *table]

    def tuned_settings(self, answers, examples, config):
        """Returns the `thresholds` of the best F1 of each label on these examples."""
        truth = self._truth(examples, config)
        probabilities = [list(answer["probabilities"].values()) for answer in answers]
        columns = zip(np.array(probabilities, "float32").T, truth.T > 0, strict=True)
        return {"thresholds": [best_threshold(*column) for column in columns]}

    def answer_line(self, answer):
        if not answer["labels"]:
            return f"(no label)\t{max(answer['probabilities'].values()):.4f}"
        numbers = [f"{answer['probabilities'][label]:.4f}" for label in answer["labels"]]
        return f"{SEPARATOR.join(answer['labels'])}\t{SEPARATOR.join(numbers)}"

    def columns(self, config):
        return ["labels", *(f"probability_{label}" for label in config.labels)]

    def cells(self, answer, config):
        probabilities = [answer["probabilities"][label] for label in config.labels]
        return [SEPARATOR.join(answer["labels"]), *probabilities]

    def true_answers(self, examples, config):
        holds = self._truth(examples, config) > 0
        return [[label for label, here in zip(config.labels, row) if here] for row in holds]

    def short_answer(self, answer):
        return answer["labels"], answer["probabilities"]

    def mistakes(self, answers, examples, config):
        """Returns the wrong answers, by the largest error of the probability of a wrong label."""
        wrong = []
        for i, (answer, true) in enumerate(zip(answers, self.true_answers(examples, config))):
            labels = sorted(set(answer["labels"]) ^ set(true), key=config.labels.index)
            if labels:
                sure = [abs(answer["probabilities"][n] - (n in true)) for n in labels]
                wrong.append((-max(sure), i, {"wrong": labels}))
        return [(i, more) for _, i, more in sorted(wrong, key=lambda each: each[:2])]

    def answers_agree(self, answer, other, config):
        return answer["labels"] == other["labels"]


def _matrix(answers, config):
    return np.array([[label in a["labels"] for label in config.labels] for a in answers], bool)


def best_threshold(probabilities, truth):
    """Returns the threshold of the best F1 of one label.

    Args:
        probabilities: float32 array of shape (count,).
        truth: bool array of shape (count,), whether the label holds.

    Returns:
        float from 0 to 1: of equally good ones the nearest to 0.5; 0.5 if the label never holds.
    """
    if not truth.any():
        return _USUAL_THRESHOLD
    order = np.argsort(-probabilities, kind="stable")
    ordered, hits = probabilities[order].astype("float64"), np.cumsum(truth[order])
    f1 = 2 * hits / (np.arange(1, len(order) + 1) + truth.sum())
    # A threshold lies between two different probabilities: it cannot separate equal ones.
    below = np.append(ordered[1:], 0.0)
    is_gap = ordered > below
    middles = ((ordered + below) / 2)[is_gap]
    best = f1[is_gap] >= f1[is_gap].max() - 1e-12
    # In the gap that holds 0.5 the usual threshold itself is as good.
    inside = (below[is_gap] < _USUAL_THRESHOLD) & (_USUAL_THRESHOLD <= ordered[is_gap])
    candidates = np.where(inside, _USUAL_THRESHOLD, middles)[best]
    return float(candidates[np.argmin(np.abs(candidates - _USUAL_THRESHOLD))])


def scores(truth, predicted, labels):
    """Scores label sets with scikit-learn.

    Args:
        truth, predicted: arrays of shape (count, num_classes), nonzero where a label holds.
        labels: list of str, the names of the columns.

    Returns:
        A dict: `micro_f1`, over all decisions; `macro_f1`, the mean over the labels; `exact_match`,
        the share of texts with the right set; `count`; `by_label`, a list of dicts with `label`,
        `precision`, `recall`, `f1` and `count`, how often it holds. 0 for a division by 0.
    """
    from sklearn import metrics

    truth, predicted = np.asarray(truth) > 0, np.asarray(predicted) > 0
    columns = metrics.precision_recall_fscore_support(
        truth, predicted, average=None, zero_division=0.0
    )
    names = ("label", "precision", "recall", "f1", "count")
    rows = zip(labels, *(column.tolist() for column in columns), strict=True)
    micro, macro = (
        float(metrics.f1_score(truth, predicted, average=average, zero_division=0.0))
        for average in ("micro", "macro")
    )
    return {
        "micro_f1": micro,
        "macro_f1": macro,
        "exact_match": float(metrics.accuracy_score(truth, predicted)),
        "count": len(truth),
        "by_label": [dict(zip(names, row)) for row in rows],
    }


def label_table(by_label, thresholds):
    """Returns the scores of each label as lines of text, with its threshold."""
    width = max(len("label"), *(len(row["label"]) for row in by_label))
    head = f"{'label':<{width}}  precision  recall      f1  count  threshold"
    return [head] + [
        f"{row['label']:<{width}}  {row['precision']:9.4f}  {row['recall']:6.4f}  {row['f1']:6.4f}"
        f"  {row['count']:5d}  {threshold:9.4f}"
        for row, threshold in zip(by_label, thresholds, strict=True)
    ]
