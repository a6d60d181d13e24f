"""Sentences of words, with a tag for each or without, from CoNLL, CoNLL-U and plain text."""

import dataclasses
import os
import re

from keras_bert.errors import InputError
from keras_bert.tasks import conllu
from keras_bert.tasks.tables import decoded_lines
from keras_bert.tasks.task import Reading
from keras_bert.tasks.texts import read_examples
from keras_bert.tasks.words import words_of

_DOCUMENT = "-DOCSTART-"
_CONLL_NAMES = (".conll", ".conllu", ".bio", ".iob", ".iob2", ".bioes", ".bmes", ".bilou")
_ENTITY_TAG = re.compile(r"O|[BIEMSLU]-.+")
_TABLES = (".csv", ".jsonl", ".ndjson")
_BLANK = " \t"


@dataclasses.dataclass(frozen=True)
class Sentences:
    """Sentences of one file, in words.

    Attributes:
        path: the file they came from.
        lines: list of int, the line of each sentence's first word.
        words: list of list of str.
        tags: list of list of str, one for each word; None where the file was read without.
        word_lines: list of list of int, the line of each word.
        texts: list with the text of each sentence; None where the file does not tell it.
        word_offsets: list of list of (start, end), where in its text each word stands; or None.
    """

    path: str
    lines: list
    words: list
    tags: list | None
    word_lines: list
    texts: list | None = None
    word_offsets: list | None = None

    def __len__(self):
        return len(self.words)

    def keys(self):
        """Returns a str for each sentence, equal for copies of it."""
        return [" ".join(words).lower() for words in self.words]

    def take(self, indices):
        """Returns the sentences at `indices`, in that order."""

        def pick(values):
            return None if values is None else [values[i] for i in indices]

        columns = [getattr(self, field.name) for field in dataclasses.fields(self)[1:]]
        return Sentences(self.path, *map(pick, columns))


def read_conll(path, tag_column=None, labelled=True, word_column=None):
    """Reads CoNLL or CoNLL-U, gzip'd or not; the first line of a word tells which.

    In CoNLL-U (ten columns, the first a number) the word is FORM; multiword tokens give their
    words, and empty nodes and comments nothing. In CoNLL the word is the first column, unless
    another is named; columns are parted by tabs or, where the first line has none, by spaces.
    -DOCSTART- lines are left out, and so are comments: lines of "#" and more, before the first
    word of a sentence, that have another number of columns than the words. All other lines with
    "#" are words.

    Args:
        path: the file.
        tag_column: of CoNLL the number of a column, from 1, None being the last; of CoNLL-U a
            number or the name of one such as xpos, None being upos.
        labelled: whether tags are read.
        word_column: of CoNLL the number of the word's column, from 1, None being the first.

    Returns:
        `Sentences`.

    Raises:
        InputError: a line does not fit; names file, line and fix.
    """
    path = os.fspath(path)
    return _read_conll(path, _lines(path), tag_column, labelled, word_column)


def read_words(path, word_column=None, columns=None, text_column=None):
    """Reads sentences to be tagged: CoNLL or CoNLL-U, whose tags are left, or texts.

    Texts stand in a column of CSV or JSON lines, by the file's name, or one a line. Other files,
    TSV too unless a column of texts is named, are CoNLL by their name
    (.conll, .conllu, .bio, .bmes, …, also with .gz), or if all lines have as many columns and
    either tabs part them, no first column having spaces, or spaces do and every last column is O,
    B-, I- and the like.

    Args:
        path: the file.
        word_column: as of `read_conll`; a file for which it is given is CoNLL.
        columns: list of column names, for a CSV or TSV file without a header line.
        text_column: the column of the texts; None looks for a usual name.

    Returns:
        `Sentences` without tags; of a text with `texts` and `word_offsets`.

    Raises:
        InputError: a line does not fit, or has no word; names file, line and fix.
    """
    path = os.fspath(path)
    extension = _extension(path)
    if extension == ".json":
        raise InputError(f"{path}: sentences come as CoNLL, CSV, TSV, JSON lines or a text a line")
    if extension in _TABLES or (extension == ".tsv" and (text_column or columns)):
        found = read_examples(path, Reading(columns, text_column, text_b_column=""), labelled=False)
        return sentences_of(path, found.texts, found.lines)
    lines = _lines(path)
    if word_column or _is_conll(path, lines):
        return _read_conll(path, lines, None, labelled=False, word_column=word_column)
    numbers = [number for number, line in enumerate(lines, start=1) if line.strip()]
    if not numbers:
        raise InputError(f"{path}: no texts")
    return sentences_of(path, [lines[number - 1] for number in numbers], numbers)


def sentences_of(path, texts, lines):
    """Makes sentences of running texts, their words found by `words_of`.

    Args:
        path: where they come from, for messages.
        texts: list of str.
        lines: list of int, the line of each.

    Raises:
        InputError: a text has no words, or is not a text.
    """
    words, offsets = [], []
    for text, line in zip(texts, lines, strict=True):
        if not isinstance(text, str):
            raise InputError(f"{path}:{line}: a text must be a string, not {type(text).__name__}")
        offsets.append(words_of(text))
        words.append([text[start:end] for start, end in offsets[-1]])
        if not words[-1]:
            raise InputError(f"{path}:{line}: {text[:20]!r} is a text without words")
    word_lines = [[line] * len(found) for line, found in zip(lines, words)]
    return Sentences(path, list(lines), words, None, word_lines, list(texts), offsets)


