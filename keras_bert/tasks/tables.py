"""Reads rows of named columns from CSV, TSV and JSON lines, gzip'd or not.

A row keeps its line of the file, so that every error message can name it.
"""

import csv
import dataclasses
import json
import os
import re

from keras_bert.errors import InputError, name_of
from keras_bert.reading import open_examples

_FORMATS = {
    ".csv": "csv", ".tsv": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl",
}  # fmt: skip
# One field may be a whole document; the csv module's own limit is 128 KiB.
_MAX_FIELD_CHARACTERS = 16 * 2**20
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


@dataclasses.dataclass(frozen=True)
class Row:
    """One row: `fields` by column name, and the 1-based `line` of the file where it ends."""

    line: int
    fields: dict


@dataclasses.dataclass(frozen=True)
class Table:
    """The rows of a file: its `path`, its `columns` in order, and its `rows`."""

    path: str
    columns: list
    rows: list


def read_table(path, columns=None):
    """Reads a whole file of rows.

    The extension decides the format (.csv, .tsv, .jsonl, .json, each also with .gz), else the
    first line. CSV follows RFC 4180. In TSV a quote mark is an ordinary character, as in the GLUE
    files. JSON lines hold one object a line.

    Args:
        path: the file; a `Table` is returned as it is.
        columns: names of the columns of a CSV or TSV file that has no header line.

    Returns:
        A `Table`.

    Raises:
        InputError: the file or a row of it cannot be read; the message names file and line.
    """
    if isinstance(path, Table):
        return path
    path = os.fspath(path)
    lines = decoded_lines(path)
    first = next(lines, None)
    if first is None:
        raise InputError(f"{path}: the file is empty")
    kind = _format_of(path, first)

    def all_lines():
        yield first
        yield from lines

    if kind == "jsonl":
        if columns is not None:
            raise InputError(
                f"{path}: {name_of('columns')} is for CSV and TSV; JSON lines name their columns"
            )
        return _read_json_lines(path, all_lines())
    return _read_separated(path, all_lines(), kind, columns)


def decoded_lines(path):
    """Yields each line as text with its line end, checking that it is UTF-8."""
    with open_examples(path) as stream:
        # Lines are split on the byte \n only: str.splitlines would also split a text at U+2028,
        # form feeds and the like.
        for number, line in enumerate(stream, start=1):
            try:
                text = line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise InputError(
                    f"{path}:{number}: not UTF-8 (byte 0x{line[error.start]:02x} at byte "
                    f"{error.start + 1} of the line): save the file as UTF-8"
                ) from None
            yield text


def _format_of(path, first_line):
    stem, extension = os.path.splitext(path.lower())
    if extension == ".gz":
        extension = os.path.splitext(stem)[1]
    if extension in _FORMATS:
        return _FORMATS[extension]
    if first_line.lstrip().startswith("{"):
        return "jsonl"
    return "tsv" if "\t" in first_line else "csv"


def _read_json_lines(path, lines):
    rows, columns = [], {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            fields = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{path}:{number}: not a JSON object on one line: {error}") from None
        if not isinstance(fields, dict):
            raise InputError(
                f"{path}:{number}: expected a JSON object, found {type(fields).__name__}"
            )
        if _SURROGATE.search(line) and not _is_unicode(fields):
            raise InputError(f"{path}:{number}: a lone surrogate, such as \\ud800, is not a text")
        columns.update(dict.fromkeys(fields))
        rows.append(Row(number, fields))
    return _checked(Table(path, list(columns), rows))


def _is_unicode(value):
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _read_separated(path, lines, kind, columns):
    without_header = columns is not None
    if without_header and len(set(columns)) < len(columns):
        raise InputError(f"{path}: {name_of('columns', columns)} names a column twice")
    if kind == "tsv":
        # Not the csv module: with quoting off it still treats a bare \r as the end of a row.
        records = ((n, line.rstrip("\r\n").split("\t")) for n, line in enumerate(lines, start=1))
    else:
        records = _csv_records(path, lines)
    rows = []
    for line, fields in records:
        if not fields or fields == [""]:
            continue
        if columns is None:
            columns = [name.strip() for name in fields]
            if len(set(columns)) < len(columns):
                raise InputError(f"{path}:{line}: two columns have the same name: {columns}")
            continue
        if len(fields) != len(columns):
            fix = "quote a field that holds a comma" if kind == "csv" else "no field holds a tab"
            if without_header and not rows:
                fix = f"{name_of('columns')} names all columns of the file"
            raise InputError(
                f"{path}:{line}: {len(fields)} fields where there are {len(columns)} columns "
                f"({', '.join(columns)}): {fix}"
            )
        if without_header and not rows and [name.strip() for name in fields] == columns:
            raise InputError(
                f"{path}:{line}: this line is a header: leave out {name_of('columns')}"
            )
        rows.append(Row(line, dict(zip(columns, fields))))
    if columns is None:
        raise InputError(f"{path}: the file holds blank lines only")
    return _checked(Table(path, list(columns), rows))


def _csv_records(path, lines):
    csv.field_size_limit(_MAX_FIELD_CHARACTERS)
    # strict: an unclosed quote would otherwise swallow the rest of the file in one field.
    reader = csv.reader(lines, strict=True)
    try:
        for fields in reader:
            yield reader.line_num, fields
    except csv.Error as error:
        raise InputError(f"{path}:{reader.line_num}: broken CSV: {error}") from None


def _checked(table):
    if not table.rows:
        raise InputError(f"{table.path}: no rows after the header")
    return table
