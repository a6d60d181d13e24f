"""Writes a model as TFLite, SavedModel or ONNX."""

import dataclasses
import os

from keras_bert.errors import InputError, name_of
from keras_bert.export.quantize_settings import QuantizeSettings, check_quantization
from keras_bert.export.text_input import TOKENIZERS
from keras_bert.files import check_file_replaceable, check_path
from keras_bert.opening import load_bert, require_task
from keras_bert.predictor import Predictor
from keras_bert.quiet import stderr_kept_for_errors
from keras_bert.settings import REQUIRED, check_settings, setting

FORMATS = ("tflite", "saved_model", "onnx")
_ENDINGS = {".tflite": "tflite", ".onnx": "onnx"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class ExportSettings(QuantizeSettings):
    """What `export` takes beside the model."""

    output: str = setting(REQUIRED, "the file or folder to write", is_path=True)
    format: str = setting(REQUIRED, "the format to write", choices=FORMATS)
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
            raise InputError(f"{in_graph} is for {tflite} only")
        if self.tokenizer != "outside" and self.length == "dynamic":
            raise InputError(f"{in_graph} needs a fixed length", "length", self.length)
        check_quantization(self)


def export(model, layout=None, **settings):
    """Writes a model as TFLite, SavedModel or ONNX.

    Args:
        model: a `Bert` with a task, or the path of a model folder.
        layout: `FileLayout` of the calibration's file; None for its defaults.
        **settings: of `ExportSettings`: `output`, `format`, `length`, `quantize`, `calibration`,
            `table_bits`, `per_tensor`, `tokenizer`.

    Returns:
        A dict: `path` and `bytes`; for TFLite what `export_tflite` returns.

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
                bert,
                settings.output,
                length,
                settings.quantize,
                settings.calibration,
                settings.table_bits,
                settings.per_tensor,
                rescaling=_trained_rescaling(bert, None if bert is model else model),
                layout=layout,
                tokenizer=settings.tokenizer,
            )
        if settings.format == "saved_model":
            from keras_bert.export.saved_model import export_saved_model

            return export_saved_model(bert, settings.output, length)
        from keras_bert.export.onnx import export_onnx

        return export_onnx(bert, settings.output, length)


def _trained_rescaling(bert, folder):
    """Returns the `Rescaling` that quantization-aware training left in a model folder, or None."""
    from keras_bert.quantization.rescaling import RESCALING_FILE, Rescaling

    if folder is None or not os.path.isdir(folder):
        return None
    path = os.path.join(folder, RESCALING_FILE)
    return Rescaling.from_file(path, bert.encoder) if os.path.exists(path) else None
