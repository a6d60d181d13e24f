"""Sentences of words, with or without tags, from CoNLL, CoNLL-U and plain text."""

import os
import re

from keras_bert.errors import InputError, name_of
from keras_bert.tasks.decoding import decoded_lines
from keras_bert.tasks.file_layout import FileLayout
from keras_bert.tasks.sequence.texts import read_examples
from keras_bert.tasks.tagging import conllu
from keras_bert.tasks.tagging.sentences import Sentences, sentences_of

_DOCUMENT = "-DOCSTART-"
_CONLL_NAMES = (".conll", ".conllu", ".bio", ".iob", ".iob2", ".bioes", ".bmes", ".bilou")
_ENTITY_TAG = re.compile(r"O|[BIEMSLU]-.+")
_TABLES = (".csv", ".jsonl", ".ndjson")
_BLANK = " \t"
_COMMENT = re.compile(r"#[ \t]")


def read_conll(path, tag_column=None, labelled=True, word_column=None):
    """Reads CoNLL or CoNLL-U, gzip'd or not; the first line of a word decides which.

    In CoNLL-U (ten columns, the first a number) the word is FORM; of multiword tokens the words
    are read, and empty nodes and comments are left out. In CoNLL the word is the first column,
    unless another is named; columns are separated by tabs or, where the first line has none, by
    spaces. -DOCSTART- lines are left out, and so are comments: lines of "#" and more, before the
    first word of a sentence, that have another number of columns than the words, or that every
    sentence has, each different. All other lines with "#" are words.

    Args:
        path: the file.
        tag_column: for CoNLL the number of a column, from 1 (None: the last); for CoNLL-U a
            number or a name such as xpos (None: upos).
        labelled: whether tags are read.
        word_column: for CoNLL the number of the word's column, from 1 (None: the first).

    Returns:
        `Sentences`.

    Raises:
        InputError: a line is not of the layout; names file, line and fix.
    """
    path = os.fspath(path)
    return _read_conll(path, _lines(path), tag_column, labelled, word_column)


def read_words(path, word_column=None, columns=None, text_column=None):
    """Reads sentences to be tagged: CoNLL or CoNLL-U, whose tags are not read, or texts.

    Texts are in a column of a file named as CSV or JSON lines, or one a line. Other files, also TSV
    unless a column of texts is named, are CoNLL by their name (.conll, .conllu, .bio, .bmes, …,
    also with .gz), or if all lines have the same number of columns and either these are separated
    by tabs and no first column has spaces, or by spaces and every last column is O, B-, I- and the
    like.

    Args:
        path: the file.
        word_column: as for `read_conll`; with it the file is CoNLL.
        columns: list of column names, for a CSV or TSV file without a header line.
        text_column: the column of the texts; None looks for a usual name.

    Returns:
        `Sentences` without tags; for texts with `texts` and `word_offsets`.

    Raises:
        InputError: a line is not of the layout, or has no word; names file, line and fix.
    """
    path = os.fspath(path)
    extension = _extension(path)
    if extension == ".json":
        raise InputError(f"{path}: sentences come as CoNLL, CSV, TSV, JSON lines or a text a line")
    if extension in _TABLES or (extension == ".tsv" and (text_column or columns)):
        examples = read_examples(
            path, FileLayout(columns, text_column, text_b_column=""), labelled=False
        )
        return sentences_of(path, examples.texts, examples.lines)
    lines = _lines(path)
    if word_column or _is_conll(path, lines):
        return _read_conll(path, lines, None, labelled=False, word_column=word_column)
    numbers = [number for number, line in enumerate(lines, start=1) if line.strip()]
    if not numbers:
        raise InputError(f"{path}: no texts")
    return sentences_of(path, [lines[number - 1] for number in numbers], numbers)


