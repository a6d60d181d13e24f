"""Rewrites the graph that tf2onnx writes into the form that ONNX runtimes fuse.

The opset has LayerNormalization and Gelu of its own. Attention gets the form in which onnxruntime
looks for it, when it loads a file and in its offline optimizer
(`python -m onnxruntime.transformers.optimizer`): products over tensors of three dimensions, the
scale behind the scores, the mask with its four dimensions before its arithmetic. What a rule does
not recognize stays as it is, so the graph is right in any case.
"""

import math

import numpy as np

from keras_bert.export.onnx_formulas import gelu, layer_norm
from keras_bert.export.onnx_graph import either_order, is_close, node


def fuse(graph):
    """Rewrites a graph of opset 20 or higher.

    Args:
        graph: `Graph` of one of our networks, converted by tf2onnx.

    Returns:
        A dict of rule to how often it was applied.
    """
    rules = (plain_lookup, position_lookup, product, split_heads, mask, scale, layer_norm, gelu)
    return {rule.__name__: graph.rewrite(rule) for rule in rules}


# === Embeddings ===


def plain_lookup(graph, found):
    """Rows are looked up by the ids themselves: ONNX's Gather counts negative ones from the end.

    tf2onnx writes ids + rows * (ids < 0), with the two cases multiplied by 0 and 1.
    """
    if found.op_type != "Gather" or graph.array(found.input[0]) is None:
        return None
    total = graph.writer(found.input[1], "Add")
    for name in total.input if total is not None else ():
        kept = graph.writer(name, "Mul")
        for ids, case in either_order(kept) if kept is not None else ():
            path = graph.path(case, "Cast", "Not", "Less", "Cast")
            if path is None or path[3].input[0] != ids:
                continue
            if graph.is_number(path[2].input[1], 0):
                return [node("Gather", [found.input[0], ids], found.output[0], axis=0)]
    return None


def position_lookup(graph, found):
    """(words + rows of positions) + segments becomes (words + segments) + looked-up positions.

    It is the form of PyTorch's files, in which onnxruntime finds the whole embedding.
    """
    first = graph.writer(found.input[0], "Add") if found.op_type == "Add" else None
    if first is None:
        return None
    words, segments = graph.writer(first.input[0], "Gather"), graph.writer(found.input[1], "Gather")
    rows = graph.writer(first.input[1], "Slice")
    if words is None or segments is None or rows is None:
        return None
    table = graph.array(rows.input[0])
    if table is None or table.ndim != 2 or not graph.is_number(rows.input[1], 0):
        return None
    name = found.output[0]
    zero, one = (graph.constant(np.array([i], "int64"), f"axis_{i}") for i in (0, 1))
    index = graph.constant(np.array(1, "int64"), "index_of_length")
    numbers = graph.constant(np.arange(len(table), dtype="int64")[None], "position_ids")
    return [
        node("Shape", [words.input[1]], f"{name}/shape"),
        node("Gather", [f"{name}/shape", index], f"{name}/length", axis=0),
        node("Unsqueeze", [f"{name}/length", zero], f"{name}/end"),
        node("Slice", [numbers, zero, f"{name}/end", one], f"{name}/position_ids"),
        node("Gather", [rows.input[0], f"{name}/position_ids"], f"{name}/positions", axis=0),
        node("Add", [words.output[0], segments.output[0]], f"{name}/words"),
        node("Add", [f"{name}/words", f"{name}/positions"], name),
    ]


# === Products over tokens ===


def product(graph, found):
    """A product over rows, (batch x length, width), becomes one over (batch, length, width)."""
    sizes = _sizes_behind_length(graph, found)
    if sizes is None or graph.rank(found.output[0]) != 2 + len(sizes):
        return None
    bias = graph.writer(found.input[0], "Add")
    if bias is not None and not graph.is_vector(bias.input[1]):
        return None
    path = graph.path((bias or found).input[0], "MatMul", "Reshape")
    kernel = graph.array(path[0].input[1]) if path is not None else None
    if kernel is None or kernel.shape != (kernel.shape[0], math.prod(sizes)):
        return None
    x, shape = path[1].input[0], graph.array(path[1].input[1])
    rank = graph.rank(x)
    if shape is None or shape.tolist() != [-1, len(kernel)] or rank not in (3, 4):
        return None
    # The layer's name is in those of its tensors; `onnx_quantize.smooth` looks for it.
    name = path[0].output[0]
    steps = [("MatMul", path[0].input[1])]
    if rank == 4:  # the heads of attention are put together again
        steps.insert(0, ("Reshape", _shape(graph, len(kernel))))
    if bias is not None:
        steps.append(("Add", bias.input[1]))
    if len(sizes) > 1:
        steps.append(("Reshape", _shape(graph, *sizes)))
    nodes = []
    for i, (op_type, other) in enumerate(steps, start=1):
        step = f"{name}/{i}_{op_type}"
        output = found.output[0] if i == len(steps) else step
        nodes.append(node(op_type, [x, other], output, step))
        x = output
    return nodes


