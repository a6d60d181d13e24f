"""The program `keras-bert-device`: a verb for each kind of answer."""

import importlib
import os
import sys

import keras_bert
from keras_bert.errors import settings_are_flags

VERBS = {
    "classify": "label texts, or predict a number for each",
    "answer": "answer questions about a passage",
    "tag": "tag the words of sentences",
    "embed": "print the vectors of texts, or the most alike lines of a file",
}


def main(argv=None):
    """Runs the program.

    Args:
        argv: the arguments after the program's name; None takes those of the process.

    Returns:
        The exit status: 0 done, 2 bad input, 130 after Ctrl-C, 141 if nobody reads the output.
    """
    if "numpy" not in sys.modules:
        # It would start a thread for each core, for products of matrices that LiteRT computes.
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from keras_bert.device import common

    argv = list(sys.argv[1:] if argv is None else argv)
    if not argv or argv[0] in ("--help", "-h", "help"):
        print(_usage())
        return 0 if argv else common.BAD_INPUT
    verb, arguments = argv[0], argv[1:]
    if verb == "--version":
        print(keras_bert.__version__)
        return 0
    if verb not in VERBS:
        return common.complain(
            "keras-bert-device", f"no verb {verb!r}; the verbs are {', '.join(VERBS)}"
        )
    module = importlib.import_module(f"keras_bert.device.{verb}")
    parser = common.Parser(verb, module.__doc__)
    module.define(parser)
    with settings_are_flags():
        return common.exit_status(verb, module.run, parser.parse_args(arguments))


def _usage():
    width = max(map(len, VERBS))
    verbs = "\n".join(f"  {verb.ljust(width)}  {what}" for verb, what in VERBS.items())
    return (
        f"keras-bert-device VERB --model=FILE.tflite ...\n\n{verbs}\n\n"
        "`keras-bert-device VERB --help` lists a verb's arguments."
    )


if __name__ == "__main__":
    sys.exit(main())