def write_conll(file, words, tags):
    """Writes sentences as CoNLL: a word, a tab and its tag a line, a blank line after each.

    Args:
        file: text file, open for writing.
        words: list of list of str.
        tags: list of list of str, one for each word.
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
            reason = "the word of CoNLL-U is always FORM"
            raise InputError(reason, "word_column", word_column, place=path)
        column = None
        if labelled:
            column = _column(path, "tag_column", tag_column or "upos", conllu.COLUMNS)
        if column in (0, 1):
            chosen = name_of("tag_column", tag_column)
            raise InputError(f"{path}: {chosen} is the word itself or its number")
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
    separated = "separated by tabs" if "\t" in first else "separated by spaces"
    place = f"{path}:{lines.index(first) + 1}"
    word = _index(place, expected, "word_column", word_column or 1)
    column = _tag_index(place, expected, word, tag_column) if labelled else None
    words, tags, numbers = [], [], []
    comments = _comments(lines)
    for number, line in enumerate(lines, start=1):
        fields = split(line)
        if not line.strip(_BLANK) or _DOCUMENT in fields:
            if words:
                yield words, tags, numbers
            words, tags, numbers = [], [], []
            continue
        if number in comments:
            continue
        if len(fields) != expected:
            if not words and _COMMENT.match(line):
                continue
            raise InputError(
                f"{path}:{number}: {len(fields)} columns, {shape}, {separated}: {line!r:.60}: put "
                f"one word and its columns a line, a blank line between sentences"
            )
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


def _comments(lines):
    """Returns the numbers of the lines that are comments, whatever their number of columns.

    Those are the first lines of the sentences, if all begin with "# " and differ after it, and
    none ends with a tag: three words "# O" are not comments, "# sent1", "# sent2" are.
    """
    starts, before = [], ""
    for number, line in enumerate(lines, start=1):
        if line.strip(_BLANK) and not before.strip(_BLANK):
            starts.append((number, line))
        before = line
    starts = [(n, line) for n, line in starts if _DOCUMENT not in line.split()]
    ends = [line.split()[-1] for _, line in starts]
    if len(set(ends)) < 2 or not all(_COMMENT.match(line) for _, line in starts):
        return frozenset()
    if any(map(_ENTITY_TAG.fullmatch, ends)):
        return frozenset()
    return frozenset(number for number, _ in starts)


def _tag_index(place, columns, word, tag_column):
    """Returns the index of the tag's column in a CoNLL file with its first word at `place`."""
    if columns == 1:
        raise InputError(
            f"{place}: one column, expected a word and its tag, separated by a tab or spaces"
        )
    index = _index(place, columns, "tag_column", tag_column or columns)
    if index == word:
        raise InputError(
            f"{place}: column {index + 1} is the word itself: give {name_of('tag_column')}"
        )
    return index


def _index(place, columns, setting, number):
    index = _column(place, setting, number, ())
    if index >= columns:
        missing = name_of(setting, number)
        raise InputError(f"{place}: {columns} columns, so there is no {missing}")
    return index


def _splitter(line):
    """Returns a function that splits a line into columns, as the file's first word line needs."""
    if "\t" in line:
        return lambda line: [field.strip(" ") for field in line.split("\t")]
    return lambda line: re.split(" +", line.strip(" "))


def _first_word_line(lines):
    """Returns the first line that is surely a word's, else the first that may be, else ''."""
    possible = [""]
    for line in lines:
        if line.strip(_BLANK) and _DOCUMENT not in line.split():
            if not line.startswith("#"):
                return line
            possible.append(line)
    return possible[min(1, len(possible) - 1)]


def _column(place, setting, value, names):
    """Returns the index of a column that a setting names by number or name."""
    value = str(value)
    if value.lower() in names:
        return names.index(value.lower())
    number = int(value) if re.fullmatch("[0-9]{1,4}", value) else 0
    if not 1 <= number <= (len(names) or number):
        known = f" or one of {', '.join(names)}" if names else ""
        chosen = name_of(setting, value)
        raise InputError(f"{place}: {chosen} is not the number of a column{known}")
    return number - 1


def _extension(path):
    return os.path.splitext(path.lower().removesuffix(".gz"))[1]


def _is_conll(path, lines):
    first = _first_word_line(lines)
    if _extension(path) in _CONLL_NAMES or conllu.is_conllu_line(first):
        return True
    split = _splitter(first)
    rows = [split(line) for line in lines if line.strip(_BLANK)]
    rows = [row for row in rows if _DOCUMENT not in row]
    if not rows or len(rows[0]) < 2 or any(len(row) != len(rows[0]) for row in rows):
        return False
    if "\t" in first:
        return not any(" " in row[0] for row in rows)
    return all(_ENTITY_TAG.fullmatch(row[-1]) for row in rows)
