"""Fake quantization: a network computes with the numbers that its quantized file will hold.

In a dynamic-range TFLite file each product has weights of 4 or 8 bits, one scale for each output
channel, and the runtime rounds the product's input to 8 bits, token by token; those of few weights
are float, as many a head is. Here the same
rounding is done in float, so that a training step sees its error. The gradient passes through a
rounding as if it were not there ("straight-through", Bengio et al. 2013, arXiv:1308.3432).

Layers are plain until `enable(model, ...)`. It changes no weight, no config and nothing that is
saved; a copy or a reloaded model is plain again.
"""

import dataclasses

import numpy as np
from keras import ops

from keras_bert.config import FEWEST_QUANTIZED, QUANTIZED_WEIGHTS, TABLE_BITS
from keras_bert.errors import InputError
from keras_bert.keras_internals import all_layers
from keras_bert.layers.dense import Dense
from keras_bert.layers.embeddings import BertEmbeddings
from keras_bert.quantization.ranges import input_of, products

# litert-quantizer's `tensor_zp_scale_from_min_max`: no scale is 0.
_LEAST_RANGE = 1e-9


def enable(model, scheme, table_bits=None, rescaling=None):
    """Makes a network compute as its quantized file does, in training and in inference.

    Call it before the model is compiled: it does not change a traced function.

    Args:
        model: a network of this package, in float32.
        scheme: a key of `QUANTIZED_WEIGHTS`.
        table_bits: bits of the word table, of `TABLE_BITS`; None: as many as the weights have.
        rescaling: `Rescaling` that the file is written with; None for none.

    Raises:
        InputError: the scheme or the bits are not known, or the rescaling is of another network.
    """
    if scheme not in QUANTIZED_WEIGHTS:
        raise InputError(
            f"expected one of {', '.join(QUANTIZED_WEIGHTS)}", "quantize_aware", scheme
        )
    bits = QUANTIZED_WEIGHTS[scheme]
    table_bits = table_bits or bits
    if table_bits not in TABLE_BITS:
        raise InputError("expected 4 or 8", "table_bits", table_bits)
    known = _products_of(getattr(model, "encoder", model), rescaling)
    for layer in all_layers(model):
        if isinstance(layer, Dense) and np.prod(layer.kernel.shape) >= FEWEST_QUANTIZED:
            layer.product = Product(bits, **known.get(id(layer), {}))
        elif isinstance(layer, BertEmbeddings):
            layer.lookup = Lookup(table_bits)


def _products_of(encoder, rescaling):
    """Returns what is known of the products of the blocks: dict by a layer's id of dicts."""
    if rescaling is not None:
        rescaling.check(encoder)
    norm, norms = encoder.embeddings_norm, {}
    for block in encoder.blocks:
        norms[f"{block.name}/attention"] = norm
        norms[f"{block.name}/intermediate"] = block.attention_norm
        norm = block.output_norm
    found = {}
    for name, layer in products(encoder).items():
        before, after = (None, None) if rescaling is None else rescaling.factors(name)
        norm = norms.get(input_of(name))
        found[id(layer)] = {"before": before, "after": after, "norm": norm}
    return found


@dataclasses.dataclass(frozen=True, eq=False)
class Product:
    """What a `Dense` layer computes in its place: the product of a quantized file.

    Attributes:
        bits: bits of the weights.
        before, after: see `Rescaling.factors`, float32 vectors or None.
        norm: the `LayerNormalization` that the input comes from, or None. A file adds its beta
            after the product, by way of the bias (see `layers.deployed`), so that only what is
            without it is rounded.
    """

    bits: int
    before: np.ndarray | None = None
    after: np.ndarray | None = None
    norm: object = None

    def __call__(self, layer, x):
        kernel, bias = layer.kernel, layer.bias
        if self.norm is not None:
            beta = ops.convert_to_tensor(self.norm.beta)
            bias = bias + ops.matmul(ops.expand_dims(beta, 0), kernel)
            x = x - beta
        if self.before is not None:
            x = x / self.before
            kernel = kernel * self.before[:, None]
        if self.after is not None:
            kernel = kernel / self.after
            bias = None if bias is None else bias / self.after
        y = ops.matmul(rounded_rows(x), rounded_weights(kernel, self.bits, axis=0))
        y = y if bias is None else y + bias
        y = y if self.after is None else y * self.after
        return y if layer.activation is None else layer.activation(y)


@dataclasses.dataclass(frozen=True)
class Lookup:
    """What `BertEmbeddings` makes of the rows of its word table.

    Attributes:
        bits: bits of the table, which has a scale for each row.
    """

    bits: int

    def __call__(self, rows):
        return rounded_weights(rows, self.bits, axis=-1)


def rounded_weights(weights, bits, axis):
    """Returns weights as litert-quantizer's `min_max_uniform_quantize` rounds them.

    Symmetric, as `uniform_quantize_tensor.py` of its version 0.11 has it: the scale is the largest
    absolute value over 7 (4 bits) or 127 (8 bits). Bit for bit the numbers that a file holds.

    Args:
        weights: float32 tensor.
        bits: 4 or 8.
        axis: int, the numbers along it share a scale.
    """
    highest = 2 ** (bits - 1) - 1
    largest = ops.max(ops.abs(weights), axis=axis, keepdims=True)
    scale = ops.maximum(largest, _LEAST_RANGE) / highest
    return _straight_through(weights, ops.round(weights / scale) * scale)


def rounded_rows(x):
    """Returns activations as a dynamic-range product of XNNPACK rounds them: 8 bits a row.

    Asymmetric: the 256 steps go from the row's smallest number, or 0, to its largest, or 0, and 0
    is one of them (`xnn_f32_qd8_asymmetric_quantization_params` in XNNPACK's
    src/xnnpack/quantization.h).

    Args:
        x: float32 tensor; its last axis is a row.
    """
    low = ops.minimum(ops.min(x, axis=-1, keepdims=True), 0.0)
    high = ops.maximum(ops.max(x, axis=-1, keepdims=True), 0.0)
    steps = 255.0 / ops.maximum(high - low, 1e-30)  # in 1; of a row of zeros any number will do
    # The end of the range that the rounded zero moves least decides.
    from_low, from_high = -128.0 - low * steps, 127.0 - high * steps
    zero = ops.where((-128.0 + low * steps) + (127.0 + high * steps) > 0, from_low, from_high)
    zero = ops.round(ops.clip(zero, -128.0, 127.0))
    rounded = ops.clip(ops.round(x * steps) + zero, -128.0, 127.0)
    return _straight_through(x, (rounded - zero) / steps)


def _straight_through(x, rounded):
    # Not x + stop_gradient(rounded - x), which misses `rounded` by the last bit.
    return ops.stop_gradient(rounded) + (x - ops.stop_gradient(x))
