"""The program `keras-bert`: finds the verb, parses its flags, reports bad input in one line.

A verb is a module with `define(flag_values)`, which declares its flags, and `run(flag_values)`,
which returns a dict of results and a list of lines to print. Each verb has its own `FlagValues`:
nothing is global, and `--help` imports nothing heavy.
"""

import importlib
import os
import signal
import sys

from absl import flags

from keras_bert.commands.flags import define_for_every_verb, parse
from keras_bert.commands.output import BAD_INPUT, complain, print_result, usage, verb_help
from keras_bert.commands.verbs import VERBS
from keras_bert.errors import CheckFailed, InputError, Stopped, settings_are_flags
from keras_bert.extras import missing_message
from keras_bert.files import fault_of
from keras_bert.guesses import guesses_are_notes

DONE, CHECK_FAILED = 0, 1
# The status that a shell reports after a signal: 128 plus its number.
_AFTER_SIGNAL, _INTERRUPTED, _BROKEN_PIPE = 128, 130, 141


def main(argv=None):
    """Runs the program.

    Args:
        argv: the arguments after the program's name; None takes those of the process.

    Returns:
        The exit status: 0 done, 1 a check failed, 2 bad input; 130 after Ctrl-C, 143 after
        SIGTERM.
    """
    if sys.stderr is None:
        # It was closed, so every write to it would fail.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        sys.stderr = os.fdopen(2, "w")
    if argv is None:
        # `timeout`, docker and slurm send it: half-written files are removed first.
        signal.signal(signal.SIGTERM, _end)
    try:
        with settings_are_flags():
            status = _main(list(sys.argv[1:] if argv is None else argv))
        print(end="", flush=True)
        return status
    except BrokenPipeError:
        # The reader, for example `head`, has stopped. The rest of the buffer is dropped, or Python
        # would report an error at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _BROKEN_PIPE
    except KeyboardInterrupt:
        print("keras-bert: interrupted", file=sys.stderr)
        return _INTERRUPTED
    except Exception as error:
        # TensorFlow's and h5py's exceptions about a full disk are no OSError.
        reason = fault_of(error)
        if reason is None and (not isinstance(error, OSError) or error.errno is None):
            raise
        place = getattr(error, "filename", None) or "writing failed"
        return complain("keras-bert", f"{place}: {reason or error.strerror}")


def _end(number, frame):
    raise SystemExit(128 + number)


def _main(argv):
    if argv[:1] == ["help"] and len(argv) == 2:
        argv = [argv[1], "--help"]
    if not argv or argv[0] in ("--help", "-h", "help", "--helpfull"):
        print(usage(VERBS))
        return DONE if argv else BAD_INPUT
    verb, arguments = argv[0], argv[1:]
    if verb == "--version":
        import keras_bert

        print(keras_bert.__version__)
        return DONE
    if verb not in VERBS:
        return complain("keras-bert", f"no verb {verb!r}; the verbs are {', '.join(VERBS)}")
    program = f"keras-bert {verb}"
    module = importlib.import_module(f"keras_bert.commands.{verb.replace('-', '_')}")
    values = flags.FlagValues()
    module.define(values)
    define_for_every_verb(values)
    if any(argument in ("--help", "-h", "--helpfull") for argument in arguments):
        print(verb_help(verb, VERBS[verb], module, values))
        return DONE
    try:
        parse(values, [program, *arguments])
        with guesses_are_notes(values.strict):
            result, lines = module.run(values)
    except (InputError, flags.Error) as error:
        return complain(program, error)
    except Stopped as stopped:
        print(f"{program}: {stopped}", file=sys.stderr)
        return _AFTER_SIGNAL + stopped.number
    except CheckFailed as failed:
        print_result(failed.result, failed.lines, values.json)
        print(f"{program}: {failed}", file=sys.stderr)
        return CHECK_FAILED
    except ModuleNotFoundError as error:
        return complain(program, missing_message(error.name) if error.name else error)
    print_result(result, lines, values.json)
    return DONE
