"""The settings of quantization, and which of them go together."""

import dataclasses

from keras_bert.errors import InputError, name_of
from keras_bert.export import onnx_quantize
from keras_bert.export.recipes import QUANTIZATIONS, RECIPES
from keras_bert.guesses import note
from keras_bert.settings import setting

_POSSIBLE = {
    "tflite": QUANTIZATIONS,
    "onnx": onnx_quantize.QUANTIZATIONS,
    "saved_model": ("none",),
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class QuantizeSettings:
    """How `export` quantizes a file."""

    quantize: str = setting(
        "none",
        "the scheme: "
        + "; ".join(f"{recipe.name}: {recipe.summary}" for recipe in RECIPES.values()),
        choices=QUANTIZATIONS,
    )
    calibration: str | None = setting(
        None,
        "rows on which ranges are measured, as for training: at most 128 of them are used; int8, "
        "int16x8 and int8_full need them, dynamic and int4 lose less with them",
        is_path=True,
    )
    table_bits: int | None = setting(
        None, "4 or 8, of the word table in a quantized file (default: 4 with int4, else 8)"
    )
    per_tensor: bool = setting(
        False, "one scale for each matrix, as old runtimes such as the Task Library need it"
    )

    def recipe(self):
        """Returns the `Recipe` that they name."""
        return RECIPES[self.quantize]


def check_quantization(settings):
    """Raises InputError where settings of quantization do not go together.

    Args:
        settings: a `QuantizeSettings` with `format` and `length`.
    """
    recipe = settings.recipe()
    possible = _POSSIBLE[settings.format]
    if recipe.name not in possible:
        kept = (name_of("format", f) for f, names in _POSSIBLE.items() if recipe.name in names)
        raise InputError(
            f"{name_of('quantize', recipe.name)} is for {' and '.join(kept)} only: "
            f"{name_of('format', settings.format)} has {', '.join(possible)}"
        )
    for name in ("table_bits", "per_tensor"):
        if settings.format != "tflite" and getattr(settings, name) not in (None, False):
            raise InputError(
                f"is for {name_of('format', 'tflite')} only", name, getattr(settings, name)
            )
    is_quantized = recipe.weight_bits <= 8
    if settings.table_bits not in (None, 4, 8):
        raise InputError("expected 4 or 8", "table_bits", settings.table_bits)
    for name in ("calibration", "table_bits", "per_tensor"):
        value = getattr(settings, name)
        if value not in (None, False) and not is_quantized:
            reason = f"{name_of('quantize', recipe.name)} has no use for it"
            if "dynamic" in possible:
                reason += f": see {name_of('quantize', 'dynamic')}"
            raise InputError(reason, name, value)
    if recipe.needs_calibration and settings.calibration is None:
        raise InputError(
            f"{name_of('quantize', recipe.name)} has fixed ranges, which are measured on rows such "
            f"as those of training: name them with {name_of('calibration', 'FILE')}"
        )
    if recipe.static and settings.length == "dynamic":
        raise InputError(
            f"{name_of('quantize', recipe.name)} is for a fixed length: name it in tokens",
            "length",
            "dynamic",
        )


def note_without_rows(settings):
    """Says that a file would lose less if ranges were measured, which are not known otherwise."""
    recipe = settings.recipe()
    if recipe.rescaled and settings.calibration is None:
        note(
            f"{name_of('quantize', recipe.name)} loses less with some rows to measure ranges on: "
            f"{name_of('calibration', 'FILE')}"
        )
