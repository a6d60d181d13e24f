"""Sentences of words, with or without tags, from CoNLL and CoNLL-U."""

import os

from keras_bert.errors import InputError, name_of
from keras_bert.tasks.decoding import MOST_BYTES, check_size, decoded_lines, file_extension
from keras_bert.tasks.tagging import conllu
from keras_bert.tasks.tagging.conll_columns import (
    BLANK,
    COMMENT,
    DOCUMENT,
    comments_of,
    first_word_line,
    header_of,
    splitter,
    tag_index,
    word_index,
)
from keras_bert.tasks.tagging.sentences import Sentences, say_blank_words


def read_conll(path, tag_column=None, labelled=True, word_column=None):
    """Reads CoNLL or CoNLL-U, gzip'd or not; the first line of a word decides which.

    In CoNLL-U (ten columns, the first a number) the word is FORM; of multiword tokens the words
    are read, and empty nodes and comments are left out. So it is in CoNLL-U Plus, whose first line
    names the columns. In CoNLL the word is the first column, or the second where the first counts
    the words, unless another is named; columns are separated by tabs or, where the first line has
    none, by spaces. A first line that names the columns is not a word's. -DOCSTART- lines are left
    out, and so are comments: lines of "#" and more, before the first word of a sentence, that have
    another number of columns than the words, or that every sentence has, each different. All other
    lines with "#" are words.

    Args:
        path: the file.
        tag_column: for CoNLL the number of a column, from 1 (None: the last); for CoNLL-U a
            number or a name such as xpos (None: upos, else the last).
        labelled: whether tags are read.
        word_column: for CoNLL the number of the word's column, from 1 (None: the first, or the
            second where the first counts the words).

    Returns:
        `Sentences`.

    Raises:
        InputError: a line is not of the layout; names file, line and fix.
    """
    path = os.fspath(path)
    return sentences_of_lines(path, read_lines(path), tag_column, labelled, word_column)


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


def read_lines(path):
    """Returns the lines of a file without their ends."""
    lines = []
    for line in decoded_lines(path, MOST_BYTES):
        lines.append(line.rstrip("\r\n"))
        check_size(path, lines)
    return lines


def sentences_of_lines(path, lines, tag_column=None, labelled=True, word_column=None):
    """Returns the `Sentences` of a file's lines, a list of str; see `read_conll`."""
    names = conllu.named_columns(path, lines)
    if names or file_extension(path) == ".conllu" or conllu.is_conllu_line(first_word_line(lines)):
        return _of_conllu(path, lines, tag_column, labelled, word_column, names or conllu.COLUMNS)
    names, blocks = header_of(path, list(_blocks(path, lines)))
    if not blocks:
        raise InputError(f"{path}: no sentences")
    word = word_index(path, blocks, word_column, names)
    tag = tag_index(path, blocks, tag_column, names, word) if labelled else None
    words = [[fields[word] for _, fields in block] for block in blocks]
    say_blank_words(path, words)
    tags = None
    if labelled:
        tags = [[fields[tag] for _, fields in block] for block in blocks]
        for block, sentence in zip(blocks, tags):
            if "" in sentence:
                number = block[sentence.index("")][0]
                raise InputError(f"{path}:{number}: the tag, column {tag + 1}, is empty")
    word_lines = [[number for number, _ in block] for block in blocks]
    return Sentences(path, [numbers[0] for numbers in word_lines], words, tags, word_lines)


def _of_conllu(path, lines, tag_column, labelled, word_column, names):
    if word_column:
        reason = "the word of CoNLL-U is always FORM"
        raise InputError(reason, "word_column", word_column, place=path)
    column = None
    if labelled:
        others = [name for name in names if name not in ("id", "form")] or ["form"]
        chosen = tag_column or ("upos" if "upos" in names else others[-1])
        column = conllu.column_index(path, "tag_column", chosen, names)
        if names[column] in ("id", "form"):
            chosen = name_of("tag_column", chosen)
            raise InputError(f"{path}: {chosen} is the word itself or its number")
    blocks = list(conllu.read_blocks(path, lines, column, names))
    if not blocks:
        raise InputError(f"{path}: no sentences")
    words, tags, word_lines, texts, offsets = (
        [getattr(block, name) for block in blocks]
        for name in ("words", "tags", "lines", "text", "offsets")
    )
    first = [numbers[0] for numbers in word_lines]
    return Sentences(path, first, words, tags if labelled else None, word_lines, texts, offsets)


def _blocks(path, lines):
    """Yields a list of (line number, columns) for each sentence of CoNLL."""
    first = first_word_line(lines)
    if not first:
        return
    split = splitter(first)
    expected = len(split(first))
    shape = f"expected {expected} as on line {lines.index(first) + 1}"
    separated = "separated by tabs" if "\t" in first else "separated by spaces"
    block, comments = [], comments_of(lines)
    for number, line in enumerate(lines, start=1):
        fields = split(line)
        if not line.strip(BLANK) or DOCUMENT in fields:
            if block:
                yield block
            block = []
            continue
        if number in comments:
            continue
        if len(fields) == expected - 1 and line.startswith(" ") and "\t" not in first:
            fields = ["", *fields]  # the word is a space
        if len(fields) != expected:
            if not block and COMMENT.match(line):
                continue
            raise InputError(
                f"{path}:{number}: {len(fields)} columns, {shape}, {separated}: {line!r:.60}: put "
                f"one word and its columns a line, a blank line between sentences"
            )
        block.append((number, fields))
    if block:
        yield block
