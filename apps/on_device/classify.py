"""Classifies texts with a .tflite file alone, as a device does: no TensorFlow, no Keras.

    python classify.py --model=model.tflite "the first text" "the second text"

A regression model's number is given in place of the label. Vocabulary, labels and tokenizer
switches are read out of the file. What must be installed stands in requirements.txt; this package
comes beside it with `pip install --no-deps`.
"""

import os
import sys

import device

from keras_bert.errors import InputError


def main(argv=None):
    """Prints label and probability, or the number, and milliseconds; returns the exit status."""
    parser = device.parser_of("Classify texts, or give a number for each, on the device.")
    parser.add_argument("--text_b", help="the second text, for a model of pairs")
    parser.add_argument("texts", nargs="*", help="texts; without any, one a line of stdin")
    return device.exit_status(_run, parser.parse_args(argv))


def _run(arguments):
    model = device.open_model(arguments, "classification", "regression")
    text_b = arguments.text_b
    if text_b is not None:
        text_b = device.decoded(os.fsencode(text_b), "--text_b")
        if not text_b.strip():
            raise InputError("--text_b: is empty")
    if model.config.pair is not None and model.config.pair != (text_b is not None):
        takes = "pairs: give --text_b" if model.config.pair else "single texts: leave out --text_b"
        raise InputError(f"{arguments.model}: the model takes {takes}")
    for text, name in device.texts_of(arguments.texts):
        answer, time = device.timed(name, model.predict, text, text_b)
        print(model.task.answer_line(answer), time, device.one_line(text), sep="\t")


if __name__ == "__main__":
    sys.exit(main())