def split_heads(graph, found):
    """The shape (batch, length, heads, head size) is written as a constant."""
    sizes = _sizes_behind_length(graph, found)
    if sizes is None or len(sizes) != 2 or graph.rank(found.input[0]) != 3:
        return None
    return [node("Reshape", [found.input[0], _shape(graph, *sizes)], found.output[0])]


def _shape(graph, *sizes):
    """Returns the shape (batch, length, *sizes); 0 in a Reshape keeps a dimension."""
    return graph.constant(np.array([0, 0, *sizes], "int64"), f"shape_{'_'.join(map(str, sizes))}")


def _sizes_behind_length(graph, found):
    """Returns the constant sizes behind (batch, length) of a Reshape's computed shape, or None."""
    path = found.op_type == "Reshape" and (
        graph.path(found.input[1], "Cast", "Concat") or graph.path(found.input[1], "Concat")
    )
    if not path:
        return None
    parts = [graph.array(part) for part in path[-1].input]
    computed = [i for i, part in enumerate(parts) if part is None]
    if len(computed) != 1:
        return None
    (place,) = computed
    leading = [int(n) for part in parts[:place] for n in part]
    sizes = [int(n) for part in parts[place + 1 :] for n in part]
    # (-1, length, …), or both in one tensor, as `Dense` on three dimensions has it.
    return sizes if sizes and leading in ([-1], []) else None


# === Attention ===


def mask(graph, found):
    """(1 - mask) * value gets its two more dimensions before its arithmetic, not behind."""
    path = graph.path(found.output[0], "Unsqueeze", "Unsqueeze", "Mul", "Sub", "Cast")
    if path is None or graph.rank(path[4].input[0]) != 2:
        return None
    if any(graph.array(each.input[1]).tolist() != [1] for each in path[:2]):
        return None
    value, _ = graph.number_and_other(path[2])
    if value is None or not graph.is_number(path[3].input[0], 1):
        return None
    name = found.output[0]
    axes = [graph.constant(np.array([i], "int64"), f"axis_{i}") for i in (1, 2)]
    value = graph.constant(np.array(value, "float32"), "mask_value")
    return [
        node("Unsqueeze", [path[4].input[0], axes[0]], f"{name}/mask_of_3"),
        node("Unsqueeze", [f"{name}/mask_of_3", axes[1]], f"{name}/mask_of_4"),
        node("Cast", [f"{name}/mask_of_4"], f"{name}/mask", to=1),
        node("Sub", [path[3].input[0], f"{name}/mask"], f"{name}/is_padding"),
        node("Mul", [f"{name}/is_padding", value], name),
    ]


def scale(graph, found):
    """Scores are divided by sqrt(head size), where the network scales the query before."""
    if found.op_type != "MatMul":
        return None
    path = graph.path(found.input[0], "Transpose", "Reshape", "Mul", "Add")
    factor, query = graph.number_and_other(path[2]) if path is not None else (None, None)
    if not factor or not is_close(factor * (root := round(factor**-2) ** 0.5), 1):
        return None
    name = found.output[0]
    root = graph.constant(np.array(root, "float32"), "sqrt_of_head_size")
    perm = list(path[0].attribute[0].ints)
    return [
        node("Reshape", [query, path[1].input[1]], f"{name}/query"),
        node("Transpose", [f"{name}/query"], f"{name}/query_of_heads", perm=perm),
        node("MatMul", [f"{name}/query_of_heads", found.input[1]], f"{name}/scores"),
        node("Div", [f"{name}/scores", root], name),
    ]
