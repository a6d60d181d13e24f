"""Rows from JSON: an object a line, or one list of objects, on one line or over many.

A list may be the whole file or the `data` of one object, as data sets on the web have it.
"""

import itertools
import json
import re

from keras_bert.errors import InputError
from keras_bert.guesses import guess

# Of a JSON text that is no JSON lines, and so is parsed whole.
_MOST_CHARACTERS = 2**28
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_BLANK = re.compile(r"[ \t\r\n]*")


class Entry(int):
    """The number of an object in a JSON file that is no JSON lines, in place of a line."""

    def __str__(self):
        return f"entry {int(self)}"


def json_rows(path, lines, head=None):
    """Yields (line, object) of each row.

    Args:
        path: the file, for messages.
        lines: iterator of str with their line ends.
        head: dict that takes what an object with the rows as its `data` has beside them.

    Raises:
        InputError: a row is not an object; names file, line and fix.
    """
    numbered = ((number, line) for number, line in enumerate(lines, start=1) if line.strip())
    number, first = next(numbered, (0, ""))
    if not number:
        return
    values = _values(first)
    if values is not None and len(values) == 1 and isinstance(values[0], dict):
        second = next(numbered, None)
        if second is None:
            yield from _rows_of(path, values, number, first, head)
            return
        yield number, _checked(path, number, first, values[0])
        for line in itertools.chain([second], numbered):
            yield line[0], _object(path, *line)
        return
    text, size = [first], len(first)
    for line in lines:
        size += len(line)
        if size > _MOST_CHARACTERS:
            raise InputError(
                f"{path}: one JSON text of more than {_MOST_CHARACTERS} characters: write it as "
                f"JSON lines, an object a line"
            )
        text.append(line)
    text = "".join(text)
    values = _values(text)
    if values is None:
        _raise_broken(path, number, first, text)
    yield from _rows_of(path, values, number, text, head)


def _rows_of(path, values, number, text, head):
    """Yields the rows of a text's JSON values, of which the first begins on line `number`."""
    may_be_broken = _SURROGATE.search(text)
    if len(values) == 1 and isinstance(values[0], dict):
        values = _unwrapped(path, values[0], number, head)
    elif len(values) == 1 and isinstance(values[0], list):
        if not values[0]:
            raise InputError(f"{path}: an empty list: no rows")
        if not isinstance(values[0][0], dict):
            raise InputError(
                f"{path}:{number}: expected a JSON object, found list (of "
                f"{type(values[0][0]).__name__}): a list of objects with named values is read too"
            )
        values = [(Entry(n), value) for n, value in enumerate(values[0], start=1)]
    else:
        values = [(Entry(n), value) for n, value in enumerate(values, start=1)]
    for place, value in values:
        if not isinstance(value, dict):
            kind = type(value).__name__
            raise InputError(f"{path}:{place}: expected a JSON object, found {kind}")
        if may_be_broken and not _is_unicode(value):
            raise InputError(f"{path}:{place}: a lone surrogate, such as \\ud800, is not a text")
        yield place, value


def _unwrapped(path, whole, number, head):
    """Returns (place, object) of the rows of a file that is one object."""
    lists = [name for name, value in whole.items() if _is_list_of_objects(value)]
    if "data" in lists:
        others = [name for name in lists if name not in ("data", "features")]
        if others:
            guess(
                f"the rows are those of `data`; the lists {', '.join(others)} are left out",
                place=path,
            )
        if head is not None:
            head.update((name, value) for name, value in whole.items() if name != "data")
        return [(Entry(n), value) for n, value in enumerate(whole["data"], start=1)]
    is_split = {"columns", "data"} <= whole.keys()
    if is_split or (len(whole) > 1 and all(_is_column(value) for value in whole.values())):
        raise InputError(
            f"{path}: one object with {', '.join(whole)[:60]}, as pandas writes a table: write an "
            f"object for each row, with to_json(orient='records', lines=True)"
        )
    if lists and all(name in lists for name in whole):
        raise InputError(
            f"{path}: one object with the lists {', '.join(lists)[:60]}: write the one to be read "
            f"into a file of its own"
        )
    return [(number, whole)]


def _is_list_of_objects(value):
    return isinstance(value, list) and bool(value) and all(isinstance(v, dict) for v in value)


def _is_column(value):
    return isinstance(value, dict) and bool(value) and all(re.fullmatch(r"\d+", k) for k in value)


def _values(text):
    """Returns the JSON values of a text, one after another; None if it is anything else."""
    decoder, values, position = json.JSONDecoder(), [], _BLANK.match(text).end()
    while position < len(text):
        try:
            value, position = decoder.raw_decode(text, position)
        except (ValueError, RecursionError):
            return None
        values.append(value)
        position = _BLANK.match(text, position).end()
    return values


def _raise_broken(path, number, first, text):
    """Raises the InputError of a file that is no JSON, by its first line or as a whole."""
    if first.strip() not in ("{", "["):
        _object(path, number, first)
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        place = f"{path}:{error.lineno + number - 1}"
        # A string that has no end is reported by its beginning.
        if error.msg.startswith("Unterminated string") or not text[error.pos :].strip():
            raise InputError(f"{place}: the file ends within its JSON: is it complete?") from None
        reason = f"{error.msg} (character {error.colno} of the line)"
        raise InputError(f"{place}: not readable JSON: {reason}") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}:{number}: not readable JSON: {error}") from None
    raise InputError(f"{path}:{number}: not a JSON object on one line, nor a list of objects")


def _object(path, number, line):
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}:{number}: not a JSON object on one line: {error}") from None
    if not isinstance(value, dict):
        kind = type(value).__name__
        raise InputError(f"{path}:{number}: expected a JSON object, found {kind}")
    return _checked(path, number, line, value)


def _checked(path, number, line, value):
    if _SURROGATE.search(line) and not _is_unicode(value):
        raise InputError(f"{path}:{number}: a lone surrogate, such as \\ud800, is not a text")
    return value


def _is_unicode(value):
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True
