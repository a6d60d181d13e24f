"""Reads the flags of inputs: the layout of a file, and texts."""

import os

from keras_bert.commands.flags import define, settings_from
from keras_bert.errors import InputError
from keras_bert.tasks.file_layout import FileLayout


def define_layout(values):
    """Declares the flags of an input file for scores or answers: its columns, and --misaligned."""
    text = "question answering: a question without text"
    define(values, FileLayout, misaligned={"help": text, "choices": ("error", "skip")})


def layout_of(values):
    """Returns the `FileLayout`, for scoring, with the values of the flags of `define_layout`."""
    return settings_from(values, FileLayout).for_scoring()


def text_of(text, name):
    """Returns a flag's text, decoded: in the C locale Python decodes ASCII only.

    Args:
        text: str or None.
        name: its name in messages.

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
    if len(texts) == 1:
        return [text_of(texts[0], f"--{name}")]
    return [text_of(text, f"--{name} number {n}") for n, text in enumerate(texts, start=1)]
