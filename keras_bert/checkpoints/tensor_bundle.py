"""Reads TensorFlow's checkpoints (`.index` and `.data-…`) without TensorFlow, as untrusted files.

Source: tensorflow/core/util/tensor_bundle and tensorflow/core/protobuf/tensor_bundle.proto.
"""

import dataclasses
import glob
import math
import os

import numpy as np

from keras_bert import checksums
from keras_bert.checkpoints.sorted_table import Damaged, read_table, read_varint
from keras_bert.errors import InputError
from keras_bert.reading import check_file, read_bytes
from keras_bert.stand_ins import check_is_itself

# That of a BERT with its optimizer has 30 kB.
_INDEX_LIMIT = 16 * 2**20
_MOST_SHARDS = 10_000
_MOST_DIMENSIONS = 32
# tensorflow/core/framework/types.proto. A name without a size is for messages only.
_TYPES = {
    1: "float32", 2: "float64", 3: "int32", 4: "uint8", 5: "int16", 6: "int8", 7: "string",
    9: "int64", 10: "bool", 14: "bfloat16", 17: "uint16", 19: "float16", 20: "resource",
    21: "variant", 22: "uint32", 23: "uint64",
}  # fmt: skip
_FLOATS = {"float32": 4, "float64": 8, "float16": 2, "bfloat16": 2}
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


@dataclasses.dataclass(frozen=True)
class Entry:
    """Where a tensor is.

    Attributes:
        dtype: name of its type, or "type N" for one that is not known.
        shape: tuple of int.
        shard: number of the data file.
        offset, size: its bytes there.
        checksum: masked CRC-32C of these bytes.
        sliced: whether its parts are stored under other names.
    """

    dtype: str
    shape: tuple
    shard: int
    offset: int
    size: int
    checksum: int
    sliced: bool


class TensorBundle:
    """The tensors of a checkpoint; all that the index says is checked when it is opened.

    Args:
        prefix: path of the checkpoint, without `.index`.

    Attributes:
        entries: dict from name to `Entry`.

    Raises:
        InputError: a file is missing, damaged or cut short; the message names it.
    """

    def __init__(self, prefix):
        self._prefix = prefix
        index = f"{prefix}.index"
        self._files = self._data_files()
        check_file(index, _INDEX_LIMIT, "checkpoint's index")
        for path in (index, *self._files):
            check_is_itself(path)
        try:
            self.entries = _read_entries(read_bytes(index, _INDEX_LIMIT), len(self._files))
        except OSError as error:
            raise InputError(f"{index}: cannot be read: {error.strerror}") from None
        except Damaged as error:
            raise InputError(f"{index}: damaged: {error}") from None
        self._check_extents()

    def read(self, name):
        """Returns a tensor, in its stored type (bfloat16 as that of ml_dtypes).

        Raises:
            InputError: it is not of floating-point numbers, or its bytes are damaged.
        """
        entry = self.entries[name]
        path = self._files[entry.shard]
        if entry.sliced:
            raise InputError(
                f"{self._prefix}.index: {name} is stored in parts: save the checkpoint without "
                f"partitioned variables"
            )
        if entry.dtype not in _FLOATS:
            raise InputError(
                f"{self._prefix}: {name} has type {entry.dtype}; a weight must be floating-point"
            )
        try:
            with open(path, "rb") as file:
                file.seek(entry.offset)
                content = file.read(entry.size)
        except OSError as error:
            raise InputError(f"{path}: {name} cannot be read: {error.strerror}") from None
        if len(content) != entry.size:
            raise InputError(f"{path}: {name} cannot be read: the file is cut short")
        if checksums.masked(checksums.crc32c_of(content)) != entry.checksum:
            raise InputError(f"{path}: {name} cannot be read: it does not have its checksum")
        return np.frombuffer(content, _numpy_type(entry.dtype)).reshape(entry.shape)

    def _data_files(self):
        found = sorted(glob.glob(f"{glob.escape(self._prefix)}.data-?????-of-?????"))
        shards = found[0].rpartition("-")[2] if found else "00001"
        if not shards.isdecimal() or not 0 < int(shards) <= _MOST_SHARDS:
            raise InputError(f"{found[0]}: is not the name of a checkpoint's data file")
        expected = [f"{self._prefix}.data-{i:05d}-of-{shards}" for i in range(int(shards))]
        for path in expected:
            check_file(path, what="checkpoint's data file")
        return expected

    def _check_extents(self):
        sizes = [os.path.getsize(path) for path in self._files]
        ends = [0] * len(sizes)
        for entry in self.entries.values():
            ends[entry.shard] = max(ends[entry.shard], entry.offset + entry.size)
        for path, size, end in zip(self._files, sizes, ends, strict=True):
            if size < end:
                raise InputError(f"{path}: truncated: {size} bytes, at least {end} expected")


