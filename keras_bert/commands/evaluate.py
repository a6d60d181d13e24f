"""Scores a model, in any format that we write, on labelled data; or answers made elsewhere.

keras-bert evaluate --model=my_model --data=dev.csv
keras-bert evaluate --task=squad1 --data=dev-v1.1.json --predictions=predictions.json
"""

import dataclasses
import types

from keras_bert.commands import shared
from keras_bert.errors import InputError
from keras_bert.tasks.registry import get_task


def define(values):
    shared.define_string(values, "model", "folder, .tflite, SavedModel or .onnx")
    shared.define_string(values, "data", "labelled data, as for training", required=True)
    shared.define_task(values)
    shared.define_string(
        values, "predictions", "in place of --model: JSON of answers by question id"
    )
    shared.define_column_flags(values)
    shared.define_left_out(values)


def run(values):
    if (values.model is None) == (values.predictions is None):
        raise InputError("give either --model or --predictions")
    if values.predictions is not None:
        return _score_predictions(values)
    shared.check_path(values.model)
    shared.check_path(values.data)
    model, task, examples = shared.open_with_examples(values, values.model, values.data)
    scores = task.scores(model.answers(examples), examples, model.config)
    labels = {"labels": list(model.config.labels)} if model.config.labels else {}
    result = {"model": values.model, "data": values.data, **scores, **labels}
    return result, task.score_lines(scores, model.config)


def _score_predictions(values):
    task = get_task(values.task or "squad1")
    if task.kind != "question_answering":
        raise InputError(f"--predictions is for question answering, not --task={task.name}")
    # The official scripts do not look at the questions' texts either.
    layout = dataclasses.replace(shared.file_layout(values), empty="keep")
    questions = task.read(shared.check_path(values.data), layout)
    config = types.SimpleNamespace(**task.config_fields(questions, {}))
    answers, missing, unknown = task.read_predictions(values.predictions, questions)
    scores = task.scores(answers, questions, config)
    lines = task.score_lines(scores, config)
    if missing:
        lines.append(f"{missing} questions have no prediction: they score 0")
    if unknown:
        lines.append(f"{unknown} predictions are for no question of {values.data}")
    result = {"predictions": values.predictions, "data": values.data, **scores}
    return {**result, "missing": missing, "unknown": unknown}, lines
