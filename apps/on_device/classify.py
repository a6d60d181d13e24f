"""Prints a label or a number for texts, from a .tflite file alone: no TensorFlow, no Keras.

    keras-bert-device classify --model=model.tflite "the first text" "the second text"

Prints a line for each text: label, its probability, milliseconds, text; for a regression model:
number, milliseconds, text. Vocabulary, labels and tokenizer switches are read from the file.
"""

import os

from keras_bert.device import common
from keras_bert.errors import InputError


def define(parser):
    """Adds the arguments that only this verb has."""
    parser.add_argument("--text_b", help="the second text, for a model of pairs")
    parser.add_argument(
        "--windows", action="store_const", const=True,
        help="read longer texts whole, in overlapping windows, whatever the model's default is",
    )  # fmt: skip
    parser.add_argument("texts", nargs="*", help="texts; without any, each line of stdin is one")


def run(arguments):
    """Prints label and probability, or the number, and milliseconds for each text."""
    model = common.open_model(arguments, "classify")
    text_b = arguments.text_b
    if text_b is not None:
        text_b = common.decoded(os.fsencode(text_b), "--text_b")
        if not text_b.strip():
            raise InputError("--text_b: is empty")
    if model.config.pair is not None and model.config.pair != (text_b is not None):
        takes = "pairs: give --text_b" if model.config.pair else "single texts: leave out --text_b"
        raise InputError(f"{arguments.model}: the model takes {takes}")

    def ask(*texts):
        return model.predict(*texts, windows=arguments.windows)

    for text, name in common.texts_of(arguments.texts):
        answer, time = common.timed(name, ask, text, text_b)
        print(model.task.answer_line(answer), time, common.one_line(text), sep="\t")
