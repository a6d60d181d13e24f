"""The version of each op of a TFLite file, by the types of its tensors.

A runtime reads from it whether it knows how to compute the op. The numbers are those of LiteRT's
`tflite/tools/versioning/op_version.cc` (google-ai-edge/LiteRT, 2026), for the ops of our files.
"""

# Op: its version with int8, and with int16 activations; 1 with float ones.
_BY_TYPE = {
    "ADD": (2, 3),
    "BATCH_MATMUL": (2, 3),
    "CONCATENATION": (2, 3),
    "GELU": (2, 1),
    "LOGISTIC": (2, 3),
    "MAXIMUM": (2, 4),
    "MEAN": (2, 3),
    "MUL": (2, 4),
    "RSQRT": (2, 3),
    "SLICE": (2, 4),
    "SOFTMAX": (2, 3),
    "SQUARED_DIFFERENCE": (2, 2),
    "STRIDED_SLICE": (2, 2),
    "SUB": (2, 5),
    "SUM": (2, 2),
    "TANH": (2, 3),
    "TRANSPOSE": (2, 5),
}
# The first versions that know a scale for each row.
_ROW_SCALES = 12
_ROW_SCALES_OF_TABLE = 4


def version_of(op, graph):
    """Returns the smallest version that an op of a `flatbuffer.Graph` needs; 1 for others."""
    if op.kind == "FULLY_CONNECTED":
        return _of_product(op, graph)
    if op.kind == "EMBEDDING_LOOKUP":
        table = op.inputs[1]
        rows = len(_scales(graph, table)) > 1 or graph.type(table) == "INT4"
        return _ROW_SCALES_OF_TABLE if rows else 1
    if op.kind == "QUANTIZE":
        return 2 if graph.type(op.outputs[0]) == "INT16" else 1
    if op.kind == "DEQUANTIZE":
        return {"INT8": 2, "INT16": 3, "FLOAT16": 3, "INT4": 6}.get(graph.type(op.inputs[0]), 1)
    if op.kind == "SPLIT":
        return {"INT8": 2, "INT16": 4}.get(graph.type(op.inputs[1]), 1)
    if op.kind in _BY_TYPE:
        of_int8, of_int16 = _BY_TYPE[op.kind]
        if op.kind == "MUL" and _grows(op, graph):
            of_int8 = 3
        return {"INT8": of_int8, "INT16": of_int16}.get(graph.type(op.inputs[0]), 1)
    return 1


def _of_product(op, graph):
    x, weights = op.inputs[:2]
    of_x, of_weights = graph.type(x), graph.type(weights)
    no_bias = len(op.inputs) < 3 or op.inputs[2] < 0
    keeps = op.operator.builtinOptions is not None and op.operator.builtinOptions.keepNumDims
    least = 6 if no_bias else 5 if keeps else 1
    if of_weights == "FLOAT32":
        return least
    if of_x == "FLOAT32":
        if len(_scales(graph, weights)) > 1:
            return _ROW_SCALES
        return max(least, 10 if of_weights == "INT4" else 3)
    if of_x == "INT8":
        return max(least, 10 if of_weights == "INT4" else 4)
    return max(least, 13 if of_weights == "INT4" else 7)


def _scales(graph, tensor):
    quantization = graph.tensors[tensor].quantization
    if quantization is None or quantization.scale is None:
        return ()
    return quantization.scale


def _grows(op, graph):
    scales = [_scales(graph, tensor) for tensor in (*op.inputs[:2], op.outputs[0])]
    return all(len(scale) for scale in scales) and (
        scales[0][0] * scales[1][0] / scales[2][0] >= 1.0
    )
