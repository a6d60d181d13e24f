"""Opens a model in any supported format, alone or with examples for its task."""

import os

from keras_bert.errors import InputError
from keras_bert.files import check_path
from keras_bert.model_folder import is_model_folder, read_config
from keras_bert.predictor import Predictor
from keras_bert.progress import stage
from keras_bert.quiet import import_tensorflow_quietly
from keras_bert.shipped import located
from keras_bert.tasks.file_layout import FileLayout
from keras_bert.tasks.in_hand import examples_of
from keras_bert.tasks.registry import get_task, task_of


def open_model(path, threads=1):
    """Opens a model in any format: folder or checkpoint, .tflite, SavedModel, .onnx.

    Args:
        path: the file or folder, or the name of a shipped model; a `Predictor` is returned as it
            is.
        threads: of the runtime of an exported file.

    Returns:
        A `Predictor`: a `Bert`, or the runner of an exported file.

    Raises:
        InputError: nothing is there, or it is broken.
    """
    if isinstance(path, Predictor):
        return path
    path = located(path)
    check_path(path)
    if is_model_folder(path):
        return load_bert(path)
    from keras_bert.export.runners import is_exported, open_exported

    if is_exported(path):
        with stage(f"loading {path}"):
            return open_exported(path, threads)
    return load_bert(path)


def load_bert(path, **options):
    """Returns `keras_bert.load(path, **options)`, without TensorFlow's start-up notes."""
    with stage(f"loading {path}"):
        import_tensorflow_quietly()
        from keras_bert.loading import load

        return load(path, **options)


def require_task(model, path, embedder=None):
    """Returns a model that has a task.

    Args:
        model: a `Predictor`.
        path: its name, for the message.
        embedder: function that makes a sentence embedder of a `Bert` without a task, such as
            `embedder.embedder_of`; None: such a model is refused.

    Raises:
        InputError: it has no task, and there is no `embedder`.
    """
    if model.task is None and embedder is not None:
        return embedder(model)
    if model.task is None:
        raise InputError(f"{path}: holds an encoder without a task: train one with `finetune`")
    return model


def check_task(model, task):
    """Raises InputError if a model's kind is not that of a `Task`, or of a task's name."""
    task = get_task(task) if isinstance(task, str) else task
    if task is not None and task.kind != model.config.task:
        raise InputError(f"the model is for {model.config.task}", "task", task.name)


def open_with_examples(model, data, task=None, layout=None, labelled=True, embedder=None):
    """Opens a model and reads a file as the model's task, or another of its kind, reads it.

    Args:
        model: path of the model, the name of a shipped one, or a `Predictor`.
        data: path of the file, or labelled examples as `in_hand.examples_of` takes them.
        task: name of the task whose files and metrics are used; None uses the model's.
        layout: `FileLayout` of the file; None for its defaults.
        labelled: whether the file has the right answers.
        embedder: see `require_task`.

    Returns:
        A tuple: the model, a `Predictor`; its `Task`; the examples, checked against it.

    Raises:
        InputError: one of them is broken, or they do not fit together.
    """
    model = located(model)
    path, opened = model, None
    if isinstance(model, Predictor):
        path, opened = "the model", require_task(model, "the model", embedder)
    else:
        check_path(model)
    task = None if task is None else get_task(task)
    if task is None and opened is None and is_model_folder(model):
        task = task_of(read_config(os.fspath(model)))
    if task is None:
        opened = require_task(open_model(model), path, embedder)
        task = opened.task
    # Before a folder's weights are loaded, so that a bad row is reported at once.
    examples = examples_of(task, data, layout or FileLayout().for_scoring(), labelled)
    opened = opened or require_task(open_model(model), path, embedder)
    check_task(opened, task)
    task.check(examples, opened.config)
    return opened, task, examples
