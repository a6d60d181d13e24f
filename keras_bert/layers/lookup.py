"""Rows of a table by their numbers, as one operation of an exported file."""

import keras
from keras import ops

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf


def lookup(table, ids):
    """Returns the rows of a table.

    `keras.ops.take` counts negative ids from the end, which is three operations in a file.

    Args:
        table: tensor of shape (rows, ...).
        ids: int32 tensor.
    """
    if keras.backend.backend() == "tensorflow":
        return tf.gather(tf.convert_to_tensor(table), ids)
    return ops.take(table, ids, axis=0)


def small_lookup(table, ids):
    """Returns the rows of a table that has a few; the result is that of `ops.take`.

    Where XLA compiles the network for a GPU, the gradient of a lookup adds up the tokens one after
    the other, and nearly all tokens have one of two segments: this was most of a training step.

    Args:
        table: float tensor of shape (rows, width).
        ids: int32 tensor.

    Returns:
        Float tensor of shape (*ids.shape, width).
    """
    if keras.backend.backend() != "jax":
        return ops.take(table, ids, axis=0)
    ids = ops.expand_dims(ids, -1)
    return sum(ops.where(ops.equal(ids, row), table[row], 0.0) for row in range(table.shape[0]))
