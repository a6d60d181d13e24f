"""What a file did not say, so that it was guessed, and what was left out: one line for each.

A guess is a Python warning. A script makes every guess an error in the usual way,
`warnings.simplefilter("error", keras_bert.Guess)`; a command does so with `--strict`. What a
setting asked for is no guess: its number is a `Note`, which is never an error.
"""

import contextlib
import sys
import warnings

from keras_bert.errors import InputError, escaped


class Guess(InputError, UserWarning):
    """A warning: something was guessed or left out. Where it is raised, it is bad input."""


class Said(str):
    """A note that was a warning already, so that whoever prints notes leaves it out."""


def counted(number, noun):
    """Returns a number with what it counts: "1 row", "2 rows"."""
    return f"{number} {noun}" + ("" if number == 1 else "s")


class Note(UserWarning):
    """A warning: what was left out or changed because a setting asked for it, with its number."""


def guess(reason, setting=None, value=None, place=None):
    """Warns that something was guessed, or was left out, in one line.

    Args:
        reason: str, what was guessed or left out, with its number, and how to say it instead.
        setting: str, the name of the setting that says it, or None.
        value: the value of that setting that was guessed, or None.
        place: str, the file or row that it is about, or None.

    Returns:
        The line, a `Said`, for those who keep it as a note.

    Raises:
        Guess: guesses are errors.
    """
    warning = Guess(reason, setting, value, place)
    warnings.warn(warning, stacklevel=3)
    return Said(warning)


def not_said(notes):
    """Returns the notes that were no warnings."""
    return [note for note in notes if not isinstance(note, Said)]


def note(reason, setting=None, value=None, place=None):
    """Warns, in one line, of what a setting left out or changed as it was asked; see `guess`."""
    error = InputError(reason, setting, value, place)
    warnings.warn(Note(error), stacklevel=3)
    return Said(error)


@contextlib.contextmanager
def said_afterwards():
    """Guesses and notes of the block are said after it: for one in which stderr is hidden."""
    with warnings.catch_warnings(record=True) as caught:
        yield
    for warning in caught:
        if issubclass(warning.category, (Guess, Note)):
            warnings.warn(warning.message, stacklevel=3)


@contextlib.contextmanager
def guesses_are_notes(strict=False):
    """Within the block each guess and note is one line on stderr, once.

    Args:
        strict: whether a guess is an error.
    """
    shown = set()
    show_others = warnings.showwarning

    def show(message, category, *rest, **more):
        if not issubclass(category, (Guess, Note)):
            show_others(message, category, *rest, **more)
        elif str(message) not in shown:
            shown.add(str(message))
            line = escaped(" ".join(str(message).split()))
            print(f"note: {line}", file=sys.stderr, flush=True)

    with warnings.catch_warnings():
        warnings.simplefilter("always", Note)
        warnings.simplefilter("error" if strict else "always", Guess)
        warnings.showwarning = show
        yield
