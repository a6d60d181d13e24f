"""Rows of CSV and TSV; what only pads a table, as spreadsheets write it, is left out and counted.

See `dialect` for separators and quotes.
"""

import csv
import itertools

from keras_bert.errors import InputError, name_of
from keras_bert.guesses import counted, guess
from keras_bert.tasks.decoding import check_size
from keras_bert.tasks.dialect import CALLED, MAX_FIELD_CHARACTERS, dialect_of


def separated_rows(path, lines, kind, columns=None, separator=None):
    """Reads the rows of CSV or TSV.

    Args:
        path: the file, for messages and guesses.
        lines: iterator of str with their line ends.
        kind: "csv" or "tsv", as the file's name says, else as its first line looks.
        columns: list of str, the names of the columns where the file has no header line.
        separator: str, the character between two fields; None: as the file looks.

    Returns:
        A tuple: list of str, the names of the columns; list of (line, fields by column name).

    Raises:
        InputError: a row has another number of fields, or a name is doubled; names line and fix.
    """
    if columns is not None and len(set(columns)) < len(columns):
        raise InputError(f"{path}: {name_of('columns', columns)} names a column twice")
    dialect, lines = dialect_of(path, lines, kind, columns, separator)
    reader, rows = _Reader(path, dialect, columns), []
    for line, fields in _records(path, lines, dialect):
        if fields and fields != [""]:
            row = reader.row_of(line, fields)
            if row is not None:
                rows.append((line, row))
                check_size(path, rows)
    return reader.finish(), rows


class _Reader:
    """From the fields of rows to fields by column, with counts of what only pads a table."""

    def __init__(self, path, dialect, columns):
        self.path, self.dialect, self.columns = path, dialect, columns
        self.has_header, self.is_first = columns is None, True
        self.named, self.unnamed = list(enumerate(columns or ())), []
        self.numbers_rows = True  # what an unnamed first column does
        self.empty = self.padded = self.filled = self.filled_first = 0

    def row_of(self, line, fields):
        """Returns the fields by column name; None for the header and for a row of empty fields."""
        if self.columns is None:
            self._read_header(line, fields)
            return None
        if len(fields) > 1 and not any(map(str.strip, fields)):
            self.empty += 1
            return None
        count = len(self.columns)
        if len(fields) > count and not any(map(str.strip, fields[count:])):
            self.padded += 1
        elif len(fields) != count:
            fix = _fix(self.dialect, count)
            if not self.has_header and self.is_first:
                fix = f"{name_of('columns')} names all columns of the file"
            raise InputError(
                f"{self.path}:{line}: {len(fields)} fields where there are {count} columns "
                f"({', '.join(self.columns)}): {fix}"
            )
        if self.is_first and not self.has_header and [f.strip() for f in fields] == self.columns:
            raise InputError(
                f"{self.path}:{line}: this line is a header: leave out {name_of('columns')}"
            )
        self.is_first = False
        if self.unnamed:
            self.numbers_rows = self.numbers_rows and fields[0].isdecimal()
            self.filled += any(fields[i].strip() for i in self.unnamed if i)
            self.filled_first += any(fields[i].strip() for i in self.unnamed)
        return {name: fields[i] for i, name in self.named}

    def _read_header(self, line, fields):
        self.columns = [name.strip() for name in fields]
        self.named = [(i, name) for i, name in enumerate(self.columns) if name]
        self.unnamed = [i for i, name in enumerate(self.columns) if not name]
        if len(dict(map(reversed, self.named))) < len(self.named):
            raise InputError(f"{self.path}:{line}: two columns have the same name: {self.columns}")
        if not self.named:
            raise InputError(f"{self.path}:{line}: no column has a name in this line, the header")

    def finish(self):
        """Returns the names of the columns, and says what was left out."""
        if self.columns is None:
            raise InputError(f"{self.path}: the file holds blank lines only")
        unnamed, filled, parts = self.unnamed, self.filled_first, []
        if unnamed[:1] == [0] and self.numbers_rows and not self.is_first:
            unnamed, filled = unnamed[1:], self.filled  # as pandas and SWAG's files have it
        if unnamed:
            rows = f", with text in {counted(filled, 'row')}" if filled else ""
            parts.append(f"{counted(len(unnamed), 'column')} without a name{rows}")
        if self.padded:
            parts.append(f"the empty fields after the last column of {counted(self.padded, 'row')}")
        if self.empty:
            parts.append(f"{counted(self.empty, 'row')} of empty fields")
        if parts:
            guess(f"left out: {'; '.join(parts)}", place=self.path)
        return [name for _, name in self.named]


def _fix(dialect, columns):
    name = CALLED.get(dialect.separator, repr(dialect.separator))
    fix = f"quote a field that holds a {name}" if dialect.quoted else f"no field holds a {name}"
    if columns == 1:
        fix += f", or say with {name_of('separator')} what separates the fields"
    return fix


def _records(path, lines, dialect):
    lines = itertools.islice(lines, dialect.skipped, None)
    if not dialect.quoted:
        # Not the csv module: with quoting off it still treats a bare \r as the end of a row.
        for number, line in enumerate(lines, start=1 + dialect.skipped):
            yield number, line.rstrip("\r\n").split(dialect.separator)
        return
    csv.field_size_limit(MAX_FIELD_CHARACTERS)
    # strict: an unclosed quote would otherwise swallow the rest of the file in one field.
    reader = csv.reader(lines, delimiter=dialect.separator, strict=True)
    try:
        for fields in reader:
            yield reader.line_num + dialect.skipped, fields
    except csv.Error as error:
        line = reader.line_num + dialect.skipped
        raise InputError(f"{path}:{line}: broken CSV: {error}") from None
