"""The columns of CoNLL: which lines are words, what separates columns, where word and tag stand."""

import re

from keras_bert.errors import InputError, name_of
from keras_bert.guesses import guess
from keras_bert.tasks.tagging.conllu import column_index

DOCUMENT = "-DOCSTART-"
BLANK = " \t"
COMMENT = re.compile(r"#[ \t]")
ENTITY_TAG = re.compile(r"O|[BIEMSLU]-.+")
# Names of the columns of words and of tags in the tables that people make of tagged text, the
# likelier ones first; entities before parts of speech.
WORD_NAMES = ("tokens", "words", "token", "word", "form")
TAG_NAMES = (
    "ner_tags", "ner_tag", "ner", "tags", "tag", "labels", "label", "upos", "pos_tags", "pos_tag",
    "pos", "xpos", "chunk_tags",
)  # fmt: skip


def header_of(path, blocks):
    """Returns the names in a first line that names the columns, and the sentences without it.

    Args:
        path: the file.
        blocks: list with a list of (line number, columns) for each sentence.

    Returns:
        A tuple: tuple of str in lower case, () where there is no such line; list as `blocks`.
    """
    if not blocks:
        return (), blocks
    number, fields = blocks[0][0]
    names = tuple(field.casefold() for field in fields)
    if not is_header(names):
        return (), blocks
    guess(f"line {number} names the columns: {', '.join(fields)}", place=path)
    rest = [blocks[0][1:], *blocks[1:]]
    return names, [block for block in rest if block]


def is_header(names):
    """Returns whether a line's columns, in lower case, are names of a word's and a tag's column."""
    return bool(set(names) & set(WORD_NAMES) and set(names) & set(TAG_NAMES))


def word_index(path, blocks, word_column, names):
    """Returns the index of the word's column: the named one, or the first that is not a number.

    Args:
        path: the file.
        blocks: list with a list of (line number, columns) for each sentence.
        word_column: number or name of the column, or None.
        names: tuple of str, the names of the columns in lower case; () without.
    """
    number, fields = blocks[0][0]
    if word_column is None:
        word_column = next((name for name in WORD_NAMES if name in names), 1)
        if not names and len(fields) > 1 and _counts(blocks):
            word_column = 2
            guess("the first column counts the words", "word_column", word_column, place=path)
    return _index(f"{path}:{number}", len(fields), "word_column", word_column, names)


def tag_index(path, blocks, tag_column, names, word):
    """Returns the index of the tag's column: the named one, or the last.

    Args:
        path, blocks, names: as for `word_index`.
        tag_column: number or name of the column, or None.
        word: the index of the word's column.
    """
    number, fields = blocks[0][0]
    place, columns = f"{path}:{number}", len(fields)
    if columns == 1:
        raise InputError(
            f"{place}: one column, expected a word and its tag, separated by a tab or spaces"
        )
    if tag_column is None:
        tag_column = next((name for name in TAG_NAMES if name in names), columns)
    index = _index(place, columns, "tag_column", tag_column, names)
    if index == word:
        raise InputError(
            f"{place}: column {index + 1} is the word itself: give {name_of('tag_column')}"
        )
    return index


def _index(place, columns, setting, number, names):
    index = column_index(place, setting, number, names)
    if index >= columns:
        missing = name_of(setting, number)
        raise InputError(f"{place}: {columns} columns, so there is no {missing}")
    return index


def _counts(blocks):
    """Returns whether the first column counts the words, in each sentence or through the file."""
    if max(map(len, blocks)) < 2:
        return False
    starts, next_number, goes_on = set(), None, True
    for block in blocks:
        numbers = [fields[0] for _, fields in block]
        if not all(re.fullmatch("[0-9]{1,9}", number) for number in numbers):
            return False
        first = int(numbers[0])
        if [int(number) for number in numbers] != list(range(first, first + len(numbers))):
            return False
        goes_on = goes_on and next_number in (None, first)
        starts.add(first)
        next_number = first + len(numbers)
    return goes_on or starts in ({0}, {1})


def comments_of(lines):
    """Returns the numbers of the lines that are comments, whatever their number of columns.

    Those are the first lines of the sentences, if all begin with "# " and differ after it, and
    none ends with a tag: three words "# O" are not comments, "# sent1", "# sent2" are.
    """
    starts, before = [], ""
    for number, line in enumerate(lines, start=1):
        if line.strip(BLANK) and not before.strip(BLANK):
            starts.append((number, line))
        before = line
    starts = [(n, line) for n, line in starts if DOCUMENT not in line.split()]
    # A separator of records, \x1f, is whitespace to `split` and no blank line.
    ends = [(line.split() or [line])[-1] for _, line in starts]
    if len(set(ends)) < 2 or not all(COMMENT.match(line) for _, line in starts):
        return frozenset()
    if any(map(ENTITY_TAG.fullmatch, ends)):
        return frozenset()
    return frozenset(number for number, _ in starts)


def splitter(line):
    """Returns a function that splits a line into columns, as the file's first word line needs."""
    if "\t" in line:
        return lambda line: [field.strip(" ") for field in line.split("\t")]
    return lambda line: re.split(" +", line.strip(" "))


def first_word_line(lines):
    """Returns the first line that is surely a word's, else the first that may be, else ''."""
    possible = [""]
    for line in lines:
        if line.strip(BLANK) and DOCUMENT not in line.split():
            if not line.startswith(("#", " ")):
                return line
            possible.append(line)
    return possible[min(1, len(possible) - 1)]
