"""Shared by the verbs on the device: arguments, opening a model, timing, errors in one line."""

import argparse
import json
import os
import sys
import time

from keras_bert.device import shown
from keras_bert.device.state import TriedFile
from keras_bert.errors import InputError, escaped
from keras_bert.export.runners import open_tflite
from keras_bert.extras import missing_message
from keras_bert.guesses import guesses_are_notes
from keras_bert.shipped import located, shipped_models

_MOST_THREADS = 256
BAD_INPUT = 2
# The status that a shell reports after a signal: 128 plus its number.
_INTERRUPTED, _BROKEN_PIPE = 130, 141

# The verb for the models of each task.
VERB_OF_TASK = {
    "classification": "classify",
    "multi_label": "classify",
    "regression": "classify",
    "tagging": "tag",
    "question_answering": "answer",
    "embedding": "embed",
}


class Printer:
    """Prints results: columns between tabs, JSON, or what a person reads at a terminal.

    Args:
        verb: the calling verb.
        arguments: the parsed arguments.

    Attributes:
        is_json: whether each result is one JSON object.
        style: `shown.Style`.
    """

    def __init__(self, verb, arguments):
        self._verb = verb
        self.is_json = arguments.json
        self.style = shown.Style(arguments.color)

    def columns(self, *columns, time, text):
        """Prints columns, then milliseconds and the text, as one line."""
        print(*columns, milliseconds(time), self.style.line(text), sep="\t")

    def record(self, fields, time):
        """Prints one JSON object with the milliseconds; its characters are ASCII's, whatever."""
        print(json.dumps({**fields, "milliseconds": round(time, 3)}, allow_nan=False))

    def complain(self, error):
        """Prints the message of an error as one line on stderr."""
        sys.stdout.flush()
        complain(self._verb, error)


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
        self.add_argument(
            "--json", action="store_true", help="print one JSON object a line, for programs"
        )
        colors = self.add_mutually_exclusive_group()
        colors.add_argument(
            "--color", action="store_true", default=None,
            help="print as on a terminal, with what was found coloured in its text",
        )  # fmt: skip
        colors.add_argument(
            "--nocolor", dest="color", action="store_false",
            help="no colours; so it is if NO_COLOR is set, or TERM is dumb",
        )  # fmt: skip
        self.add_argument(
            "--nohistory", action="store_true", help="do not keep what is typed at the prompt"
        )

    def error(self, message):
        self.exit(BAD_INPUT, f"{self._verb}: {message}; see --help\n")


def _threads(text):
    # The interpreter does not check the number, and too many threads crash it.
    if not text.isdecimal() or len(text) > 3 or not 1 <= int(text) <= _MOST_THREADS:
        raise argparse.ArgumentTypeError(f"expected a number from 1 to {_MOST_THREADS}")
    return int(text)


def define_input(parser):
    """Adds the argument of a file of texts."""
    parser.add_argument(
        "--input", metavar="FILE", help="a file with a text a line, UTF-8; - is stdin"
    )


def count(text):
    """Returns the number that an argument is, from 1 to 1000; for argparse."""
    if not text.isdecimal() or len(text) > 4 or not 1 <= int(text) <= 1000:
        raise argparse.ArgumentTypeError("expected a number from 1 to 1000")
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
    model = _opened(located(arguments.model), arguments.threads)
    task = model.config.task
    if VERB_OF_TASK.get(task) != verb:
        tasks = [kind for kind, other in VERB_OF_TASK.items() if other == verb]
        verb = VERB_OF_TASK.get(task)
        fix = f"use `keras-bert-device {verb}`" if verb else "see apps/on_device/README.md"
        raise InputError(
            f"{arguments.model}: is a model for {task}, not for {' or '.join(tasks)}: {fix}"
        )
    return model


def _opened(path, threads):
    """Opens a file; one that was found harmless before is not tried in another process again."""
    if _is_shipped(path):
        return open_tflite(path, threads, is_tried=True)
    tried = TriedFile(path)
    is_known = tried.is_harmless
    model = open_tflite(path, threads, is_tried=is_known)
    if model.is_tried and not is_known:
        tried.remember()
    return model


def _is_shipped(path):
    # It is a part of the checkout, as this code is.
    real = os.path.realpath(path)
    return any(real == os.path.realpath(shipped) for shipped in shipped_models().values())


def timed(name, ask, *texts):
    """Returns the result of `ask(*texts)`, and the milliseconds that it took.

    Raises:
        InputError: the model cannot take the texts; the message begins with `name`.
    """
    start = time.perf_counter()
    try:
        answer = ask(*texts)
    except InputError as error:
        raise error.about(name) from None
    return answer, 1000 * (time.perf_counter() - start)


def milliseconds(time):
    """Returns milliseconds as they are printed."""
    return f"{time:.1f} ms"


def exit_status(verb, run, arguments):
    """Calls `run(arguments, printer)`; bad input becomes one line on stderr, with the verb first.

    Returns:
        0, or 2 for bad input, a full disk or a missing package; 130 after Ctrl-C, 141 if nobody
        reads the output.
    """
    # If the terminal cannot show a character, its code is printed.
    sys.stdout.reconfigure(errors="backslashreplace")
    try:
        with guesses_are_notes():
            run(arguments, Printer(verb, arguments))
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
    print(f"{name}: {escaped(shown.one_line(str(message)))}", file=sys.stderr)
    return status


def _drop_output():
    # Without it, Python would try to write its buffer at exit, and report an error.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
