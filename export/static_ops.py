"""Which ops of a graph a static scheme computes in whole numbers."""

# They only move numbers: computed in whole numbers where their neighbours are.
_MOVES = (
    "CONCATENATION",
    "PACK",
    "RESHAPE",
    "SLICE",
    "SPLIT",
    "STRIDED_SLICE",
    "TRANSPOSE",
    "UNPACK",
)
_ELEMENTWISE = ("ADD", "MUL", "SUB", "MEAN", "RSQRT", "SUM", "SQUARED_DIFFERENCE", "TANH")


def static_ops(graph, static):
    """Returns the ops of a `flatbuffer.Graph` that a scheme computes in whole numbers.

    Args:
        graph: the graph of a float file.
        static: see `recipes.Recipe`.

    Returns:
        A list of `flatbuffer.Op` in the order of the graph.
    """
    body = _body(graph)
    if static == "all":
        kinds = ("FULLY_CONNECTED", "BATCH_MATMUL", "GELU", "SOFTMAX", *_MOVES, *_ELEMENTWISE)
        body += _last_norm(graph, body)
        return [op for op in body if op.kind in kinds and _is_float(graph, op)]
    chosen = {op.position for op in body if op.kind in static and _is_float(graph, op)}
    if "mask" in static:
        chosen |= {op.position for op in mask_additions(graph)}
    chosen |= _between(graph, body, chosen)
    return [op for op in body if op.position in chosen]


def mask_additions(graph):
    """Returns the ops that add the mask to the scores of attention: ADD before a SOFTMAX."""
    producers = graph.producers()
    found = []
    for op in graph.ops:
        if op.kind == "SOFTMAX":
            before = producers.get(op.inputs[0])
            if before is not None and before.kind == "ADD":
                found.append(before)
    return found


def scores_of(graph, addition):
    """Returns the tensor of scores that a mask is added to."""
    producers = graph.producers()
    for tensor in addition.inputs:
        op = producers.get(tensor)
        while op is not None and op.kind in (*_MOVES, "MUL"):
            op = producers.get(op.inputs[0])
        if op is not None and op.kind == "BATCH_MATMUL":
            return tensor
    return None


def _is_float(graph, op):
    return graph.type(op.outputs[0]) == "FLOAT32"


def _body(graph):
    """Returns the ops of the encoder: what a product of attention or an activation depends on, up
    to and with the feed-forward part's second product in the last block; without what comes
    before the first product with weights.
    """
    consumers = graph.consumers()
    products = graph.products()
    first = min(op.position for op in products)
    last = max(op.position for op in graph.ops if op.kind in ("BATCH_MATMUL", "GELU"))
    # The product that takes the last activation.
    reach = [op for op in graph.ops if op.position == last]
    while reach:
        op = reach.pop()
        if op.kind == "FULLY_CONNECTED":
            last = max(last, op.position)
            continue
        for tensor in op.outputs:
            reach += [
                taker
                for taker in consumers.get(tensor, ())
                if taker.kind in (*_MOVES, "FULLY_CONNECTED")
            ]
    return [op for op in graph.ops if first <= op.position <= last]


def _last_norm(graph, body):
    """Returns the ops of the last residual and LayerNorm: those after the last product of the body
    that take nothing from outside of it, up to the last RSQRT and what scales and shifts then.
    """
    made = {tensor for op in body for tensor in op.outputs}
    after = [op for op in graph.ops if op.position > body[-1].position]
    roots = [op.position for op in after if op.kind == "RSQRT"]
    end, found = max(roots, default=-1), []
    width = graph.shape(body[-1].outputs[0])[-1]
    for op in after:
        inside = all(graph.is_constant(tensor) or tensor in made for tensor in op.inputs)
        scales = op.kind in ("ADD", "MUL", "SUB") and graph.shape(op.outputs[0])[-1] == width
        if inside and op.kind in (*_MOVES, *_ELEMENTWISE) and (op.position <= end or scales):
            found.append(op)
            made |= set(op.outputs)
    return found


def _between(graph, body, chosen):
    """Returns the positions of moves and scalings of which all neighbours are chosen."""
    producers, consumers = graph.producers(), graph.consumers()
    candidates = {
        op.position: op
        for op in body
        if op.kind in _MOVES or (op.kind == "MUL" and _by_constant(graph, op))
    }
    candidates = {p: op for p, op in candidates.items() if _is_float(graph, op)}
    found = set(candidates)
    while True:
        whole = found | chosen

        def stays(op, whole=whole):
            before = [
                producers.get(tensor)
                for tensor in op.inputs
                if not graph.is_constant(tensor) and graph.type(tensor) == "FLOAT32"
            ]
            after = [taker for tensor in op.outputs for taker in consumers.get(tensor, ())]
            return all(other is not None and other.position in whole for other in before) and (
                bool(after) and all(other.position in whole for other in after)
            )

        kept = {position for position in found if stays(candidates[position])}
        if kept == found:
            return found
        found = kept


def _by_constant(graph, op):
    return any(graph.is_constant(tensor) for tensor in op.inputs)
