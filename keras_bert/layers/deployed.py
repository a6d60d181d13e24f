"""What an exported file computes: the encoder, written for a converter and for a processor.

The numbers are those of the layers in this folder; the layers are written to be trained. The
differences, which `docs/deploy.md` lists with what each of them saves:

- Activations are matrices (tokens, width); nothing is reshaped but for the heads of attention.
- Query, key and value are one product, so their input is read and quantized once.
- LayerNorm's gamma is multiplied in before the reciprocal deviation. In `d * r * gamma` a converter
  sees a constant in front of a product and moves it into the product's kernel: what is quantized
  then is `d * r`, with all the outliers that gamma damps. In `d * gamma * r` it cannot. The factors
  of a `Rescaling` are divided out of gamma, so they need no multiplication of their own.
- LayerNorm's beta is not added: it is in the biases of the products that take the normalized tokens
  and of the product that is added to them.
- The first segment's row is in the position table.
- What the pooler takes is the last block for the first token alone. A converter drops it, or the
  last block for all tokens, where no output depends on it.

Kernels become constants of the graph. No weight of the model changes.
"""

import contextlib

import keras
import numpy as np
from keras import ops

from keras_bert.layers.dense import length_of
from keras_bert.layers.lookup import lookup
from keras_bert.layers.shortening import Shortening, Tokens


@contextlib.contextmanager
def form(model, rescaling=None, shortening=None):
    """Within the block, the encoder of a model computes as exported files do.

    Args:
        model: a task's network or a `BertEncoder`; one with packed rows stays as it is.
        rescaling: a `Rescaling` of this encoder, or None.
        shortening: a `Shortening`, after which the later blocks compute fewer tokens, or None.

    Raises:
        InputError: the re-scaling is of another network.
    """
    encoder = getattr(model, "encoder", model)
    if rescaling is not None:
        rescaling.check(encoder)
    encoder.deployed = None if encoder.packed else _Encoder(encoder, rescaling, shortening)
    try:
        yield
    finally:
        encoder.deployed = None


class _Encoder:
    """The function of an encoder: from a dict of its inputs to a dict of its outputs."""

    def __init__(self, encoder, rescaling, shortening):
        self.encoder = encoder
        self.shortening = shortening or Shortening({})
        self.embeddings = _Embeddings(encoder.embeddings)
        self.embeddings_norm = norm = _Norm(encoder.embeddings_norm, "layer_0/attention", rescaling)
        self.blocks = []
        for i, layer in enumerate(encoder.blocks):
            self.blocks.append(_Block(layer, i, norm, rescaling))
            norm = self.blocks[-1].output_norm

    def __call__(self, inputs):
        mask_bias = ops.cast(self.encoder.attention_mask(inputs["padding_mask"]), "float32")
        length = length_of(mask_bias)
        x = self.embeddings(inputs["token_ids"], inputs["segment_ids"], length)
        x = self.embeddings_norm(x)
        tokens = Tokens(self.shortening, inputs, mask_bias, length)
        for i, block in enumerate(self.blocks[:-1]):
            x, weights = block(x, tokens.mask_bias, tokens.length)
            x = tokens.after(i + 1, x, block.output_norm, weights)
        last = self.blocks[-1]
        first, _ = last(x, tokens.mask_bias, tokens.length, first_only=True)
        first = last.output_norm.whole(first)
        x, _ = last(x, tokens.mask_bias, tokens.length)
        return {
            "sequence_output": tokens.all_states(last.output_norm.whole(x)),
            "pooled_output": self.encoder.pooler(first),
        }


class _Embeddings:
    """The sum of the word, position and segment vectors, of shape (tokens, width)."""

    def __init__(self, layer):
        self.words = layer.word_embeddings
        segments = _array(layer.token_type_embeddings)
        self.positions = _array(layer.position_embeddings) + segments[0]
        self.segments = segments - segments[0]

    def __call__(self, token_ids, segment_ids, length):
        rows, width = self.positions.shape
        if isinstance(length, int) and length > rows:
            raise ValueError(f"length {length} is over the position table's {rows} rows")
        # Ids are flat so that a quantizer can make it the one lookup that it knows.
        words = lookup(self.words.value, ops.reshape(token_ids, (-1,)))
        x = ops.reshape(words, (-1, length, width)) + ops.convert_to_tensor(self.positions)[:length]
        if len(self.segments) == 2:
            is_second = ops.expand_dims(ops.cast(segment_ids, "float32"), -1)
            x = x + is_second * self.segments[1]
        else:
            x = x + lookup(self.segments, segment_ids)
        return ops.reshape(x, (-1, width))


class _Norm:
    """LayerNorm without its beta, over the factors of the product that comes next.

    Args:
        layer: the `LayerNormalization`.
        product: the name of the input of that product; see `ranges.input_of`.
        rescaling: a `Rescaling` or None.
    """

    def __init__(self, layer, product, rescaling):
        factors = None if rescaling is None else rescaling.inputs.get(product)
        self.scale = 1.0 if factors is None else factors
        self.gamma = _array(layer.gamma) / self.scale
        self.beta = _array(layer.beta)
        self.epsilon = layer.epsilon

    def __call__(self, x):
        centered = x - ops.mean(x, axis=-1, keepdims=True)
        variance = ops.mean(ops.square(centered), axis=-1, keepdims=True)
        return centered * self.gamma * ops.rsqrt(variance + self.epsilon)

    def whole(self, x):
        """Returns what the layer returns, from what this does."""
        return _times(x, self.scale) + self.beta


