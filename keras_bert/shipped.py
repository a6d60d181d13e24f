"""Trained models in a checkout of the project, found by their names: `--model=sentiment`.

They are `apps/models/NAME/NAME.tflite`, each with its card. An installed package has none.
"""

import os
import re

from keras_bert.errors import InputError
from keras_bert.guesses import note

# Of the checkout, if this file is in one.
_ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# Beside the package in a checkout, and not where packages are installed.
_SIGN = "setup.cfg"
_NAME = re.compile(r"[A-Za-z0-9_-]+")
CARD = "README.md"


def shipped_folder():
    """Returns the folder of the shipped models; None outside of a checkout that has it."""
    folder = os.path.join(_ROOT, "apps", "models")
    is_checkout = os.path.isfile(os.path.join(_ROOT, _SIGN)) and os.path.isdir(folder)
    return folder if is_checkout else None


def shipped_models():
    """Returns the shipped models, a dict of name to path in the order of the names."""
    folder = shipped_folder()
    names = () if folder is None else sorted(os.listdir(folder))
    paths = {name: os.path.join(folder, name, f"{name}.tflite") for name in names}
    return {name: path for name, path in paths.items() if os.path.isfile(path)}


def located(model, setting="model"):
    """Returns the path of a model; that of a shipped one is said in a note.

    Args:
        model: a path, which wins where something exists, or a shipped model's name; or a model in
            memory, or None, which is returned as it is.
        setting: name of the setting whose value it is.

    Returns:
        The path. A path where nothing exists is returned as it is.

    Raises:
        InputError: it can only be a name, and no shipped model has it, though there are some.
    """
    if not isinstance(model, str | os.PathLike) or os.path.exists(model):
        return model
    name, shipped = os.fspath(model), shipped_models()
    if name in shipped:
        note(f"takes the shipped file {shipped[name]}", setting, name)
        return shipped[name]
    if shipped and isinstance(name, str) and _NAME.fullmatch(name):
        known = ", ".join(shipped)
        raise InputError(f"no such file or folder; the shipped models are {known}", place=name)
    return model
