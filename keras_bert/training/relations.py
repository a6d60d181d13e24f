"""Losses between what two networks hold inside: self-attention relations, and hidden states.

Each is a number for each row of tokens, over its tokens without padding.
"""

import math

from keras import ops

# More relation heads than attention heads serve better, for a teacher of BERT-base's size 48 (Wang
# et al. 2020, MiniLMv2, arXiv:2012.15828, section 4.3).
MOST_RELATION_HEADS = 48
# Added to the scores of padding.
_NEVER = -1e9


def relation_heads(*widths):
    """Returns how many relation heads networks of these widths share: the most that divide all."""
    common = math.gcd(*widths)
    return max(n for n in range(1, MOST_RELATION_HEADS + 1) if common % n == 0)


def relation_divergence(teacher, student, mask, heads):
    """Returns how far a student's relations are from its teacher's: KL(teacher || student).

    A relation is the softmax of the scaled products of each token's vector with those of all
    tokens. The vectors are parts of the network's queries, keys or values, cut anew into `heads`,
    so that neither width nor number of attention heads need be equal.

    Args:
        teacher, student: float tensors of shape (batch, length, width), each of its own width.
        mask: float32 tensor of shape (batch, length), 1 for a token and 0 for padding.
        heads: int, divides both widths.

    Returns:
        Float32 tensor of shape (batch,): the mean over heads and tokens.

    Source: Wang et al. 2020 (arXiv:2012.15828), equations 4 to 6.
    """
    targets, found = (_log_relations(each, mask, heads) for each in (teacher, student))
    divergence = ops.sum(ops.exp(targets) * (targets - found), axis=-1)
    return ops.sum(ops.mean(divergence, axis=1) * mask, axis=-1) / _count(mask)


def _log_relations(vectors, mask, heads):
    length, width = ops.shape(vectors)[1], vectors.shape[-1] // heads
    vectors = ops.reshape(ops.cast(vectors, "float32"), (-1, length, heads, width))
    vectors = ops.transpose(vectors, (0, 2, 1, 3))
    scores = ops.matmul(vectors * width**-0.5, ops.transpose(vectors, (0, 1, 3, 2)))
    return ops.log_softmax(scores + ((1.0 - mask) * _NEVER)[:, None, None, :], axis=-1)


def state_difference(teacher, student, mask):
    """Returns the mean squared difference of hidden states.

    Args:
        teacher, student: float tensors of shape (batch, length, width).
        mask: see `relation_divergence`.

    Returns:
        Float32 tensor of shape (batch,): the mean over tokens and width.

    Source: Jiao et al. 2019 (arXiv:1909.10351), equation 8.
    """
    difference = ops.cast(teacher, "float32") - ops.cast(student, "float32")
    per_token = ops.mean(ops.square(difference), axis=-1)
    return ops.sum(per_token * mask, axis=-1) / _count(mask)


def _count(mask):
    return ops.maximum(ops.sum(mask, axis=-1), 1.0)
