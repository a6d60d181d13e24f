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