def write_conll(file, words, tags):
    """Writes sentences as CoNLL: a word, a tab and its tag a line, a blank line after each.

    Args:
        file: text file, open for writing.
        words: list of list of str.
        tags: list of list of str, as many.
    """
    for sentence, sentence_tags in zip(words, tags, strict=True):
        for word, tag in zip(sentence, sentence_tags, strict=True):
            file.write(f"{word}\t{tag}\n")
        file.write("\n")


def _lines(path):
    return [line.rstrip("\r\n") for line in decoded_lines(path)]


def _read_conll(path, lines, tag_column, labelled, word_column):
    if _extension(path) == ".conllu" or conllu.is_conllu_line(_first_word_line(lines)):
        if word_column:
            raise InputError(f"{path}: --word_column={word_column}: of CoNLL-U it is always FORM")
        column = None
        if labelled:
            column = _column(path, "--tag_column", tag_column or "upos", conllu.COLUMNS)
        if column in (0, 1):
            raise InputError(f"{path}: --tag_column={tag_column} is the word itself or its number")
        blocks = list(conllu.read_blocks(path, lines, column))
        texts, offsets = [b.text for b in blocks], [b.offsets for b in blocks]
        blocks = [(b.words, b.tags, b.lines) for b in blocks]
    else:
        blocks = list(_read_columns(path, lines, tag_column, labelled, word_column))
        texts, offsets = None, None
    if not blocks:
        raise InputError(f"{path}: no sentences")
    words, tags, word_lines = map(list, zip(*blocks))
    first_lines = [numbers[0] for numbers in word_lines]
    tags = tags if labelled else None
    return Sentences(path, first_lines, words, tags, word_lines, texts, offsets)


def _read_columns(path, lines, tag_column, labelled, word_column):
    """Yields (words, tags, line numbers) of each sentence of CoNLL."""
    first = _first_word_line(lines)
    if not first:
        return
    split = _splitter(first)
    expected = len(split(first))
    shape = f"expected {expected} as on line {lines.index(first) + 1}"
    parted = "parted by tabs" if "\t" in first else "parted by spaces"
    place = f"{path}:{lines.index(first) + 1}"
    word = _index(place, expected, "--word_column", word_column or 1)
    column = _tag_index(place, expected, word, tag_column) if labelled else None
    words, tags, numbers = [], [], []
    for number, line in enumerate(lines, start=1):
        fields = split(line)
        if not line.strip(_BLANK) or fields[0] == _DOCUMENT:
            if words:
                yield words, tags, numbers
            words, tags, numbers = [], [], []
            continue
        if len(fields) != expected:
            if not words and re.match(r"#[ \t]", line):
                continue
            raise InputError(f"{path}:{number}: {len(fields)} columns, {shape}, {parted}")
        if not fields[word]:
            raise InputError(f"{path}:{number}: the word, column {word + 1}, is empty")
        words.append(fields[word])
        numbers.append(number)
        if column is not None:
            if not fields[column]:
                raise InputError(f"{path}:{number}: the tag, column {column + 1}, is empty")
            tags.append(fields[column])
    if words:
        yield words, tags, numbers


def _tag_index(place, columns, word, tag_column):
    """Returns the index of the tag's column in a CoNLL file whose first word stands at `place`."""
    if columns == 1:
        raise InputError(f"{place}: one column, expected a word and its tag, by a tab or spaces")
    index = _index(place, columns, "--tag_column", tag_column or columns)
    if index == word:
        raise InputError(f"{place}: column {index + 1} is the word itself: give --tag_column")
    return index


def _index(place, columns, flag, asked):
    index = _column(place, flag, asked, ())
    if index >= columns:
        raise InputError(f"{place}: {columns} columns, so there is no {flag}={asked}")
    return index


def _splitter(line):
    """Returns the function that parts the columns of a file whose first word is on this line."""
    if "\t" in line:
        return lambda line: [field.strip(" ") for field in line.split("\t")]
    return lambda line: re.split(" +", line.strip(" "))


def _first_word_line(lines):
    """Returns the first line that is surely a word's, or any that may be one, or ''."""
    possible = [""]
    for line in lines:
        if line.strip(_BLANK) and not line.startswith(_DOCUMENT):
            if not line.startswith("#"):
                return line
            possible.append(line)
    return possible[min(1, len(possible) - 1)]


def _column(place, flag, asked, names):
    """Returns the index of a column that is asked for by number or name."""
    asked = str(asked)
    if asked.lower() in names:
        return names.index(asked.lower())
    number = int(asked) if re.fullmatch("[0-9]{1,4}", asked) else 0
    if not 1 <= number <= (len(names) or number):
        known = f" or one of {', '.join(names)}" if names else ""
        raise InputError(f"{place}: {flag}={asked} is not the number of a column{known}")
    return number - 1


def _extension(path):
    return os.path.splitext(path.lower().removesuffix(".gz"))[1]


def _is_conll(path, lines):
    first = _first_word_line(lines)
    if _extension(path) in _CONLL_NAMES or conllu.is_conllu_line(first):
        return True
    split = _splitter(first)
    rows = [split(line) for line in lines if line.strip(_BLANK)]
    rows = [row for row in rows if row[0] != _DOCUMENT]
    if not rows or len(rows[0]) < 2 or any(len(row) != len(rows[0]) for row in rows):
        return False
    if "\t" in first:
        return not any(" " in row[0] for row in rows)
    return all(_ENTITY_TAG.fullmatch(row[-1]) for row in rows)
