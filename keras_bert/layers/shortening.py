"""After some blocks an exported encoder goes on with fewer tokens, those that matter.

The tokens that are left out keep the states that they had and come back at the end, as in
Length-Adaptive Transformer (Kim and Cho 2021, "drop and restore"). Which ones matter is measured by
the attention that they receive, as in PoWER-BERT (Goyal et al. 2020), with two changes without
which a network that was not trained for it loses its answers:

- Of a question and a passage, only the attention of the question counts.
- It is averaged over neighbours, so that words are kept with those around them.

A converter writes all this with TOPK_V2, GATHER and AVERAGE_POOL_2D.
"""

import dataclasses

from keras import ops

from keras_bert.layers.lookup import lookup

# Tokens over which attention is averaged: 15 and 25 lose the least on SQuAD, 1 and 49 far more.
NEIGHBOURS = 15
# More attention than any token receives, which is at most the number of heads times that of tokens.
_ALL = 1e6


@dataclasses.dataclass(frozen=True)
class Shortening:
    """How many tokens the blocks of an encoder compute.

    Attributes:
        steps: dict of a number of blocks, from 1 to one less than all, to the number of tokens that
            are kept after so many blocks.
        question_tokens: the most tokens that segment 0 has where it is a question, which is kept
            whole then and whose attention alone counts; None where it is no question.
    """

    steps: dict
    question_tokens: int | None = None


class Tokens:
    """The tokens of a batch that are still computed, in their order, and the states of the others.

    [CLS], the last [SEP] and the question are kept before all others; padding goes first.

    Args:
        shortening: a `Shortening`.
        inputs: dict of the encoder's inputs, int32 of shape (batch, length).
        mask_bias: float tensor of shape (batch, 1, 1, length).
        length: int; a scalar tensor where it is open, and then no token is left out.

    Attributes:
        mask_bias, length: those of the tokens that are still computed.
    """

    def __init__(self, shortening, inputs, mask_bias, length):
        self.mask_bias, self.length = mask_bias, length
        # Keras also traces its models with open shapes, for which nothing is left out.
        self._steps = shortening.steps if isinstance(length, int) else {}
        self._left = []
        if not self._steps:
            return
        real = ops.cast(inputs["padding_mask"], "float32")
        self._batch = real.shape[0] or ops.shape(real)[0]
        after = ops.pad(real[:, 1:], ((0, 0), (0, 1)))
        place = ops.arange(length, dtype="int32")
        always = ops.maximum(ops.cast(place == 0, "float32"), real - after)
        asking = real
        self._most_asking = shortening.question_tokens
        if self._most_asking is not None:
            asking = real * ops.cast(inputs["segment_ids"] == 0, "float32")
            always = ops.maximum(always, asking)
        self._asking, self._always, self._free = asking, always, real * (1.0 - always)
        self._places = ops.broadcast_to(place, (self._batch, length))

    def after(self, blocks, x, norm, weights):
        """Leaves out tokens where a step says so.

        Args:
            blocks: how many blocks there were.
            x: float tensor of shape (batch * length, width), that the next block takes.
            norm: the `_Norm` that `x` comes from.
            weights: float tensor of shape (batch, heads, length, length), of the last block.

        Returns:
            `x` of the tokens that the next block computes.
        """
        count = self._steps.get(blocks, self.length)
        if not self._steps or count >= self.length:
            return x
        _, order = ops.top_k(self._importance(weights), self.length)
        kept, left = _ascending(order[:, :count]), order[:, count:]
        self._left.append((self._of(self._places, left), norm.whole(self._rows(x, left))))
        x = self._rows(x, kept)
        bias = self._of(ops.reshape(self.mask_bias, (-1, self.length)), kept)
        self.mask_bias = ops.reshape(bias, (-1, 1, 1, count))
        for name in ("_places", "_asking", "_always", "_free"):
            setattr(self, name, self._of(getattr(self, name), kept))
        self.length = count
        return x

    def all_states(self, x):
        """Returns the states of all tokens, of shape (batch, length, width).

        Args:
            x: float tensor of shape (batch * length, width), the states of those still computed.
        """
        width = x.shape[-1]
        x = ops.reshape(x, (-1, self.length, width))
        if not self._left:
            return x
        places = ops.concatenate([self._places, *(places for places, _ in self._left)], axis=1)
        states = [ops.reshape(y, (-1, places.shape[1], width)) for places, y in self._left]
        x = ops.concatenate([x, *states], axis=1)
        self.length = x.shape[1]
        # Where in this sequence the token of each place is.
        _, where = ops.top_k(-ops.cast(places, "float32"), self.length)
        x = self._rows(ops.reshape(x, (-1, width)), where)
        return ops.reshape(x, (-1, self.length, width))

    def _importance(self, weights):
        # A sixth of the time of all queries; a product of matrices takes twice as long as a sum.
        most = min(self._most_asking or self.length, self.length)
        asking = ops.reshape(self._asking[:, :most], (-1, 1, most, 1))
        received = ops.sum(weights[:, :, :most] * asking, axis=(1, 2)) * self._free
        around = ops.average_pool(ops.expand_dims(received, -1), NEIGHBOURS, 1, "same")
        return ops.squeeze(around, -1) * self._free + self._always * _ALL

    def _rows(self, x, places):
        """Returns rows of (batch * length, …) by places of shape (batch, count)."""
        if not isinstance(self._batch, int) or self._batch > 1:
            starts = ops.arange(self._batch, dtype="int32") * self.length
            places = places + ops.expand_dims(starts, -1)
        return lookup(x, ops.reshape(places, (-1,)))

    def _of(self, values, places):
        """Returns values of (batch, length) at places of (batch, count)."""
        return ops.reshape(self._rows(ops.reshape(values, (-1,)), places), (-1, places.shape[1]))


def _ascending(places):
    values, _ = ops.top_k(-ops.cast(places, "float32"), places.shape[1])
    return ops.cast(-values, "int32")
