"""Few shapes of batches, on the backend that compiles the whole network anew for each."""

import functools

import keras
import numpy as np

from keras_bert.text.padding import rounded_length

# A training step of a 6-layer network takes 10 to 20 s to compile on an H100, so lengths are few;
# batches hold texts of like length, so most are near one of them.
_LENGTHS = (16, 32, 64, 128, 192, 256, 384, 512)
# Without a backward pass a GPU does the padding in less time than it takes to compile for a length.
_LENGTHS_ON_GPU = (64, 128, 256, 384, 512)


def are_compiled():
    """Returns whether each shape of a batch is a program of its own: on JAX."""
    return keras.backend.backend() == "jax"


def padded_lengths():
    """Returns the lengths to pad batches to, see `TokenizedTexts`; None where any is as good."""
    return _LENGTHS if are_compiled() else None


def padded_inputs(inputs, max_length):
    """Pads a batch to one of few shapes, where shapes are compiled.

    Args:
        inputs: dict of int32 arrays of shape (batch, length), or (batch, choices, length); the
            padding of each is 0, of `token_ids` too, for the mask leaves it out.
        max_length: int, the largest length.

    Returns:
        Such a dict: of a power of two rows, the first one repeated, and of one of few lengths.
    """
    if not are_compiled():
        return inputs
    count, length = inputs["token_ids"].shape[0], inputs["token_ids"].shape[-1]
    rows = 1 << (count - 1).bit_length()
    lengths = _LENGTHS_ON_GPU if _on_gpu() else _LENGTHS
    padded = max(min(rounded_length(length, lengths), max_length), length)
    return {name: _padded(array, rows, padded - length) for name, array in inputs.items()}


@functools.cache
def _on_gpu():
    import jax

    return jax.default_backend() == "gpu"


def _padded(array, rows, tokens):
    array = np.pad(array, [(0, 0)] * (array.ndim - 1) + [(0, tokens)])
    return np.concatenate([array, np.repeat(array[:1], rows - len(array), axis=0)])
