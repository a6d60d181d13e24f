"""From the start of `keras-bert-device` to its first answer: the whole, and where the time goes.

    python benchmarks/speed/cold_start.py
    python benchmarks/speed/cold_start.py --model=sentiment --model=answerer.tflite --repeats=20

Without --model it takes the shipped models. A line a model, in milliseconds of a clock on the wall:

- `first`: the program's start with a file that it has not seen, which another process tries first;
- `again`: with a file whose trial is remembered; the files of a checkout need none at all;
- `CPU`: the work of all processes in `again`. Other programs disturb it less than the clock;
- of `again`: `python`, its own start and end; `import`; `open`, which reads the file,
  makes the tokenizer and LiteRT's interpreter; `answer`, the first; and for comparison `second`.

Medians, and in brackets the least. Python's own cache of compiled code is filled before.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

from keras_bert.device.common import VERB_OF_TASK
from keras_bert.errors import InputError
from keras_bert.export.runners import open_tflite
from keras_bert.guesses import guesses_are_notes
from keras_bert.shipped import located, shipped_models

_PASSAGE = (
    "Ada Lovelace was born in London in 1815. With Charles Babbage she worked on the Analytical "
    "Engine, and in 1843 she published the first program for it."
)
_TEXTS = {"answer": "Where was Ada Lovelace born?"}
_TEXT = "Ada Lovelace worked with Charles Babbage in London."
_MARKS = """
import time
start = time.perf_counter()
import json, os, sys
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
import argparse
import keras_bert.device.main
from keras_bert.device import common
import importlib
verb, model, text, passage = sys.argv[1:]
importlib.import_module(f"keras_bert.device.{verb}")
imported = time.perf_counter()
runner = common.open_model(argparse.Namespace(model=model, threads=1), verb)
opened = time.perf_counter()
ask = runner.embed if verb == "embed" else runner.predict
asked = (text, passage) if verb == "answer" else (text,)
ask(*asked)
answered = time.perf_counter()
ask(*asked)
marks = {"import": imported - start, "open": opened - imported, "answer": answered - opened}
print(json.dumps({**marks, "second": time.perf_counter() - answered}))
"""
_COLUMNS = ("first", "again", "CPU", "python", "import", "open", "answer", "second")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", action="append", help="a .tflite file, or a shipped one's name")
    parser.add_argument("--repeats", type=int, default=10)
    arguments = parser.parse_args()
    try:
        with guesses_are_notes():
            paths = [located(model) for model in arguments.model or shipped_models()]
        verbs = [VERB_OF_TASK[open_tflite(path).config.task] for path in paths]
    except InputError as error:
        sys.exit(f"cold_start: {error}")
    print("| model | verb | MB |", " | ".join(_COLUMNS), "|")
    print("|---" * (3 + len(_COLUMNS)) + "|")
    for path, verb in zip(paths, verbs, strict=True):
        found = measured(path, verb, arguments.repeats)
        cells = [f"{statistics.median(v):.0f} ({min(v):.0f})" for v in found.values()]
        name, size = os.path.basename(path), os.path.getsize(path) / 1e6
        print(f"| {name} | {verb} | {size:.1f} |", " | ".join(cells), "|", flush=True)


def measured(path, verb, repeats):
    """Starts the program on a file again and again.

    Args:
        path: the .tflite file.
        verb: the verb for it.
        repeats: int.

    Returns:
        A dict of the names of `_COLUMNS` to lists of milliseconds.
    """
    found = {name: [] for name in _COLUMNS}
    text = _TEXTS.get(verb, _TEXT)
    with tempfile.TemporaryDirectory() as folder:
        # A copy: the shipped files themselves are not tried.
        copy = shutil.copy(path, os.path.join(folder, "model.tflite"))
        program = [sys.executable, "-m", "keras_bert.device.main", verb, f"--model={copy}", text]
        program += [f"--passage_text={_PASSAGE}"] if verb == "answer" else []
        parts = [sys.executable, "-c", _MARKS, verb, copy, text, _PASSAGE]
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": os.path.join(folder, "compiled")}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        for i in range(repeats + 1):
            environment["XDG_STATE_HOME"] = os.path.join(folder, f"state{i}")
            first, _, _ = _timed(program, environment)
            again, work, _ = _timed(program, environment)
            whole, _, said = _timed(parts, environment)
            if i == 0:
                continue  # this one filled the caches
            marks = {name: 1000 * value for name, value in json.loads(said).items()}
            rest = {"first": first, "again": again, "CPU": work, "python": whole}
            rest["python"] -= sum(marks.values())
            for name, value in {**rest, **marks}.items():
                found[name].append(value)
    return found


def _timed(command, environment):
    """Returns the milliseconds on the wall and of work of a process, and its output."""
    start = time.perf_counter()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE)
    said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.stdout.close()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"cold_start: the program ended with {process.returncode}")
    return 1000 * wall, 1000 * (usage.ru_utime + usage.ru_stime), said


if __name__ == "__main__":
    main()