def _numpy_type(name):
    if name == "bfloat16":
        import ml_dtypes

        return ml_dtypes.bfloat16
    return np.dtype(name).newbyteorder("<")


def _read_entries(content, shards):
    entries = {}
    for key, value in read_table(content).items():
        if key == b"":
            _check_header(value, shards)
        elif not key.startswith(b"\0"):  # which the parts of a sliced tensor do
            try:
                name = key.decode()
            except UnicodeDecodeError:
                raise Damaged(f"the name {key[:60]!r} is not UTF-8") from None
            try:
                entries[name] = _entry(value, shards)
            except Damaged as error:
                raise Damaged(f"{name[:200]}: {error}") from None
    return entries


def _check_header(value, shards):
    fields = _fields(value)
    stated = _int(fields, 1)
    if stated != shards:
        raise Damaged(f"it is of {stated} data files, there are {shards}")
    if _int(fields, 2):
        raise Damaged("its numbers are big-endian")


def _entry(value, shards):
    fields = _fields(value)
    number = _int(fields, 1)
    dtype = _TYPES.get(number, f"type {number}")
    shape = _shape(fields.get(2, [b""])[-1])
    shard, offset, size = (_int(fields, field) for field in (3, 4, 5))
    sliced = 7 in fields
    if not sliced and dtype in _FLOATS and size != math.prod(shape) * _FLOATS[dtype]:
        raise Damaged(f"{size} bytes for a {dtype} of shape {shape}")
    if shard >= shards:
        raise Damaged(f"is in data file {shard} of {shards}")
    checksum = fields.get(6, [0])[-1]
    if not isinstance(checksum, int):
        raise Damaged("the checksum is not a number")
    return Entry(dtype, shape, shard, offset, size, checksum, sliced)


def _shape(value):
    if not isinstance(value, bytes):
        raise Damaged("the shape is not a message")
    sizes = []
    for dimension in _fields(value).get(2, []):
        if not isinstance(dimension, bytes):
            raise Damaged("a dimension is not a message")
        sizes.append(_int(_fields(dimension), 1))
    if len(sizes) > _MOST_DIMENSIONS:
        raise Damaged(f"a shape has {len(sizes)} dimensions")
    return tuple(sizes)


def _int(fields, number):
    value = fields.get(number, [0])[-1]
    if not isinstance(value, int) or value >= 2**63:
        raise Damaged(f"field {number} is not a number, or is negative")
    return value


def _fields(content):
    """Returns the fields of a protocol buffer: a dict from number to list of int or bytes."""
    fields, position = {}, 0
    while position < len(content):
        tag, position = read_varint(content, position)
        number, kind = tag >> 3, tag & 7
        if kind == _VARINT:
            value, position = read_varint(content, position)
        elif kind in (_FIXED64, _FIXED32, _BYTES):
            size = {_FIXED64: 8, _FIXED32: 4}.get(kind)
            if size is None:
                size, position = read_varint(content, position)
            value = content[position : position + size]
            position += size
            if position > len(content):
                raise Damaged("a field is cut short")
            value = value if kind == _BYTES else int.from_bytes(value, "little")
        else:
            raise Damaged(f"a field is of the unknown kind {kind}")
        fields.setdefault(number, []).append(value)
    return fields
