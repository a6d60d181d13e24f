"""Turns hidden states into vectors of texts, and compares vectors. Needs numpy only."""

import numpy as np

from keras_bert.errors import InputError

POOLINGS = ("mean", "cls", "tokens", "pooler")
# The least length that a vector is divided by: torch.nn.functional.normalize's default.
_MIN_NORM = 1e-12


def check_layers(layers, num_blocks):
    """Returns layers counted from the bottom.

    Args:
        layers: int, or a sequence of them: 0 is the embeddings' output, 1 to num_blocks are the
            blocks; -1 is the last, -2 the one before it.
        num_blocks: int, the blocks of the encoder.

    Returns:
        A tuple of int, 0 to num_blocks.

    Raises:
        InputError: there is no such layer, or one is repeated.
    """
    layers = (layers,) if isinstance(layers, (int, np.integer)) else tuple(layers)
    if not layers:
        raise InputError("no layers are given: -1 is the last")
    counted = []
    for layer in layers:
        is_whole = isinstance(layer, (int, np.integer)) and not isinstance(layer, bool)
        if not is_whole or not -num_blocks - 1 <= layer <= num_blocks:
            raise InputError(
                f"layer {layer} is not from {-num_blocks - 1} to {num_blocks}: 0 is the "
                f"embeddings' output, 1 to {num_blocks} are the blocks, -1 is the last block"
            )
        counted.append(int(layer) % (num_blocks + 1))
        if counted.count(counted[-1]) > 1:
            raise InputError(f"layer {layer} is given twice")
    return tuple(counted)


def pool(states, padding_mask, pooling):
    """Returns one vector a text.

    Args:
        states: float array of shape (batch, length, hidden_size).
        padding_mask: int array of shape (batch, length), 1 for tokens and 0 for padding.
        pooling: "cls", the vector of [CLS]; or "mean", the mean over all tokens, [CLS] and [SEP]
            included.

    Returns:
        float32 array of shape (batch, hidden_size).

    Source: of "mean", sentence-transformers' Pooling with pooling_mode_mean_tokens, which takes
    all tokens of the attention mask.
    """
    if pooling == "cls":
        return np.array(states[:, 0], "float32")  # a view would keep all states in memory
    mask = np.asarray(padding_mask, "float64")
    sums = np.einsum("blh,bl->bh", states, mask, dtype="float64")
    return (sums / mask.sum(axis=1, keepdims=True)).astype("float32")


def unit(vectors):
    """Returns float32 vectors of length 1, along the last axis; zeros are not changed."""
    norms = np.linalg.norm(np.asarray(vectors, "float64"), axis=-1, keepdims=True)
    return (vectors / np.maximum(norms, _MIN_NORM)).astype("float32")


def cosines(vectors):
    """Returns the cosine similarity of all pairs of vectors, float64 of shape (count, count).

    Args:
        vectors: float array of shape (count, ...); the other axes are flattened.
    """
    flat = np.asarray(vectors, "float64").reshape(len(vectors), -1)
    flat = flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), _MIN_NORM)
    return np.clip(flat @ flat.T, -1.0, 1.0)
