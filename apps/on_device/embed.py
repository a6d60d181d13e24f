"""Prints the vectors of texts, from a .tflite file alone: no TensorFlow, no Keras.

    keras-bert-device embed --model=embedder.tflite "the first text" "the second text"
    keras-bert-device embed --model=embedder.tflite --nearest=documents.txt "a question"

The file is an encoder without a task that `keras-bert export` has written. Prints a line for each
text: its vector, numbers with spaces between them; milliseconds; the text. With --nearest, a line
for each of the --top lines of that file that are most alike: cosine, milliseconds, the line, the
text.
Without texts it reads standard input, a text a line; on a terminal it asks for them.
"""

import numpy as np

from keras_bert.device import common, texts
from keras_bert.tasks.plain_texts import read_texts

_MIN_NORM = 1e-12


def define(parser):
    """Adds the arguments that only this verb has."""
    parser.add_argument("--nearest", help="a file with a text a line, to find the most alike in")
    parser.add_argument(
        "--top", type=common.count, default=3, metavar="N", help="how many of them are printed"
    )
    common.define_input(parser)
    parser.add_argument("texts", nargs="*", help="texts; without any: --input, or stdin")


def run(arguments, printer):
    """Prints the vector, or the most alike lines of a file, and milliseconds for each text."""
    model = common.open_model(arguments, "embed")
    lines, vectors = [], None
    if arguments.nearest is not None:
        lines = read_texts(arguments.nearest).texts
        vectors = np.stack([_unit(model.embed(line)) for line in lines])

    def ask(text, name):
        vector, time = common.timed(name, model.embed, text)
        if vectors is None:
            _print_vector(printer, vector, time, text)
            return
        cosines = vectors @ _unit(vector)
        order = np.argsort(-cosines, kind="stable")[: arguments.top].tolist()
        _print_nearest(printer, [(float(cosines[i]), lines[i]) for i in order], time, text)

    texts.for_each(arguments, arguments.texts, ask, "text", printer.complain)


def _print_vector(printer, vector, time, text):
    if printer.is_json:
        printer.record({"text": text, "embedding": vector.tolist()}, time)
    else:
        printer.columns(" ".join(f"{value:.9g}" for value in vector), time=time, text=text)


def _print_nearest(printer, nearest, time, text):
    if printer.is_json:
        found = [{"text": line, "cosine": cosine} for cosine, line in nearest]
        printer.record({"text": text, "nearest": found}, time)
        return
    for cosine, line in nearest:
        shown = printer.style.line(line), printer.style.line(text)
        print(f"{cosine:.4f}", common.milliseconds(time), *shown, sep="\t")


def _unit(vector):
    return vector / max(float(np.linalg.norm(vector)), _MIN_NORM)
