"""One checkpoint as a file: an .npz archive of plain arrays, with a checksum of all of it.

The checksum, SHA-256 of every byte before it, is the archive's comment, so that `numpy.load` reads
the file as any other. A file is data of unknown origin: sizes are compared before memory is taken,
nothing is unpickled, and nothing is returned before all of it has been checked.
"""

import hashlib
import json
import math
import os
import re
import zipfile

import numpy as np

_MARK = b"sha256:"
_COMMENT = len(_MARK) + 64
_COMMENT_PATTERN = re.compile(_MARK + rb"[0-9a-f]{64}")
# A zip file without a comment ends with a record of 22 bytes: this, …, the comment's length, 0.
_END_OF_ARCHIVE = b"PK\5\6"
# Bytes: of an array's .npy header; of the JSON header, which has a line for each epoch; and of
# lists of arrays beside the model's own, whatever its size.
_NPY_HEADER, _HEADER, _SMALL = 2**14, 2**26, 2**24
# What the weights of the best epoch need, and some more.
_LISTS_PER_MODEL = 2
_BLOCK = 2**22


class Damaged(ValueError):
    """A file is not what was written."""


class OfAnotherRun(ValueError):
    """A whole header has another fingerprint."""


def write(file, header, arrays, lists):
    """Writes a checkpoint.

    Args:
        file: an empty file, opened to be read and written.
        header: dict that JSON can hold.
        arrays: dict from name to array.
        lists: dict from name to list of arrays.
    """
    header = {**header, "lists": {name: len(value) for name, value in lists.items()}}
    arrays = {"header": np.frombuffer(json.dumps(header).encode(), "uint8"), **arrays}
    for name, value in lists.items():
        arrays |= {f"{name}_{i}": array for i, array in enumerate(value)}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        archive.comment = _MARK + b"0" * 64
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asarray(array), allow_pickle=False)
    file.flush()
    end = file.seek(0, os.SEEK_END) - _COMMENT
    digest = _digest(file, end)
    file.seek(end)
    file.write(_MARK + digest)
    file.flush()
    os.fsync(file.fileno())


def read(path, fingerprint, expected):
    """Reads a checkpoint, all of it or nothing.

    Args:
        path: the file.
        fingerprint: str that its header must have.
        expected: dict from name to the array whose shape and dtype the file's must have.

    Returns:
        A tuple: the header, a dict; the arrays, a dict by the names of `expected`; the lists, a
        dict from name to list of arrays.

    Raises:
        OSError: it cannot be read.
        OfAnotherRun: its fingerprint is another.
        Damaged: it is not what was written.
    """
    if not os.path.isfile(path):
        raise Damaged("it is no file")  # to open a pipe would wait for a writer
    size = sum(array.nbytes for array in expected.values())
    try:
        with open(path, "rb") as file, zipfile.ZipFile(file) as archive:
            members = _members(archive, os.fstat(file.fileno()).st_size)
            # First: another run's checkpoint may be of another size.
            header = _header(archive, members)
            if header.get("fingerprint") != fingerprint:
                raise OfAnotherRun
            _check_header(header, members)
            _check(file, size)
            return _read(archive, members, header, expected, _LISTS_PER_MODEL * size + _SMALL)
    except (Damaged, OfAnotherRun, OSError):
        raise
    # A damaged archive raises whatever its bytes lead to: NotImplementedError for an unknown
    # compression, RuntimeError for a password, struct.error, RecursionError, MemoryError, ….
    except Exception as error:
        raise Damaged(f"{type(error).__name__}: {error}") from None


def _check(file, size):
    """Raises Damaged if a file's size is impossible, or its checksum wrong."""
    found = file.seek(0, os.SEEK_END)
    most = (1 + _LISTS_PER_MODEL) * size + _SMALL + 2 * _HEADER
    if found > most:
        raise Damaged(f"it has {found} bytes where this model's have at most {most}")
    file.seek(max(0, found - _COMMENT))
    end = file.read()
    if _COMMENT_PATTERN.fullmatch(end):
        if end != _MARK + _digest(file, found - _COMMENT):
            raise Damaged("its checksum is wrong")
    # What an older version wrote has no comment: it is checked as far as it can be.
    elif end[-22:-18] != _END_OF_ARCHIVE or end[-2:] != b"\0\0":
        raise Damaged("it does not end with its checksum")


def _members(archive, size):
    """Returns the parts of an archive by name; they are stored as they are, one after the other."""
    members = {info.filename: info for info in archive.infolist()}
    total = 0
    for info in members.values():
        if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size:
            raise Damaged(f"{info.filename} is compressed")
        total += info.file_size
    if total > size or len(members) != len(archive.infolist()):
        raise Damaged("its parts overlap")
    return members


def _read(archive, members, header, expected, most_in_lists):
    arrays = {
        name: _array(archive, members, name, array.nbytes, array)
        for name, array in expected.items()
    }
    lists = {}
    for name, count in header.get("lists", {}).items():
        lists[name] = [_array(archive, members, f"{name}_{i}", most_in_lists) for i in range(count)]
        most_in_lists -= sum(array.nbytes for array in lists[name])
    return header, arrays, lists


def _header(archive, members):
    data = _array(archive, members, "header", _HEADER)
    header = json.loads(data.tobytes())
    if not isinstance(header, dict) or type(header.get("fingerprint")) is not str:
        raise Damaged("its header has no fingerprint")
    return header


def _check_header(header, members):
    if type(header.get("step")) is not int:
        raise Damaged("its header has no step")
    # Version 0.1 wrote neither of the two.
    for key in ("extra", "lists"):
        if not isinstance(header.get(key, {}), dict):
            raise Damaged(f"its header's {key} is no object")
    for name, count in header.get("lists", {}).items():
        if type(count) is not int or not 0 <= count <= len(members):
            raise Damaged(f"its header states {count!r} arrays of {name}")


def _array(archive, members, name, most, expected=None):
    """Returns an array of the archive, of at most so many bytes."""
    info = members.get(f"{name}.npy")
    if info is None:
        raise Damaged(f"it has no {name}")
    with archive.open(info) as member:
        version = np.lib.format.read_magic(member)
        if version == (1, 0):
            shape, fortran, dtype = np.lib.format.read_array_header_1_0(member)
        elif version == (2, 0):
            shape, fortran, dtype = np.lib.format.read_array_header_2_0(member)
        else:
            raise Damaged(f"{name} is of version {version} of the .npy format")
        if dtype.hasobject:
            raise Damaged(f"{name} holds Python objects, which are never loaded")
        if expected is not None:
            wanted = np.lib.format.descr_to_dtype(np.lib.format.dtype_to_descr(expected.dtype))
            if shape != expected.shape or dtype != wanted:
                raise Damaged(f"{name} has the shape {shape} and the type {dtype}")
            dtype = expected.dtype  # NumPy has no name for bfloat16
        size = math.prod(shape) * dtype.itemsize
        if size > most or not size <= info.file_size <= size + _NPY_HEADER:
            raise Damaged(f"{name} has {info.file_size} bytes for the shape {shape}")
        # To the end, where the archive's own checksum of it is compared.
        data = member.read()
    if len(data) != size:
        raise Damaged(f"{name} is cut short")
    array = np.frombuffer(data, dtype)
    return array.reshape(shape[::-1]).T if fortran else array.reshape(shape)


def _digest(file, end):
    """Returns the SHA-256 of a file's bytes up to `end`, in hexadecimal."""
    digest = hashlib.sha256()
    file.seek(0)
    while end:
        block = file.read(min(_BLOCK, end))
        digest.update(block)
        end -= len(block)
    return digest.hexdigest().encode()
