"""Scores a model, in any format that we write, on labelled texts.

keras-bert evaluate --model=my_model --data=dev.csv
"""

from keras_bert.commands import shared
from keras_bert.tasks import classification


def define(values):
    shared.define_string(values, "model", "folder, .tflite, SavedModel or .onnx", required=True)
    shared.define_string(values, "data", "labelled texts: CSV, TSV, JSON lines", required=True)
    shared.define_column_flags(values)


def run(values):
    shared.check_path(values.model)
    # The file is read before the model, so that a bad row is told in a second.
    examples = shared.read_examples(values, shared.check_path(values.data))
    model = shared.require_classifier(shared.open_model(values.model), values.model)
    shared.check_pair(model, examples)
    labels = model.config.labels
    true_ids = classification.label_ids(examples, labels)
    predicted = model.probabilities(examples.texts, examples.texts_b).argmax(axis=-1)
    scores = classification.scores(true_ids, predicted, labels)
    result = {"model": values.model, "data": values.data, **scores, "labels": list(labels)}
    return result, shared.score_lines(scores, labels)
