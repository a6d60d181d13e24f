"""A model folder or Hugging Face checkpoint with its weights in 16 bits: half the bytes.

    python benchmarks/gpu/float16.py FOLDER OUTPUT

`keras-bert` reads the result like any other folder and computes in float32 or as it is told to.
float16 has 11 bits of a number's fraction; a weight beyond its range (65504) is refused.
"""

import argparse
import os
import shutil

import h5py
import numpy as np
from safetensors.numpy import load_file, save_file


def halve(folder, output):
    """Copies a folder, with the floats of its weights files in float16.

    Args:
        folder: a model folder, or a checkpoint with `model.safetensors`.
        output: the folder to write.
    """
    shutil.copytree(folder, output, dirs_exist_ok=True)
    for name in os.listdir(output):
        path = os.path.join(output, name)
        if name.endswith(".safetensors"):
            save_file({key: _half(value, key) for key, value in load_file(path).items()}, path)
        elif name.endswith(".weights.h5"):
            _halve_hdf5(os.path.join(folder, name), path)


def _half(array, name):
    if array.dtype.kind != "f":
        return array
    half = array.astype("float16")
    if not np.isfinite(half).all():
        raise SystemExit(f"{name}: does not fit float16")
    return half


def _halve_hdf5(source, target):
    with h5py.File(source) as old, h5py.File(target, "w") as new:

        def copy(name, item):
            if isinstance(item, h5py.Dataset):
                made = new.create_dataset(name, data=_half(item[()], name))
            else:
                made = new.require_group(name)
            for key, value in item.attrs.items():
                made.attrs[key] = value

        for key, value in old.attrs.items():
            new.attrs[key] = value
        old.visititems(copy)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder")
    parser.add_argument("output")
    options = parser.parse_args()
    halve(options.folder, options.output)
