"""Scores a model in any supported format on labelled data, or answers made by another program.

keras-bert evaluate --model=my_model --data=dev.csv
keras-bert evaluate --task=squad1 --data=dev-v1.1.json --predictions=predictions.json
"""

import dataclasses

from keras_bert.commands import flags, inputs
from keras_bert.evaluation import EvaluateSettings, evaluate
from keras_bert.settings import setting


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Settings(EvaluateSettings):
    model: str | None = setting(
        None, "folder, .tflite, SavedModel or .onnx, or a shipped model's name", is_path=True
    )


def define(values):
    flags.define(values, _Settings)
    inputs.define_layout(values)


def run(values):
    return evaluate(layout=inputs.layout_of(values), **flags.chosen(values, _Settings))
