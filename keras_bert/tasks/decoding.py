"""The lines of a text file as text: gzip, encodings, ends of lines, and files that are no text."""

import contextlib
import io
import os
import re

from keras_bert.errors import InputError
from keras_bert.reading import open_examples
from keras_bert.stand_ins import check_is_itself

# Of a file that is kept in memory whole, when unpacked: a gzip bomb is refused.
MOST_BYTES = 2**30
# Of a table; one takes some hundred bytes of memory even where its line has two.
MOST_ROWS = 5 * 10**6
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_NO_TEXT = {
    b"PK\x03\x04": "a ZIP file, such as Excel's .xlsx or an archive",
    b"\xd0\xcf\x11\xe0": "an old Office file, such as Excel's .xls",
    b"PAR1": "a Parquet file",
    b"ARROW1": "an Arrow file",
    b"SQLite format 3": "an SQLite database",
    b"%PDF-": "a PDF",
    b"\xff\xfe\0\0": "UTF-32 text",
    b"\0\0\xfe\xff": "UTF-32 text",
}
_PEEKED = 512


def decoded_lines(path, most_bytes=None):
    """Yields each line as text with its line end.

    The text is UTF-8, with or without a byte order mark, or UTF-16 with one. Lines end in a line
    feed; in a file without any, in carriage returns, as old Macintosh programs write.

    Args:
        path: the file, gzip'd or not.
        most_bytes: the most bytes that are read, unpacked; None for any number.

    Raises:
        InputError: it is not text, too large, or cannot be read; names file, line and fix.
    """
    with open_examples(path) as raw:
        start = raw.peek(_PEEKED)[:_PEEKED]
        _check_is_text(path, start)
        if start.startswith(_UTF_16):
            lines = _utf_16_lines(path, raw, most_bytes)
        else:
            lines = _utf_8_lines(path, raw, most_bytes)
        with contextlib.closing(lines):
            first = next(lines, "")
            # Lines are split on line feeds only: str.splitlines would also split a text at
            # U+2028, form feeds and the like.
            if not first.endswith("\n") and "\r" in first[:-1]:
                yield from re.findall(r"[^\r]*\r|[^\r]+", first)
            elif first:
                yield first
                yield from lines


def check_size(path, rows):
    """Raises InputError if a file has more rows than are kept in memory."""
    if len(rows) > MOST_ROWS:
        raise InputError(f"{path}: more than {MOST_ROWS} rows: split the file")


def file_extension(path):
    """Returns the extension of a file's name in lower case, `.csv` also of `a.csv.gz`."""
    return os.path.splitext(os.fspath(path).lower().removesuffix(".gz"))[1]


def _utf_8_lines(path, raw, most_bytes):
    left, number = most_bytes, 0
    while True:
        line = raw.readline(-1 if left is None else left + 1)
        if not line:
            return
        number += 1
        if left is not None:
            left -= len(line)
            _check_left(path, left, most_bytes)
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise InputError(
                f"{path}:{number}: not UTF-8 (byte 0x{line[error.start]:02x} at byte "
                f"{error.start + 1} of the line): save the file as UTF-8, for example with "
                f"`iconv -f WINDOWS-1252 -t UTF-8`"
            ) from None


def _utf_16_lines(path, raw, most_bytes):
    text = io.TextIOWrapper(raw, encoding="utf-16", newline="\n")
    left, number = most_bytes and most_bytes // 2, 0
    try:
        while line := text.readline(-1 if left is None else left + 1):
            number += 1
            if left is not None:
                left -= len(line)
                _check_left(path, left, most_bytes)
            yield line
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: its byte order mark says UTF-16, which it is not after line {number}: "
            f"{error.reason}: save the file as UTF-8"
        ) from None
    finally:
        text.detach()  # the caller closes the file


def _check_left(path, left, most_bytes):
    if left < 0:
        raise InputError(f"{path}: holds more than {most_bytes} bytes: split it")


def _check_is_text(path, start):
    for magic, name in _NO_TEXT.items():
        if start.startswith(magic):
            raise InputError(f"{path}: is {name}, not a text file: save it as CSV in UTF-8")
    check_is_itself(path, start)
    if b"\0" in start[:2]:
        raise InputError(
            f"{path}: is not UTF-8 but perhaps UTF-16 without a byte order mark: save the file as "
            f"UTF-8"
        )
