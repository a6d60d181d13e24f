"""Answers for a text, a pair of texts, or a file of texts, with a model in any format.

keras-bert predict --model=my_model --text="so good that I saw it twice"
keras-bert predict --model=my_answerer --text="a question" --text_b="a passage"
keras-bert predict --model=model.tflite --input=texts.csv --output=answers.jsonl
"""

import dataclasses

from keras_bert.answering import PredictSettings, predict
from keras_bert.commands import flags, inputs
from keras_bert.settings import REQUIRED, setting


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Settings(PredictSettings):
    model: str = setting(
        REQUIRED, "folder, .tflite, SavedModel or .onnx, or a shipped model's name", is_path=True
    )


def define(values):
    flags.define(values, _Settings)
    inputs.define_layout(values)


def run(values):
    asked = flags.chosen(values, _Settings)
    for name in ("text", "text_b"):
        asked[name] = inputs.texts_of(asked[name], name)
    return predict(layout=inputs.layout_of(values), **asked)
