"""Writes an .npz file from arrays that come in pieces and are never whole in memory."""

import contextlib
import math
import os
import shutil
import zipfile

import numpy as np

from keras_bert.errors import InputError
from keras_bert.files import replacing_file


@contextlib.contextmanager
def writing_npz(path):
    """Yields an `NpzWriter`; the file appears at `path` only if the block succeeds.

    Raises:
        InputError: the file cannot be written there.
    """
    with (
        replacing_file(path) as temporary,
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive,
    ):
        yield NpzWriter(archive)


class NpzWriter:
    """Adds arrays to an archive, as `numpy.savez` would; `numpy.load` needs no pickle for them.

    Args:
        archive: `zipfile.ZipFile` to write to.
    """

    def __init__(self, archive):
        self._archive = archive

    def add(self, name, array):
        """Writes an array."""
        array = np.asarray(array)
        self.add_blocks(name, array.dtype, array.shape, [array])

    def add_blocks(self, name, dtype, shape, blocks):
        """Writes an array that comes in pieces.

        Args:
            name: str.
            dtype: of the array; not object.
            shape: tuple of int, of the whole array.
            blocks: iterable of arrays, the parts of it along the first axis.

        Raises:
            ValueError: the blocks are not of that shape, or the dtype would need pickle.
        """
        dtype = np.dtype(dtype)
        if dtype.hasobject:
            raise ValueError(f"{name}: arrays of objects cannot be read without pickle")
        # A ZipInfo made here has no time in it: the same vectors make the same file.
        entry = zipfile.ZipInfo(f"{name}.npy")
        entry.external_attr = 0o644 << 16
        written = 0
        with self._archive.open(entry, "w", force_zip64=True) as file:
            header = {"descr": dtype.str, "fortran_order": False, "shape": tuple(shape)}
            np.lib.format.write_array_header_1_0(file, header)
            for block in blocks:
                block = np.ascontiguousarray(block, dtype).reshape(-1)
                file.write(block.view("uint8"))
                written += len(block)
        if written != math.prod(shape):
            raise ValueError(f"{name}: {written} values for the shape {shape}")


def check_room(path, size, fix):
    """Raises InputError if the disk of `path` does not have that many free bytes.

    Args:
        path: the file to write; its folder need not exist yet.
        size: int, bytes.
        fix: str, what the user can do, for the message.
    """
    folder = os.path.dirname(os.path.realpath(path))
    while not os.path.exists(folder):
        folder = os.path.dirname(folder)
    free = shutil.disk_usage(folder).free
    if size > free:
        raise InputError(
            f"{path}: would be {size / 2**30:.1f} GiB, but the disk has {free / 2**30:.1f} GiB "
            f"free: {fix}"
        )
