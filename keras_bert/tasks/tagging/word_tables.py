"""Sentences with tags from tables: lists of words, a word a row, or texts with marked spans.

- Rows with a list of words and a list of tags, as the `datasets` library writes them; in CSV a list
  is JSON, Python's, or has spaces between its parts.
- Rows with one word and its tag, and perhaps a column that says which sentence it is of.
- Rows with a text and its entities as [start, end, type]: see `spans`.
"""

import ast
import json

from keras_bert.errors import InputError, name_of
from keras_bert.guesses import counted, guess
from keras_bert.tasks.columns import find_column, some, usual_columns
from keras_bert.tasks.sequence.texts import TEXT_NAMES
from keras_bert.tasks.tagging.conll_columns import TAG_NAMES, WORD_NAMES
from keras_bert.tasks.tagging.sentences import Sentences, say_blank_words, sentences_of
from keras_bert.tasks.tagging.spans import SPAN_NAMES, is_spans, tags_of_spans
from keras_bert.tasks.tagging.tag_names import named_tags

_SENTENCE_NAMES = (
    "sentence #", "sentence#", "sentence_id", "sentence id", "sent_id", "sentence_idx",
    "sentence_number", "sentence number", "sentence_num", "sentence", "sent",
)  # fmt: skip
# Longer ones are files without a mark between their sentences.
_LONGEST_SENTENCE = 1000


def sentences_of_table(table, word_column=None, tag_column=None, text_column=None, labelled=True):
    """Returns the `Sentences` of a table.

    Args:
        table: `Table`.
        word_column, tag_column: names of columns, or numbers from 1; None looks for usual names.
        text_column: name of the column of texts, where there are no words; None as above.
        labelled: whether tags are read.

    Raises:
        InputError: a column is missing, or a row is wrong; names line and fix.
    """
    words = _word_column(table, word_column, text_column, labelled)
    tags = _column(table, tag_column, TAG_NAMES) if labelled else None
    if word_column is None:
        spans = _span_column(table, tag_column) if labelled else None
        if spans is not None or (words is None and not labelled):
            return _of_texts(table, text_column, spans)
    if words is None and tags is not None:
        text = _column(table, text_column, TEXT_NAMES)  # of words with spaces between them
        words = text if text is not None and _has_lists(table, text, tags) else None
    if words is None or (labelled and tags is None):
        role, names = ("word", WORD_NAMES) if words is None else ("tag", TAG_NAMES)
        raise InputError(
            f"{table.path}: no column of {role}s (looked for {', '.join(names)}); its columns are "
            f"{some(table.columns)}: name it with {name_of(f'{role}_column')}, or write CoNLL: a "
            f"word and its tag a line, a blank line between sentences"
        )
    sentence = next((n for n in usual_columns(table, _SENTENCE_NAMES) if n != words), None)
    if _has_lists(table, words, tags) and (sentence is None or _is_long(table, words)):
        blocks = _of_lists(table, words, tags)
    else:
        blocks = _of_words(table, words, tags, sentence)
    lines, word_lists, tag_lists, word_lines = map(list, zip(*blocks))
    say_blank_words(table.path, word_lists)
    if labelled:
        tag_lists = named_tags(table, tags, lines, tag_lists)
    return Sentences(table.path, lines, word_lists, tag_lists if labelled else None, word_lines)


def _column(table, wanted, usual):
    """Returns the name of a column that is wanted by name or number, or has a usual name."""
    if wanted is None:
        return next(iter(usual_columns(table, usual)), None)
    number = str(wanted)
    if number not in table.columns and number.isdecimal() and len(number) < 5:
        if not 1 <= int(number) <= len(table.columns):
            raise InputError(f"{table.path}: {len(table.columns)} columns, so none is {number}")
        return table.columns[int(number) - 1]
    return find_column(table, "tag", wanted, ())


def _word_column(table, wanted, text_column, labelled):
    """Returns the name of the column of words, None where there are texts in place of them."""
    if wanted is not None:
        return _column(table, wanted, ())
    for name in usual_columns(table, WORD_NAMES):
        cells = [row.fields.get(name) for row in table.rows]
        if any(isinstance(cell, (list, tuple)) for cell in cells):
            return name
        is_text = any(isinstance(cell, str) for cell in cells)
        if is_text and (labelled or not (text_column or usual_columns(table, TEXT_NAMES))):
            return name
    return None


