"""Opens files that may be a stranger's: regular ones, of a limited size, and never without end.

A few kilobytes can unpack to gigabytes, and a link can lead to a device that never ends or to a
pipe that nobody writes to. What is read whole is bounded here; files of examples may be a pipe.
"""

import contextlib
import errno
import gzip
import io
import json
import os
import stat
import zlib

from keras_bert.errors import InputError

# The largest `tokenizer.json` in use has 17 MB. Parsed, a byte of JSON takes up to 21 bytes.
JSON_LIMIT = 32 * 2**20
# A million tokens, the largest vocabulary in use, have 14 MB. A line takes up to 30 times its size.
VOCABULARY_LIMIT = 24 * 2**20
# What a row of a table takes in memory beside its text, about.
_ROW_BYTES = 300
_ITEM_BYTES = 64  # of parsed JSON
# Of a file of examples in memory: that of Amazon's 3.6 million reviews (1.7 GB) takes 2.8 GB.
EXAMPLES_LIMIT = 4 * 2**30
# Text packs 3 to 20 times; with what its rows take in memory 150 times at most. A bomb of gzip's
# packs 1,000 times. Below the second number any file may be unpacked.
_PACKING, _SMALL = 300, 256 * 2**20
# A line, such as a passage in JSON lines. Fields of CSV have a limit of their own.
LINE_LIMIT = 32 * 2**20


def check_file(path, limit=None, what="file"):
    """Raises InputError unless there is a regular file, for readers that open it by its name.

    Args:
        path: the file.
        limit: the most bytes that it may have, or None.
        what: what such a file is, for the message.
    """
    path = os.fspath(path)
    try:
        found = os.stat(path)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read: {_reason(error)}") from None
    if stat.S_ISDIR(found.st_mode):
        raise InputError(f"{path}: is a folder, not a {what}")
    if not stat.S_ISREG(found.st_mode):
        raise InputError(f"{path}: is a pipe or a device, not a {what}")
    if limit is not None and found.st_size > limit:
        raise _too_large(path, found.st_size, limit, what)


def read_bytes(path, limit, what="file"):
    """Returns the contents of a regular file.

    Args:
        path: the file.
        limit: int, the most bytes that it may have.
        what: what such a file is, for the message.

    Raises:
        InputError: it is a pipe or a device, or is larger.
        OSError: it cannot be read.
    """
    path = os.fspath(path)
    # A pipe without a writer would block, even only to be opened.
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    with open(handle, "rb") as file:
        mode = os.fstat(handle).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        if not stat.S_ISREG(mode):
            raise InputError(f"{path}: is a pipe or a device, not a {what}")
        content = file.read(limit + 1)
        if len(content) > limit:
            raise _too_large(path, os.fstat(handle).st_size, limit, what)
    return content


def read_json(path, what="JSON file"):
    """Returns the value that a JSON file of limited size holds.

    Raises:
        InputError: it is missing, is no regular file, too large, or not UTF-8 JSON.
    """
    path = os.fspath(path)
    try:
        return json.loads(read_bytes(path, JSON_LIMIT, what).decode("utf-8"))
    except InputError:
        raise
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: not a readable {what}: {_reason(error)}") from None


def check_parsed_size(content, path):
    """Raises InputError if the bytes of a JSON file would take too much memory once parsed."""
    items = content.count(b",") + content.count(b"[") + content.count(b"{")
    if len(content) + _ITEM_BYTES * items > EXAMPLES_LIMIT:
        raise InputError(
            f"{path}: {len(content):,} bytes with {items:,} values would take more than "
            f"{EXAMPLES_LIMIT:,} bytes of memory: split it"
        )


@contextlib.contextmanager
def open_examples(path):
    """Yields a file of examples, unpacked where it is gzip'd; it may be a pipe.

    Args:
        path: the file.

    Yields:
        A buffered reader of bytes. It raises InputError where the file is damaged, unpacks to far
        more than text does, would take more than `EXAMPLES_LIMIT` bytes of memory, or has a line
        longer than `LINE_LIMIT`.

    Raises:
        InputError: as above, or there is no such file.
    """
    path = os.fspath(path)
    try:
        with open(path, "rb") as raw:
            packed = None
            if raw.peek(2)[:2] == b"\x1f\x8b":  # peeked: a pipe cannot be rewound
                packed = _Counted(raw)
            stream = raw if packed is None else gzip.GzipFile(fileobj=packed)
            yield _Lines(path, _Bounded(path, stream, packed))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: cannot be read: {_reason(error)}") from None


class _Counted:
    """Counts what is read of a file, for gzip's reader, which needs no more of it."""

    def __init__(self, file):
        self._file = file
        self.size = 0

    def read(self, size=-1):
        content = self._file.read(size)
        self.size += len(content)
        return content


class _Bounded(io.RawIOBase):
    """The bytes of a stream, up to the memory that its rows may take."""

    def __init__(self, path, stream, packed):
        self._path, self._stream, self._packed = path, stream, packed
        self._memory = 0

    def readable(self):
        return True

    def readinto(self, buffer):
        content = self._stream.read1(len(buffer))
        # Lines may end with \n, \r or both.
        rows = max(content.count(b"\n"), content.count(b"\r"))
        self._memory += len(content) + _ROW_BYTES * rows
        if self._memory > EXAMPLES_LIMIT:
            raise InputError(
                f"{self._path}: would take more than {EXAMPLES_LIMIT:,} bytes of memory: split it"
            )
        if self._packed and self._memory > max(_SMALL, _PACKING * self._packed.size):
            raise InputError(
                f"{self._path}: unpacks to far more than text does: its first "
                f"{self._packed.size:,} bytes would take more than {_PACKING} times as many: "
                f"unpack it yourself if you trust it"
            )
        buffer[: len(content)] = content
        return len(content)


class _Lines(io.BufferedReader):
    """A buffered reader whose lines have a limit."""

    def __init__(self, path, raw):
        super().__init__(raw, 2**16)
        self._path = path
        self._row = 0

    def readline(self, size=-1):
        if size is not None and 0 <= size <= LINE_LIMIT:
            return super().readline(size)
        self._row += 1
        line = super().readline(LINE_LIMIT + 1)
        if len(line) > LINE_LIMIT:
            raise InputError(
                f"{self._path}:{self._row}: a line of more than {LINE_LIMIT:,} bytes: is it text?"
            )
        return line

    def __next__(self):
        line = self.readline()
        if not line:
            raise StopIteration
        return line


def _too_large(path, size, limit, what):
    return InputError(f"{path}: has {size:,} bytes; a {what} may have {limit:,}")


def _reason(error):
    return getattr(error, "strerror", None) or error
