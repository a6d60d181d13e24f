"""The functions of `keras.ops` that networks use on their logits, for NumPy arrays.

With them the step from logits to outputs is written once, and runs where Keras is not installed.
"""

import numpy as np

shape = np.shape
argmax = np.argmax
stack = np.stack
clip = np.clip
log = np.log
maximum = np.maximum
sqrt = np.sqrt
square = np.square


def sum(x, axis=None, keepdims=False):
    """Returns the sum, float32, computed in float64."""
    return np.sum(x, axis=axis, keepdims=keepdims, dtype="float64").astype("float32")


def softmax(x, axis=-1):
    """Returns the softmax, float32, computed in float64."""
    x = np.asarray(x, "float64")
    exponents = np.exp(x - x.max(axis=axis, keepdims=True))
    return (exponents / exponents.sum(axis=axis, keepdims=True)).astype("float32")


def sigmoid(x):
    """Returns the logistic function, float32, computed in float64."""
    x = np.asarray(x, "float64")
    # Of the number that does not overflow.
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1 / (1 + small), small / (1 + small)).astype("float32")


def one_hot(indices, count):
    """Returns float32 of the shape of `indices` with one more axis: 1 at each index."""
    return np.eye(count, dtype="float32")[np.asarray(indices)]


def convert_to_tensor(x, dtype="float32"):
    """Returns an array."""
    return np.asarray(x, dtype)
