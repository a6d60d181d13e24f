"""Runs exported files and their model on the same data; exits with 1 if a score drops too much.

keras-bert verify --model=my_model --exported=model.tflite --data=dev.csv
keras-bert verify --model=my_model --exported=a.tflite,b.onnx,served/1 --data=dev.csv
"""

import dataclasses

from keras_bert.commands import flags, inputs
from keras_bert.errors import CheckFailed, name_of
from keras_bert.export.verify import VerifySettings, verify
from keras_bert.settings import REQUIRED, setting


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Settings(VerifySettings):
    model: str = setting(REQUIRED, "the model folder", is_path=True)


def define(values):
    flags.define(values, _Settings)
    inputs.define_layout(values)


def run(values):
    result, lines = verify(layout=inputs.layout_of(values), **flags.chosen(values, _Settings))
    if not result["passed"]:
        failed = [each for each in result.get("files", [result]) if not each["passed"]]
        fell = [
            (f"{each['exported']}: " if "exported" in each else "")
            + f"{each['metric']} fell by {each['drop']:.4f}"
            for each in failed
        ]
        limit = name_of("max_drop", result["max_drop"])
        raise CheckFailed(f"{'; '.join(fell)}, more than {limit}", result, lines)
    return result, lines
