"""Classifies texts with a .tflite file alone, as a device does: no TensorFlow, no Keras.

    python classify.py --model=model.tflite "the first text" "the second text"

Vocabulary, labels and tokenizer switches are read out of the file. What must be installed stands
in requirements.txt; this package comes beside it with `pip install --no-deps`.
"""

import argparse
import sys
import time

from export.runners import TFLiteRunner
from keras_bert.errors import InputError


def main(argv=None):
    """Prints label, probability and milliseconds for each text; returns the exit status."""
    parser = argparse.ArgumentParser(description="Classify texts on the device.")
    parser.add_argument("--model", required=True, help="the .tflite file")
    parser.add_argument("--threads", type=int, default=1, help="threads of the interpreter")
    parser.add_argument("--text_b", help="the second text, for a model of pairs")
    parser.add_argument("texts", nargs="*", help="texts; without any, one a line of stdin")
    arguments = parser.parse_args(argv)
    try:
        model = TFLiteRunner(arguments.model, arguments.threads)
        for text in arguments.texts or map(str.rstrip, sys.stdin):
            start = time.perf_counter()
            answer = model.predict(text, arguments.text_b)
            milliseconds = 1000 * (time.perf_counter() - start)
            print(f"{answer['label']}\t{answer['probability']:.4f}\t{milliseconds:.1f} ms\t{text}")
    except InputError as error:
        print(f"classify: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
