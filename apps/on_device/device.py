"""What the programs on the device share: arguments, opening a model, timing, errors in one line."""

import argparse
import os
import sys
import time

from export.runners import TFLiteRunner
from keras_bert.errors import InputError

_MOST_THREADS = 256

# Which program here asks a model of which task.
PROGRAMS = {
    "classification": "classify.py",
    "regression": "classify.py",
    "tagging": "tag.py",
    "question_answering": "answer.py",
}


def parser_of(description):
    """Returns an argument parser with what every program takes: --model and --threads."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--model", required=True, help="the .tflite file")
    parser.add_argument(
        "--threads", type=_threads, default=1, metavar="N", help="threads of the interpreter"
    )
    return parser


def _threads(text):
    # The interpreter does not check, and dies of too many.
    if not text.isdecimal() or len(text) > 3 or not 1 <= int(text) <= _MOST_THREADS:
        raise argparse.ArgumentTypeError(f"expected a number from 1 to {_MOST_THREADS}")
    return int(text)


def open_model(arguments, *tasks):
    """Opens the model that the arguments name.

    Args:
        arguments: what the parser gave.
        *tasks: the tasks that the calling program asks models for.

    Returns:
        A `TFLiteRunner`.

    Raises:
        InputError: the file is broken, or a model for another task.
    """
    model = TFLiteRunner(arguments.model, arguments.threads)
    task = model.config.task
    if task not in tasks:
        fix = f"ask it with {PROGRAMS[task]}" if task in PROGRAMS else "see README.md"
        raise InputError(
            f"{arguments.model}: is a model for {task}, not for {' or '.join(tasks)}: {fix}"
        )
    return model


def texts_of(arguments):
    """Yields the texts among the arguments; without any, the lines of stdin that are not blank.

    Raises:
        InputError: one is not UTF-8.
    """
    name = "text " if arguments else "stdin:"
    texts = map(os.fsencode, arguments) if arguments else sys.stdin.buffer
    for number, text in enumerate(texts, start=1):
        text = decoded(text, f"{name}{number}")
        if arguments or text.strip():
            yield text if arguments else text.rstrip("\r\n")


def decoded(content, name):
    """Returns the text of bytes in UTF-8; raises InputError, with the name given, for others."""
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise InputError(f"{name}: is not UTF-8") from None


def timed(ask, *texts):
    """Returns what `ask(*texts)` gives, and the milliseconds that it took, as text."""
    start = time.perf_counter()
    answer = ask(*texts)
    return answer, f"{1000 * (time.perf_counter() - start):.1f} ms"


def one_line(text):
    """Returns a text without line breaks and tabs, which part the lines and columns printed."""
    return " ".join(text.split())


def exit_status(run, arguments):
    """Calls `run(arguments)`; bad input becomes one line on stderr.

    Returns:
        0, or 2 for bad input.
    """
    # Where the terminal cannot show a character, its code is shown.
    sys.stdout.reconfigure(errors="backslashreplace")
    try:
        run(arguments)
    except InputError as error:
        program = os.path.splitext(os.path.basename(sys.argv[0]))[0]
        print(f"{program}: {one_line(str(error))}", file=sys.stderr)
        return 2
    return 0
