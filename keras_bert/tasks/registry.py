"""The tasks by the names that `--task` takes."""

from keras_bert.errors import InputError

# Benchmarks whose files and metrics are the question answerer's own.
_QUESTION_ANSWERING = ("squad1", "squad2", "cmrc2018", "drcd")
_GLUE = ("cola", "sst2", "mrpc", "stsb", "qqp", "mnli", "qnli", "rte", "wnli")
KINDS = ("classification", "regression", "tagging", "question_answering", "multiple_choice")
NAMES = (*KINDS, *_QUESTION_ANSWERING, *(f"glue/{name}" for name in _GLUE))


def get_task(name):
    """Returns the `Task` of a name.

    Args:
        name: one of `NAMES`.

    Raises:
        InputError: there is no such task.
    """
    if name == "classification":
        from keras_bert.tasks.sequence.classification import ClassificationTask

        return ClassificationTask()
    if name == "regression":
        from keras_bert.tasks.sequence.regression import RegressionTask

        return RegressionTask()
    if name == "tagging":
        from keras_bert.tasks.tagging.task import TaggingTask

        return TaggingTask()
    if name == "multiple_choice":
        from keras_bert.tasks.multiple_choice.task import MultipleChoiceTask

        return MultipleChoiceTask()
    if name == "question_answering" or name in _QUESTION_ANSWERING:
        from keras_bert.tasks.question_answering.task import QuestionAnsweringTask

        return QuestionAnsweringTask(benchmark=name if name in _QUESTION_ANSWERING else "")
    if name.startswith("glue/") and name in NAMES:
        from keras_bert.tasks.sequence.glue import glue_task

        return glue_task(name.removeprefix("glue/"))
    raise InputError(f"task {name!r} is not one of {', '.join(NAMES)}")


def task_of(config):
    """Returns the `Task` of a `ModelConfig`, its benchmark's where it has one; None without."""
    if config.task in (None, "pretraining"):
        return None
    return get_task(config.benchmark or config.task)
