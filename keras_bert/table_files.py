"""Writes rows as CSV, TSV or JSON lines."""

import contextlib
import csv
import json

from keras_bert.files import replacing_file

ENDINGS = (".csv", ".tsv", ".jsonl")


def write_records(path, records, columns=()):
    """Writes dicts, whole or not at all; see `write_table` and `write_lines`.

    Args:
        path: a .csv, .tsv or .jsonl file.
        records: list of dict.
        columns: names of the columns that a table has in any case, the first ones.
    """
    if path.endswith(".jsonl"):
        write_lines(path, records)
        return
    names = list(dict.fromkeys([*columns, *(name for record in records for name in record)]))
    write_table(path, [names, *([record.get(name, "") for name in names] for record in records)])


def write_lines(path, records):
    """Writes JSON lines."""
    with _open(path) as file:
        for record in records:
            file.write(json.dumps(record, ensure_ascii=False) + "\n")


def write_table(path, rows):
    """Writes rows of a .csv or .tsv file; a list or dict in a cell as JSON."""
    rows = [[_cell(value) for value in row] for row in rows]
    with _open(path) as file:
        if path.endswith(".csv"):
            csv.writer(file, lineterminator="\n").writerows(rows)
            return
        # TSV has no quoting here, as in the files that we read, so tabs and line ends cannot stay.
        for row in rows:
            file.write("\t".join(one_line(str(cell)) for cell in row) + "\n")


def one_line(text):
    """Returns a text without line ends and tabs, which separate printed lines and columns."""
    return " ".join(text.split()) if any(c in text for c in "\t\r\n") else text


@contextlib.contextmanager
def _open(path):
    with (
        replacing_file(path) as temporary,
        open(temporary, "w", encoding="utf-8", newline="") as file,
    ):
        yield file


def _cell(value):
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (list, dict)) else value
