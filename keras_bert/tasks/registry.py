"""The tasks by the names that the setting `task` takes: one table.

A kind of task is a network file, a task file and a line in `KINDS`. Both are named by module and
class, because the tasks are used where Keras, which the networks need, is not installed.
"""

import importlib

from keras_bert.errors import InputError

_TASKS, _MODELS = "keras_bert.tasks", "keras_bert.models"

# kind: (its task, its network)
KINDS = {
    "classification": (
        f"{_TASKS}.sequence.classification:ClassificationTask",
        f"{_MODELS}.classifier:BertClassifier",
    ),
    "multi_label": (
        f"{_TASKS}.sequence.multi_label:MultiLabelTask",
        f"{_MODELS}.multi_label:BertMultiLabelClassifier",
    ),
    "regression": (
        f"{_TASKS}.sequence.regression:RegressionTask",
        f"{_MODELS}.regressor:BertRegressor",
    ),
    "tagging": (f"{_TASKS}.tagging.task:TaggingTask", f"{_MODELS}.tagger:BertTagger"),
    "question_answering": (
        f"{_TASKS}.question_answering.task:QuestionAnsweringTask",
        f"{_MODELS}.question_answerer:BertQuestionAnswerer",
    ),
    "multiple_choice": (
        f"{_TASKS}.multiple_choice.task:MultipleChoiceTask",
        f"{_MODELS}.multiple_choice:BertMultipleChoice",
    ),
}
# Kinds that nothing is trained for: what an encoder without a task is exported as.
UNTRAINED = {
    "embedding": (
        f"{_TASKS}.sequence.embedding:EmbeddingTask",
        f"{_MODELS}.embedder:BertEmbedder",
    ),
}
# Benchmarks, which have their own files and metrics; each is made by a call with its name.
BENCHMARKS = {
    **dict.fromkeys(
        ("squad1", "squad2", "cmrc2018", "drcd"),
        f"{_TASKS}.question_answering.task:QuestionAnsweringTask",
    ),
    **dict.fromkeys(
        (
            "glue/cola", "glue/sst2", "glue/mrpc", "glue/stsb", "glue/qqp", "glue/mnli",
            "glue/qnli", "glue/rte", "glue/wnli",
        ),
        f"{_TASKS}.sequence.glue:glue_task",
    ),
}  # fmt: skip
# The values of the setting `task`, and those of `ModelConfig.task`.
NAMES = (*KINDS, *BENCHMARKS)
EVERY_KIND = {**KINDS, **UNTRAINED}


def get_task(name):
    """Returns the `Task` of a name.

    Args:
        name: one of `NAMES` or of `EVERY_KIND`.

    Raises:
        InputError: there is no such task.
    """
    if name in BENCHMARKS:
        return _imported(BENCHMARKS[name])(name)
    if name in EVERY_KIND:
        return _imported(EVERY_KIND[name][0])()
    raise InputError(f"expected one of {', '.join(NAMES)}", "task", name)


def task_of(config):
    """Returns the `Task` of a `ModelConfig`, or its benchmark's `Task`; None if it has no task."""
    if config.task in (None, "pretraining"):
        return None
    return get_task(config.benchmark or config.task)


def network_class(kind):
    """Returns the class of the network of a kind, of `EVERY_KIND`; this imports Keras."""
    return _imported(EVERY_KIND[kind][1])


def _imported(path):
    module, name = path.split(":")
    return getattr(importlib.import_module(module), name)
