"""Tables: rows of named columns from CSV, TSV and JSON, gzip'd or not.

A row keeps its line of the file, so that every error message can name it.
"""

import dataclasses
import itertools
import os

from keras_bert.errors import InputError, name_of
from keras_bert.tasks.decoding import (
    MOST_BYTES,
    check_size,
    decoded_lines,
    file_extension,
)
from keras_bert.tasks.dialect import separator_of
from keras_bert.tasks.json_rows import json_rows
from keras_bert.tasks.separated import separated_rows

_FORMATS = {
    ".csv": "csv", ".tsv": "tsv", ".tab": "tsv", ".jsonl": "json", ".ndjson": "json",
    ".json": "json",
}  # fmt: skip


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One row: `fields` by column name, and the 1-based `line` of the file where it ends.

    In a JSON file that is no JSON lines, `line` is the number of the row, a `json_rows.Entry`.
    """

    line: int
    fields: dict


@dataclasses.dataclass(frozen=True)
class Table:
    """The rows of a file: its `path`, its `columns` in order, and its `rows`.

    `head` is what a JSON file of one object has beside its rows.
    """

    path: str
    columns: list
    rows: list
    head: dict = dataclasses.field(default_factory=dict)


def read_table(path, columns=None, separator=None, lines=None):
    """Reads a whole file of rows.

    The extension decides the format (.csv, .tsv, .jsonl, .json, each also with .gz), else the
    first line. See `separated` for CSV and TSV, `json_rows` for JSON.

    Args:
        path: the file; a `Table` is returned as it is.
        columns: names of the columns of a CSV or TSV file that has no header line.
        separator: what separates the fields of CSV and TSV, as the setting of that name has it;
            None: as the file looks.
        lines: iterator of the file's lines with their ends, where they are read already.

    Returns:
        A `Table`.

    Raises:
        InputError: the file or a row of it cannot be read; the message names file and line.
    """
    if isinstance(path, Table):
        return path
    path = os.fspath(path)
    separator = separator_of(separator)
    lines = decoded_lines(path, MOST_BYTES) if lines is None else lines
    start = []
    for line in lines:
        start.append(line)
        if line.strip():
            break
    if not start:
        raise InputError(f"{path}: the file is empty")
    kind = _format_of(path, start[-1])
    lines = itertools.chain(start, lines)
    if kind == "json":
        for name, value in (("columns", columns), ("separator", separator)):
            if value is not None:
                raise InputError(
                    f"{path}: {name_of(name)} is for CSV and TSV; JSON names its columns"
                )
        names, rows, head = {}, [], {}
        for line, fields in json_rows(path, lines, head):
            names.update(dict.fromkeys(fields))
            rows.append(Row(line, fields))
            check_size(path, rows)
        return _checked(Table(path, list(names), rows, head))
    columns, rows = separated_rows(path, lines, kind, columns, separator)
    return _checked(Table(path, columns, [Row(line, fields) for line, fields in rows]))


def _format_of(path, first_line):
    extension = file_extension(path)
    if extension in _FORMATS:
        return _FORMATS[extension]
    if first_line.lstrip().startswith(("{", "[{")) or first_line.strip() == "[":
        return "json"
    return "tsv" if "\t" in first_line else "csv"


def _checked(table):
    if not table.rows:
        raise InputError(f"{table.path}: no rows after the header")
    return table
