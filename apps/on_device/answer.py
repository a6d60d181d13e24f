"""Answers questions about a passage with a .tflite file alone: no TensorFlow, no Keras.

    python answer.py --model=qa.tflite --passage=article.txt "Who …?" "When …?"

The passage may be of any length: it goes through the model as overlapping windows. What must be
installed stands in requirements.txt; this package comes beside it with `pip install --no-deps`.
"""

import os
import sys

import device

from keras_bert.errors import InputError


def main(argv=None):
    """Prints answer, probability, place and milliseconds; returns the exit status."""
    parser = device.parser_of("Answer questions about a passage on the device.")
    passage = parser.add_mutually_exclusive_group(required=True)
    passage.add_argument("--passage", help="a file with the passage, UTF-8")
    passage.add_argument("--passage_text", help="the passage itself")
    parser.add_argument("questions", nargs="*", help="without any, one a line of stdin")
    return device.exit_status(_run, parser.parse_args(argv))


def _run(arguments):
    model = device.open_model(arguments, "question_answering")
    passage = _passage(arguments)
    for question, name in device.texts_of(arguments.questions):
        answer, time = device.timed(name, model.predict, question, passage)
        found, place = device.one_line(answer["text"]), f"{answer['start']}-{answer['end']}"
        if not answer["text"]:
            found, place = "(no answer)", "-"
        print(
            found, f"{answer['probability']:.4f}", place, time, device.one_line(question), sep="\t"
        )


def _passage(arguments):
    if arguments.passage is None:
        name = "--passage_text"
        text = device.decoded(os.fsencode(arguments.passage_text), name)
    else:
        name = arguments.passage
        try:
            # As bytes, for the places are characters of the file as it is, its line ends too.
            with open(name, "rb") as file:
                content = file.read()
        except OSError as error:
            raise InputError(f"{name}: cannot be read: {error.strerror}") from None
        text = device.decoded(content, name)
    if not text.strip():
        raise InputError(f"{name}: the passage is empty")
    return text


if __name__ == "__main__":
    sys.exit(main())
