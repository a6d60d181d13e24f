"""What flags say of inputs: how a file is laid out, and texts."""

import os

from keras_bert.commands.flags import define, settings_from
from keras_bert.errors import InputError
from keras_bert.tasks.file_layout import FileLayout


def define_layout(values):
    """Declares the flags of a file that is scored or answered: its columns, and --misaligned."""
    text = "question answering: a question without text"
    define(values, FileLayout, misaligned={"help": text, "choices": ("error", "skip")})


def layout_of(values):
    """Returns the `FileLayout`, for scoring, that the flags of `define_layout` ask for."""
    return settings_from(values, FileLayout).for_scoring()


def text_of(text, name):
    """Returns a flag's text; in the C locale Python has not decoded what is not ASCII.

    Args:
        text: str or None.
        name: what messages call it.

    Raises:
        InputError: it is blank or not UTF-8.
    """
    if text is None:
        return None
    if not text.strip():
        raise InputError(f"{name} is empty")
    try:
        return os.fsencode(text).decode("utf-8")
    except UnicodeError:
        raise InputError(f"{name} is not UTF-8") from None


def texts_of(texts, name):
    """Returns the texts of a repeated flag, or None; see `text_of`."""
    if texts is None:
        return None
    return [text_of(text, f"--{name} number {n}") for n, text in enumerate(texts, start=1)]
