"""Names of the inputs, outputs and open dimensions of an ONNX file."""

BATCH, LENGTH, CHOICES = "batch", "length", "choices"

# The names and types that transformers.js and Hugging Face's tools feed; theirs by ours.
HUGGINGFACE_INPUTS = {
    "token_ids": "input_ids",
    "segment_ids": "token_type_ids",
    "padding_mask": "attention_mask",
}
INPUT_NAMES = ("keras", "huggingface")


def name_dimensions(model, shapes):
    """Names the open dimensions of a model's inputs and outputs, and puts the outputs in order.

    Args:
        model: `onnx.ModelProto`, changed in place; its inputs are (batch, length).
        shapes: dict of output name to its shape, of names and numbers, in the wanted order.
    """
    graph = model.graph
    for value in graph.input:
        _set_shape(value, (BATCH, LENGTH))
    by_name = {value.name: value for value in graph.output}
    for name, shape in shapes.items():
        _set_shape(by_name[name], shape)
    ordered = [by_name[name] for name in shapes]
    del graph.output[:]
    graph.output.extend(ordered)


def use_huggingface_names(model, outputs, grouped):
    """Gives a model the inputs and outputs of Hugging Face's models.

    Inputs are `input_ids`, `attention_mask`, `token_type_ids`, int64. There is an output `logits`,
    but for models with `start_logits` and `end_logits`; the model's own outputs stay.

    Args:
        model: `onnx.ModelProto`, changed in place.
        outputs: names of the task's outputs; a single one is `logits`, if no output has this name.
        grouped: whether the inputs are (batch, choices, length) and `logits` (batch, choices).
    """
    import onnx

    graph, nodes = model.graph, []
    node = onnx.helper.make_node
    for value in graph.input:
        ours, theirs = value.name, HUGGINGFACE_INPUTS[value.name]
        value.name = theirs
        value.type.tensor_type.elem_type = onnx.TensorProto.INT64
        ids = theirs
        if grouped:
            _set_shape(value, (BATCH, CHOICES, LENGTH))
            if not nodes:
                nodes += _group_shapes(graph, theirs)
            ids = f"{theirs}/rows"
            nodes.append(node("Reshape", [theirs, "shape_of_rows"], [ids], name=ids))
        cast = node("Cast", [ids], [ours], name=f"{theirs}/int32", to=onnx.TensorProto.INT32)
        nodes.append(cast)
    by_name = {value.name: value for value in graph.output}
    if "logits" not in by_name and len(outputs) == 1:
        (answer,) = outputs
        logits = onnx.ValueInfoProto()
        logits.CopyFrom(by_name[answer])
        logits.name = "logits"
        if grouped:
            _set_shape(logits, (BATCH, CHOICES))
            graph.node.append(node("Reshape", [answer, "shape_of_groups"], ["logits"]))
        else:
            graph.node.append(node("Identity", [answer], ["logits"]))
        graph.output.insert(0, logits)
    nodes += graph.node
    del graph.node[:]
    graph.node.extend(nodes)


def _group_shapes(graph, name):
    """Returns nodes that write `shape_of_rows`, (-1, length), and `shape_of_groups`, (batch,
    choices), from an input of shape (batch, choices, length).
    """
    import numpy as np
    import onnx

    node = onnx.helper.make_node
    for each, numbers in (("any", [-1]), ("first", [0]), ("third", [2]), ("fourth", [3])):
        array = np.array(numbers, "int64")
        graph.initializer.append(onnx.numpy_helper.from_array(array, f"grouped/{each}"))
    first, third, fourth = (f"grouped/{each}" for each in ("first", "third", "fourth"))
    return [
        node("Shape", [name], ["grouped/shape"]),
        node("Slice", ["grouped/shape", third, fourth], ["grouped/length"]),
        node("Slice", ["grouped/shape", first, third], ["shape_of_groups"]),
        node("Concat", ["grouped/any", "grouped/length"], ["shape_of_rows"], axis=0),
    ]


def _set_shape(value, shape):
    dims = value.type.tensor_type.shape.dim
    del dims[:]
    for size in shape:
        dim = dims.add()
        if isinstance(size, str):
            dim.dim_param = size
        else:
            dim.dim_value = size
