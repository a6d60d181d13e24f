"""Attention as one kernel on a GPU, which never writes its length x length weights to memory.

JAX has cuDNN's kernel (Dao et al. 2022, arXiv:2205.14135). It takes 16-bit numbers and has no
dropout of the weights, so training with that dropout, and every other device, backend and number
format, use the plain form in `attention.py`. The call gives the plain form's numbers where XLA runs
it; of cuDNN's kernel only trainings were seen, no comparison.
"""

import functools

import keras
from keras import ops


def available(query, dropout, training):
    """Returns whether `attend` works here.

    Args:
        query: tensor of shape (batch, heads, length, head_size).
        dropout: rate of the dropout on the attention weights.
        training: whether dropout is active.
    """
    if keras.backend.backend() != "jax" or (training and dropout > 0):
        return False
    return keras.backend.standardize_dtype(query.dtype) in ("bfloat16", "float16") and _on_gpu()


@functools.cache
def _on_gpu():
    import jax

    return jax.default_backend() == "gpu"


def attend(query, key, value, mask_bias):
    """Returns each token's context.

    Args:
        query: tensor of shape (batch, heads, length, head_size), scaled.
        key, value: likewise.
        mask_bias: float tensor that broadcasts to (batch, heads, length, length).

    Returns:
        Tensor of shape (batch, length, heads, head_size).
    """
    query, key, value = (ops.transpose(each, (0, 2, 1, 3)) for each in (query, key, value))
    batch, length = ops.shape(query)[:2]
    bias = ops.cast(mask_bias, query.dtype)
    bias = ops.stop_gradient(ops.broadcast_to(bias, (batch, 1, length, length)))
    return ops.dot_product_attention(query, key, value, bias=bias, scale=1.0)
