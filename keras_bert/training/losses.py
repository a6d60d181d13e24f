"""The loss of each kind of task, on the logits that its network gives."""

import keras


def loss_of(kind):
    """Returns what `compile` takes as the loss of a kind of task.

    Args:
        kind: one of `keras_bert.tasks.registry.KINDS`.
    """
    if kind == "regression":
        return keras.losses.MeanSquaredError()
    if kind == "tagging":
        # The mean over the first pieces of words; -1 stands at all other tokens.
        return keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=-1)
    if kind == "question_answering":
        return {
            name: keras.losses.SparseCategoricalCrossentropy(from_logits=True)
            for name in ("start_logits", "end_logits")
        }
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def loss_weights_of(kind):
    """Returns the weights of a task's losses, None where it has one loss."""
    if kind == "question_answering":
        return {"start_logits": 0.5, "end_logits": 0.5}  # their mean, as in Google's run_squad.py
    return None
