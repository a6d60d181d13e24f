"""Answers questions about a passage with a .tflite file alone: no TensorFlow, no Keras.

    keras-bert-device answer --model=qa.tflite --passage=article.txt "Who …?" "When …?"

The passage may have any length: the model reads it in overlapping windows.
Prints a line for each question: answer, its probability, its place, milliseconds, question.
"""

import os

from keras_bert.device import common
from keras_bert.errors import InputError
from keras_bert.reading import LINE_LIMIT


def define(parser):
    """Adds the arguments that only this verb has."""
    passage = parser.add_mutually_exclusive_group(required=True)
    passage.add_argument("--passage", help="a file with the passage, UTF-8")
    passage.add_argument("--passage_text", help="the passage itself")
    parser.add_argument(
        "questions", nargs="*", help="questions; without any, each line of stdin is one"
    )


def run(arguments):
    """Prints answer, probability, place and milliseconds for each question."""
    model = common.open_model(arguments, "answer")
    passage = _passage(arguments)
    for question, name in common.texts_of(arguments.questions):
        answer, time = common.timed(name, model.predict, question, passage)
        text, place = common.one_line(answer["text"]), f"{answer['start']}-{answer['end']}"
        if not answer["text"]:
            text, place = "(no answer)", "-"
        print(
            text, f"{answer['probability']:.4f}", place, time, common.one_line(question), sep="\t"
        )


def _passage(arguments):
    if arguments.passage is None:
        name = "--passage_text"
        text = common.decoded(os.fsencode(arguments.passage_text), name)
    else:
        name = arguments.passage
        try:
            # As bytes, because places count all characters of the file, line ends included.
            with open(name, "rb") as file:
                content = file.read(LINE_LIMIT + 1)
        except OSError as error:
            raise InputError(f"{name}: cannot be read: {error.strerror}") from None
        if len(content) > LINE_LIMIT:
            raise InputError(f"{name}: a passage may have {LINE_LIMIT:,} bytes: it has more")
        text = common.decoded(content, name)
    if not text.strip():
        raise InputError(f"{name}: the passage is empty")
    return text
