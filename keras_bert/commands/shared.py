"""Flags and steps that several verbs share."""

import contextlib
import logging
import os
import sys
import tempfile

from absl import flags

from keras_bert.commands.flags import define, settings_from
from keras_bert.errors import InputError
from keras_bert.model_folder import is_model_folder, read_config
from keras_bert.tasks.registry import NAMES, get_task, task_of
from keras_bert.tasks.task import FileLayout


def define_column_flags(values):
    """Declares the flags that say where a file keeps its texts and labels."""
    define(values, FileLayout, skip=("misaligned",))


def define_string(values, name, text, default=None, required=False):
    """Declares a string flag; `required` ones must be given."""
    flags.DEFINE_string(name, default, text, flag_values=values)
    if required:
        flags.mark_flag_as_required(name, flag_values=values)
    if required or default is not None:
        # An unset variable of a shell script, --output=$OUT, would name the current folder.
        flags.register_validator(name, lambda value: value != "", "is empty", flag_values=values)


def file_layout(values, training=False):
    """Returns the `FileLayout` that the column flags ask for, for training or for scoring."""
    found = settings_from(values, FileLayout)
    return found if training else found.for_scoring()


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
        A `Predictor`.
    """
    check_path(path)
    import_tensorflow_quietly()
    from keras_bert.export.runners import is_exported, open_exported

    if is_exported(path):
        return open_exported(path)
    import keras_bert

    return keras_bert.load(path)


def open_with_examples(values, model_path, data_path, labelled=True):
    """Opens a model and reads a file as the model's task, or that of --task, reads it.

    Returns:
        A tuple: the model, a `Predictor`; its `Task`; the examples, checked against it.
    """
    check_path(model_path)
    task = get_task(values.task) if values.task is not None else None
    if task is None and is_model_folder(model_path):
        task = task_of(read_config(model_path))
    model = examples = None
    if task is None:
        model = require_task(open_model(model_path), model_path)
        task = model.task
    # Before a folder's weights are loaded, so that a bad row is told in a second.
    examples = task.read(data_path, file_layout(values), labelled)
    model = model or require_task(open_model(model_path), model_path)
    if task.kind != model.config.task:
        raise InputError(f"--task={task.name}: the model is for {model.config.task}")
    task.check(examples, model.config)
    return model, task, examples


def define_left_out(values):
    """Declares --misaligned for verbs that score or ask, for which it is the question's text."""
    text = "question answering: a question without text"
    changes = {"help": text, "choices": ("error", "skip")}
    define(values, FileLayout, only=("misaligned",), misaligned=changes)


def define_task(values):
    """Declares --task for verbs that ask a model which has a task already."""
    flags.DEFINE_enum(
        "task", None, NAMES, "whose files and metrics (default: what the model was trained for)",
        flag_values=values,
    )  # fmt: skip


def load_bert(path, **kwargs):
    """Loads a model folder or checkpoint; TensorFlow's chatter is kept off the terminal."""
    import_tensorflow_quietly()
    import keras_bert

    return keras_bert.load(path, **kwargs)


def require_task(model, path):
    """Raises InputError if a model answers nothing."""
    if model.task is None:
        raise InputError(f"{path}: holds an encoder without a task: train one with `finetune`")
    return model


def import_tensorflow_quietly():
    """Imports Keras with its backend while TensorFlow's start-up notes are dropped.

    They are written by C++ code before any logging level is looked at, and would bury the one line
    that an error is. The level asked for in TF_CPP_MIN_LOG_LEVEL, if any, keeps them.
    """
    # Batches of several lengths are meant; TensorFlow takes them for a mistake, at great length.
    logging.getLogger("tensorflow").addFilter(_is_not_of_retracing)
    if "TF_CPP_MIN_LOG_LEVEL" in os.environ:
        import keras  # noqa: F401

        return
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    with stderr_kept_for_errors():
        import keras  # noqa: F401


def _is_not_of_retracing(record):
    return "retracing" not in str(record.msg)


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
