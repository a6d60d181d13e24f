"""What shipped models answer; then a small spam filter, from messages to a file for a phone."""

import dataclasses
import os
import sys
import time

from keras_bert.card import model_card
from keras_bert.files import check_replaceable, replacing_file
from keras_bert.model_folder import is_replaceable
from keras_bert.quiet import import_tensorflow_quietly, stderr_kept_for_errors
from keras_bert.settings import check_settings, setting
from keras_bert.showcase import shipped_answers
from keras_bert.tasks.file_layout import FileLayout
from keras_bert.tasks.sequence.classification import ClassificationTask
from keras_bert.tasks.splitting import hold_out

_DATA = os.path.join(os.path.dirname(__file__), "data", "sms_spam.tsv.gz")
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


@dataclasses.dataclass(frozen=True, kw_only=True)
class QuickstartSettings:
    """What `quickstart` takes."""

    output: str = setting("quickstart", "folder for the files", is_path=True)
    seed: int = setting(0, "of the split and of the training", low=0, high=2**32 - 1)

    __post_init__ = check_settings


def quickstart(**settings):
    """Trains, evaluates, exports, verifies and runs a small spam filter.

    In a checkout with shipped models these answer first, in a second or two.

    Args:
        **settings: of `QuickstartSettings`: `output`, `seed`.

    Returns:
        A dict: `output`; `shipped`, a list of the dicts of `shipped_answers`; `models`, a list of
        dicts, the scores and sizes of each format; `test_messages`, their number; `predictions`;
        `seconds`.
    """
    settings = QuickstartSettings(**settings)
    began = time.monotonic()
    model_folder = os.path.join(settings.output, "model")
    check_replaceable(model_folder, is_replaceable)
    os.makedirs(settings.output, exist_ok=True)
    shipped = _ask_shipped_models()
    import_tensorflow_quietly()
    from keras_bert.export.timing import size_of

    messages = _TASK.read(_DATA, FileLayout(columns=["label", "text"]))
    test, rest = hold_out(messages, 0.2, settings.seed)
    validation, train = hold_out(rest, 0.1, settings.seed)
    _say(
        f"{len(train)} messages to train on, {len(validation)} to choose the best epoch, "
        f"{len(test)} to test on; no message is in two of these parts"
    )
    bert = _train(train, validation, settings.seed, os.path.join(settings.output, "vocab.txt"))
    accuracy = _accuracy(bert, test)
    bert.save(model_folder, _card(bert, train, test, accuracy))
    _say(f"model folder: {model_folder}")

    rows = [{"format": "Keras", "path": model_folder, "accuracy": accuracy}]
    rows += _export_and_verify(bert, model_folder, test, settings.output)
    predictions = _classify_on_device(rows[-1]["path"])
    for row in rows:
        row["bytes"] = size_of(row["path"])
    seconds = time.monotonic() - began
    return {
        "output": settings.output,
        "shipped": shipped,
        "models": rows,
        "test_messages": len(test),
        "predictions": predictions,
        "seconds": round(seconds, 1),
    }


def _ask_shipped_models():
    found = []
    for each in shipped_answers():
        if not found:
            _say("models of this checkout, trained already:")
        found.append(each)
        asked = each["texts"][0]
        _say(f"  {each['model']}: {' '.join(each['line'].split())}  {each['ms']:.1f} ms  {asked}")
    if found:
        _say("and now one of your own, a spam filter:")
    return found


def _train(train, validation, seed, vocabulary_path):
    import keras

    from keras_bert.loading import load
    from keras_bert.text.vocabulary import train_vocabulary
    from keras_bert.training.settings import FitSettings
    from keras_bert.training.task_training import TaskTraining, config_for

    tokens = train_vocabulary(train.texts, _VOCABULARY_SIZE)
    with replacing_file(vocabulary_path) as temporary:
        with open(temporary, "w", encoding="utf-8", newline="") as file:
            file.writelines(f"{token}\n" for token in tokens)
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
    from keras_bert.export.timing import size_of
    from keras_bert.export.verify import compare
    from keras_bert.export.verify_report import report_lines

    rows = []
    for quantize in ("none", "dynamic"):
        path = os.path.join(output, f"spam_{'float' if quantize == 'none' else 'int8'}.tflite")
        with stderr_kept_for_errors():
            export_tflite(bert, path, quantize=quantize)
        sizes = size_of(model_folder), size_of(path)
        result = compare(bert, open_exported(path), _TASK, test, *sizes)
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


def _card(bert, train, test, accuracy):
    return model_card(
        bert,
        title="SMS spam filter",
        how="trained from random weights by `keras-bert quickstart`",
        data=[
            f"Trained on {len(train)} messages of the SMS Spam Collection v.1 (Almeida and "
            f"Hidalgo, UCI Machine Learning Repository, CC BY 4.0).",
            f"Scored on {len(test)} messages that it was not trained on.",
        ],
        score_lines=[f"accuracy {accuracy:.4f}"],
        licence="Apache-2.0; the data's licence asks for its authors to be named.",
    )


def _say(line):
    print(line, file=sys.stderr, flush=True)
