"""Processes for tests of JAX: command lines in a Python that does not find TensorFlow."""

import signal
import time

import pytest

# Runs the command line once for each line of stdin, and prints each exit status.
_PROGRAM = """
import importlib.abc, json, sys

MISSING = {names!r}

class NotThere(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in MISSING:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name.split(".")[0])

sys.meta_path.insert(0, NotThere())
from keras_bert.commands.main import main
for line in sys.stdin:
    print(main(json.loads(line)), flush=True)
assert not set(MISSING) & set(sys.modules)
"""


def without(*names):
    """Returns the program that runs command lines where some packages are not installed."""
    return _PROGRAM.format(names=names)


def kill_after(process, folder, pattern):
    """Kills a process as soon as a file is there that matches the pattern."""
    deadline = time.monotonic() + 120
    while not list(folder.glob(pattern)):
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            pytest.fail(str(process.communicate()))
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