class _Block:
    """A block of the encoder, from normalized tokens to normalized tokens.

    Args:
        layer: the `EncoderBlock`.
        i: its number.
        norm: the `_Norm` in front of it.
        rescaling: a `Rescaling` or None.
    """

    def __init__(self, layer, i, norm, rescaling):
        attention = layer.attention
        self.heads, self.head_size = attention.num_heads, attention.head_size
        self.activation = layer.activation
        self.norm = norm
        self.attention_norm = _Norm(layer.attention_norm, f"layer_{i}/intermediate", rescaling)
        self.output_norm = _Norm(layer.output_norm, f"layer_{i + 1}/attention", rescaling)

        def product(part, layer, before, added_to=None):
            return _Product(f"layer_{i}/{part}", layer, rescaling, before, added_to)

        self.query = product("attention/query", attention.query_dense, norm)
        # The scores of a head are divided by the root of its size; here its queries are.
        self.query.scale(self.head_size**-0.5)
        self.key = product("attention/key", attention.key_dense, norm)
        self.value = product("attention/value", attention.value_dense, norm)
        self.attention_output = product("attention/output", attention.output_dense, None, norm)
        self.intermediate = product("intermediate", layer.intermediate, self.attention_norm)
        self.output = product("output", layer.feed_forward_output, None, self.attention_norm)

    def __call__(self, x, mask_bias, length, first_only=False):
        if first_only:
            first = ops.reshape(x, (-1, length, x.shape[-1]))[:, 0, :]
            attended, weights = self._attend_from_first(first, x, mask_bias, length)
            x = first
        else:
            attended, weights = self._attend(x, mask_bias, length)
        x = self.attention_norm(self.attention_output.added_to(x, attended))
        inner = self.activation(self.intermediate(x))
        return self.output_norm(self.output.added_to(x, inner)), weights

    def _attend(self, x, mask_bias, length):
        joined = _joined(self.query, self.key, self.value)(x)
        query, key, value = self._split(joined, 3, length)
        return self._weigh(query, key, value, mask_bias)

    def _attend_from_first(self, first, x, mask_bias, length):
        query = ops.reshape(self.query(first), (-1, self.heads, 1, self.head_size))
        key, value = self._split(_joined(self.key, self.value)(x), 2, length)
        return self._weigh(query, key, value, mask_bias[:, :, :1, :])

    def _split(self, joined, count, length):
        """Returns `count` tensors of shape (batch, heads, length, head_size)."""
        joined = ops.reshape(joined, (-1, length, count * self.heads, self.head_size))
        return ops.split(ops.transpose(joined, (0, 2, 1, 3)), count, axis=1)

    def _weigh(self, query, key, value, mask_bias):
        scores = ops.matmul(query, ops.transpose(key, (0, 1, 3, 2))) + mask_bias
        weights = ops.softmax(scores, axis=-1)
        context = ops.transpose(ops.matmul(weights, value), (0, 2, 1, 3))
        return ops.reshape(context, (-1, self.heads * self.head_size)), weights


class _Product:
    """A dense layer over tokens, with what was moved into its kernel and its bias.

    Args:
        name: its name in `ranges.products`.
        layer: the dense layer.
        rescaling: a `Rescaling` or None.
        before: the `_Norm` that its input comes from without beta, or None.
        residual: the `_Norm` whose tokens, without beta, it is added to, or None.
    """

    def __init__(self, name, layer, rescaling, before, residual):
        kernel, bias = _array(layer.kernel), _array(layer.bias)
        into, out = (None, None) if rescaling is None else rescaling.factors(name)
        if before is not None:
            bias = bias + before.beta.astype("float64") @ kernel
        if residual is not None:
            bias = bias + residual.beta
        self.out = 1.0 if out is None else out
        self.kernel = kernel if into is None else kernel * into[:, None]
        self.kernel, self.bias = self.kernel / self.out, (bias / self.out).astype("float32")
        self.residual_scale = None if residual is None else residual.scale

    def scale(self, factor):
        """Multiplies what the product returns."""
        self.kernel, self.bias = self.kernel * factor, self.bias * factor

    def __call__(self, x):
        return ops.matmul(x, self.kernel) + self.bias

    def added_to(self, residual, x):
        """Returns the residual plus the product of `x`."""
        return _times(_times(residual, self.residual_scale / self.out) + self(x), self.out)


def _joined(*products):
    """Returns several products of the same input as a function that does them as one."""
    kernel = np.concatenate([product.kernel for product in products], axis=1)
    bias = np.concatenate([product.bias for product in products])
    return lambda x: ops.matmul(x, kernel) + bias


def _times(x, factor):
    """Returns `x * factor`, or `x` where the factor is 1: a converter would leave it there."""
    return x if np.isscalar(factor) else x * factor


def _array(variable):
    return keras.ops.convert_to_numpy(variable).astype("float32")
