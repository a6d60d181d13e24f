"""Writes a model in the format of the place where it will run, if it is as good as the model.

keras-bert export --model=my_model --format=tflite --quantize=int4 --calibration=train.csv \\
    --data=dev.csv --output=model.tflite
keras-bert export --model=my_model --format=saved_model --output=served/1
keras-bert export --model=my_model --format=onnx --output=model.onnx
"""

import dataclasses

from keras_bert.commands import flags, inputs
from keras_bert.export.export import ExportSettings, export
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
        counts = " ".join(f"{name}:{count}" for name, count in result["ops"].items())
        lines.append(f"{sum(result['ops'].values())} built-in ops: {counts}")
    if "opset" in result:
        lines.append(f"ONNX opset {result['opset']}, ops of the opset alone")
    if "delegates" in result:
        from keras_bert.export.delegates import report_lines

        lines += report_lines(result)
    if result["proof"] is not None:
        from keras_bert.export.proof import proof_lines

        lines += proof_lines(result["proof"])
    return result, lines
