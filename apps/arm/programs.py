"""Runs `keras-bert-device` on this processor and on an emulated one, and compares the answers."""

import dataclasses
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import machine

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
# Of the fields of an answer: those that two processors must share, and nearly so the numbers.
COMPARED = (
    "label", "labels", "probabilities", "value", "text", "start", "end", "probability", "words",
    "tags", "entities", "embedding",
)  # fmt: skip
TOLERANCE = 1e-3
# Of files with 8 and 4 bits: the inputs of products are rounded when they run, and a number on the
# border goes to the other side where the processor adds up in another order. Of 200 sentences of
# SST-2 the largest difference of the shipped model was 0.04.
ROUNDED_TOLERANCE = 5e-2
_SEPARATOR = "=" * 20
# The program's own `main`, once for each call: to start Python takes the emulator seconds.
_DRIVER = f"""
import io, json, sys
from keras_bert.device.main import main

for arguments, lines in json.load(sys.stdin):
    sys.stdin = io.TextIOWrapper(io.BytesIO("".join(line + "\\n" for line in lines).encode()))
    if status := main([*arguments, "--json"]):
        sys.exit(status)
    print({_SEPARATOR!r}, flush=True)
"""


class Failed(Exception):
    """The program ended with an error; the message is its own."""


@dataclasses.dataclass(frozen=True)
class Program:
    """`keras-bert-device` by one command that runs Python.

    Attributes:
        python: list of str, the command.
        environment: dict of variables to set.
    """

    python: list
    environment: dict

    def ask(self, calls):
        """Asks questions of models.

        Args:
            calls: list of tuples: the verb and its arguments, a list of str; and the texts, a list
                of str without line breaks.

        Returns:
            A list with a list of dicts for each call: the JSON objects of its texts.

        Raises:
            Failed: a call ended with an error.
        """
        for _, texts in calls:
            assert not any(len(text.splitlines()) > 1 for text in texts)
        found = subprocess.run(
            [*self.python, "-c", _DRIVER],
            input=json.dumps(calls), capture_output=True, text=True,
            env={**os.environ, **self.environment}, cwd=tempfile.gettempdir(),
        )  # fmt: skip
        if found.returncode:
            said = found.stderr.strip().splitlines() or [f"exit status {found.returncode}"]
            raise Failed(said[-1])
        parts = found.stdout.split(f"{_SEPARATOR}\n")
        return [[json.loads(line) for line in part.splitlines()] for part in parts[:-1]]


def here():
    """Returns the `Program` of this environment."""
    return Program([sys.executable], {})


def on_arm(folder):
    """Returns the `Program` on an emulated 64-bit ARM processor, which is made if need be.

    Args:
        folder: `pathlib.Path`, where the emulated system is kept.

    Raises:
        machine.CannotMake: see there.
    """
    command = machine.arm_python(folder)
    packages = folder / "packages"
    # This checkout's code, anew each time. An installation would look for newer wheels.
    sources = folder / "sources"
    shutil.rmtree(sources, ignore_errors=True)
    ignore = shutil.ignore_patterns("__pycache__")
    parts = {"": "keras_bert", "export": "export", "device": "apps/on_device"}
    for name, source in parts.items():
        shutil.copytree(ROOT / source, sources / "keras_bert" / name, ignore=ignore)
    place = command.index(f"PYTHONPATH={packages}")
    command[place] += f":{sources}"
    return Program(command, {"XDG_STATE_HOME": str(folder / "state")})


def differences(found, expected, tolerance=TOLERANCE):
    """Compares the answers to one text.

    Args:
        found, expected: dicts, answers as JSON has them.
        tolerance: float, how far numbers may be apart.

    Returns:
        A tuple: a list of str, what differs; the largest difference of numbers, of those too.
    """
    wrong, largest = [], 0.0
    for name in COMPARED:
        if name not in found and name not in expected:
            continue
        gap = _gap(found.get(name), expected.get(name))
        largest = max(largest, 0.0 if gap is None else gap)
        if gap is None or gap > tolerance:
            wrong.append(f"{name}: {found.get(name)!r:.80}, not {expected.get(name)!r:.80}")
    return wrong, largest


def _gap(a, b):
    """Returns how far the numbers in two values are apart; None where something else differs."""
    if isinstance(a, dict) and isinstance(b, dict) and a.keys() == b.keys():
        return _largest(_gap(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        return _largest(_gap(*each) for each in zip(a, b))
    if isinstance(a, float) and isinstance(b, float):
        return abs(a - b)
    return 0.0 if type(a) is type(b) and a == b else None


def _largest(gaps):
    gaps = list(gaps)
    return None if None in gaps else max(gaps, default=0.0)
