"""Which layout a file of sentences has: CoNLL, a table or JSON, or running text."""

import os

from keras_bert.errors import InputError
from keras_bert.guesses import guess
from keras_bert.tasks.decoding import MOST_BYTES, check_size, decoded_lines, file_extension
from keras_bert.tasks.file_layout import FileLayout
from keras_bert.tasks.tables import Table, read_table
from keras_bert.tasks.tagging import conllu
from keras_bert.tasks.tagging.conll import sentences_of_lines
from keras_bert.tasks.tagging.conll_columns import (
    BLANK,
    DOCUMENT,
    ENTITY_TAG,
    first_word_line,
    is_header,
    splitter,
)
from keras_bert.tasks.tagging.sentences import sentences_of
from keras_bert.tasks.tagging.word_tables import sentences_of_table

CONLL_NAMES = (
    ".conll", ".conllu", ".conllup", ".bio", ".iob", ".iob2", ".iobes", ".bioes", ".bmes",
    ".bilou",
)  # fmt: skip
_JSON_NAMES = (".json", ".jsonl", ".ndjson")


def read_tagged(path, layout=None):
    """Reads sentences with their tags from CoNLL, CSV, TSV or JSON.

    A file is JSON by its name or its first characters, a table where it is named CSV or its first
    line has a comma or names columns of sentences, and CoNLL else.

    Args:
        path: the file, or a `Table`.
        layout: `FileLayout`, or None for its defaults.

    Returns:
        `Sentences`.

    Raises:
        InputError: a line is not of the layout; names file, line and fix.
    """
    layout = layout or FileLayout()
    if isinstance(path, Table):
        return _of_table(path, layout)
    path = os.fspath(path)
    lines = _lines(path)
    if _is_table(path, lines, layout):
        return _of_table(read_table(path, layout.columns, layout.separator, iter(lines)), layout)
    lines = [line.rstrip("\r\n") for line in lines]
    return sentences_of_lines(path, lines, layout.tag_column, True, layout.word_column)


def read_words(path, word_column=None, columns=None, text_column=None, separator=None):
    """Reads sentences to be tagged: of the layouts of `read_tagged`, without their tags, or texts.

    Texts are in a column of CSV or JSON, or one a line. Other files, also TSV unless a column of
    texts is named, are CoNLL by their name (.conll, .conllu, .bio, .bmes, …, also with .gz), or if
    all lines have the same number of columns and either these are separated by tabs and no first
    column has spaces, or by spaces and every last column is O, B-, I- and the like.

    Args:
        path: the file, or a `Table`.
        word_column: as for `read_conll`; with it a file that is not a table is CoNLL.
        columns: list of column names, for a CSV or TSV file without a header line.
        text_column: the column of the texts; None looks for a usual name.
        separator: see `tables.read_table`.

    Returns:
        `Sentences` without tags; for texts with `texts` and `word_offsets`.

    Raises:
        InputError: a line is not of the layout, or has no word; names file, line and fix.
    """
    layout = FileLayout(
        columns=columns, text_column=text_column, word_column=word_column, separator=separator
    )
    if isinstance(path, Table):
        return _of_table(path, layout, labelled=False)
    path = os.fspath(path)
    lines = _lines(path)
    is_named = file_extension(path) == ".csv" or (
        file_extension(path) == ".tsv" and (text_column or columns)
    )
    if is_named or _is_table(path, lines, layout):
        table = read_table(path, columns, separator, iter(lines))
        return _of_table(table, layout, labelled=False)
    lines = [line.rstrip("\r\n") for line in lines]
    if word_column or _is_conll(path, lines):
        return sentences_of_lines(path, lines, None, False, word_column)
    numbers = [number for number, line in enumerate(lines, start=1) if line.strip()]
    if not numbers:
        raise InputError(f"{path}: no texts")
    return sentences_of(path, [lines[number - 1] for number in numbers], numbers)


def _lines(path):
    lines = []
    for line in decoded_lines(path, MOST_BYTES):
        lines.append(line)
        check_size(path, lines)
    return lines


def _of_table(table, layout, labelled=True):
    return sentences_of_table(
        table, layout.word_column, layout.tag_column, layout.text_column, labelled
    )


def _is_table(path, lines, layout):
    """Returns whether a file has named columns: JSON, CSV, or TSV with a row for each sentence."""
    extension = file_extension(path)
    if extension in _JSON_NAMES:
        return True
    first, *rest = [line.strip() for line in lines if line.strip()][:2] or [""]
    if first.startswith(('{"', "[{")) or (first in ("{", "[") and rest and rest[0][0] in '{["'):
        guess("its first characters are those of JSON", place=path)
        return True
    if extension in CONLL_NAMES:
        return False
    if extension == ".csv":
        # Named CSV, but a word and its tag a line, without a comma: it is CoNLL.
        return bool(layout.columns) or any(sign in first for sign in ",;|") or "\t" in first
    fields = [name.strip().casefold() for name in first.split("\t")]
    return is_header(fields) and bool(
        {"tokens", "words"} & set(fields) or {"sentence #", "sentence_id"} & set(fields)
    )


def _is_conll(path, lines):
    first = first_word_line(lines)
    if file_extension(path) in CONLL_NAMES or conllu.is_conllu_line(first):
        return True
    if conllu.named_columns(path, lines):
        return True
    split = splitter(first)
    rows = [split(line) for line in lines if line.strip(BLANK)]
    rows = [row for row in rows if DOCUMENT not in row]
    if not rows or len(rows[0]) < 2 or any(len(row) != len(rows[0]) for row in rows):
        return False
    if "\t" in first:
        return not any(" " in row[0] for row in rows)
    return all(ENTITY_TAG.fullmatch(row[-1]) for row in rows)
