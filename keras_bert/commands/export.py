"""Writes a model for where it will run.

keras-bert export --model=my_model --format=tflite --quantize=dynamic --output=model.tflite
keras-bert export --model=my_model --format=saved_model --output=served/1
keras-bert export --model=my_model --format=onnx --output=model.onnx
"""

import os

from absl import flags

from keras_bert.commands import shared
from keras_bert.errors import InputError
from keras_bert.files import check_file_replaceable


def define(values):
    shared.define_string(values, "model", "the model folder", required=True)
    flags.DEFINE_enum(
        "format", None, ("tflite", "saved_model", "onnx"), "what to write", flag_values=values
    )
    flags.mark_flag_as_required("format", flag_values=values)
    shared.define_string(values, "output", "the file or folder to write", required=True)
    flags.DEFINE_enum(
        "quantize", "none", ("none", "float16", "dynamic"),
        "TFLite: float32, float16 weights, or int8 weights with dynamic ranges", flag_values=values,
    )  # fmt: skip
    shared.define_string(
        values, "length", "tokens, or `dynamic` for open shapes (default: the model's length)"
    )


def run(values):
    shared.check_path(values.model)
    length = _length(values.length)
    _check_output(values.output, values.format)
    if values.format != "tflite" and values.quantize != "none":
        raise InputError(f"--quantize={values.quantize} is for --format=tflite only")
    bert = shared.require_task(shared.load_bert(values.model), values.model)
    with shared.stderr_kept_for_errors():
        if values.format == "tflite":
            from keras_bert.export.tflite import export_tflite

            result = export_tflite(bert, values.output, length, values.quantize)
        elif values.format == "saved_model":
            from keras_bert.export.saved_model import export_saved_model

            result = export_saved_model(bert, values.output, length)
        else:
            from keras_bert.export.onnx import export_onnx

            result = export_onnx(bert, values.output, length)
    lines = [f"{values.output}: {result['bytes'] / 1e6:.2f} MB"]
    if "ops" in result:
        counts = " ".join(f"{name}:{count}" for name, count in result["ops"].items())
        lines.append(f"{sum(result['ops'].values())} built-in ops: {counts}")
    return result, lines


def _check_output(path, kind):
    """Raises InputError, before the model is loaded, if the output cannot be what it is to be."""
    endings = {".tflite": "tflite", ".onnx": "onnx"}
    # By their endings the files are told apart by everything that reads them.
    if endings.get(os.path.splitext(path)[1], "saved_model") != kind:
        wanted = "a folder's name" if kind == "saved_model" else f"a name ending in .{kind}"
        raise InputError(f"{path}: --format={kind} needs {wanted}")
    if kind != "saved_model":
        check_file_replaceable(path)


def _length(text):
    if text is None or text == "dynamic":
        return text
    if not text.isdecimal():
        raise InputError(f"--length={text}: expected a number of tokens or `dynamic`")
    return int(text)