def _span_column(table, wanted):
    """Returns the name of the column of spans, None where there is none."""
    names = usual_columns(table, SPAN_NAMES) if wanted is None else [_column(table, wanted, ())]
    for name in names:
        if any(is_spans(row.fields.get(name)) for row in table.rows):
            return name
    return None


def _of_texts(table, text_column, spans):
    """Returns the sentences of texts, with the tags of their spans where a column has these."""
    column = find_column(table, "text", text_column, TEXT_NAMES)
    texts, lines = [row.fields.get(column) for row in table.rows], [row.line for row in table.rows]
    sentences = sentences_of(table.path, texts, lines)
    if spans is None:
        return sentences
    return tags_of_spans(sentences, [row.fields.get(spans) for row in table.rows])


def _has_lists(table, words, tags):
    """Returns whether a row has the words of a whole sentence."""
    cells = [row.fields.get(words) for row in table.rows]
    if any(isinstance(cell, (list, tuple)) or _literal(cell) is not None for cell in cells):
        return True
    if tags is None:
        return any(isinstance(cell, str) and " " in cell.strip() for cell in cells)
    counts = [
        [len(_parts(cell) or ()) for cell in (word, row.fields.get(tags))]
        for word, row in zip(cells, table.rows)
    ]
    return all(a == b for a, b in counts) and max(map(max, counts)) > 1


def _is_long(table, words):
    """Returns whether most of the words are several, so that a row is a sentence."""
    cells = [row.fields.get(words) for row in table.rows]
    return 2 * sum(len(_parts(cell) or ()) > 1 for cell in cells) > len(cells)


def _of_lists(table, words, tags):
    """Yields (line, words, tags, lines of the words) of each row."""
    empty, found = 0, 0
    for row in table.rows:
        place = f"{table.path}:{row.line}"
        sentence = _list(place, words, row.fields.get(words))
        for word in sentence:
            if not isinstance(word, str) or any(sign in word for sign in "\t\r\n"):
                raise InputError(f"{place}: {word!r:.40} is not a word")
        sentence_tags = None
        if tags is not None:
            sentence_tags = _list(place, tags, row.fields.get(tags))
            if len(sentence_tags) != len(sentence):
                raise InputError(
                    f"{place}: {len(sentence)} {words} and {len(sentence_tags)} {tags}: each word "
                    f"needs one tag"
                )
        if not sentence:
            empty += 1
            continue
        found += 1
        yield row.line, sentence, sentence_tags, [row.line] * len(sentence)
    if not found:
        raise InputError(f"{table.path}: no row has a word")
    if empty:
        guess(f"left out: {counted(empty, 'row')} without words", place=table.path)


def _of_words(table, words, tags, sentence):
    """Yields (line, words, tags, lines of the words) of each sentence of a table of words."""
    block, before = None, None
    for row in table.rows:
        word = row.fields.get(words)
        word = "" if word is None else word
        tag = row.fields.get(tags) if tags is not None else None
        if not isinstance(word, str) or any(sign in word for sign in "\t\r\n"):
            raise InputError(f"{table.path}:{row.line}: {word!r:.40} is not a word")
        if sentence is None:
            begins = before is None or row.line - before > 1
            before = row.line
        else:
            number = row.fields.get(sentence)
            begins = block is None or (number not in (None, "") and number != before)
            before = before if number in (None, "") else number
        if begins:
            if block:
                yield block
            block = (row.line, [], [], [])
        for values, value in zip(block[1:], (word, tag, row.line)):
            values.append(value)
        if len(block[1]) > _LONGEST_SENTENCE:
            raise InputError(
                f"{table.path}:{row.line}: more than {_LONGEST_SENTENCE} words in one sentence: "
                f"number the sentences in a column sentence_id, or put an empty line between them"
            )
    yield block


def _list(place, name, cell):
    parts = _parts(cell)
    if parts is None:
        raise InputError(f"{place}: {name} must be a list, not {cell!r:.60}")
    return parts


def _parts(cell):
    """Returns a cell as a list, None if it is none."""
    if isinstance(cell, (list, tuple)):
        return list(cell)
    if not isinstance(cell, str):
        return None
    literal = _literal(cell)
    return cell.split() if literal is None else literal


def _literal(cell):
    """Returns the list that a text writes down in JSON or Python, else None."""
    if not isinstance(cell, str) or not cell.startswith("[") or not cell.rstrip().endswith("]"):
        return None
    for read in (json.loads, ast.literal_eval):
        try:
            value = read(cell)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        return value if isinstance(value, list) else None
    return None
