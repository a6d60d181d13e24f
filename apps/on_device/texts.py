"""Where texts come from: arguments, a file, standard input, or a person at the terminal."""

import os
import sys

from keras_bert.device.prompt import Prompt
from keras_bert.errors import InputError
from keras_bert.reading import LINE_LIMIT, open_examples

_STDIN = "-"  # as the value of --input


def for_each(arguments, texts, ask, prompt, complain):
    """Calls a function for each text, whatever its source.

    Texts are those among the arguments; without any, the lines of `--input`; without that, the
    lines of standard input, or what a person types where it is a terminal. There a bad text is one
    message, and the next is asked for.

    Args:
        arguments: the parsed arguments.
        texts: list of str, the texts among them.
        ask: function of a text and its name for messages.
        prompt: what the person is asked for, such as "text".
        complain: function that prints the message of an `InputError`.

    Raises:
        InputError: a text is not UTF-8, too long, empty where it is an argument; or as `ask`.
    """
    path = getattr(arguments, "input", None)
    if texts:
        if path is not None:
            raise InputError("--input: give either texts or a file")
        for number, text in enumerate(texts, start=1):
            name = f"text {number}"
            text = decoded(os.fsencode(text), name)
            if not text.strip():
                raise InputError(f"{name}: is empty")
            ask(text, name)
    elif path not in (None, _STDIN):
        _ask_lines(_lines_of(path), f"{path}:", ask, path)
    elif path is None and is_terminal():
        Prompt(not arguments.nohistory).for_each(prompt, ask, complain)
    elif sys.stdin is None:
        raise InputError("there are no texts, and standard input is closed")
    else:
        lines = iter(lambda: sys.stdin.buffer.readline(LINE_LIMIT + 1), b"")
        _ask_lines(lines, "stdin:", ask)


def is_terminal():
    """Returns whether a person can be asked."""
    return sys.stdin is not None and sys.stdin.isatty()


def _lines_of(path):
    # A generator: what the caller raises between two lines is not the file's fault.
    with open_examples(path) as file:
        yield from file


def _ask_lines(lines, name, ask, path=None):
    """Asks each line that is not blank; a file must have one."""
    is_empty = True
    for number, line in enumerate(lines, start=1):
        place = f"{name}{number}"
        if len(line) > LINE_LIMIT:
            raise InputError(f"{place}: has more than {LINE_LIMIT:,} bytes")
        text = decoded(line, place).rstrip("\r\n")
        if number == 1:
            text = text.removeprefix("\ufeff")  # which some editors write first
        if text.strip():
            is_empty = False
            ask(text, place)
    if is_empty and path is not None:
        raise InputError(f"{path}: has no text")


def read_passage(path):
    """Returns the text of a passage's file.

    Raises:
        InputError: it cannot be read, is not UTF-8, too long or empty.
    """
    try:
        # As bytes, because places count all characters of the file, line ends included.
        with open(path, "rb") as file:
            content = file.read(LINE_LIMIT + 1)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError:
        raise InputError(f"{path!r}: is no name of a file") from None
    if len(content) > LINE_LIMIT:
        raise InputError(f"{path}: a passage may have {LINE_LIMIT:,} bytes: it has more")
    return checked_passage(decoded(content, path), path)


def checked_passage(text, name):
    """Returns a passage; raises InputError, with the given name, if it is empty."""
    if not text.strip():
        raise InputError(f"{name}: the passage is empty")
    return text


def decoded(content, name):
    """Returns the text of UTF-8 bytes; raises InputError, with the given name, if they are not."""
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise InputError(f"{name}: is not UTF-8") from None
