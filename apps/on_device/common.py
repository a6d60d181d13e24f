"""Shared by the verbs on the device: arguments, opening a model, timing, errors in one line."""

import argparse
import os
import sys
import time

from keras_bert.errors import InputError
from keras_bert.export.runners import open_tflite
from keras_bert.extras import missing_message
from keras_bert.guesses import guesses_are_notes
from keras_bert.reading import LINE_LIMIT
from keras_bert.shipped import located
from keras_bert.tasks.registry import KINDS, get_task

_MOST_THREADS = 256
BAD_INPUT = 2
# The status that a shell reports after a signal: 128 plus its number.
_INTERRUPTED, _BROKEN_PIPE = 130, 141

# The verb for the models of each task.
VERB_OF_TASK = {
    **{kind: "classify" for kind in KINDS if get_task(kind).of_texts},
    "tagging": "tag",
    "question_answering": "answer",
    "embedding": "embed",
}


class Parser(argparse.ArgumentParser):
    """Parses the arguments of a verb, --model and --threads among them.

    Args:
        verb: its name.
        description: the text of `--help`.
    """

    def __init__(self, verb, description):
        super().__init__(
            prog=f"keras-bert-device {verb}",
            description=description,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        self._verb = verb
        self.add_argument(
            "--model", required=True, help="the .tflite file, or the name of a shipped one"
        )
        self.add_argument(
            "--threads", type=_threads, default=1, metavar="N", help="threads of the interpreter"
        )

    def error(self, message):
        self.exit(BAD_INPUT, f"{self._verb}: {message}; see --help\n")


def _threads(text):
    # The interpreter does not check the number, and too many threads crash it.
    if not text.isdecimal() or len(text) > 3 or not 1 <= int(text) <= _MOST_THREADS:
        raise argparse.ArgumentTypeError(f"expected a number from 1 to {_MOST_THREADS}")
    return int(text)


def open_model(arguments, verb):
    """Opens the model that the arguments name.

    Args:
        arguments: the parsed arguments.
        verb: the calling verb.

    Returns:
        A `TFLiteRunner`.

    Raises:
        InputError: the file is broken, or a model for another task.
    """
    model = open_tflite(located(arguments.model), arguments.threads)
    task = model.config.task
    if VERB_OF_TASK.get(task) != verb:
        tasks = [kind for kind, other in VERB_OF_TASK.items() if other == verb]
        verb = VERB_OF_TASK.get(task)
        fix = f"use `keras-bert-device {verb}`" if verb else "see apps/on_device/README.md"
        raise InputError(
            f"{arguments.model}: is a model for {task}, not for {' or '.join(tasks)}: {fix}"
        )
    return model


def texts_of(arguments):
    """Yields the texts among the arguments; without any, the lines of stdin that are not blank.

    Yields:
        A tuple: the text, and its name for messages.

    Raises:
        InputError: one is not UTF-8, or an argument is empty.
    """
    name = "text " if arguments else "stdin:"
    lines = iter(lambda: sys.stdin.buffer.readline(LINE_LIMIT + 1), b"")
    for number, text in enumerate(map(os.fsencode, arguments) if arguments else lines, start=1):
        if len(text) > LINE_LIMIT:
            raise InputError(f"{name}{number}: has more than {LINE_LIMIT:,} bytes")
        text = decoded(text, f"{name}{number}")
        if text.strip():
            yield text if arguments else text.rstrip("\r\n"), f"{name}{number}"
        elif arguments:
            raise InputError(f"{name}{number}: is empty")


def decoded(content, name):
    """Returns the text of UTF-8 bytes; raises InputError, with the given name, if they are not."""
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise InputError(f"{name}: is not UTF-8") from None


def timed(name, ask, *texts):
    """Returns the result of `ask(*texts)`, and the milliseconds that it took, as text.

    Raises:
        InputError: the model cannot take the texts; the message begins with `name`.
    """
    start = time.perf_counter()
    try:
        answer = ask(*texts)
    except InputError as error:
        raise error.about(name) from None
    return answer, f"{1000 * (time.perf_counter() - start):.1f} ms"


def one_line(text):
    """Returns a text without line breaks and tabs, which separate printed lines and columns."""
    return " ".join(text.split())


def exit_status(verb, run, arguments):
    """Calls `run(arguments)`; bad input becomes one line on stderr, which begins with the verb.

    Returns:
        0, or 2 for bad input, a full disk or a missing package; 130 after Ctrl-C, 141 if nobody
        reads the output.
    """
    # If the terminal cannot show a character, its code is printed.
    sys.stdout.reconfigure(errors="backslashreplace")
    try:
        with guesses_are_notes():
            run(arguments)
        sys.stdout.flush()
    except InputError as error:
        return complain(verb, error)
    except ModuleNotFoundError as error:
        return complain(verb, missing_message(error.name) if error.name else error)
    except BrokenPipeError:
        _drop_output()
        return _BROKEN_PIPE
    except OSError as error:
        _drop_output()
        return complain(verb, f"writing failed: {error.strerror}")
    except KeyboardInterrupt:
        return complain(verb, "interrupted", _INTERRUPTED)
    return 0


def complain(name, message, status=BAD_INPUT):
    """Prints one line on stderr and returns the exit status."""
    print(f"{name}: {one_line(str(message))}", file=sys.stderr)
    return status


def _drop_output():
    # Without it, Python would try to write its buffer at exit, and report an error.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
