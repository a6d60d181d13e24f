"""The program `keras-bert`: finds the verb, parses its flags, turns bad input into one line.

A verb is a module with `define(flag_values)`, which declares its flags, and `run(flag_values)`,
which gives a dict of results and a list of lines to print. Its flags live in a `FlagValues` of
their own: nothing is global, and `--help` imports nothing heavy.
"""

import errno
import importlib
import json
import math
import os
import signal
import sys

from absl import flags

from keras_bert.commands.flags import parse
from keras_bert.errors import CheckFailed, InputError, settings_are_flags

VERBS = {
    "vocab": "make a WordPiece vocabulary from texts",
    "prepare": "turn a corpus into pretraining records",
    "pretrain": "train a BERT from records, from nothing or from a checkpoint",
    "fill-mask": "say what a [MASK] stands for",
    "finetune": "train a model for a task from labelled data",
    "evaluate": "score a model, in any format, on labelled data",
    "predict": "answer for texts, with a model in any format",
    "embed": "write vectors of texts or tokens, from any layers",
    "similarity": "compare a word in several sentences, or sentences, as a heat map",
    "convert": "turn a checkpoint into a model folder, and back",
    "export": "write a model as TFLite, SavedModel or ONNX",
    "verify": "prove that an exported file is as good as its model",
    "benchmark": "measure latency and size",
    "quickstart": "do all of it on a small sample that is in the package",
}

DONE, CHECK_FAILED, BAD_INPUT = 0, 1, 2
# What a shell reports of a program that the signal ended: 128 and its number.
_INTERRUPTED, _BROKEN_PIPE = 130, 141


def main(argv=None):
    """Runs the program.

    Args:
        argv: the arguments after the program's name; None takes those of the process.

    Returns:
        The exit status: 0 done, 1 a check failed, 2 bad input; 130 after Ctrl-C.
    """
    if sys.stderr is None:
        # It was closed, and everything that writes to it would fail.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        sys.stderr = os.fdopen(2, "w")
    if argv is None:
        # As `timeout`, docker and slurm send it: what stands half-written is cleared away first.
        signal.signal(signal.SIGTERM, _end)
    try:
        with settings_are_flags():
            status = _main(list(sys.argv[1:] if argv is None else argv))
        print(end="", flush=True)
        return status
    except BrokenPipeError:
        # The reader, `head` say, has had enough. What is left in the buffer goes nowhere, or
        # Python would complain of it at its exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _BROKEN_PIPE
    except OSError as error:
        if error.errno is None:
            raise
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        reason = "the disk is full" if full else error.strerror
        return _complain("keras-bert", f"{error.filename or 'writing failed'}: {reason}")
    except KeyboardInterrupt:
        print("keras-bert: interrupted", file=sys.stderr)
        return _INTERRUPTED


def _end(number, frame):
    raise SystemExit(128 + number)


def _main(argv):
    if not argv or argv[0] in ("--help", "-h", "help", "--helpfull"):
        print(_usage())
        return DONE if argv else BAD_INPUT
    verb, arguments = argv[0], argv[1:]
    if verb == "--version":
        import keras_bert

        print(keras_bert.__version__)
        return DONE
    if verb not in VERBS:
        return _complain("keras-bert", f"no verb {verb!r}; the verbs are {', '.join(VERBS)}")
    program = f"keras-bert {verb}"
    module = importlib.import_module(f"keras_bert.commands.{verb.replace('-', '_')}")
    values = flags.FlagValues()
    module.define(values)
    flags.DEFINE_boolean(
        "json", False, "print the result as one JSON object, on the last line", flag_values=values
    )
    if any(argument in ("--help", "-h", "--helpfull") for argument in arguments):
        print(_verb_help(verb, module, values))
        return DONE
    try:
        parse(values, [program, *arguments])
        result, lines = module.run(values)
    except (InputError, flags.Error) as error:
        return _complain(program, error)
    except CheckFailed as failed:
        _print(values, failed.result, failed.lines)
        print(f"{program}: {failed}", file=sys.stderr)
        return CHECK_FAILED
    except ModuleNotFoundError as error:
        name = error.name
        return _complain(program, f"{name} is not installed: pip install '{_extra(name)}'")
    _print(values, result, lines)
    return DONE


def _print(values, result, lines):
    # Where the terminal cannot show a character, in the C locale say, its code is shown.
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    for line in lines:
        print(line.encode(encoding, "backslashreplace").decode(encoding))
    if values.json:
        ascii_only = encoding.lower().replace("-", "") != "utf8"
        print(json.dumps(_without_nan(result), ensure_ascii=ascii_only, allow_nan=False))


def _without_nan(value):
    """Returns a result with null in place of what JSON has no word for."""
    if isinstance(value, dict):
        return {key: _without_nan(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_without_nan(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _complain(program, message):
    # One line, whatever a library put into its message.
    print(f"{program}: {' '.join(str(message).split())}", file=sys.stderr)
    return BAD_INPUT


def _extra(module):
    extras = {
        "tensorflow_text": "keras-bert-toolkit[tokenizers]",
        "ai_edge_litert": "keras-bert-toolkit[export]",
        "flatbuffers": "keras-bert-toolkit[export]",
        "tensorboard": "keras-bert-toolkit[tensorboard]",
        "apache_beam": "keras-bert-toolkit[pretraining]",
        "matplotlib": "keras-bert-toolkit[pictures]",
        "jieba": "keras-bert-toolkit[chinese]",
        "tf2onnx": "keras-bert-toolkit[onnx]",
        "onnx": "keras-bert-toolkit[onnx]",
        "onnxruntime": "keras-bert-toolkit[onnx]",
    }
    return extras.get((module or "").split(".")[0], module)


def _usage():
    width = max(map(len, VERBS))
    verbs = "\n".join(f"  {verb.ljust(width)}  {what}" for verb, what in VERBS.items())
    return (
        f"keras-bert VERB --flags\n\n{verbs}\n\n"
        "`keras-bert VERB --help` lists a verb's flags.\n"
        "Results go to stdout, progress to stderr.\n"
        f"Exit status: 0 done, 1 a check failed, 2 bad input."
    )


def _verb_help(verb, module, values):
    lines = [f"keras-bert {verb}: {VERBS[verb]}", "", (module.__doc__ or "").strip(), ""]
    for name in sorted(values):
        flag = values[name]
        default = "" if flag.default in (None, "", False) else f" (default {flag.default})"
        lines.append(f"  --{name}  {flag.help}{default}")
    return "\n".join(lines)
