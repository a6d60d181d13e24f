"""Translates the head of a checkpoint to the task of a model folder."""

from keras_bert.checkpoints import names
from keras_bert.errors import InputError, NoHead
from keras_bert.tasks.registry import get_task


def model_fields(checkpoint, pretraining=False):
    """Returns the task of a model with a checkpoint's weights.

    Args:
        checkpoint: `Checkpoint`.
        pretraining: whether the model has the heads of pretraining, and no other.

    Returns:
        A tuple: dict of the fields of `ModelConfig` but `encoder`; list of notes for the user.

    Raises:
        InputError: it has no such head, or its settings are not a dict.
    """
    length = checkpoint.config.max_position_embeddings
    if pretraining:
        if names.MASKED_LM[0] not in checkpoint.shapes:
            raise NoHead("has no masked-LM head")
        # No file states the pair head's task; Google's and transformers' is next sentence.
        pair_head = "nsp" if names.PAIR[0] in checkpoint.shapes else "none"
        fields = {"task": "pretraining", "pair_head": pair_head, "pair": None}
        return {**fields, "max_length": length}, []
    kind, notes = checkpoint.task, list(checkpoint.notes)
    if kind == "multiple_choice" and not checkpoint.settings:
        notes.append(
            f"{checkpoint.path}: the number of choices of a question is not stated: only the "
            f"encoder is loaded; `keras-bert convert --num_choices=N` keeps the head"
        )
        kind = None
    if kind is None:
        fields = {"task": None, "labels": (), "pair": None, "max_length": length}
        return {**fields, "pooling": checkpoint.pooling}, notes
    if not isinstance(checkpoint.settings, dict):
        raise InputError(f"settings of {kind} must be dict, not {checkpoint.settings!r}")
    fields = get_task(kind).fields_from_checkpoint(checkpoint.labels, checkpoint.settings, length)
    return {"task": kind, "max_length": length, **fields}, notes
