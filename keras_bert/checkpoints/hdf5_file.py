"""Reads the arrays of HDF5 files, as untrusted files."""

import math
import os

from keras_bert.checkpoints.checkpoint import one_line, to_float32
from keras_bert.errors import InputError
from keras_bert.stand_ins import check_is_itself


def list_datasets(path):
    """Returns a dict from the path of each dataset in an HDF5 file to its shape.

    Raises:
        InputError: it is missing or damaged, or keeps data elsewhere.
    """
    import h5py

    if not os.path.isfile(path):
        raise InputError(f"{path}: no such file")
    check_is_itself(path)
    shapes, sizes, external = {}, [], []

    def note(key, item):
        if not isinstance(key, str):
            raise ValueError(f"the name {key!r} is not UTF-8")
        if isinstance(item, h5py.Dataset):
            shapes[key] = tuple(item.shape)
            sizes.append(math.prod(item.shape) * item.dtype.itemsize)
            external.extend([key] if item.external else [])

    try:
        with h5py.File(path, "r") as file:
            file.visititems(note)
    except (OSError, KeyError, RuntimeError, ValueError, TypeError) as error:
        raise InputError(f"{path}: truncated or damaged HDF5 file: {one_line(error)}") from None
    # HDF5 lets a dataset refer to the bytes of any other file of the machine.
    if external:
        raise InputError(f"{path}: {external[0]} is kept in another file")
    # Nobody compresses weights, so a file that claims more than it holds is damaged or hostile.
    if sum(sizes) > os.path.getsize(path):
        raise InputError(f"{path}: claims {sum(sizes)} bytes of weights, more than the file has")
    return shapes


def read_dataset(path, key):
    """Returns a dataset as float32.

    Raises:
        InputError: it cannot be read, or holds no floating-point numbers.
    """
    import h5py
    import ml_dtypes
    import numpy as np

    try:
        with h5py.File(path, "r") as file:
            dataset = file[key]
            value = np.array(dataset)
            # HDF5 has no bfloat16: Keras stores the two bytes, and the type as an attribute.
            if dataset.attrs.get("dtype") == "bfloat16":
                value = value.view(ml_dtypes.bfloat16)
    except (OSError, KeyError, RuntimeError, ValueError, TypeError) as error:
        raise InputError(f"{path}: {key} cannot be read: {one_line(error)}") from None
    return to_float32(value, f"{path}: {key}")
