"""The exceptions that the command line turns into an exit status, and how they name settings.

A setting has one name everywhere, but a script writes `seed=3` where a command has `--seed=3`.
Messages spell a setting with `name_of`, which writes what the reader of the message writes.
"""

import contextlib
import re

# Of a list of values in a message, in characters.
_LONGEST_LIST = 60
# Of a message, in characters.
_LONGEST = 2000
# C0 and C1 controls, the line ends of Unicode, and what turns the direction of the text around it.
_CONTROLS = re.compile("[\0-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_prefix = ""


class InputError(ValueError):
    """Bad input from the user.

    The command line prints its message as one line and exits with status 2.

    Args:
        reason: str, what is wrong, and what to do.
        setting: str, the name of the setting that it is about, or None.
        value: that setting's value, or None where only its name is worth a word.
        place: str, the file, row or text that it is about, or None.

    `str` of it is the whole message, one line: "learning_rate=-1.0: …", and in a command
    "--learning_rate=-1.0: …"; with a place "train.csv:3: …".
    """

    def __init__(self, reason, setting=None, value=None, place=None):
        super().__init__(reason)
        self.reason, self.setting, self.value, self.place = reason, setting, value, place

    def __str__(self):
        parts = [] if self.place is None else [self.place]
        if self.setting is not None:
            parts.append(name_of(self.setting, self.value))
        # A name or a value in a stranger's file may be of many lines, and as long as the file.
        message = " ".join(": ".join([*parts, str(self.reason)]).splitlines())
        if len(message) > _LONGEST:
            # The middle is left out: the place is at the beginning, the fix at the end.
            message = f"{message[: _LONGEST // 2]} … {message[-_LONGEST // 2 :]}"
        return message

    def within(self, place):
        """Returns the error as one inside of a file or folder: "bert: config.json: …"."""
        inner = place if self.place is None else f"{place}: {self.place}"
        return type(self)(self.reason, self.setting, self.value, inner)

    def about(self, place):
        """Returns the error as one about another place, such as the name that a caller has."""
        return type(self)(self.reason, self.setting, self.value, place)


class Diverged(InputError):
    """A training whose weights are not finite any more; another seed of it may do."""


class NoHead(InputError):
    """A checkpoint without the masked-LM head that was asked for."""


class CheckFailed(Exception):
    """A gate was not passed, such as accuracy after quantization.

    The command line prints the result all the same and exits with status 1.

    Args:
        message: what failed, one line.
        result: dict of the results.
        lines: list of str, the printed report.
    """

    def __init__(self, message, result, lines):
        super().__init__(message)
        self.result = result
        self.lines = lines


class Stopped(Exception):
    """A training that a signal has ended after a step, whose state was saved.

    The command line prints its message as one line and exits with 128 plus the signal's number.

    Args:
        step: int, how many steps have been done.
        folder: where the state is, or None where this process saves nothing.
        number: int, the signal's number.
    """

    def __init__(self, step, folder, number):
        super().__init__(step, folder, number)
        self.step, self.folder, self.number = step, folder, number

    def __str__(self):
        if self.folder is None:
            return f"ended after step {self.step}: another process saves the state"
        return (
            f"{self.folder}: saved step {self.step}: run the same command with "
            f"{name_of('resume', True)} to go on"
        )


def one_line(error):
    """Returns the message of another package's exception without its line breaks."""
    return " ".join(str(error).split()) or type(error).__name__


def escaped(text):
    """Returns a text with its control characters as codes, such as `\\x1b`.

    A terminal would obey them: move the cursor, change its title, hide a part of the line.
    """
    return _CONTROLS.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def name_of(setting, value=None):
    """Returns a setting as the reader of the message writes it: `seed=3`, in a command `--seed=3`.

    Args:
        setting: str, its name.
        value: its value; None leaves it out, and a command writes True as `--pack`, False as
            `--nopack`.
    """
    name = _prefix + setting
    if value is False and _prefix:
        return f"{_prefix}no{setting}"
    if value is None or (value is True and _prefix):
        return name
    if isinstance(value, list | tuple):
        value = ",".join(map(str, value))[:_LONGEST_LIST]
    return f"{name}={value}"


@contextlib.contextmanager
def settings_are_flags():
    """Within the block, messages spell settings as flags: the command line is who reads them."""
    global _prefix
    before, _prefix = _prefix, "--"
    try:
        yield
    finally:
        _prefix = before


def spells_flags():
    """Says whether messages spell settings as flags now."""
    return bool(_prefix)
