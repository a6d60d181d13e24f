"""Questions about passages, from SQuAD's JSON or a plain table."""

import dataclasses
import json
import os

from keras_bert.errors import InputError
from keras_bert.guesses import counted, note
from keras_bert.reading import check_parsed_size, open_examples
from keras_bert.tasks.columns import usual_columns
from keras_bert.tasks.json_rows import Entry
from keras_bert.tasks.question_answering.question_table import QUESTION_NAMES, questions_of_table
from keras_bert.tasks.question_answering.questions import Questions
from keras_bert.tasks.question_answering.squad_json import SquadReader
from keras_bert.tasks.tables import Row, Table, read_table

MISALIGNED = ("error", "skip", "search", "keep")
_TABLES = (".csv", ".tsv", ".jsonl", ".ndjson")
# SQuAD 2.0's training file has 42 MB; a gzip bomb is not unpacked.
_MAX_BYTES = 2**30


def read_questions(
    path,
    labelled=True,
    misaligned="error",
    empty=None,
    columns=None,
    question_column=None,
    context_column=None,
    separator=None,
):
    """Reads questions from SQuAD's JSON, or from a table with a question in each row.

    The table may be CSV, TSV or JSON lines, or the rows may be the `data` of a JSON object or one
    list, as run_qa.py and the `datasets` library have SQuAD. See `answers` for its answers.

    Args:
        path: the file, gzip'd or not.
        labelled: whether the answers are read.
        misaligned: what to do with an answer that is not at its `answer_start`: "error" raises;
            "skip" leaves it out; "search" takes the nearest place where it is, and leaves it out
            where there is none; "keep" searches too but keeps an answer that is not in the passage
            as a reference for scores, which compare texts and not places. "skip" and "search"
            leave out a question without any answer left.
        empty: what to do with a question without text: "error", "skip" or "keep"; None skips where
            `misaligned` is "skip" or "search".
        columns: list of column names, for a CSV or TSV file without a header line.
        question_column: the column of the question; None looks for a usual name.
        context_column: the column of the passage; None looks for a usual name.
        separator: see `tables.read_table`.

    Returns:
        `Questions`.

    Raises:
        InputError: something in the file is wrong; names file, place and fix.
    """
    if misaligned not in MISALIGNED:
        raise InputError(f"must be one of {', '.join(MISALIGNED)}", "misaligned", misaligned)
    if empty is None:
        empty = "skip" if misaligned in ("skip", "search") else "error"
    path = os.fspath(path)
    data = None if path.lower().removesuffix(".gz").endswith(_TABLES) else _read_json(path)
    table = _table_of(path, data) if data is not None else read_table(path, columns, separator)
    if isinstance(data, dict) and "data" not in data and "paragraphs" in data:
        data = {"data": [data]}  # one article
    if table is not None and "paragraphs" in table.columns:
        data, table = {"data": [row.fields for row in table.rows]}, None
    if table is None:
        reader = SquadReader(path, labelled, misaligned, empty)
        found = Questions(path, **reader.read(data))
        skipped, moved = reader.skipped, reader.answers.moved
        found = dataclasses.replace(found, skipped=skipped, moved=moved)
    else:
        found = questions_of_table(
            table, labelled, misaligned, empty, question_column, context_column
        )
    if misaligned != "keep":
        counts = [(found.skipped, "question", "left out"), (found.moved, "answer", "moved")]
        for count, noun, what in counts:
            if count:
                reason = f"{counted(count, noun)} {what}: the answer is not where the file says"
                note(reason, "misaligned", misaligned, place=path)
    return found


def _table_of(path, data):
    """Returns a `Table` of JSON with a question in each row; None for SQuAD's nested layout."""
    rows = data.get("data") if isinstance(data, dict) else data
    if not isinstance(rows, list) or not rows or not isinstance(rows[0], dict):
        return None
    if "paragraphs" in rows[0]:
        return None if isinstance(data, dict) else Table(path, ["paragraphs"], _numbered(rows))
    names = {name: None for row in rows if isinstance(row, dict) for name in row}
    if not usual_columns(Table(path, list(names), []), QUESTION_NAMES):
        return None
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, dict):
            kind = type(row).__name__
            raise InputError(f"{path}:{Entry(number)}: expected a JSON object, found {kind}")
    return Table(path, list(names), _numbered(rows))


def _numbered(rows):
    return [Row(Entry(number), row) for number, row in enumerate(rows, start=1)]


def read_content(path):
    """Returns the unpacked bytes of a file; raises InputError if it has none or too many."""
    with open_examples(path) as stream:
        content = stream.read(_MAX_BYTES + 1)
    if len(content) > _MAX_BYTES:
        raise InputError(f"{path}: holds more than {_MAX_BYTES} bytes: split it")
    check_parsed_size(content, path)
    if not content.strip():
        raise InputError(f"{path}: the file is empty")
    return content


def _read_json(path):
    """Returns the object that a file holds, or None for a file that is a table."""
    content = read_content(path)
    is_json = path.lower().removesuffix(".gz").endswith(".json")
    if not is_json and not content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        return None
    try:
        data = json.loads(content)  # any of the encodings of JSON, with or without a BOM
    except (ValueError, RecursionError) as error:
        if _starts_with_row(content):
            return None
        raise InputError(f"{path}: not a readable JSON file: {error}") from None
    if isinstance(data, dict) and "data" not in data and set(QUESTION_NAMES) & set(data):
        return None  # JSON lines of one line
    return data


def _starts_with_row(content):
    """Returns whether the first line is an object by itself and no data set, as in JSON lines."""
    try:
        first = json.loads(content.lstrip().split(b"\n", 1)[0])
    except (ValueError, RecursionError):
        return False
    return isinstance(first, dict) and "data" not in first
