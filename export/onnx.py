"""Writes a Keras model as an ONNX file, from token ids to outputs, batch and length open."""

import os

import keras_bert
from keras_bert.errors import InputError
from keras_bert.export import calibration as calibrations
from keras_bert.export import onnx_names, onnx_quantize
from keras_bert.export.contents import exported_files
from keras_bert.export.functions import tokens_function
from keras_bert.export.onnx_fusion import fuse
from keras_bert.export.onnx_graph import Graph
from keras_bert.export.onnx_names import INPUT_NAMES
from keras_bert.export.onnx_quantize import QUANTIZATIONS
from keras_bert.export.recipes import RECIPES
from keras_bert.files import replacing_file
from keras_bert.quantization.ranges import measure
from keras_bert.quantization.rescaling import rescaling_of

# The first opset that has Gelu; LayerNormalization came with 17. onnxruntime runs it since 1.17.
OPSET = 20
# The newest opset that tf2onnx 1.17 writes.
_CONVERTED = 18


def export_onnx(
    bert,
    path,
    length=None,
    quantize="none",
    calibration=None,
    input_names="keras",
    rescaling=None,
    layout=None,
):
    """Writes a model as an ONNX file of opset 20, with ops of the opset alone.

    Its inputs are `token_ids`, `segment_ids`, `padding_mask`, int32 of shape (batch, length); its
    outputs are those of `tokens_function`. Its metadata holds vocabulary, labels and tokenizer
    switches, so that the file alone can answer for text.

    Args:
        bert: a `Bert` with a task.
        path: the file to write.
        length: the most tokens of a text; None or "dynamic" uses the model's `max_length`.
        quantize: "none" (float32), "float16" (weights stored in half the size), or "dynamic"
            (int8 weights, activations quantized at run time).
        calibration: rows on which the ranges of "dynamic" are measured: the path of a file that the
            task reads, or examples as `in_hand.examples_of` takes them; None for none.
        input_names: "keras", or "huggingface" for `input_ids`, `attention_mask`,
            `token_type_ids`, int64, and an output `logits`; of multiple choice the inputs are then
            of shape (batch, choices, length).
        rescaling: the `Rescaling` that the model was trained with, or None to measure one.
        layout: `FileLayout` of the calibration's file; None for its defaults.

    Returns:
        A dict: `path`, `bytes` and `opset`; `quantize`; `calibration_rows`, how many rows were
        measured; `rescaled`, whether re-scalings were applied; `max_drop`, the largest drop that
        its scheme may cost.

    Raises:
        InputError: `length` is over the position table, an argument is not known, a weight is too
            large for float16, or the calibration does not fit the model.
    """
    import onnx

    if quantize not in QUANTIZATIONS:
        raise InputError(f"quantize {quantize!r} is not one of {', '.join(QUANTIZATIONS)}")
    if input_names not in INPUT_NAMES:
        raise InputError(f"input_names {input_names!r} is not one of {', '.join(INPUT_NAMES)}")
    files = exported_files(bert, length)
    examples = None
    if calibration is not None:
        examples = calibrations.read_calibration(bert, calibration, layout)
    if quantize != "dynamic":
        rescaling = None
    elif rescaling is None and examples is not None:
        rescaling = rescaling_of(bert.encoder, measure(bert, examples))
    model = convert(bert)
    change_weights(model, bert.encoder, quantize, rescaling)
    shape = bert.task.output_shape(bert.config, onnx_names.BATCH, onnx_names.LENGTH)
    logits = {"logits"} & {value.name for value in model.graph.output}
    onnx_names.name_dimensions(model, dict.fromkeys([*logits, *bert.task.outputs], shape))
    if input_names == "huggingface":
        grouped = bert.network is not bert.model  # several choices
        onnx_names.use_huggingface_names(model, tuple(bert.task.outputs), grouped)
    onnx.helper.set_model_props(model, {k: v.decode() for k, v in files.items()})
    onnx.checker.check_model(model, full_check=True)
    with replacing_file(path) as temporary:
        onnx.save(model, temporary)
    return {
        "path": os.fspath(path),
        "bytes": os.path.getsize(path),
        "opset": OPSET,
        "quantize": quantize,
        "calibration_rows": 0 if examples is None else len(examples),
        "rescaled": rescaling is not None,
        "max_drop": RECIPES[quantize].gate(rescaling is not None),
    }


def convert(bert):
    """Converts a model to ONNX in the form that runtimes fuse, in float32 and without metadata.

    Args:
        bert: a `Bert` with a task.

    Returns:
        `onnx.ModelProto`, whose inputs and outputs have the names of `tokens_function`.
    """
    import onnx
    import tf2onnx
    from onnx import version_converter

    from_tokens = tokens_function(bert)
    model, _ = tf2onnx.convert.from_function(
        from_tokens, input_signature=from_tokens.input_signature, opset=_CONVERTED
    )
    model = version_converter.convert_version(model, OPSET)
    del model.opset_import[:]
    model.opset_import.append(onnx.helper.make_opsetid("", OPSET))
    model.ir_version = onnx.helper.find_min_ir_version_for(model.opset_import)
    model.producer_name, model.producer_version = "keras_bert", keras_bert.__version__
    graph = Graph(model)
    fuse(graph)
    graph.finish()
    return model


def change_weights(model, encoder, quantize, rescaling=None):
    """Re-scales and quantizes a model in place.

    Args:
        model: what `convert` returned.
        encoder: its `BertEncoder`.
        quantize: one of `onnx_quantize.QUANTIZATIONS`.
        rescaling: a `Rescaling` of the encoder, or None.
    """
    graph = Graph(model)
    if rescaling is not None:
        onnx_quantize.smooth(graph, rescaling, encoder)
    if quantize == "float16":
        onnx_quantize.half_floats(graph)
    elif quantize == "dynamic":
        onnx_quantize.dynamic(graph)
    graph.finish()
