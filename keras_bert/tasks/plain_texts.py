"""Texts without labels: one a line, in JSON lines, in the text columns of a table, in CoNLL."""

import itertools
import json

from keras_bert.errors import InputError
from keras_bert.tasks.decoding import decoded_lines, file_extension
from keras_bert.tasks.file_layout import FileLayout
from keras_bert.tasks.sequence.texts import Examples, read_examples
from keras_bert.tasks.tagging.files import CONLL_NAMES, read_words

_JSON_NAMES = (".json", ".jsonl", ".ndjson")
TABLES = (".csv", ".tsv", ".tab", *_JSON_NAMES)


def lines_of(paths):
    """Yields the lines of plain text files, and the `text` of JSON lines.

    Args:
        paths: list of str; a name in .gz is unpacked.

    Raises:
        InputError: a file is no text, or a line of JSON has no text.
    """
    for path in paths:
        is_json = file_extension(path) in _JSON_NAMES
        for number, line in enumerate(decoded_lines(path), start=1):
            if not is_json:
                yield line
            elif line.strip():
                yield _json_text(path, number, line)


def texts_of_files(paths, layout=None):
    """Yields all texts of files.

    Of .csv, .tsv and JSON these are the text columns, of CoNLL and CoNLL-U the words of each
    sentence with spaces between them, of other files the lines.

    Args:
        paths: list of str.
        layout: `FileLayout` of the tables; None for its defaults.

    Raises:
        InputError: as `read_texts`.
    """
    for path in paths:
        if file_extension(path) in TABLES:
            examples = read_texts(path, layout)
            yield from itertools.chain(examples.texts, examples.texts_b or ())
        elif file_extension(path) in CONLL_NAMES:
            yield from map(" ".join, read_words(path).words)
        else:
            yield from lines_of([path])


def read_texts(path, layout=None):
    """Reads the texts of one file as unlabelled `Examples`.

    Args:
        path: .csv, .tsv or JSON, whose text columns are read; or plain text, of which each line
            that is not blank is a text; also gzip'd.
        layout: `FileLayout` of a table; None for its defaults.

    Raises:
        InputError: the file cannot be read, or has no text; names file, line and fix.
    """
    if file_extension(path) in TABLES:
        return read_examples(path, layout or FileLayout().for_scoring(), labelled=False)
    lines = [
        (line.strip("\r\n"), number)
        for number, line in enumerate(lines_of([path]), start=1)
        if line.strip()
    ]
    if not lines:
        raise InputError("has no text", place=str(path))
    texts, numbers = zip(*lines)
    return Examples(str(path), list(texts), None, None, list(numbers))


def _json_text(path, number, line):
    try:
        text = json.loads(line)["text"]
    except (ValueError, KeyError, TypeError, RecursionError):
        text = None
    if not isinstance(text, str):
        raise InputError(f'{path}:{number}: expected a JSON object with a text, {{"text": "…"}}')
    return text
