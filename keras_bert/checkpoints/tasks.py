"""From what a checkpoint says of its head to the task that a model folder names."""

from keras_bert.checkpoints import names
from keras_bert.errors import InputError, NoHead
from keras_bert.tasks.registry import get_task


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
    kind, notes = checkpoint.task, list(checkpoint.notes)
    if kind == "multiple_choice" and not checkpoint.settings:
        notes.append(
            f"{checkpoint.path}: how many choices a question has is not said: only the encoder is "
            f"loaded; `keras-bert convert --num_choices=N` keeps the head"
        )
        kind = None
    if kind is None:
        fields = {"task": None, "labels": (), "pair": None, "max_length": length}
        return {**fields, "pooling": checkpoint.pooling}, notes
    if not isinstance(checkpoint.settings, dict):
        raise InputError(f"settings of {kind} must be dict, not {checkpoint.settings!r}")
    fields = get_task(kind).fields_from_checkpoint(checkpoint.labels, checkpoint.settings, length)
    return {"task": kind, "max_length": length, **fields}, notes
