"""Activations, in the forms that every export format can hold."""

import math

from keras import ops


def gelu(x):
    """Exact GELU, x * Phi(x) (Hendrycks and Gimpel 2016).

    `keras.ops.gelu` is not used: on TensorFlow 2.21 it is written with erfc, which ONNX lacks.
    The TFLite converter still turns this form into its one GELU op.
    """
    return x * 0.5 * (1.0 + ops.erf(x * (1.0 / math.sqrt(2.0))))


def gelu_new(x):
    """GELU's tanh approximation, as keras-hub and Google's later code compute it."""
    return ops.gelu(x, approximate=True)


def get(name):
    """Returns the activation function that `BertConfig.hidden_act` names."""
    return {"gelu": gelu, "gelu_new": gelu_new, "relu": ops.relu}[name]
