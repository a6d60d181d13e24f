"""Similarity of a word's uses in several sentences, or of sentences: cosines and a heat map.

A word's vector is the mean over its pieces at its place in the sentence; whole words only. Without
a word, sentences are compared by the mean of all their tokens. Vectors of several layers are
concatenated.
"""

import dataclasses
import importlib

import numpy as np

from keras_bert.embedding.sources import (
    SourceSettings,
    check_output,
    cut_notes,
    features_of,
    load_encoder,
    read_texts,
)
from keras_bert.errors import InputError, name_of
from keras_bert.settings import setting

# More could not be distinguished in a picture, or read in a table.
_MOST = 100
_MOST_CHARACTERS = 50


@dataclasses.dataclass(frozen=True, kw_only=True)
class SimilaritySettings(SourceSettings):
    """What `similarity` takes."""

    word: str | None = setting(None, "the word to compare (default: compare the sentences)")
    output: str | None = setting(
        None, "the .png file to draw (default: only print a table)", is_path=True
    )


def similarity(layout=None, **settings):
    """Compares a word's places in several texts, or the texts.

    Args:
        layout: `FileLayout` of the input file; None for its defaults.
        **settings: of `SimilaritySettings`: `model`, `text`, `word`, `output`, `layers`, ….

    Returns:
        A dict: `word`; `layers`; `items`, a list of dicts, the things compared; `similarities`, a
        list of lists of cosines; `output`, the picture; `notes`, what a user should know.

    Raises:
        InputError: a file is broken, or there are fewer than two things to compare.
    """
    settings = SimilaritySettings(**settings)
    word = settings.word
    if word is not None and not word.strip():
        raise InputError(f"{name_of('word')} is empty")
    if settings.output is not None:
        check_output(settings, ".png")
        # If it is missing, this is reported now and not after the work.
        importlib.import_module("matplotlib")
    source = read_texts(settings, layout)
    if source.texts_b is not None:
        raise InputError(
            f"{settings.input}: has pairs, but single texts are compared: name one column with "
            f"{name_of('text_column')}"
        )
    _check_count(len(source.texts), "texts")
    bert = load_encoder(settings)
    if word is None:
        items, vectors, notes = _sentences(settings, source, bert)
    else:
        items, vectors, notes = _words(word, settings, source, bert)
    _check_count(len(items), "places of the word")
    from keras_bert.embedding.vectors import cosines

    matrix = cosines(vectors)
    if settings.output is not None:
        notes += _draw(matrix, [item["label"] for item in items], settings)
    return {
        "word": word,
        "layers": settings.layers,
        "items": items,
        "similarities": matrix.tolist(),
        "output": settings.output,
        "notes": [*bert.notes, *notes],
    }


def _draw(matrix, labels, settings):
    """Draws the heat map; returns notes on it."""
    from keras_bert.embedding.heat_map import draw_heat_map
    from keras_bert.pictures.figures import font_note

    layers = settings.layers
    title = "sentences" if settings.word is None else f"“{_one_line(settings.word)}”"
    title += f", layer{'s' * (len(layers) > 1)} {', '.join(map(str, layers))}"
    if draw_heat_map(matrix, labels, settings.output, title):
        return []
    return [font_note(settings.output)]


def _check_count(count, what):
    if count < 2:
        raise InputError(f"{what}: {count}: give two or more to compare")
    if count > _MOST:
        raise InputError(
            f"{what}: {count}: at most {_MOST} can be shown; `embed` writes vectors of more"
        )


def _words(word, settings, source, bert):
    """Returns the word's places, their vectors, and notes."""
    if not hasattr(bert, "encoder"):
        raise InputError(f"needs vectors of tokens, which {settings.model} has not", "word")
    from keras_bert.embedding.features import embed
    from keras_bert.embedding.occurrences import find_occurrences, in_context

    length = bert.config.max_length if settings.length is None else settings.length
    occurrences = find_occurrences(word, source.texts, source.names, bert.tokenizer, length)
    states = embed(
        bert,
        source.texts,
        None,
        "tokens",
        settings.layers,
        length=length,
        batch_size=settings.batch_size,
    )
    items, vectors, unknown = [], [], False
    for place in occurrences:
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
        notes.append(f"the vocabulary cannot spell {word!r}: the vectors compared are of [UNK]")
    return items, np.stack(vectors), notes


def _sentences(settings, source, bert):
    """Returns the sentences, their vectors, and notes."""
    features = features_of(
        bert,
        source.texts,
        layers=settings.layers,
        length=settings.length,
        batch_size=settings.batch_size,
    )
    vectors = np.concatenate(list(features.blocks()))
    items = [
        {"label": _shortened(_one_line(text)), "text": text, "number": number}
        for number, text in enumerate(source.texts, start=1)
    ]
    return items, vectors, cut_notes(features, bert, settings.length)


def _one_line(text):
    return " ".join(text.split())


def _shortened(text):
    return text if len(text) <= _MOST_CHARACTERS else text[: _MOST_CHARACTERS - 1].rstrip() + "…"
