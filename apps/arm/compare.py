"""`keras-bert-device` on an emulated 64-bit ARM processor: the same answers as on this one?

    python apps/arm/compare.py
    python apps/arm/compare.py --model=sentiment "so good" "a dull film"
    python apps/arm/compare.py --model=answerer.tflite --passage=page.txt "Who …?" "When …?"

Without arguments it asks each shipped model some questions. Labels, tags and places must be the
same, numbers within 0.05, for a file of 8 or 4 bits rounds while it runs; how many are not within
0.001 is said. Prints each difference and one line at the end; exits with 1 if there is one. The
emulated system, some 300 MB, is made once, in a minute, and kept in --folder.
It needs Linux with apt, and root. An emulator says nothing about the speed of a phone.
"""

import argparse
import pathlib
import sys
import time

import machine
import programs

from keras_bert.device.common import VERB_OF_TASK
from keras_bert.errors import InputError
from keras_bert.export.runners import open_tflite
from keras_bert.guesses import guesses_are_notes
from keras_bert.shipped import located, shipped_models

_PASSAGE = (
    "Ada Lovelace was born in London in 1815. With Charles Babbage she worked on the Analytical "
    "Engine, and in 1843 she published the first program for it. She died in 1852, at 36."
)
_QUESTIONS = ("Where was Ada Lovelace born?", "Who did she work with?", "When did she die?")
_SENTENCES = (
    "Ada Lovelace worked with Charles Babbage in London.",
    "A superb, lovely film, and the actors are charming.",
    "The plot is dull, the music awful: café noise 🙂",
)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", help="a .tflite file, or the name of a shipped one")
    parser.add_argument("--passage", help="a file, the passage of the questions")
    parser.add_argument(
        "--folder", default=str(programs.ROOT / ".arm"), help="where the emulated system is kept"
    )
    parser.add_argument("texts", nargs="*", help="texts, questions or sentences")
    arguments = parser.parse_args()
    try:
        with guesses_are_notes():
            sys.exit(compare(arguments))
    except (InputError, machine.CannotMake, programs.Failed) as error:
        print(f"arm: {error}", file=sys.stderr)
        sys.exit(2)


def compare(arguments):
    """Asks both processors; returns the exit status."""
    models = [arguments.model] if arguments.model else list(shipped_models())
    if not models:
        raise InputError("there are no shipped models here: give --model")
    folder = pathlib.Path(arguments.folder).resolve()
    calls = [_call(located(model), arguments) for model in models]
    start = time.monotonic()
    arm = programs.on_arm(folder)
    made = time.monotonic() - start
    expected = programs.here().ask(calls)
    start = time.monotonic()
    found = arm.ask(calls)
    seconds = time.monotonic() - start
    count, wrong, beyond, largest = 0, 0, 0, 0.0
    for model, (_, texts), *answers in zip(models, calls, found, expected, strict=True):
        for text, a, b in zip(texts, *answers, strict=True):
            different, gap = programs.differences(a, b, programs.ROUNDED_TOLERANCE)
            count, largest = count + 1, max(largest, gap)
            beyond += gap > programs.TOLERANCE
            wrong += bool(different)
            for line in different:
                print(f"{model}: {text!r:.60}: {line}")
    print(
        f"64-bit ARM, emulated: {count - wrong} of {count} answers of {len(models)} models as on "
        f"this processor; numbers within {largest:.1e}, {beyond} beyond "
        f"{programs.TOLERANCE}; made in {made:.0f} s, asked in {seconds:.0f} s"
    )
    return 1 if wrong else 0


def _call(path, arguments):
    """Returns the call for a model; see `programs.Program.ask`."""
    verb = VERB_OF_TASK.get(open_tflite(path).config.task)
    if verb is None:
        raise InputError(f"{path}: is a model that keras-bert-device has no verb for")
    path = str(pathlib.Path(path).resolve())
    texts = [" ".join(text.split()) for text in arguments.texts]  # the program reads a text a line
    if not all(texts):
        raise InputError("a text is empty")
    if verb != "answer":
        return [verb, f"--model={path}"], texts or list(_SENTENCES)
    flag = f"--passage_text={_PASSAGE}"
    if arguments.passage:
        flag = f"--passage={pathlib.Path(arguments.passage).resolve()}"
    return [verb, f"--model={path}", flag], texts or list(_QUESTIONS)


if __name__ == "__main__":
    main()
