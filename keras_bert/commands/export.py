"""Writes a model in the format of the place where it will run, if it is as good as the model.

keras-bert export --model=my_model --format=tflite --quantize=int4 --calibration=train.csv \\
    --data=dev.csv --output=model.tflite
keras-bert export --model=my_model --format=saved_model --output=served/1
keras-bert export --model=my_model --format=onnx --output=model.onnx
"""

import dataclasses

from keras_bert.commands import flags, inputs
from keras_bert.export.export import ExportSettings, export
from keras_bert.export.text_input import CUSTOM
from keras_bert.settings import REQUIRED, setting


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Settings(ExportSettings):
    model: str = setting(REQUIRED, "the model folder", is_path=True)


def define(values):
    flags.define(values, _Settings)
    inputs.define_layout(values)


def run(values):
    result = export(layout=inputs.layout_of(values), **flags.chosen(values, _Settings))
    lines = [f"{values.output}: {result['bytes'] / 1e6:.2f} MB"]
    if "ops" in result:
        lines += _op_lines(result["ops"])
    if "opset" in result:
        lines.append(f"ONNX opset {result['opset']}, ops of the opset alone")
    if "delegates" in result:
        from keras_bert.export.delegates import report_lines

        lines += report_lines(result)
    if "keep_tokens" in result:
        from keras_bert.export.keep_tokens_search import grid_lines

        lines += grid_lines(result["keep_tokens"])
    if result["proof"] is not None:
        from keras_bert.export.proof import proof_lines

        lines += proof_lines(result["proof"])
    return result, lines


def _op_lines(ops):
    """Returns the ops that every runtime has as a line, and those that a library adds as another.

    Args:
        ops: dict of name to number, see `tflite.count_ops`.
    """
    own = {name: count for name, count in ops.items() if not name.startswith(CUSTOM)}
    added = {name.removeprefix(CUSTOM): ops[name] for name in ops if name not in own}
    lines = [f"{sum(own.values())} built-in ops: {_counts(own)}"]
    if added:
        lines.append(f"{sum(added.values())} custom ops of TensorFlow Text: {_counts(added)}")
    return lines


def _counts(ops):
    return " ".join(f"{name}:{count}" for name, count in ops.items())
