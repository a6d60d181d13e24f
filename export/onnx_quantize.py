"""Weights of an ONNX graph in fewer bits: half floats, or int8 with dynamic ranges.

onnxruntime's own `quantize_dynamic` is not used: it has one scale for the whole word table, writes
through files, and warns of a preparation that this graph does not need. The nodes of a product are
those that it writes, so that onnxruntime runs them as one op.
"""

import re

import numpy as np

from keras_bert.errors import InputError
from keras_bert.export.onnx_graph import node

QUANTIZATIONS = ("none", "float16", "dynamic")
# Smaller constants weigh nothing, and are biases, LayerNorm's factors and the like.
_LEAST_SIZE = 1024
# The name of a dense layer in the name of its product, where Keras has added numbers.
_PRODUCT = re.compile(
    r"/(?P<block>layer_\d+)(?:_\d+)?/(?:(?P<attention>attention)(?:_\d+)?/)?"
    r"(?P<part>query|key|value|output|intermediate)(?:_\d+)?/MatMul"
)


def half_floats(graph):
    """Stores large constants as float16; a runtime turns them back into float32 when it loads.

    Raises:
        InputError: a weight is too large for float16.
    """

    def stored(graph, found):
        # A node of each type that takes weights has them at one place.
        place = {"MatMul": 1, "Gather": 0}.get(found.op_type)
        weights = graph.array(found.input[place]) if place is not None else None
        if not _is_large(weights):
            return None
        if np.abs(weights).max() > np.finfo("float16").max:
            raise InputError(f"{found.input[place]} has weights that are too large for float16")
        inputs = list(found.input)
        half = graph.constant(weights.astype("float16"), f"{inputs[place]}/float16")
        inputs[place] = f"{found.output[0]}/weights"
        return [node("Cast", [half], inputs[place], to=1), _with_inputs(found, inputs)]

    return graph.rewrite(stored)


def dynamic(graph):
    """Stores the kernels of products, by column, and the embeddings, by row, as int8.

    A product's input gets a scale and a zero point at run time, for the whole batch together.
    """
    return graph.rewrite(_integer_product) + graph.rewrite(_integer_lookup)


def _integer_product(graph, found):
    kernel = graph.array(found.input[1]) if found.op_type == "MatMul" else None
    # A head is a small product, and it alone can turn an answer.
    if not _is_large(kernel) or graph.rank(found.input[0]) == 2:
        return None
    x, name = found.input[0], found.output[0]
    values, scale = _int8(kernel, axis=0)
    values = graph.constant(values, f"{found.input[1]}/int8")
    scale = graph.constant(scale[0], f"{found.input[1]}/scale")
    from onnx import helper

    quantized = [f"{x}/uint8", f"{x}/scale", f"{x}/zero_point"]
    nodes = []
    if graph.writer(quantized[0]) is None:  # query, key and value share their input
        nodes.append(helper.make_node("DynamicQuantizeLinear", [x], quantized, name=quantized[0]))
    return [
        *nodes,
        node("MatMulInteger", [quantized[0], values, quantized[2]], f"{name}/int32"),
        node("Cast", [f"{name}/int32"], f"{name}/float", to=1),
        node("Mul", [quantized[1], scale], f"{name}/scale"),
        node("Mul", [f"{name}/float", f"{name}/scale"], name),
    ]


def _integer_lookup(graph, found):
    table = graph.array(found.input[0]) if found.op_type == "Gather" else None
    if not _is_large(table):
        return None
    name, ids = found.output[0], found.input[1]
    values, scale = _int8(table, axis=1)
    values = graph.constant(values, f"{found.input[0]}/int8")
    scale = graph.constant(scale, f"{found.input[0]}/scale")
    return [
        node("Gather", [values, ids], f"{name}/int8", axis=0),
        node("Gather", [scale, ids], f"{name}/scale", axis=0),
        node("Cast", [f"{name}/int8"], f"{name}/float", to=1),
        node("Mul", [f"{name}/float", f"{name}/scale"], name),
    ]


def _int8(weights, axis):
    """Returns int8 values from -127 to 127, and the scales that they are multiples of."""
    scale = np.abs(weights).max(axis=axis, keepdims=True) / np.float32(127)
    scale[scale == 0] = 1
    return np.rint(weights / scale).astype("int8"), scale


def smooth(graph, rescaling, encoder):
    """Writes an exact re-scaling into the products of a graph, which returns the same numbers.

    Args:
        graph: `Graph`, rewritten by `onnx_fusion.fuse`.
        rescaling: `keras_bert.quantization.rescaling.Rescaling`.
        encoder: the `BertEncoder` that it is for.

    Raises:
        RuntimeError: a product of the encoder was not found in the graph.
    """
    from keras_bert.quantization.ranges import products

    layers = products(encoder)
    biases = {}

    def product(graph, found):
        match = _PRODUCT.search(found.name) if found.op_type == "MatMul" else None
        if match is None:
            return None
        name = "/".join(part for part in match.groups() if part)
        before, _ = rescaling.factors(name)
        kernel, bias = rescaling.weights(name, layers[name])
        if bias.any():  # tf2onnx leaves out a bias of zeros
            biases[found.output[0]] = bias
        inputs = list(found.input)
        inputs[1] = graph.constant(kernel, f"{name}/kernel")
        nodes = []
        # The values' factors are in the weights alone; the others are applied to the input.
        if before is not None and not name.endswith("/output"):
            divided = f"{inputs[0]}/divided"
            if graph.writer(divided, "Mul") is None:
                factors = graph.constant((1 / before).astype("float32"), f"{name}/factors")
                nodes.append(node("Mul", [inputs[0], factors], divided))
            inputs[0] = divided
        return [*nodes, _with_inputs(found, inputs)]

    def bias(graph, found):
        if found.op_type != "Add" or found.input[0] not in biases:
            return None
        name = graph.constant(biases[found.input[0]], f"{found.input[1]}/rescaled")
        return [_with_inputs(found, [found.input[0], name])]

    found = graph.rewrite(product), graph.rewrite(bias)
    if found != (len(layers), len(biases)):
        raise RuntimeError(
            f"{len(layers)} products and {len(biases)} biases, but in the ONNX graph {found}"
        )


def _is_large(array):
    return (
        array is not None
        and array.dtype == np.float32
        and array.ndim == 2
        and array.size >= _LEAST_SIZE
    )


def _with_inputs(found, inputs):
    """Returns a copy of a node that reads other tensors."""
    new = type(found)()
    new.CopyFrom(found)
    del new.input[:]
    new.input.extend(inputs)
    return new
