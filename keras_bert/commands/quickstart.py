"""Trains, evaluates, exports, verifies and runs a small spam filter on messages in the package."""

import os
import sys
import time

from absl import flags

from keras_bert.commands import shared
from keras_bert.files import check_replaceable
from keras_bert.model_folder import is_replaceable
from keras_bert.tasks.sequence.classification import ClassificationTask
from keras_bert.tasks.task import FileLayout, hold_out

_DATA = os.path.join(os.path.dirname(os.path.dirname(__file__)), "data", "sms_spam.tsv.gz")
# Written for this page, so that they are in nobody's training set.
_MESSAGES = (
    "Congratulations! You have won a free holiday. Call 09061701461 now to claim your prize.",
    "Are we still meeting for lunch tomorrow? I could pick you up at twelve.",
    "URGENT! Your mobile number was awarded £2000. Text WIN to 80086, 150p a message.",
    "ok lar, i will be home in half an hour",
)
_VOCABULARY_SIZE = 4000
_TASK = ClassificationTask()
_LENGTH = 64


def define(values):
    shared.define_string(values, "output", "folder for the files", default="quickstart")
    flags.DEFINE_integer(
        "seed", 0, "of the split and of the training", 0, 2**32 - 1, flag_values=values
    )


def run(values):
    began = time.monotonic()
    model_folder = os.path.join(values.output, "model")
    check_replaceable(model_folder, is_replaceable)
    os.makedirs(values.output, exist_ok=True)
    shared.import_tensorflow_quietly()

    messages = _TASK.read(_DATA, FileLayout(columns=["label", "text"]))
    test, rest = hold_out(messages, 0.2, values.seed)
    validation, train = hold_out(rest, 0.1, values.seed)
    _say(
        f"{len(train)} messages to train on, {len(validation)} to choose the best epoch, "
        f"{len(test)} to test on; no message is in two of these parts"
    )
    bert = _train(train, validation, values.seed, os.path.join(values.output, "vocab.txt"))
    accuracy = _accuracy(bert, test)
    bert.save(model_folder, _card(bert, train, test, accuracy))
    _say(f"model folder: {model_folder}")

    rows = [{"format": "Keras", "path": model_folder, "accuracy": accuracy}]
    rows += _export_and_verify(bert, model_folder, test, values.output)
    predictions = _classify_on_device(rows[-1]["path"])
    seconds = time.monotonic() - began
    result = {
        "output": values.output,
        "models": rows,
        "test_messages": len(test),
        "predictions": predictions,
        "seconds": round(seconds, 1),
    }
    return result, _report(result)


def _train(train, validation, seed, vocabulary_path):
    import keras

    from keras_bert.bert import load
    from keras_bert.text.vocabulary import train_vocabulary
    from keras_bert.training.settings import FitSettings
    from keras_bert.training.task_training import TaskTraining, config_for

    with open(vocabulary_path, "w", encoding="utf-8", newline="") as file:
        file.writelines(f"{t}\n" for t in train_vocabulary(train.texts, _VOCABULARY_SIZE))
    keras.utils.set_random_seed(seed)  # the preset's random weights are drawn from it
    start = load("bert_tiny_en_uncased", vocabulary=vocabulary_path)
    training = TaskTraining(
        start,
        config_for(_TASK, start, _LENGTH, _TASK.config_fields(train, {})),
        FitSettings(epochs=6, batch_size=32, learning_rate=5e-4, seed=seed),
        # A sixth of the messages is spam, so accuracy alone would hardly move.
        metric="matthews",
    )
    training.train(train, validation)
    return training.finished(validation)[0]


def _export_and_verify(bert, model_folder, test, output):
    from keras_bert.export.runners import open_exported
    from keras_bert.export.tflite import export_tflite
    from keras_bert.export.verify import report_lines, verify

    rows = []
    for quantize in ("none", "dynamic"):
        path = os.path.join(output, f"spam_{'float' if quantize == 'none' else 'int8'}.tflite")
        with shared.stderr_kept_for_errors():
            export_tflite(bert, path, quantize=quantize)
        result = verify(bert, open_exported(path), _TASK, test, model_folder, path)
        _say(f"{path}:")
        for line in report_lines(result, _TASK.metrics(bert.config)):
            _say(f"  {line}")
        rows.append(
            {
                "format": "TFLite float32" if quantize == "none" else "TFLite dynamic int8",
                "path": path,
                "accuracy": result["exported_scores"]["accuracy"],
                "agreement": result["agreement"],
                "ms": result["exported_ms"],
            }
        )
    return rows


def _classify_on_device(path):
    from keras_bert.export.runners import TFLiteRunner

    runner = TFLiteRunner(path)
    return [{"text": text, **runner.predict(text)} for text in _MESSAGES]


def _accuracy(bert, examples):
    return _TASK.scores(bert.answers(examples), examples, bert.config)["accuracy"]


def _report(result):
    from keras_bert.export.benchmark import size_of

    lines = ["", f"{'':<22}{'accuracy':>10}{'same answer':>14}{'size, MB':>10}{'ms':>8}"]
    for row in result["models"]:
        row["bytes"] = size_of(row["path"])
        agreement = f"{row['agreement']:.2%}" if "agreement" in row else ""
        milliseconds = f"{row['ms']:.2f}" if "ms" in row else ""
        lines.append(
            f"{row['format']:<22}{row['accuracy']:>10.4f}{agreement:>14}"
            f"{row['bytes'] / 1e6:>10.2f}{milliseconds:>8}"
        )
    lines += ["", "on the device's runtime, from the int8 file alone:"]
    lines += [
        f"  {p['label']:<5} {p['probability']:.3f}  {p['text']}" for p in result["predictions"]
    ]
    return [
        *lines,
        "",
        f"{result['test_messages']} test messages; {result['seconds']:.0f} s; "
        f"files: {result['output']}{os.sep}",
    ]


def _card(bert, train, test, accuracy):
    return f"""# SMS spam filter

A BERT of 2 layers, 128 wide, {bert.model.count_params():,} parameters, trained from random
weights by `keras-bert quickstart` on {len(train)} messages of the SMS Spam Collection v.1
(Almeida and Hidalgo, UCI Machine Learning Repository, CC BY 4.0).

Accuracy on {len(test)} messages it did not train on: {accuracy:.4f}.

Licence: Apache-2.0; the data's licence asks for its authors to be named.
"""


def _say(line):
    print(line, file=sys.stderr, flush=True)
