"""Entities as spans of a text, [start, end, type], as annotation tools export them, as tags."""

import dataclasses

from keras_bert.errors import InputError
from keras_bert.guesses import guess

SPAN_NAMES = ("label", "labels", "entities", "spans", "annotations")
_START, _END = ("start", "start_offset"), ("end", "end_offset")
_TYPE = ("label", "type", "entity", "entity_group", "tag")


def is_spans(cell):
    """Returns whether a value looks like a list of spans; an empty list does not."""
    return isinstance(cell, list) and any(
        isinstance(span, dict)
        or (isinstance(span, list) and len(span) == 3 and not isinstance(span[0], str))
        for span in cell
    )


def tags_of_spans(sentences, spans):
    """Returns sentences with the tags B-TYPE, I-TYPE and O of the spans of their texts.

    A word is of an entity if they share a character. Of entities that share a word the longest is
    kept. Entities that do not begin and end with words, and those left out, are counted and said.

    Args:
        sentences: `Sentences` with texts and the places of their words.
        spans: list with a list of spans for each; None for a text without.

    Raises:
        InputError: a span is not of its text; names the line.
    """
    tags, inside, overlapping, apart = [], 0, 0, 0
    for index, (text, offsets) in enumerate(zip(sentences.texts, sentences.word_offsets)):
        place = f"{sentences.path}:{sentences.lines[index]}"
        sentence = ["O"] * len(offsets)
        found = [_span(place, text, span) for span in _listed(place, spans[index])]
        for start, end, type_ in sorted(found, key=lambda span: (span[0] - span[1], span[0])):
            words = [i for i, (a, b) in enumerate(offsets) if a < end and start < b]
            if not words:
                apart += 1
                continue
            if any(sentence[i] != "O" for i in words):
                overlapping += 1
                continue
            covered = text[offsets[words[0]][0] : offsets[words[-1]][1]]
            inside += covered != text[start:end].strip()
            sentence[words[0]] = f"B-{type_}"
            for i in words[1:]:
                sentence[i] = f"I-{type_}"
        tags.append(sentence)
    for count, what in (
        (inside, "beginning or ending inside a word: the whole word is read as theirs"),
        (overlapping, "sharing a word with a longer one: left out"),
        (apart, "without a word: left out"),
    ):
        if count:
            noun = "1 entity" if count == 1 else f"{count} entities"
            guess(f"{noun} {what}", place=sentences.path)
    return dataclasses.replace(sentences, tags=tags)


def _listed(place, spans):
    if spans is None:
        return []
    if not isinstance(spans, list):
        raise InputError(f"{place}: expected a list of [start, end, type], not {spans!r:.60}")
    return spans


def _span(place, text, span):
    """Returns (start, end, type) of a span that is a list or a dict."""
    if isinstance(span, dict):
        names = [next((n for n in group if n in span), None) for group in (_START, _END, _TYPE)]
        parts = [span.get(name) for name in names]
    else:
        parts = span if isinstance(span, list) else []
    if len(parts) != 3 or not all(type(part) is int for part in parts[:2]):
        raise InputError(f"{place}: {span!r:.60} is not a span: expected [start, end, type]")
    start, end, type_ = parts
    if isinstance(type_, list) and len(type_) == 1:
        type_ = type_[0]
    if not isinstance(type_, str) or not type_.strip() or len(type_.splitlines()) > 1:
        raise InputError(f"{place}: {type_!r:.40} is not the type of an entity")
    if not 0 <= start < end <= len(text):
        raise InputError(
            f"{place}: [{start}, {end}] is no part of a text of {len(text)} characters"
        )
    return start, end, type_.strip()
