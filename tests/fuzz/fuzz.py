"""Reads damaged files with every reader and counts what is not refused in one line.

    make fuzz FUZZ="--cases=1000 --seed=1"
    make fuzz FUZZ="--reader=conll --seed=4711 --cases=1"      one case again
    make fuzz FUZZ="--minutes=30"

A find is a traceback, the process's end, more than 10 seconds, or more than 1 GiB.
"""

import argparse
import collections
import os
import selectors
import shutil
import signal
import subprocess
import sys
import time

import model_readers
import text_readers
import worker

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
SEEDS = os.path.join(ROOT, "build", "fuzz")
# One case of these takes a second; they have one of so many cases of the others.
_SLOW = {
    "saved_model": 100, "model_folder": 50, "records": 10, "tflite": 5, "onnx": 5, "weights": 5,
    "keras_file": 5, "keras_hub": 5, "state": 5,
}  # fmt: skip
_START_SECONDS = 120


def main(arguments=None):
    options = _parser().parse_args(arguments)
    _make_seeds()
    readers = options.reader or [*text_readers.READERS, *model_readers.READERS]
    until = time.monotonic() + 60 * options.minutes if options.minutes else None
    total, first = collections.Counter(), options.seed
    finds = []
    while True:
        for reader in readers:
            cases = (
                options.cases if options.reader else max(1, options.cases // _SLOW.get(reader, 1))
            )
            counts, found = run(reader, first, cases, until)
            total += counts
            finds += found
            print(f"{reader:24} {_line(counts)}", flush=True)
            for seed, what in found[: options.show]:
                print(f"    --reader={reader} --seed={seed}  {what}", flush=True)
        first += options.cases
        if until is None or time.monotonic() > until:
            break
    print(f"{'all':24} {_line(total)}")
    return 1 if finds else 0


def run(reader, first, cases, until=None):
    """Runs consecutive cases of one reader, starting a worker again after each that ends.

    Returns:
        A Counter of outcomes, and a list of (seed, what) of the finds.
    """
    counts, finds, end = collections.Counter(), [], first + cases
    while first < end and (until is None or time.monotonic() < until):
        process = subprocess.Popen(
            [sys.executable, f"{HERE}/worker.py", SEEDS, reader, str(first), str(end - first)],
            stdout=subprocess.PIPE, cwd=ROOT, stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        current = None
        for line in _lines(process, until):
            kind, _, rest = line.partition(" ")
            seed, _, what = rest.partition(" ")
            if kind == "begin":
                current = int(seed)
                continue
            first, current = int(seed) + 1, None
            counts[what.split(" ")[0]] += 1
            if what.startswith("FIND"):
                finds.append((int(seed), what))
        status = process.wait()
        if status == 0 or (until is not None and time.monotonic() > until):
            continue
        if current is None:
            raise SystemExit(f"{reader}: the worker does not start; FUZZ_VERBOSE=1 shows why")
        name = signal.Signals(-status).name if status < 0 else f"status {status}"
        what = "FIND slow, ended after" if status == -signal.SIGKILL else "FIND ends with"
        finds.append((current, f"{what} {name}"))
        counts["FIND"] += 1
        first = current + 1
    return counts, finds


def _lines(process, until):
    """Yields the worker's lines; ends the worker where none comes for too long."""
    buffered, begun = b"", False
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while True:
            # With a second more than the worker, which knows the time without its own delays.
            patience = 2 * worker.MOST_SECONDS if begun else _START_SECONDS
            if not selector.select(patience) or (until and time.monotonic() > until):
                os.killpg(process.pid, signal.SIGKILL)
                process.stdout.close()
                return
            content = os.read(process.stdout.fileno(), 2**16)
            if not content:
                return
            begun = True
            *lines, buffered = (buffered + content).split(b"\n")
            yield from (line.decode() for line in lines)


def _make_seeds():
    if not os.path.isdir(SEEDS):
        os.makedirs(os.path.dirname(SEEDS), exist_ok=True)
        print("making the files to damage …", flush=True)
        shutil.rmtree(SEEDS + ".part", ignore_errors=True)
        os.makedirs(SEEDS + ".part")
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
        command = [sys.executable, f"{HERE}/model_seeds.py", SEEDS + ".part"]
        subprocess.run(command, check=True, cwd=ROOT, env=environment)
        os.rename(SEEDS + ".part", SEEDS)


def _line(counts):
    found = {name: counts[name] for name in ("read", "refused", "FIND")}
    return f"{sum(counts.values()):7} cases: " + ", ".join(
        f"{n} {name}" for name, n in found.items()
    )


def _parser():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    names = [*text_readers.READERS, *model_readers.READERS]
    parser.add_argument(
        "--cases", type=int, default=1000, help="of each reader; of slow ones fewer"
    )
    parser.add_argument("--minutes", type=float, help="go on until then, with other seeds")
    parser.add_argument(
        "--seed", type=int, default=1, help="of the first case; the next has the next"
    )
    parser.add_argument(
        "--reader", action="append", choices=names, help="only this one; may be repeated"
    )
    parser.add_argument("--show", type=int, default=10, help="finds of each reader to print")
    return parser


if __name__ == "__main__":
    sys.exit(main())
