"""How a CSV or TSV file is written: what separates its fields, and what its quote marks mean.

CSV follows RFC 4180. In TSV a quote mark is an ordinary character, as in the GLUE files. Programs
write other files too: Excel separates with semicolons where a comma is part of numbers, pandas
quotes the fields of TSV. The file's name, its first rows and its quotes decide.
"""

import csv
import dataclasses
import itertools
import re

from keras_bert.errors import InputError, name_of
from keras_bert.guesses import guess
from keras_bert.tasks.decoding import check_size

# What is written for a separator that is hard to type, or is not a character.
_NAMES = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}
CALLED = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}
# One field may be a whole document; the csv module's own limit is 128 KiB.
MAX_FIELD_CHARACTERS = 16 * 2**20
# The first rows show what separates the fields.
_SAMPLED_LINES, _SAMPLED_ROWS = 1000, 100
_DECLARED = re.compile(r'"?sep=(.)"?[\r\n]*', re.IGNORECASE)


@dataclasses.dataclass(frozen=True)
class Dialect:
    """How a file is written.

    Attributes:
        separator: str, the character between two fields.
        quoted: whether a field may be in quotes, where a doubled quote is one.
        skipped: lines before the first row: Excel's `sep=;`.
    """

    separator: str
    quoted: bool
    skipped: int = 0


def separator_of(value):
    """Returns the character that a value of the setting `separator` stands for, None for None.

    Raises:
        InputError: it is not one character, or one that is part of words or ends a line.
    """
    if value is None:
        return None
    separator = _NAMES.get(value.lower(), value)
    if len(separator) != 1 or separator.isalnum() or separator in '"\r\n':
        raise InputError(
            "expected one character between the fields, such as ; or , or |, or tab",
            "separator",
            value if value.isprintable() else None,
        )
    return separator


def dialect_of(path, lines, kind, columns, separator):
    """Returns the `Dialect` of a file, and its lines."""
    sample = list(itertools.islice(lines, _SAMPLED_LINES + 1))
    declared = _DECLARED.fullmatch(sample[0])
    skipped = int(bool(declared))
    usual = "\t" if kind == "tsv" else ","
    is_said = separator is not None
    if declared:
        separator = separator or declared[1]
    if separator is None:
        separator = _likely_separator(sample, usual, columns)
        if separator != usual:
            name = CALLED[separator]
            written = "tab" if separator == "\t" else separator
            guess(f"{name}s separate the fields", "separator", written, place=path)
    lines = itertools.chain(sample, lines)
    # What is named CSV and said to have tabs has the quotes of CSV.
    if separator != "\t" or (is_said and kind == "csv"):
        return Dialect(separator, True, skipped), lines
    lines = _kept(path, lines)
    quoted = _quotes_are_csv(lines[skipped:])
    if quoted:
        guess(
            "every quote mark of the file is one of CSV's, so fields are read without them: to say "
            f"so, name the file .csv and give {name_of('separator', 'tab')}",
            place=path,
        )
    return Dialect(separator, quoted, skipped), lines


def _kept(path, lines):
    kept = []
    for line in lines:
        kept.append(line)
        check_size(path, kept)
    return kept


def _likely_separator(lines, usual, columns):
    """Returns the separator by which the first rows have as many fields as the header.

    Of several it is the one with most rows of that kind, then with most columns, then the usual
    one. Only separators that are in the header count: texts have commas and semicolons.
    """
    first = next((line for line in lines if line.strip()), "")
    if usual == "\t" and "\t" in first:
        return usual
    best, best_rank = usual, (0.5, 2, False)
    for separator in CALLED:
        if separator in first:
            share, count = _agreement(lines, separator, columns)
            rank = (share, count, separator == usual)
            if rank > best_rank and count > 1:
                best, best_rank = separator, rank
    return best


def _agreement(lines, separator, columns):
    """Returns the share of the first rows that have as many fields as columns, and these."""
    reader = csv.reader(lines[:_SAMPLED_LINES], delimiter=separator)
    csv.field_size_limit(MAX_FIELD_CHARACTERS)
    try:
        records = [fields for fields in itertools.islice(reader, _SAMPLED_ROWS + 1)]
    except csv.Error:
        return 0.0, 0
    records = [fields for fields in records if any(map(str.strip, fields))]
    if not records:
        return 0.0, 0
    if columns is None:
        count, records = len(records[0]), records[1:]
    else:
        count = len(columns)
    if len(lines) > _SAMPLED_LINES and len(records) <= _SAMPLED_ROWS:
        records = records[:-1]  # its end may be beyond the sample
    right = [
        len(fields) == count or (len(fields) > count and not any(fields[count:]))
        for fields in records
    ]
    return (sum(right) / len(right) if right else 0.0), count


# A row in which a field is either wholly in quotes, with its own quotes doubled, or has none.
_QUOTED_ROW = re.compile(r'(?:(?:"(?:[^"]|"")*+"|[^"\t\r\n]*+)(?:\t|[\r\n]*+\Z))++')
# A field that is in quotes because it has to be: it holds a quote mark, a tab or a line end.
_NEEDS_QUOTES = re.compile(r'(?:\A|\t)"(?:[^"]|"")*?(?:""|[\t\r\n])(?:[^"]|"")*+"(?=[\t\r\n]|\Z)')


def _quotes_are_csv(lines):
    """Returns whether all quote marks of a TSV file are those of CSV, and some could be no other.

    Some could be no other if a field needs its quotes, or all names of the header have them.
    """
    parts, is_open, is_sure, is_first = [], False, False, True
    for line in lines:
        if is_first and line.strip():
            names = line.rstrip("\r\n").split("\t")
            is_sure = all(len(n) > 1 and n[0] == n[-1] == '"' for n in names)
            is_first = False
        if not is_open and '"' not in line:
            continue
        parts.append(line)
        is_open ^= line.count('"') % 2 == 1
        if is_open:
            continue
        row, parts = "".join(parts), []
        if not _QUOTED_ROW.fullmatch(row):
            return False
        is_sure = is_sure or _NEEDS_QUOTES.search(row) is not None
    return is_sure and not is_open
