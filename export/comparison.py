"""What a model answers to examples, and how far its exported files are from that.

A comparison is made once for a model and its examples; `of(runner)` is then asked for each file. Of
an encoder without a task, which has no labels, the model's own vectors are what the file's are
scored by: the metric is the mean cosine, the drop what that lacks to 1.
"""

import dataclasses

import numpy as np

from keras_bert.errors import InputError
from keras_bert.tasks.columns import some
from keras_bert.text.padding import TokenizedTexts


@dataclasses.dataclass(frozen=True)
class Both:
    """What a model and its exported file made of the same examples: pairs, the model's first."""

    answers: tuple
    outputs: tuple


class TaskComparison:
    """A model with a task, and labelled examples.

    Args:
        bert: the `Bert` that was exported.
        task: `Task` of the scores; the first of its metrics is what may not drop.
        examples: labelled examples of the task.

    Attributes:
        metrics: names of the scores to report.
        scores: dict, the model's scores.
    """

    def __init__(self, bert, task, examples):
        self.bert, self.task = bert, task
        self.metrics = task.metrics(bert.config)
        rows, self._outputs = bert.rows_and_outputs(examples)
        self._answers = task.answers(self._outputs, rows, examples, bert.config)
        self.examples = task.with_reference(examples, self._answers)
        self.scores = task.scores(self._answers, self.examples, bert.config)

    def of(self, runner):
        """Compares an exported file with the model.

        Args:
            runner: `Runner` of the file.

        Returns:
            A tuple: a dict of `count`; `agreement`, the share of examples with the same answer, of
            an embedder with the same nearest other text;
            `max_difference` between outputs, None where the two use rows of different lengths;
            `model_scores` and `exported_scores`; `metric`, and its `drop` as a share of a perfect
            score; and `Both`.
        """
        task, config = self.task, self.bert.config
        rows, outputs = runner.rows_and_outputs(self.examples)
        answers = runner.answers_of(rows, outputs, self.examples)
        scores = task.scores(answers, self.examples, runner.config)
        metric = self.metrics[0]
        result = {
            "count": len(self.examples),
            "agreement": task.agreement(self._answers, answers, config),
            "max_difference": largest_difference(self._outputs, outputs),
            "model_scores": self.scores,
            "exported_scores": scores,
            "metric": metric,
            "drop": (self.scores[metric] - scores[metric]) / task.perfect_score,
        }
        return result, Both((self._answers, answers), (self._outputs, outputs))

    def rows(self, runner):
        """Returns the `Rows` of the examples as an exported file reads them."""
        return self.task.rows(self.examples, runner.tokenizer, runner.config)

    def inputs(self, runner, length=None):
        """Returns the inputs of the row of median length, padded as an exported file needs it.

        Args:
            runner: `Runner` of the file.
            length: tokens to pad it to for a file of open shape; None does not pad.
        """
        encodings = self.rows(runner).encodings
        texts = TokenizedTexts(encodings, runner.config.max_length, runner.tokenizer.pad_id)
        middle = np.argsort(texts.lengths, kind="stable")[len(texts) // 2]
        padded = max(int(texts.lengths[middle]), length or 0)
        return texts.batch([middle], runner.fixed_length or padded)


def check_same_purpose(runner, bert, path, of="the model"):
    """Raises InputError if an exported file is not for the task and the labels of a model.

    Args:
        runner: `Runner` of the file.
        bert: `Bert`.
        path: the file's.
        of: str, what the model is called in the message.
    """
    if _meaning(runner.config) != _meaning(bert.config):
        raise InputError(
            f"{path}: is for {_purpose(runner.config)}, {of} for {_purpose(bert.config)}"
        )


def largest_difference(expected, exported):
    """Returns the largest difference of two dicts of outputs; None where rows differ in length."""
    largest = 0.0
    for name, values in expected.items():
        if len(values) != len(exported[name]):
            return None
        for one, other in zip(values, exported[name]):
            if one.shape != other.shape:
                return None
            largest = max(largest, float(np.max(np.abs(one - other), initial=0.0)))
    return largest


def _meaning(config):
    """Returns what must be equal in a model and its files."""
    pooled = (config.pooling, config.settings) if config.task == "embedding" else None
    return config.task, config.labels, pooled


def _purpose(config):
    if config.task == "embedding":
        return f"embedding ({config.pooling}{', of length 1' * config.settings['normalize']})"
    labels = f" of {some(config.labels)}" if config.labels else ""
    return f"{config.task}{labels}"
