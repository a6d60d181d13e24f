"""Answers questions about a passage with a .tflite file alone: no TensorFlow, no Keras.

    keras-bert-device answer --model=qa.tflite --passage=article.txt "Who …?" "When …?"

The passage may have any length: the model reads it in overlapping windows.
Prints a line for each question: answer, its probability, its place, milliseconds, question.
Without questions it reads them from standard input, one a line; on a terminal it asks for them,
and for the passage where there is none.
"""

import os

from keras_bert.device import common, texts
from keras_bert.device.prompt import Prompt
from keras_bert.errors import InputError


def define(parser):
    """Adds the arguments that only this verb has."""
    passage = parser.add_mutually_exclusive_group()
    passage.add_argument("--passage", "--input", help="a file with the passage, UTF-8")
    passage.add_argument("--passage_text", help="the passage itself")
    parser.add_argument(
        "--best", type=common.count, metavar="N",
        help="print the N best answers to each question, a line each",
    )  # fmt: skip
    parser.add_argument(
        "questions", nargs="*", help="questions; without any, each line of stdin is one"
    )


def run(arguments, printer):
    """Prints answer, probability, place and milliseconds for each question."""
    is_prompted = not arguments.questions and texts.is_terminal()
    is_given = (arguments.passage, arguments.passage_text) != (None, None)
    if not is_given and not is_prompted:
        raise InputError("one of the arguments --passage --passage_text is required; see --help")
    model = common.open_model(arguments, "answer")
    passage = _passage(arguments) if is_given else _typed_passage(printer)
    if passage is None:
        return

    def ask(question, name):
        answer, time = common.timed(name, model.predict, question, passage)
        if printer.is_json:
            shortened = {**answer, "n_best": answer["n_best"][: arguments.best]}
            printer.record({"question": question, **shortened}, time)
            return
        for found in _best(answer, arguments.best or 1):
            _print(printer, found, time, question, passage)

    texts.for_each(arguments, arguments.questions, ask, "question", printer.complain)


def _best(answer, count):
    """Returns the answer, and after it the best of the others."""
    same = (answer["start"], answer["end"])
    others = [each for each in answer["n_best"] if (each["start"], each["end"]) != same]
    return [answer, *others][:count]


def _print(printer, answer, time, question, passage):
    style = printer.style
    start, end = answer["start"], answer["end"]
    text, place = style.bold(answer["text"]), f"{start}-{end}"
    if not answer["text"]:
        text, place = "(no answer)", "-"
    printer.columns(text, f"{answer['probability']:.4f}", place, time=time, text=question)
    if style.for_person and answer["text"]:
        print("   ", style.found_in(passage, start, end))


def _passage(arguments):
    if arguments.passage is not None:
        return texts.read_passage(arguments.passage)
    name = "--passage_text"
    return texts.checked_passage(texts.decoded(os.fsencode(arguments.passage_text), name), name)


def _typed_passage(printer):
    """Returns the passage that a person types, or whose file is named; None at the input's end."""
    prompt = Prompt(keeps_history=False)
    while True:
        try:
            typed = prompt.line("passage, or its file", is_kept=False)
            if typed is None:
                return None
            name = typed.strip()
            return texts.read_passage(name) if _is_file(name) else typed
        except InputError as error:
            printer.complain(error)


def _is_file(name):
    try:
        return os.path.isfile(name)
    except ValueError:
        return False
