"""Compares one word in several sentences, or the sentences themselves: cosines and a heat map.

keras-bert similarity --model=bert --word=bank --output=bank.png \\
    --text="He sat on the bank of the river." --text="The bank raised its interest rates."

A word's vector is the mean of its pieces' at its place in the sentence; whole words only. Without
--word, sentences are compared by the mean of all their tokens. Vectors of several --layers are
put end to end.
"""

import importlib

import numpy as np

from keras_bert.commands import shared
from keras_bert.commands.embed import (
    check_output,
    cut_lines,
    define_source_flags,
    layers_of,
    load_encoder,
    read_texts,
    utf8_text,
)
from keras_bert.errors import InputError

# More cannot be told apart in a picture, or read in a table.
_MOST = 100
_MOST_CHARACTERS = 50


def define(values):
    define_source_flags(values)
    shared.define_string(values, "word", "the word to compare; without, the sentences are")
    shared.define_string(values, "output", "the .png file to draw; without, a table alone")


def run(values):
    layers = layers_of(values)
    word = None if values.word is None else utf8_text(values.word, "--word")
    if values.output is not None:
        check_output(values, ".png")
        importlib.import_module("matplotlib")  # told now, and not after the work, if it is missing
    source = read_texts(values)
    if source.texts_b is not None:
        raise InputError(
            f"{values.input}: has pairs, but single texts are compared: name one column with "
            f"--text_column"
        )
    _check_count(len(source.texts), "texts")
    bert = load_encoder(values)
    if word is None:
        items, vectors, notes = _sentences(values, source, bert, layers)
    else:
        items, vectors, notes = _words(word, values, source, bert, layers)
    _check_count(len(items), "places of the word")
    from keras_bert.embedding.vectors import cosines

    matrix = cosines(vectors)
    labels = [item["label"] for item in items]
    if values.output is not None:
        from keras_bert.embedding.heat_map import draw_heat_map

        title = "sentences" if word is None else f"“{_one_line(word)}”"
        title += f", layer{'s' * (len(layers) > 1)} {', '.join(map(str, layers))}"
        if not draw_heat_map(matrix, labels, values.output, title):
            notes.append(
                f"{values.output}: no font on this machine has all characters of the texts: "
                f"install one, for example Noto Sans CJK"
            )
    result = {
        "word": word,
        "layers": list(layers),
        "items": items,
        "similarities": matrix.tolist(),
        "output": values.output,
    }
    lines = [*bert.notes, *notes, *_table(matrix, labels)]
    return result, [*lines, *([values.output] if values.output is not None else [])]


def _check_count(count, what):
    if count < 2:
        raise InputError(f"{what}: {count}: give two or more to compare")
    if count > _MOST:
        raise InputError(
            f"{what}: {count}: at most {_MOST} can be shown; `embed` writes vectors of more"
        )


def _words(word, values, source, bert, layers):
    """Returns the word's places, their vectors, and notes."""
    from keras_bert.embedding.features import embed
    from keras_bert.embedding.occurrences import find_occurrences, in_context

    length = bert.config.max_length if values.length is None else values.length
    found = find_occurrences(word, source.texts, source.names, bert.tokenizer, length)
    states = embed(
        bert, source.texts, None, "tokens", layers, length=length, batch_size=values.batch_size
    )
    items, vectors, unknown = [], [], False
    for place in found:
        text = states[place.text_index]
        vectors.append(text.vectors[place.tokens].mean(axis=0, dtype="float64"))
        unknown |= "[UNK]" in text.tokens[place.tokens]
        items.append(
            {
                "label": in_context(source.texts[place.text_index], place.start, place.end),
                "text": source.texts[place.text_index],
                "number": place.text_index + 1,
                "start": place.start,
                "end": place.end,
                "pieces": text.tokens[place.tokens].tolist(),
            }
        )
    notes = []
    if unknown:
        notes.append(f"the vocabulary cannot spell {word!r}: compared are vectors of [UNK]")
    return items, np.stack(vectors), notes


def _sentences(values, source, bert, layers):
    """Returns the sentences, their vectors, and notes."""
    from keras_bert.embedding.features import Features

    features = Features(
        bert, source.texts, layers=layers, length=values.length, batch_size=values.batch_size
    )
    vectors = np.concatenate(list(features.blocks()))
    items = [
        {"label": _shortened(_one_line(text)), "text": text, "number": number}
        for number, text in enumerate(source.texts, start=1)
    ]
    return items, vectors, cut_lines(features, bert, values.length)


def _table(matrix, labels):
    """Returns the matrix as lines of text, each with what its row is."""
    width = len(str(len(labels)))
    numbers = range(1, len(labels) + 1)
    lines = [" " * width + "".join(f"{number:>7}" for number in numbers)]
    for number, row, label in zip(numbers, matrix, labels):
        cells = "".join(f"{value:>7.3f}" for value in row)
        lines.append(f"{number:>{width}}{cells}  {label}")
    return lines


def _one_line(text):
    return " ".join(text.split())


def _shortened(text):
    return text if len(text) <= _MOST_CHARACTERS else text[: _MOST_CHARACTERS - 1].rstrip() + "…"
