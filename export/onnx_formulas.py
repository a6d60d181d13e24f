"""Formulas of several nodes that are one op of the ONNX opset: LayerNormalization and Gelu.

These are rules for `onnx_graph.Graph.rewrite`.
"""

import math

from keras_bert.export.onnx_graph import either_order, is_close, node


def layer_norm(graph, found):
    """(x - mean) * (gamma / sqrt(variance + epsilon)) + beta becomes LayerNormalization."""
    product = graph.writer(found.input[0], "Mul") if found.op_type == "Add" else None
    if product is None or not graph.is_vector(found.input[1]):
        return None
    for centered, factor in either_order(product):
        subtraction, weighted = graph.writer(centered, "Sub"), graph.writer(factor, "Mul")
        if subtraction is None or weighted is None:
            continue
        x, mean = subtraction.input[0], graph.writer(subtraction.input[1], "ReduceMean")
        if mean is None or mean.input[0] != x or not _is_over_last(graph, mean):
            continue
        for inverse, gamma in either_order(weighted):
            epsilon = _epsilon(graph, inverse, centered)
            if epsilon is not None and graph.is_vector(gamma):
                inputs = [x, gamma, found.input[1]]
                name = found.output[0]
                return [node("LayerNormalization", inputs, name, axis=-1, epsilon=epsilon)]
    return None


def _epsilon(graph, inverse, centered):
    """Returns the epsilon of 1 / sqrt(mean(centered ** 2) + epsilon); None if it is not that."""
    path = graph.path(inverse, "Reciprocal", "Sqrt", "Add", "ReduceMean", "Mul")
    if path is None or set(path[4].input) != {centered} or not _is_over_last(graph, path[3]):
        return None
    return graph.number_and_other(path[2])[0]


def _is_over_last(graph, reduction):
    axes = graph.array(reduction.input[1]) if len(reduction.input) > 1 else None
    if axes is None or axes.tolist() not in ([-1], [graph.rank(reduction.input[0]) - 1]):
        return False
    return not any(each.name == "keepdims" and not each.i for each in reduction.attribute)


def gelu(graph, found):
    """x * 0.5 * (1 + erf(x / sqrt(2))), and the approximation with tanh, become Gelu."""
    for first, second in either_order(found) if found.op_type == "Mul" else ():
        half, total = graph.writer(first, "Mul"), graph.writer(second, "Add")
        if half is None or total is None:
            continue
        factor, x = graph.number_and_other(half)
        one, curve = graph.number_and_other(total)
        if not is_close(factor, 0.5) or not is_close(one, 1):
            continue
        if _is_erf(graph, curve, x):
            return [node("Gelu", [x], found.output[0])]
        if _is_tanh(graph, curve, x):
            return [node("Gelu", [x], found.output[0], approximate="tanh")]
    return None


def _is_erf(graph, curve, x):
    """Returns whether a tensor is erf(x / sqrt(2))."""
    path = graph.path(curve, "Erf", "Mul")
    if path is None:
        return False
    factor, argument = graph.number_and_other(path[1])
    return argument == x and is_close(factor, math.sqrt(0.5))


def _is_tanh(graph, curve, x):
    """Returns whether a tensor is tanh(sqrt(2 / pi) * (x + 0.044715 * x ** 3))."""
    path = graph.path(curve, "Tanh", "Mul", "Add")
    if path is None or x not in path[2].input:
        return False
    factor, _ = graph.number_and_other(path[1])
    (cubic,) = (name for name in path[2].input if name != x)
    scaled = graph.path(cubic, "Mul", "Pow")
    if scaled is None or scaled[1].input[0] != x or not graph.is_number(scaled[1].input[1], 3):
        return False
    share, _ = graph.number_and_other(scaled[0])
    return is_close(factor, math.sqrt(2 / math.pi)) and is_close(share, 0.044715)
