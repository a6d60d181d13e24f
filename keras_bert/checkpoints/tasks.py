"""From what a checkpoint says of its head to the task that a model folder names."""

import dataclasses

from keras_bert.checkpoints import names
from keras_bert.errors import InputError, NoHead
from keras_bert.tasks.question_answering import settings as question_settings
from keras_bert.tasks.question_answering.windows import check_room
from keras_bert.tasks.tagging import task as tagging_task
from keras_bert.tasks.tagging.schemes import detect_scheme

# Google's run_squad.py, max_seq_length.
_ANSWERER_LENGTH = 384
_PAIR = {"tagging": False, "question_answering": True, "multiple_choice": True}


def model_fields(checkpoint, pretraining=False):
    """Says what a model of a checkpoint's weights is for.

    Args:
        checkpoint: `Checkpoint`.
        pretraining: whether it shall have the heads that it was pretrained with, and no other.

    Returns:
        A tuple: dict of the fields of `ModelConfig` but `encoder`; list of notes for the user.

    Raises:
        InputError: it has no such head, or its settings are none.
    """
    length = checkpoint.config.max_position_embeddings
    if pretraining:
        if names.MASKED_LM[0] not in checkpoint.shapes:
            raise NoHead("has no masked-LM head")
        # What the pair head tells is not written anywhere; Google's and transformers' is this one.
        pair_head = "nsp" if names.PAIR[0] in checkpoint.shapes else "none"
        fields = {"task": "pretraining", "pair_head": pair_head, "pair": None}
        return {**fields, "max_length": length}, []
    task, notes = checkpoint.task, list(checkpoint.notes)
    if task == "multiple_choice" and not checkpoint.settings:
        notes.append(
            f"{checkpoint.path}: how many choices a question has is not said: only the encoder is "
            f"loaded; `keras-bert convert --num_choices=N` keeps the head"
        )
        task = None
    settings = _settings(task, checkpoint)
    if task == "question_answering":
        needed = settings["doc_stride"] + settings["max_question_length"] + 3
        length = min(length, max(_ANSWERER_LENGTH, needed))
        check_room(length, settings["doc_stride"], settings["max_question_length"])
    fields = {
        "task": task,
        "labels": checkpoint.labels or (),
        "pair": _PAIR.get(task),  # of classes and numbers other formats do not say
        "settings": settings,
        "max_length": length,
    }
    return fields, notes


def _settings(task, checkpoint):
    stored = checkpoint.settings if task else {}
    if not isinstance(stored, dict):
        raise InputError(f"settings of {task} must be dict, not {stored!r}")
    if task == "tagging":
        # Alone each label counts once: of bio every type has its B, of iob1 some have only I.
        scheme = detect_scheme([[label] for label in checkpoint.labels])
        return _checked(tagging_task.Settings, {"scheme": scheme} | stored, task)
    if task == "question_answering":
        fitting = _fitting(checkpoint.config.max_position_embeddings)
        return _checked(question_settings.Settings, fitting | stored, task)
    if task == "regression":
        return {"mean": 0.0, "scale": 1.0}
    return stored if task == "multiple_choice" else {}


def _checked(kind, values, task):
    try:
        return dataclasses.asdict(kind(**values))
    except TypeError:
        known = ", ".join(field.name for field in dataclasses.fields(kind))
        raise InputError(f"settings of {task} are {known}, found {', '.join(values)}") from None


def _fitting(positions):
    """Returns the settings that a table too small for the usual ones makes smaller.

    Of the room beside the special tokens the question gets at most a third, and windows overlap
    by half of the rest at least.
    """
    usual = question_settings.Settings()
    room = min(positions, _ANSWERER_LENGTH) - 3
    question = max(1, min(usual.max_question_length, room // 3))
    stride = max(1, min(usual.doc_stride, (room - question) // 2))
    return {"max_question_length": question, "doc_stride": stride}
