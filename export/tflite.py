"""Writes a Keras model as a TFLite file: built-in ops only, named signature, metadata inside."""

import os

from keras_bert.errors import InputError
from keras_bert.export import metadata
from keras_bert.export.contents import TFLITE_INPUTS, exported_files
from keras_bert.export.text_input import CUSTOM_OPS, TextInput
from keras_bert.files import replacing_file, temporary_folder

QUANTIZATIONS = ("none", "float16", "dynamic")
# With these ops a file is converted but cannot run, or runs without its weights: a variable that
# is not frozen means that the weights are not in the file.
_VARIABLE_OPS = ("VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE")


def export_tflite(bert, path, length=None, quantize="none", tokenizer="outside"):
    """Writes a model as a TFLite file.

    Args:
        bert: a `Bert` with a task.
        path: the file to write.
        length: tokens of the fixed input shape (1, length); "dynamic" leaves batch and length
            open; None uses the model's `max_length`.
        quantize: "none" (float32), "float16" (weights stored in half the size), or "dynamic"
            (int8 weights, activations quantized row by row at run time).
        tokenizer: "outside" (token ids in), or "in_graph" (raw text in, see `text_input`).

    Returns:
        A dict: `path`, `bytes`, and `ops`, the number of each op in the graph.

    Raises:
        InputError: `length` is over the position table, `quantize` is not known, or the model
            cannot take raw text.
    """
    if quantize not in QUANTIZATIONS:
        raise InputError(f"quantize {quantize!r} is not one of {', '.join(QUANTIZATIONS)}")
    files = exported_files(bert, length)
    fixed = bert.config.max_length if length is None else length
    shape = [None, None] if length == "dynamic" else [1, fixed]
    text_input = TextInput(bert, length or fixed) if tokenizer == "in_graph" else None
    model = convert(bert, shape, quantize, text_input)
    ops = count_ops(model)
    check_ops(ops, () if text_input is None else CUSTOM_OPS)
    model = metadata.add_metadata(
        model,
        input_order(model),
        {name: bert.task.outputs[name] for name in output_order(model)},
        files,
        bert.task.export_name,
        bert.task.export_description,
    )
    with replacing_file(path) as temporary, open(temporary, "wb") as file:
        file.write(model)
    return {"path": os.fspath(path), "bytes": len(model), "ops": ops}


def convert(bert, shape, quantize="none", text_input=None):
    """Converts a model to the bytes of a TFLite file without metadata.

    Args:
        bert: a `Bert` with a task.
        shape: shape of each input, None where open.
        quantize: see `export_tflite`.
        text_input: `TextInput`, whose inputs the file then has; None for token ids.
    """
    import keras
    import tensorflow as tf
    from keras import ops

    network = bert.network
    signature = [tf.TensorSpec(shape, tf.int32, name=name) for name in TFLITE_INPUTS]

    def from_tokens(ids, segment_ids, mask):
        inputs = {"token_ids": ids, "segment_ids": segment_ids, "padding_mask": mask}
        logits = network(inputs, training=False)
        return bert.model.outputs_from_logits(logits, bert.config.settings, ops)

    def from_text(text, text_b=None):
        return from_tokens(*text_input(text, text_b))

    function = tf.function(from_tokens, input_signature=signature)
    if text_input is not None:
        # Without AutoGraph, which would rewrite the tables' making too.
        function = tf.function(from_text, text_input.signature(), autograph=False)

    # Through ExportArchive and a SavedModel: the direct ways omit the weights of a Keras 3 model
    # without an error, or lose fixed shapes.
    with temporary_folder() as folder:
        archive = keras.export.ExportArchive()
        archive.track(network)
        archive.add_endpoint("serving_default", function)
        archive.write_out(folder, verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(
            folder, signature_keys=["serving_default"]
        )
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        converter.allow_custom_ops = text_input is not None
        if quantize != "none":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if quantize == "float16":
            converter.target_spec.supported_types = [tf.float16]
        return converter.convert()


def count_ops(model):
    """Returns a dict of op name to its number in the graph of a TFLite file's bytes."""
    from ai_edge_litert import schema_py_generated as schema

    names = {v: k for k, v in vars(schema.BuiltinOperator).items() if not k.startswith("_")}
    root = schema.Model.GetRootAs(model, 0)
    counts = {}
    for i in range(root.SubgraphsLength()):
        graph = root.Subgraphs(i)
        for j in range(graph.OperatorsLength()):
            code = root.OperatorCodes(graph.Operators(j).OpcodeIndex())
            builtin = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
            name = names[builtin]
            if name == "CUSTOM":
                name = f"CUSTOM {code.CustomCode().decode()}"
            counts[name] = counts.get(name, 0) + 1
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def check_ops(ops, custom=()):
    """Raises RuntimeError if a file has an op that plain LiteRT cannot run, naming it.

    Args:
        ops: the names of its ops, as in the result of `count_ops`.
        custom: names of custom ops that it may have.
    """
    allowed = {f"CUSTOM {name}" for name in custom}
    bad = [op for op in ops if op.startswith("CUSTOM") and op not in allowed or op in _VARIABLE_OPS]
    if bad:
        raise RuntimeError(
            f"the TFLite file would need {', '.join(bad)}, which no plain LiteRT runtime has"
        )


def input_order(model):
    """Returns the on-device names of the inputs in the order of the file's tensors.

    The converter does not keep the signature's order, and metadata refers to positions.
    """
    return _order(model, "Inputs")


def output_order(model):
    """Returns the names of the outputs in the order of the file's tensors."""
    return _order(model, "Outputs")


def _order(model, side):
    from ai_edge_litert import schema_py_generated as schema

    root = schema.Model.GetRootAs(model, 0)
    signature, graph = root.SignatureDefs(0), root.Subgraphs(0)
    entry, count = getattr(signature, side), getattr(signature, f"{side}Length")()
    names = {entry(i).TensorIndex(): entry(i).Name().decode() for i in range(count)}
    return [names[getattr(graph, side)(i)] for i in range(getattr(graph, f"{side}Length")())]
