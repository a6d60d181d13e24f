"""Writes a Keras model as a TFLite file: built-in ops only, named signature, metadata inside."""

import contextlib
import dataclasses
import os

from keras_bert.errors import InputError
from keras_bert.export import calibration as calibrations
from keras_bert.export import delegates, metadata, quantizer
from keras_bert.export.contents import TFLITE_INPUTS, exported_files
from keras_bert.export.joining import joined
from keras_bert.export.keep_tokens import shortening_of
from keras_bert.export.recipes import QUANTIZATIONS, RECIPES
from keras_bert.export.text_input import CUSTOM, CUSTOM_OPS, TextInput
from keras_bert.files import replacing_file, temporary_folder

# With these ops a file is converted but cannot run, or runs without its weights: a variable that
# is not frozen means that the weights are not in the file.
_VARIABLE_OPS = ("VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE")


def export_tflite(
    bert,
    path,
    length=None,
    quantize="none",
    calibration=None,
    table_bits=None,
    per_tensor=False,
    rescaling=None,
    layout=None,
    tokenizer="outside",
    keep_tokens=None,
):
    """Writes a model as a TFLite file.

    Args:
        bert: a `Bert` with a task.
        path: the file to write.
        length: tokens of the fixed input shape (1, length); "dynamic" leaves batch and length
            open; None uses the model's `max_length`.
        quantize: the name of a `recipes.Recipe`.
        calibration: rows on which ranges are measured: the path of a file that the task reads, or
            examples as `in_hand.examples_of` takes them; None for none.
        table_bits: 8 or 4, of the word table where the file is quantized; None: 4 with "int4".
        per_tensor: one scale for each matrix instead of one for each output.
        rescaling: the `Rescaling` that the model was trained with, or None to measure one.
        layout: `FileLayout` of the calibration's file; None for its defaults.
        tokenizer: "outside" (token ids in), or "in_graph" (raw text in, see `text_input`).
        keep_tokens: after which blocks how many tokens are kept, see `keep_tokens.steps_of`.

    Returns:
        A dict: `path`, `bytes`, and `ops`, the number of each op in the graph; `quantize`;
        `calibration_rows`, how many rows were measured; `rescaled`, whether re-scalings were
        applied; `max_drop`, the largest drop that its scheme may cost; and what
        `delegates.report` says of the file.

    Raises:
        InputError: `length` is over the position table, `quantize` is not known, the
            calibration does not fit the model, or the model cannot take raw text.
    """
    if quantize not in QUANTIZATIONS:
        raise InputError(f"quantize {quantize!r} is not one of {', '.join(QUANTIZATIONS)}")
    recipe = RECIPES[quantize]
    files = exported_files(bert, length)
    fixed = bert.config.max_length if length is None else length
    shape = [None, None] if length == "dynamic" else [1, fixed]
    shortening = shortening_of(bert, keep_tokens)
    text_input = TextInput(bert, fixed) if tokenizer == "in_graph" else None
    examples, inputs = None, None
    if calibration is not None:
        examples = calibrations.read_calibration(bert, calibration, layout)
        inputs = calibrations.inputs_of(
            bert, examples, bert.config.max_length if length == "dynamic" else fixed
        )
    trained = rescaling is not None
    if recipe.rescaled and not trained and examples is not None:
        rescaling = _measured(bert, recipe, examples)
    if not recipe.rescaled:
        rescaling = None
    with static_mask(bert, recipe):
        model = convert(bert, shape, rescaling, shortening)
    model = quantizer.quantized(
        model,
        # Training has seen the weights rounded to the nearest step.
        dataclasses.replace(recipe, rounding="nearest") if trained else recipe,
        inputs,
        table_bits=table_bits or (4 if recipe.weight_bits == 4 else 8),
        per_tensor=per_tensor,
    )
    report = delegates.report(model)
    if text_input is not None:
        model = joined(text_input.convert(), model)
        # The tokenizer's ops run somewhere too; its sizes are open.
        report["delegates"] = delegates.report(model)["delegates"]
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
    return {
        "path": os.fspath(path),
        "bytes": len(model),
        "ops": ops,
        "quantize": quantize,
        "calibration_rows": 0 if examples is None else len(examples),
        "rescaled": rescaling is not None,
        "max_drop": recipe.gate(rescaling is not None),
        **report,
    }


def _measured(bert, recipe, examples):
    """Returns the re-scaling that fits a model's ranges on examples."""
    from keras_bert.quantization.ranges import measure
    from keras_bert.quantization.rescaling import rescaling_of

    ranges = measure(bert, examples)
    return rescaling_of(bert.encoder, ranges, output_beta=recipe.output_beta)


@contextlib.contextmanager
def static_mask(bert, recipe):
    """Within the block the mask adds what a static scheme can bear."""
    layer = bert.encoder.attention_mask
    value = layer.value
    if recipe.static:
        layer.value = quantizer.STATIC_MASK
    try:
        yield
    finally:
        layer.value = value


def convert(bert, shape, rescaling=None, shortening=None):
    """Converts a model to the bytes of a float TFLite file without metadata.

    Args:
        bert: a `Bert` with a task.
        shape: shape of each input, None where open.
        rescaling: a `Rescaling` of its products, or None.
        shortening: a `Shortening` of its encoder, or None.
    """
    import keras
    import tensorflow as tf
    from keras import ops

    from keras_bert.layers import deployed

    network = bert.network

    @tf.function(
        input_signature=[tf.TensorSpec(shape, tf.int32, name=name) for name in TFLITE_INPUTS]
    )
    def from_tokens(ids, segment_ids, mask):
        inputs = {"token_ids": ids, "segment_ids": segment_ids, "padding_mask": mask}
        logits = network(inputs, training=False)
        return bert.model.outputs_from_logits(logits, bert.config.settings, ops)

    # Through ExportArchive and a SavedModel: the direct ways omit the weights of a Keras 3 model
    # without an error, or lose fixed shapes.
    with temporary_folder() as folder, deployed.form(bert.encoder, rescaling, shortening):
        archive = keras.export.ExportArchive()
        archive.track(network)
        archive.add_endpoint("serving_default", from_tokens)
        archive.write_out(folder, verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(
            folder, signature_keys=["serving_default"]
        )
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
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
                name = CUSTOM + code.CustomCode().decode()
            counts[name] = counts.get(name, 0) + 1
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def check_ops(ops, custom=()):
    """Raises RuntimeError if a file has an op that plain LiteRT cannot run, naming it.

    Args:
        ops: the names of its ops, as in the result of `count_ops`.
        custom: names of custom ops that it may have.
    """
    allowed = {CUSTOM + name for name in custom}
    bad = [op for op in ops if op.startswith(CUSTOM) and op not in allowed or op in _VARIABLE_OPS]
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
