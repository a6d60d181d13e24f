"""Reads CoNLL-U: the words of each sentence, a column of tags, and the words' offsets in the text.

The rules are those of https://universaldependencies.org/format.html, and for files that name their
columns those of https://universaldependencies.org/ext-format.html, CoNLL-U Plus.
"""

import dataclasses
import re

from keras_bert.errors import InputError, name_of

COLUMNS = ("id", "form", "lemma", "upos", "xpos", "feats", "head", "deprel", "deps", "misc")
# Columns in which "_" means that the word is not annotated; in the others it may be a value.
_ANNOTATED = ("upos", "xpos", "deprel")
_COLUMNS_LINE = re.compile(r"#\s*global\.columns\s*=\s*(.*\S)\s*", re.IGNORECASE)
_ID = re.compile(r"(\d{1,9})(?:([-.])(\d{1,9}))?", re.ASCII)


@dataclasses.dataclass
class Block:
    """One sentence.

    Attributes:
        words: list of str, the syntactic words: a multiword token's parts, not the token.
        tags: list of str, the chosen column of each; empty where none was chosen.
        lines: list of int, the line of each word.
        text: str, the original sentence, or the forms joined as SpaceAfter=No requires.
        offsets: list of (start, end), characters of `text`. The parts of a multiword token that
            are not spelled like it, such as de and le of "du", all have the whole token's.
    """

    words: list
    tags: list
    lines: list
    text: str
    offsets: list


@dataclasses.dataclass
class _Token:
    """A unit of the written text: a word, or a multiword token of several words."""

    form: str
    words: list
    space_after: bool


class _Sentence:
    """The lines of one sentence, while they are read."""

    def __init__(self, path, names=COLUMNS):
        self.path, self.names = path, names
        self.id, self.form, self.misc = (
            names.index(name) if name in names else None for name in ("id", "form", "misc")
        )
        self.words, self.tags, self.lines, self.tokens = [], [], [], []
        self.text = None
        self.range_end = 0

    def add(self, number, fields, column):
        if len(fields) != len(self.names):
            raise InputError(
                f"{self.path}:{number}: {len(fields)} columns, expected {len(self.names)} as "
                f"{'CoNLL-U has' if self.names == COLUMNS else 'global.columns names'}, separated "
                f"by tabs"
            )
        expected = len(self.words) + 1
        first, kind, last = self._id(number, fields, expected)
        if kind == ".":
            return  # an empty node: a word that the text does not have, so there is nothing to tag
        form = fields[self.form].strip(" ")
        if not form:
            raise InputError(f"{self.path}:{number}: FORM, column {self.form + 1}, is empty")
        misc = "" if self.misc is None else fields[self.misc]
        space_after = "SpaceAfter=No" not in misc.split("|")
        if int(first) != expected or (kind == "-" and self.range_end >= expected):
            raise InputError(
                f"{self.path}:{number}: ID {fields[self.id]} where {expected} comes next: words "
                f"are numbered from 1, and a blank line ends a sentence"
            )
        if kind == "-":
            if int(last) < expected:
                raise InputError(f"{self.path}:{number}: range {fields[self.id]} runs backwards")
            self.range_end = int(last)
            self.tokens.append(_Token(form, [], space_after))
            return
        self.words.append(form)
        self.lines.append(number)
        if column is not None:
            self.tags.append(self._tag(number, fields, column))
        if expected <= self.range_end:
            self.tokens[-1].words.append(form)
        else:
            self.tokens.append(_Token(form, [form], space_after))

    def _id(self, number, fields, expected):
        if self.id is None:
            return expected, None, None
        match = _ID.fullmatch(fields[self.id])
        if match is None:
            raise InputError(
                f"{self.path}:{number}: ID {fields[self.id][:20]!r} is not a number, a range such "
                f"as 1-2 or a decimal such as 1.1"
            )
        return match.groups()

    def _tag(self, number, fields, column):
        tag = fields[column].strip(" ")
        name = self.names[column]
        if not tag:
            raise InputError(f"{self.path}:{number}: {name.upper()}, column {column + 1}, is empty")
        if tag == "_" and name in _ANNOTATED:
            raise InputError(
                f"{self.path}:{number}: {name.upper()} is '_', which means not annotated: choose "
                f"another column with {name_of('tag_column')}, or remove the sentence"
            )
        return tag

    def finish(self, number):
        if self.range_end > len(self.words):
            raise InputError(
                f"{self.path}:{number}: the sentence ends before word {self.range_end}, the last "
                f"of its multiword token"
            )
        spans = None if self.text is None else _find_tokens(self.text, self.tokens)
        if spans is None:
            self.text, spans = _join_tokens(self.tokens)
        offsets = [
            offset for span, token in zip(spans, self.tokens) for offset in _part(span, token)
        ]
        return Block(self.words, self.tags, self.lines, self.text, offsets)


def read_blocks(path, lines, column, names=COLUMNS):
    """Yields the sentences.

    Args:
        path: the file, for messages.
        lines: iterable of str without line ends.
        column: index of the column to read as tags, or None.
        names: tuple of str, the names of the columns, of which one is "form".

    Yields:
        `Block`.

    Raises:
        InputError: a line is not CoNLL-U, or has no word or tag; names file, line and fix.
    """
    sentence, number = _Sentence(path, names), 0
    for number, line in enumerate(lines, start=1):
        if not line.strip(" \t"):
            if sentence.tokens:
                yield sentence.finish(number)
            sentence = _Sentence(path, names)
        elif line.startswith("#"):
            name, _, value = line[1:].partition("=")
            if name.strip() == "text" and not sentence.tokens:
                sentence.text = value.strip()
        else:
            sentence.add(number, line.split("\t"), column)
    if sentence.tokens:
        yield sentence.finish(number)


def named_columns(path, lines):
    """Returns the columns that CoNLL-U Plus names in its first comment, in lower case, or None.

    Args:
        path: the file, for messages.
        lines: list of str without line ends.

    Raises:
        InputError: they are named, but none of them is FORM.
    """
    first = next((line for line in lines if line.strip(" \t")), "")
    match = _COLUMNS_LINE.fullmatch(first)
    if match is None:
        return None
    names = tuple(match[1].lower().split())
    if "form" not in names or len(set(names)) < len(names):
        raise InputError(
            f"{path}: global.columns must name FORM, and each column once: {match[1][:60]!r}"
        )
    return names


def column_index(place, setting, value, names):
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


def is_conllu_line(line):
    """Returns whether a line looks like a word's in CoNLL-U."""
    fields = line.split("\t")
    return len(fields) == len(COLUMNS) and _ID.fullmatch(fields[0]) is not None


def _find_tokens(text, tokens):
    """Returns the span of each token in the text, or None if the text has other tokens."""
    spans, position = [], 0
    for token in tokens:
        while text[position : position + 1].isspace():
            position += 1
        if not text.startswith(token.form, position):
            return None
        spans.append((position, position + len(token.form)))
        position = spans[-1][1]
    return None if text[position:].strip() else spans


def _join_tokens(tokens):
    """Returns the text of the tokens, and the span of each."""
    text, spans = "", []
    for token in tokens:
        spans.append((len(text), len(text) + len(token.form)))
        text += token.form + (" " if token.space_after else "")
    return text.rstrip(" "), spans


def _part(span, token):
    """Yields the span of each word of a token."""
    start, end = span
    spelled = "".join(token.words) == token.form
    for word in token.words:
        yield (start, start + len(word)) if spelled else (start, end)
        start += len(word) if spelled else 0
