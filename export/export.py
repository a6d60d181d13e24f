"""Writes a model as TFLite, SavedModel or ONNX."""

import dataclasses
import os

from keras_bert.errors import InputError, name_of
from keras_bert.export.text_input import TOKENIZERS
from keras_bert.export.tflite import QUANTIZATIONS
from keras_bert.files import check_file_replaceable, check_path
from keras_bert.opening import load_bert, require_task
from keras_bert.predictor import Predictor
from keras_bert.quiet import stderr_kept_for_errors
from keras_bert.settings import REQUIRED, check_settings, setting

FORMATS = ("tflite", "saved_model", "onnx")
_ENDINGS = {".tflite": "tflite", ".onnx": "onnx"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class ExportSettings:
    """What `export` takes beside the model."""

    output: str = setting(REQUIRED, "the file or folder to write", is_path=True)
    format: str = setting(REQUIRED, "the format to write", choices=FORMATS)
    quantize: str = setting(
        "none",
        "TFLite: float32, float16 weights, or int8 weights with dynamic ranges",
        choices=QUANTIZATIONS,
    )
    length: str | None = setting(
        None, "tokens, or `dynamic` for open shapes (default: the model's length)"
    )

    tokenizer: str = setting(
        "outside",
        "TFLite: the app tokenizes, or the file takes raw text, with TensorFlow Text's custom ops",
        choices=TOKENIZERS,
    )

    def __post_init__(self):
        if isinstance(self.length, int):
            object.__setattr__(self, "length", str(self.length))
        check_settings(self)
        if self.length not in (None, "dynamic") and not self.length.isdecimal():
            raise InputError("expected a number of tokens or `dynamic`", "length", self.length)
        # Every reader recognizes the format by the file name's ending.
        if _ENDINGS.get(os.path.splitext(self.output)[1], "saved_model") != self.format:
            wanted = f"a name ending in .{self.format}"
            if self.format == "saved_model":
                wanted = "a folder's name"
            raise InputError(f"{self.output}: {name_of('format', self.format)} needs {wanted}")
        tflite = name_of("format", "tflite")
        if self.format != "tflite" and self.quantize != "none":
            raise InputError(f"{name_of('quantize', self.quantize)} is for {tflite} only")
        in_graph = name_of("tokenizer", self.tokenizer)
        if self.format != "tflite" and self.tokenizer != "outside":
            raise InputError(f"{in_graph} is for {tflite} only: a SavedModel takes text as it is")
        if self.tokenizer != "outside" and self.length == "dynamic":
            raise InputError(f"{in_graph} needs a fixed length", "length", self.length)


def export(model, **settings):
    """Writes a model as TFLite, SavedModel or ONNX.

    Args:
        model: a `Bert` with a task, or the path of a model folder.
        **settings: of `ExportSettings`: `output`, `format`, `quantize`, `length`,
            `tokenizer`.

    Returns:
        A dict: `path` and `bytes`; for TFLite also `ops`, a dict from built-in op to its number.

    Raises:
        InputError: the model is broken, or cannot be written with these settings.
    """
    settings = ExportSettings(**settings)
    if not isinstance(model, Predictor):
        check_path(model)
    if settings.format != "saved_model":
        check_file_replaceable(settings.output)
    bert = model if isinstance(model, Predictor) else load_bert(model)
    require_task(bert, "the model" if bert is model else model)
    length = settings.length
    if length not in (None, "dynamic"):
        length = int(length)
    with stderr_kept_for_errors():
        if settings.format == "tflite":
            from keras_bert.export.tflite import export_tflite

            return export_tflite(
                bert, settings.output, length, settings.quantize, settings.tokenizer
            )
        if settings.format == "saved_model":
            from keras_bert.export.saved_model import export_saved_model

            return export_saved_model(bert, settings.output, length)
        from keras_bert.export.onnx import export_onnx

        return export_onnx(bert, settings.output, length)
