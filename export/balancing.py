"""Queries, keys and values of one range, for a file in which the three are one tensor.

A static tensor has one scale. The queries, which are divided by the root of a head's size, have a
small part of the keys' range, and would be left with few steps. A factor between them changes no
number: scores are the products of both, and what is taken from the values is given back in the
projection that takes them.
"""

import numpy as np

_MOVES = ("RESHAPE", "TRANSPOSE", "SPLIT", "SLICE", "STRIDED_SLICE", "MUL")


def balance(graph, amplitude):
    """Scales the parts of each joined product of a `flatbuffer.Graph`, in its weights alone.

    Args:
        graph: the graph of a float file.
        amplitude: function of a tensor; the largest |x| of each channel of a product's output.

    Returns:
        The number of products that were changed.
    """
    count = 0
    for op in graph.products():
        parts = _parts(graph, op)
        if parts is None:
            continue
        largest = np.split(amplitude(op.outputs[0]), len(parts))
        sizes = {role: max(float(x.max()), 1e-6) for role, x in zip(parts, largest)}
        if "query" not in sizes:
            # The query of the last block is of one token, and a product of its own.
            factors = {"key": 1.0, "value": sizes["key"] / sizes["value"]}
        else:
            both = np.sqrt(sizes["query"] * sizes["key"])
            factors = {role: both / size for role, size in sizes.items()}
        scale = np.repeat([factors[role] for role in parts], len(largest[0])).astype("float32")
        _scale_rows(graph, op, scale)
        _scale_columns(graph, _taker(graph, op), 1 / np.float32(factors["value"]))
        count += 1
    return count


def _parts(graph, op):
    """Returns the roles of the parts of a joined product, a list; None for other products."""
    consumers = graph.consumers()
    split = _below(consumers, op.outputs[0], "SPLIT")
    if split is None:
        return None
    roles = []
    for tensor in split.outputs:
        product = _below(consumers, tensor, "BATCH_MATMUL")
        if product is None:
            return None
        scores = _below(consumers, product.outputs[0], "SOFTMAX", ("ADD", *_MOVES)) is not None
        is_first = _leads(consumers, tensor, product.inputs[0])
        roles.append(("query" if is_first else "key") if scores else "value")
    known = (["query", "key", "value"], ["key", "value"])
    return roles if roles in known else None


def _taker(graph, op):
    """Returns the product that takes the weighted values of a joined product."""
    consumers = graph.consumers()
    split = _below(consumers, op.outputs[0], "SPLIT")
    context = _below(consumers, split.outputs[-1], "BATCH_MATMUL")
    return _below(consumers, context.outputs[0], "FULLY_CONNECTED")


def _below(consumers, tensor, kind, through=_MOVES):
    """Returns the op of a kind that a tensor leads to through moves; None if others are between."""
    for op in consumers.get(tensor, ()):
        if op.kind == kind:
            return op
        if op.kind in through:
            found = _below(consumers, op.outputs[0], kind, through)
            if found is not None:
                return found
    return None


def _leads(consumers, tensor, wanted):
    if tensor == wanted:
        return True
    return any(
        _leads(consumers, op.outputs[0], wanted)
        for op in consumers.get(tensor, ())
        if op.kind in _MOVES
    )


def _scale_rows(graph, op, scale):
    graph.set_input(op, 1, graph.floats(op.inputs[1]) * scale[:, None])
    if len(op.inputs) > 2 and op.inputs[2] >= 0:
        graph.set_input(op, 2, graph.floats(op.inputs[2]) * scale)


def _scale_columns(graph, op, scale):
    graph.set_input(op, 1, graph.floats(op.inputs[1]) * scale)
