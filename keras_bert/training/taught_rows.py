"""The rows of a training with teachers: labelled ones, and those that the teachers alone label."""

import numpy as np

from keras_bert.tasks.cut_texts import report_cut
from keras_bert.training.teacher_logits import joined, taught_targets


def taught_rows(
    bert, teachers, examples, rows, targets, weights, unlabeled=(), folder=None, resume=False,
    strategy=None, say=print,
):  # fmt: skip
    """Returns the rows to train on, their targets and their weights.

    Args:
        bert: `Bert` of the network in training.
        teachers: `Teachers`.
        examples, rows, targets, weights: the labelled examples; see `fit.fine_tune`.
        unlabeled: list of examples without labels.
        folder, resume, strategy, say: see `teacher_logits.taught_targets`.

    Returns:
        A tuple: `Rows`; `TaughtTargets`; float32 array, or None where all rows weigh the same.
    """
    task, config = bert.task, bert.config
    parts, labels = [(examples, rows, teachers.label_weight)], [targets]
    for more in unlabeled:
        task.check(more, config)
        more = task.with_placeholders(more, config)
        its = task.training_rows(more, bert.tokenizer, config)
        report_cut(task, its, more, config, trains=True)
        parts.append((more, its, 0.0))
        labels.append(task.targets(more, its, config))
    found = taught_targets(
        teachers, parts, _joined(labels), config, bert.tokenizer, folder, resume, strategy, say
    )
    if weights is not None:
        ones = [np.ones(len(its) // its.group, "float32") for _, its, _ in parts[1:]]
        weights = np.concatenate([weights, *ones])
    return joined([its for _, its, _ in parts]), found, weights


def _joined(targets):
    """Returns the targets of several parts as one; see `TrainingBatches`."""
    if isinstance(targets[0], dict):
        return {name: np.concatenate([each[name] for each in targets]) for name in targets[0]}
    if isinstance(targets[0], list):
        return [row for each in targets for row in each]
    return np.concatenate(targets)
