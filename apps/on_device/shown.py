"""What a person sees on a terminal: found text coloured in its sentence, and nothing harmful.

A text, a passage, and the labels in a stranger's file may hold control characters, which could
move the cursor, change the terminal's title or hide a part of the line. They are printed as codes.
"""

import os
import re
import sys

from keras_bert.errors import escaped

_SENTENCE_END = re.compile(r"[.!?。！？]['\"”’)\]]*\s+|(?<=[。！？])|\n\s*\n")
# Characters of a sentence that are shown on each side of what was found in it.
_SIDE = 150
_BOLD, _DIM, _FOUND = "1", "2", "1;32"
# By the type of an entity, in the order of the model's types; again from the first after the last.
_COLORS = ("1;36", "1;33", "1;35", "1;32", "1;34", "1;31")


def one_line(text):
    """Returns a text without line breaks and tabs, which separate printed lines and columns."""
    return " ".join(text.split())


class Style:
    """How results are printed: as plain columns, or for a person at a terminal.

    Args:
        color: True or False where an argument says it, or None: the terminal and NO_COLOR decide.

    Attributes:
        for_person: whether found text is marked, and control characters are printed as codes.
    """

    def __init__(self, color=None):
        self.for_person = bool(color) or sys.stdout.isatty()
        environment = os.environ.get("NO_COLOR"), os.environ.get("TERM")
        may_color = not environment[0] and environment[1] != "dumb"
        self._colors = self.for_person and (may_color if color is None else color)

    def line(self, text):
        """Returns a text as a part of one line."""
        text = one_line(text)
        return escaped(text) if self.for_person else text

    def bold(self, text):
        return self._in_color(_BOLD, self.line(text))

    def dim(self, text):
        return self._in_color(_DIM, self.line(text))

    def found_in(self, text, start, end):
        """Returns the sentence around a found stretch of a text, with the stretch coloured.

        Args:
            text: the whole text.
            start, end: the stretch, characters of the text.

        Returns:
            str; very long sentences are cut on both sides, where "…" stands. Without colours the
            stretch is in brackets.
        """
        first, last = _sentence(text, start, end)
        before, after = text[first:start], text[end:last]
        begin = "…" if first and len(before) > _SIDE else ""
        close = "…" if last < len(text) and len(after) > _SIDE else ""
        before, after = _kept_end(before), _kept_start(after)
        found = self._marked(_FOUND, text[start:end])
        return begin + self._between(before) + found + self._between(after.rstrip()) + close

    def entities_in(self, text, entities, types):
        """Returns a text with its entities coloured, each with its type behind it.

        Args:
            text: str.
            entities: list of dicts of `start`, `end` and `type`, in order.
            types: list of str, all the model's types, for their colours.
        """
        parts, place = [], 0
        for entity in entities:
            color = _COLORS[types.index(entity["type"]) % len(_COLORS)]
            kind = self.line(entity["type"])
            parts.append(self._between(text[place : entity["start"]]))
            parts.append(self._marked(color, text[entity["start"] : entity["end"]], kind))
            place = entity["end"]
        return "".join([*parts, self._between(text[place:])]).strip()

    def tagged(self, words, tags):
        """Returns words, each with its tag behind it."""
        each = [f"{self.line(word)}{self.dim('/' + tag)}" for word, tag in zip(words, tags)]
        return " ".join(each)

    def _marked(self, color, text, kind=""):
        text = self.line(text)
        if not self._colors:
            return f"[{text} {kind}]" if kind else f"[{text}]"
        return self._in_color(color, text) + (self._in_color(_DIM, f" {kind}") if kind else "")

    def _between(self, text):
        """Returns a part of a sentence, with one space for each stretch of whitespace."""
        return escaped(re.sub(r"\s+", " ", text))

    def _in_color(self, color, text):
        return f"\x1b[{color}m{text}\x1b[0m" if self._colors and text else text


def _sentence(text, start, end):
    """Returns the start and end of the sentence, or sentences, that hold a stretch of a text."""
    # More than is shown, so that a text of any length costs the same.
    low, high = max(start - 4 * _SIDE, 0), min(end + 4 * _SIDE, len(text))
    first, last = low, high
    for found in _SENTENCE_END.finditer(text, low, start):
        first = found.end()
    found = _SENTENCE_END.search(text, end, high)
    if found:
        last = found.end()
    return first, last


def _kept_end(text):
    return text[-_SIDE:].lstrip() if len(text) > _SIDE else text.lstrip()


def _kept_start(text):
    return text[:_SIDE]
