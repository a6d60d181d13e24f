"""The same model on other runtimes, made for a comparison: onnxruntime, plain TensorFlow."""

import os

from keras_bert.embedder import usual_embedder_of
from keras_bert.errors import InputError, name_of
from keras_bert.extras import naming_extras
from keras_bert.files import temporary_folder
from keras_bert.model_folder import is_model_folder
from keras_bert.opening import load_bert, require_task
from keras_bert.quiet import stderr_kept_for_errors

RIVALS = ("onnxruntime", "onnxruntime_int8", "tensorflow")


def made_rivals(names, model, stack):
    """Writes a model for other runtimes, to a temporary folder.

    Args:
        names: list of some of `RIVALS`: float ONNX; ONNX with dynamic int8 weights, as
            onnxruntime's own quantizer writes it; a SavedModel.
        model: path of the model folder.
        stack: `contextlib.ExitStack`, at whose end the folder is removed.

    Returns:
        A dict from name to path.

    Raises:
        InputError: the model is no model folder.
        MissingPackage: onnxruntime or the converter is not installed.
    """
    if not names:
        return {}
    if not is_model_folder(model):
        raise InputError(
            f"is made from a model folder: give it as {name_of('model')}, and files in "
            f"{name_of('against')}",
            "against",
            names,
        )
    folder = stack.enter_context(temporary_folder())
    bert = require_task(load_bert(model), model, usual_embedder_of)
    plain = os.path.join(folder, "model.onnx")
    with naming_extras(), stderr_kept_for_errors():
        return {name: _make(name, bert, folder, plain) for name in names}


def _make(name, bert, folder, plain):
    if name == "tensorflow":
        from keras_bert.export.saved_model import export_saved_model

        path = os.path.join(folder, "saved_model")
        export_saved_model(bert, path)
        return path
    if not os.path.exists(plain):
        from keras_bert.export.onnx import export_onnx

        export_onnx(bert, plain)
    if name == "onnxruntime":
        return plain
    return quantized_onnx(plain, os.path.join(folder, "int8.onnx"))


def quantized_onnx(source, path):
    """Writes an ONNX file with int8 weights and dynamic ranges, by onnxruntime; returns its path.

    Args:
        source: the float ONNX file.
        path: the file to write.
    """
    import logging

    from onnxruntime.quantization import QuantType, quantize_dynamic

    level = logging.root.level
    logging.root.setLevel(logging.ERROR)  # it advises to run its optimizer first
    try:
        quantize_dynamic(source, path, weight_type=QuantType.QInt8)
    finally:
        logging.root.setLevel(level)
    return path
