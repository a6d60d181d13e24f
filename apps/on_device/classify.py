"""Prints a label or a number for texts, from a .tflite file alone: no TensorFlow, no Keras.

    keras-bert-device classify --model=model.tflite "the first text" "the second text"
    keras-bert-device classify --model=model.tflite --input=texts.txt --json

Prints a line for each text: label, its probability, milliseconds, text; for a regression model:
number, milliseconds, text. Vocabulary, labels and tokenizer switches are read from the file.
Without texts it reads standard input, a text a line; on a terminal it asks for them.
"""

import os

from keras_bert.device import common, texts
from keras_bert.errors import InputError


def define(parser):
    """Adds the arguments that only this verb has."""
    parser.add_argument("--text_b", help="the second text, for a model of pairs")
    parser.add_argument(
        "--windows", action="store_const", const=True,
        help="read longer texts whole, in overlapping windows, whatever the model's default is",
    )  # fmt: skip
    parser.add_argument(
        "--best", type=common.count, metavar="N",
        help="print the N most probable labels of each text, a line each",
    )  # fmt: skip
    common.define_input(parser)
    parser.add_argument("texts", nargs="*", help="texts; without any: --input, or stdin")


def run(arguments, printer):
    """Prints label and probability, or the number, and milliseconds for each text."""
    model = common.open_model(arguments, "classify")
    text_b = arguments.text_b
    if text_b is not None:
        text_b = texts.decoded(os.fsencode(text_b), "--text_b")
        if not text_b.strip():
            raise InputError("--text_b: is empty")
    if model.config.pair is not None and model.config.pair != (text_b is not None):
        takes = "pairs: give --text_b" if model.config.pair else "single texts: leave out --text_b"
        raise InputError(f"{arguments.model}: the model takes {takes}")
    if arguments.best is not None and not model.config.labels:
        raise InputError("--best: is for labels, and the model predicts a number")

    def predict(*both):
        return model.predict(*both, windows=arguments.windows)

    def ask(text, name):
        answer, time = common.timed(name, predict, text, text_b)
        if printer.is_json:
            pair = {} if text_b is None else {"text_b": text_b}
            printer.record({"text": text, **pair, **answer}, time)
        else:
            for columns in _columns(model, answer, arguments.best, printer.style):
                printer.columns(*columns, time=time, text=text)

    texts.for_each(arguments, arguments.texts, ask, "text", printer.complain)


def _columns(model, answer, best, style):
    """Yields the first columns of each line that an answer is printed as."""
    if best is None:
        first, *rest = model.task.answer_line(answer).split("\t")
        yield style.bold(first), *map(style.line, rest)
        return
    ranked = sorted(answer["probabilities"].items(), key=lambda each: -each[1])
    for label, probability in ranked[:best]:
        yield style.bold(label), f"{probability:.4f}"
