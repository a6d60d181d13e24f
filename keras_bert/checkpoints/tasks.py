"""Translates the head of a checkpoint to the task of a model folder."""

import dataclasses

import numpy as np

from keras_bert.checkpoints import names
from keras_bert.errors import InputError, NoHead, name_of
from keras_bert.guesses import guess
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
    length = checkpoint.length
    if pretraining:
        if names.MASKED_LM[0] not in checkpoint.shapes:
            raise NoHead("has no masked-LM head")
        # No file states the pair head's task; Google's and transformers' is next sentence.
        pair_head = "nsp" if names.PAIR[0] in checkpoint.shapes else "none"
        fields = {"task": "pretraining", "pair_head": pair_head, "pair": None}
        if _has_own_table(checkpoint):
            fields["settings"] = {"tied": False}
        return {**fields, "max_length": length}, list(checkpoint.notes)
    kind, notes = checkpoint.task, list(checkpoint.notes)
    if kind is None and names.MASKED_LM[0] in checkpoint.shapes:
        notes.append(
            f"{checkpoint.path}: its heads of pretraining are not loaded: {name_of('pretraining')} "
            f"of `convert` keeps them"
        )
    elif kind is None and names.PAIR[0] in checkpoint.shapes:
        reason = "a next-sentence head alone is not supported: only the encoder is loaded"
        notes.append(guess(reason, place=checkpoint.path))
    if kind == "multiple_choice" and not checkpoint.settings:
        notes.append(
            guess(
                "the number of choices of a question is not stated: only the encoder is loaded; "
                "`keras-bert convert --num_choices=N` keeps the head",
                place=checkpoint.path,
            )
        )
        kind = None
    if kind is None:
        fields = {"task": None, "labels": (), "pair": None, "max_length": length}
        if checkpoint.normalize is not None:
            fields["settings"] = {"normalize": checkpoint.normalize}
        return {**fields, "pooling": checkpoint.pooling}, notes
    if not isinstance(checkpoint.settings, dict):
        raise InputError(f"settings of {kind} must be dict, not {checkpoint.settings!r}")
    fields = get_task(kind).fields_from_checkpoint(checkpoint.labels, checkpoint.settings, length)
    return {"task": kind, "max_length": length, **fields}, notes


def with_stated(checkpoint, labels=None, num_choices=None):
    """Returns a checkpoint with labels or a number of choices that its files do not state.

    Raises:
        InputError: it has no such head, or another number of labels.
    """
    if labels is not None:
        if checkpoint.labels is None:
            raise InputError("it has no classes or tags to name", "labels", labels)
        head = next(names.HEADS[kind] for kind in ("classifier", "tagger")
                    if names.HEADS[kind][0] in checkpoint.shapes)  # fmt: skip
        count = checkpoint.shapes[head[0]][0]
        if len(labels) != count:
            raise InputError(f"{len(labels)} names for {count} outputs", "labels", labels)
        checkpoint = dataclasses.replace(checkpoint, labels=list(labels))
    if num_choices is not None:
        if checkpoint.task != "multiple_choice":
            raise InputError(
                "it is no multiple-choice model of another format", "num_choices", num_choices
            )
        checkpoint = dataclasses.replace(checkpoint, settings={"num_choices": num_choices})
    return checkpoint


def _has_own_table(checkpoint):
    """Returns whether the masked-LM head's output matrix is another than the word-piece table.

    As in transformers 5, the values decide, whatever `tie_word_embeddings` says.
    """
    if names.MASKED_LM_TABLE not in checkpoint.shapes:
        return False
    tables = names.MASKED_LM_TABLE, "bert/embeddings/word_embeddings"
    if len({checkpoint.shapes[name] for name in tables}) > 1:
        return True  # and the comparison of shapes reports it
    return not np.array_equal(*map(checkpoint.read, tables))
