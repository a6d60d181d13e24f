"""Prints the vectors of texts, from a .tflite file alone: no TensorFlow, no Keras.

    keras-bert-device embed --model=embedder.tflite "the first text" "the second text"
    keras-bert-device embed --model=embedder.tflite --nearest=documents.txt "a question"

The file is an encoder without a task that `keras-bert export` has written. Prints a line for each
text: its vector, numbers with spaces between them; milliseconds; the text. With --nearest, a line
for each of the --top lines of that file that are most alike: cosine, milliseconds, the line, the
text.
"""

import argparse

import numpy as np

from keras_bert.device import common
from keras_bert.tasks.plain_texts import read_texts

_MIN_NORM = 1e-12


def define(parser):
    """Adds the arguments that only this verb has."""
    parser.add_argument("--nearest", help="a file with a text a line, to find the most alike in")
    parser.add_argument(
        "--top", type=_count, default=3, metavar="N", help="how many of them are printed"
    )
    parser.add_argument("texts", nargs="*", help="texts; without any, each line of stdin is one")


def run(arguments):
    """Prints the vector, or the most alike lines of a file, and milliseconds for each text."""
    model = common.open_model(arguments, "embed")
    lines, vectors = [], None
    if arguments.nearest is not None:
        lines = read_texts(arguments.nearest).texts
        vectors = np.stack([_unit(model.embed(line)) for line in lines])
    for text, name in common.texts_of(arguments.texts):
        vector, time = common.timed(name, model.embed, text)
        shown = common.one_line(text)
        if vectors is None:
            print(" ".join(f"{value:.9g}" for value in vector), time, shown, sep="\t")
            continue
        cosines = vectors @ _unit(vector)
        for i in np.argsort(-cosines, kind="stable")[: arguments.top]:
            print(f"{cosines[i]:.4f}", time, common.one_line(lines[i]), shown, sep="\t")


def _unit(vector):
    return vector / max(float(np.linalg.norm(vector)), _MIN_NORM)


def _count(text):
    if not text.isdecimal() or not 1 <= int(text) <= 1000:
        raise argparse.ArgumentTypeError("expected a number from 1 to 1000")
    return int(text)
