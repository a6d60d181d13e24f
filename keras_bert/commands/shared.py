"""Flags and steps that several verbs share."""

import contextlib
import os
import sys
import tempfile

from absl import flags

from keras_bert.errors import InputError
from keras_bert.tasks import classification


def define_column_flags(values):
    """Declares the flags that say where a file keeps its texts and labels."""
    flags.DEFINE_list(
        "columns", None, "names of all columns, for a CSV or TSV file that has no header line",
        flag_values=values,
    )  # fmt: skip
    flags.DEFINE_string(
        "text_column", None, "column of the text (default: text, sentence, sentence1, …)",
        flag_values=values,
    )  # fmt: skip
    flags.DEFINE_string(
        "text_b_column", None, "column of the second text of a pair; empty: no pair",
        flag_values=values,
    )  # fmt: skip
    flags.DEFINE_string(
        "label_column", None, "column of the label (default: label, class, …)", flag_values=values
    )


def define_string(values, name, text, default=None, required=False):
    """Declares a string flag; `required` ones must be given."""
    flags.DEFINE_string(name, default, text, flag_values=values)
    if required:
        flags.mark_flag_as_required(name, flag_values=values)
    if required or default is not None:
        # An unset variable of a shell script, --output=$OUT, would name the current folder.
        flags.register_validator(name, lambda value: value != "", "is empty", flag_values=values)


def read_examples(values, path, labelled=True):
    """Reads a file as the column flags say; see `classification.read_examples`."""
    return classification.read_examples(
        path,
        columns=values.columns,
        text_column=values.text_column,
        text_b_column=values.text_b_column,
        label_column=values.label_column,
        labelled=labelled,
    )


def check_path(path):
    """Raises InputError if nothing is there, before anything heavy is imported."""
    if not os.path.exists(path):
        raise InputError(f"{path}: no such file or folder")
    return path


def check_not_input(output, source):
    """Raises InputError if the output is the very file or folder that the command reads."""
    if os.path.exists(output) and os.path.exists(source) and os.path.samefile(output, source):
        raise InputError(f"{output}: is what the command reads: name another output")


def open_model(path):
    """Opens a model in any format that we write: folder, .tflite, SavedModel, .onnx.

    Returns:
        An object with `.config`, `.predict(texts, texts_b)` and `.probabilities(texts, texts_b)`.
    """
    check_path(path)
    import_tensorflow_quietly()
    from export.runners import is_exported, open_exported

    if is_exported(path):
        return open_exported(path)
    import keras_bert

    return keras_bert.load(path)


def load_bert(path, **kwargs):
    """Loads a model folder or checkpoint; TensorFlow's chatter is kept off the terminal."""
    import_tensorflow_quietly()
    import keras_bert

    return keras_bert.load(path, **kwargs)


def require_classifier(model, path):
    """Raises InputError if a model has no classes to speak of."""
    if model.config.task != "classification":
        raise InputError(f"{path}: holds an encoder without a task: train one with `finetune`")
    return model


def import_tensorflow_quietly():
    """Imports Keras with its backend while TensorFlow's start-up notes are dropped.

    They are written by C++ code before any logging level is looked at, and would bury the one line
    that an error is. The level asked for in TF_CPP_MIN_LOG_LEVEL, if any, keeps them.
    """
    if "TF_CPP_MIN_LOG_LEVEL" in os.environ:
        import keras  # noqa: F401

        return
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    with stderr_kept_for_errors():
        import keras  # noqa: F401


def score_lines(scores, labels):
    """Returns the printed form of `classification.scores`."""
    return [
        *(f"{name:<10} {scores[name]:.4f}" for name in classification.METRICS),
        f"{'count':<10} {scores['count']}",
        *classification.confusion_table(scores["confusion"], labels),
    ]


def check_pair(model, examples):
    """Raises InputError if a file has pairs where the model takes single texts, or vice versa."""
    if model.config.pair and examples.texts_b is None:
        raise InputError(
            f"{examples.path}: the model takes pairs of texts: name the second column with "
            f"--text_b_column"
        )
    if model.config.pair is False and examples.texts_b is not None:
        raise InputError(
            f"{examples.path}: the model takes single texts, the file has pairs: name one column "
            f"with --text_column"
        )


@contextlib.contextmanager
def stderr_kept_for_errors():
    """Keeps what libraries print to stderr off the terminal, unless the block fails.

    The converters log dozens of lines that say nothing to a user; after a failure they are all
    there is to go by.
    """
    sys.stderr.flush()
    with tempfile.TemporaryFile() as kept:
        saved = os.dup(2)
        os.dup2(kept.fileno(), 2)
        try:
            yield
        except InputError:
            raise
        except Exception:
            kept.seek(0)
            os.write(saved, kept.read())
            raise
        finally:
            sys.stderr.flush()
            os.dup2(saved, 2)
            os.close(saved)
