"""What the tests of training on several devices share."""

import os
import pathlib
import sys

import h5py

ROOT = pathlib.Path(__file__).parent.parent
SCRIPT = pathlib.Path(__file__).parent / "run_strategies.py"


def read_weights(folder):
    """Returns a model folder's weights by name."""
    found = {}
    with h5py.File(os.path.join(folder, "model.weights.h5")) as file:

        def note(name, item):
            if isinstance(item, h5py.Dataset):
                found[name] = item[()]

        file.visititems(note)
    return found


def environment(**extra):
    path = [str(ROOT), *sys.path]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path), **extra}
