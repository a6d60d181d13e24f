"""What an HDF5 file of weights holds, checked as a stranger's before any of it is read.

HDF5 lets a dataset be a terabyte of zeros in a few bytes, unpack to far more than it takes, or
refer to any other file of the machine. Keras writes none of these.
"""

import math
import os

from keras_bert.checkpoints.checkpoint import to_float32
from keras_bert.errors import InputError, one_line
from keras_bert.reading import check_file
from keras_bert.stand_ins import check_is_itself
from keras_bert.trial import check_harmless

# Of a trial, which reads no weights: for BERT-Large's it takes a tenth of a second.
_TRIAL_SECONDS, _TRIAL_BYTES_PER_SECOND, _TRIAL_BYTES = 2, 2**27, 2**29
_KINDS, _LARGEST_NUMBER = "fiubV", 8  # bfloat16 is two bytes without a meaning, kind V


def list_datasets(path):
    """Returns a dict from the path of each dataset in an HDF5 file to its shape.

    Args:
        path: the file.

    Raises:
        InputError: there is no such file, it is damaged, or it holds anything but numbers that are
            stored in it as they are; the message names the file.
    """
    check_file(path, what="weights file")
    check_is_itself(path)
    size = os.path.getsize(path)
    seconds = _TRIAL_SECONDS + size // _TRIAL_BYTES_PER_SECOND
    check_harmless(path, "HDF5", lambda: _shapes(path, True), seconds, _TRIAL_BYTES)
    shapes, claimed = _shapes(path, False)
    if claimed > size:
        raise InputError(f"{path}: claims {claimed} bytes of weights, more than its {size}")
    return shapes


def _shapes(path, thoroughly):
    """Returns the shapes by name and the bytes of all; `thoroughly` reads the attributes too."""
    import h5py

    shapes, size = {}, 0
    try:
        with h5py.File(path, "r") as file:
            for name, dataset in _datasets(file, h5py):
                _check_dataset(name, dataset)
                shapes[name] = tuple(dataset.shape)
                size += math.prod(dataset.shape) * dataset.dtype.itemsize
                if thoroughly:
                    for item in (file[name], file[name].parent):
                        dict(item.attrs)
    except InputError as error:
        raise error.within(os.fspath(path)) from None
    except MemoryError:
        raise
    except Exception as error:  # a damaged file raises nearly anything in h5py
        raise InputError(f"{path}: truncated or damaged HDF5 file: {one_line(error)}") from None
    return shapes, size


def _datasets(file, h5py):
    """Yields the path and the dataset of each, following no link that leads elsewhere."""
    seen = {h5py.h5o.get_info(file.id).addr}
    groups = [("", file)]
    while groups:
        prefix, group = groups.pop()
        for key in group:
            if not isinstance(key, str):
                raise ValueError(f"the name {key!r} is not UTF-8")
            name = f"{prefix}{key}"
            if not isinstance(group.get(key, getlink=True), h5py.HardLink):
                raise InputError(f"{name} is a link to another place")
            item = group[key]
            if isinstance(item, h5py.Dataset):
                yield name, item
            elif isinstance(item, h5py.Group):
                address = h5py.h5o.get_info(item.id).addr
                if address in seen:
                    raise InputError(f"{name} is a group that is in another place too")
                seen.add(address)
                groups.append((f"{name}/", item))


def _check_dataset(name, dataset):
    if dataset.shape is None:
        raise InputError(f"{name} has no values")
    if dataset.external:
        raise InputError(f"{name} is kept in another file")
    if dataset.is_virtual:
        raise InputError(f"{name} is put together of other datasets")
    dtype = dataset.dtype
    plain = dtype.names is None and dtype.subdtype is None and not dtype.hasobject
    if dtype.kind not in _KINDS or not plain or not 0 < dtype.itemsize <= _LARGEST_NUMBER:
        raise InputError(f"{name} is of the type {str(dtype):.60}, not of numbers")
    if dataset.id.get_create_plist().get_nfilters():
        raise InputError(f"{name} is packed: save it without compression")
    if dataset.chunks and math.prod(dataset.chunks) > max(math.prod(dataset.shape), 2**20):
        raise InputError(f"{name} is stored in chunks of {dataset.chunks}, larger than it is")


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
    except Exception as error:  # as above
        raise InputError(f"{path}: {key} cannot be read: {one_line(error)}") from None
    return to_float32(value, f"{path}: {key}")
