"""Vectors of many texts, or of their tokens, in an .npz file."""

import contextlib
import dataclasses
import functools
import math
import os

import numpy as np

from keras_bert.embedding.projector import (
    BYTES_A_NUMBER,
    check_projector,
    writing_projector,
)
from keras_bert.embedding.sources import (
    SourceSettings,
    check_output,
    cut_notes,
    features_of,
    load_encoder,
    read_texts,
)
from keras_bert.embedding.vectors import POOLINGS
from keras_bert.errors import InputError, name_of
from keras_bert.pictures.figures import shortened
from keras_bert.progress import Progress
from keras_bert.settings import setting

# Of a text that is repeated for each of its tokens, in columns.
_LONGEST_TEXT = 80


@dataclasses.dataclass(frozen=True, kw_only=True)
class EmbedSettings(SourceSettings):
    """What `embed` takes."""

    text_b: list | None = setting(
        None, "the second text of a pair; one for each --text", repeated=True
    )
    output: str | None = setting(None, "the .npz file to write", is_path=True)
    projector: str | None = setting(
        None, "folder to write for TensorBoard's embedding projector", is_path=True
    )
    pooling: str | None = setting(
        None,
        "how token vectors become a text's vector (default: mean; of an exported encoder, its own)",
        choices=POOLINGS,
    )
    normalize: bool | None = setting(
        None, "scale vectors to length 1 (default: no; of an exported encoder, as it was exported)"
    )


def embed_file(layout=None, **settings):
    """Writes vectors of texts to a file; `keras_bert.embedding.features.embed` returns them.

    Args:
        layout: `FileLayout` of the input file; None for its defaults.
        **settings: of `EmbedSettings`: `model`, `input`, `output`, `pooling`, `layers`, ….

    Returns:
        A dict: `output` with its `bytes`, `projector`, `count`, `shape`, `pooling`, `layers`,
        `normalized`; `cut`, the number of texts that were too long; and `notes`, what a user should
        know.

    Raises:
        InputError: a file is broken, there is no such layer, or the disk has too little room.
    """
    settings = EmbedSettings(**settings)
    if settings.output is None and settings.projector is None:
        raise InputError(f"give {name_of('output')} or {name_of('projector')}")
    if settings.output is not None:
        check_output(settings, ".npz")
    if settings.projector is not None:
        if not settings.projector.strip():
            raise InputError("is empty", "projector")
        check_projector(settings.projector)
    source = read_texts(settings, layout, settings.text_b)
    bert = load_encoder(settings)
    from keras_bert.embedding.npz import writing_npz

    features = features_of(
        bert,
        source.texts,
        source.texts_b,
        settings.pooling,
        settings.layers,
        settings.normalize,
        settings.length,
        settings.batch_size,
    )
    arrays, strings = _arrays(features, source)
    _check_room(features, arrays, strings, settings)
    progress = Progress(len(source.texts))
    with contextlib.ExitStack() as stack:
        blocks = features.blocks(functools.partial(show_texts, progress))
        if settings.projector is not None:
            projector = stack.enter_context(writing_projector(settings.projector, features.layers))
            _describe(projector, features, source)
            blocks = _copied(blocks, projector)
        if settings.output is None:
            for _ in blocks:
                pass
        else:
            npz = stack.enter_context(writing_npz(settings.output))
            npz.add_blocks("vectors", "<f4", features.shape, blocks)
            for name, (dtype, parts) in strings.items():
                npz.add_blocks(name, dtype, features.shape[:1], parts())
            for name, array in arrays.items():
                npz.add(name, array)
    progress.clear()
    return {
        "output": settings.output,
        "projector": settings.projector,
        "count": len(source.texts),
        "shape": list(features.shape),
        "pooling": features.pooling,
        "layers": list(features.layers),
        "normalized": features.normalize,
        "cut": features.cut_count,
        "bytes": None if settings.output is None else os.path.getsize(settings.output),
        "notes": [*bert.notes, *cut_notes(features, bert, settings.length)],
    }


def _copied(blocks, projector):
    """Yields blocks of vectors, and writes each for the projector."""
    for block in blocks:
        projector.add(block)
        yield block


def _describe(projector, features, source):
    """Writes what each vector is of: its text, or its token, word and text."""
    numbers = source.lines or range(1, len(source.texts) + 1)
    number = "line" if source.lines else "number"
    texts_b = [[]] * len(source.texts)
    names = [number, "text"]
    if source.texts_b is not None:
        texts_b = [[text] for text in source.texts_b]
        names.append("text_b")
    rows = zip(numbers, source.texts, texts_b, strict=True)
    if features.sources is None:
        projector.add_row(*names)
        for n, text, text_b in rows:
            projector.add_row(n, text, *text_b)
        return
    projector.add_row("token", "word", *names)
    strings = features.sources.strings()
    tokens, words = (strings[name][1]() for name in ("tokens", "words"))
    for (n, text, text_b), *pieces in zip(rows, tokens, words, strict=True):
        shown = [shortened(each, _LONGEST_TEXT) for each in (text, *text_b)]
        for token, word in zip(*pieces, strict=True):
            projector.add_row(token, word, n, *shown)


def show_texts(progress, count):
    """Updates the progress line after some more texts.

    Args:
        progress: `Progress` of the texts.
        count: how many more texts are done.
    """
    progress.done += count
    if progress.is_due():
        progress.show(f"text {progress.done}/{progress.total}  {progress.speed('texts')}")


def _arrays(features, source):
    """Returns the file's other contents: arrays, and strings that are made in blocks."""
    arrays, strings = {}, {}
    if features.sources is not None:
        arrays, strings = features.sources.arrays(), features.sources.strings()
    arrays.update(
        layers=np.array(features.layers, "int64"),
        pooling=np.array(features.pooling),
        normalized=np.array(features.normalize),
    )
    if source.lines is not None:
        arrays["lines"] = np.array(source.lines, "int64")
    return arrays, strings


def _check_room(features, arrays, strings, settings):
    from keras_bert.embedding.npz import check_room

    fix = f"take fewer texts or {name_of('layers')}, or another {name_of('pooling')}"
    if settings.projector is not None:
        check_room(settings.projector, math.prod(features.shape) * BYTES_A_NUMBER, fix)
    if settings.output is None:
        return
    size = math.prod(features.shape) * 4 + sum(array.nbytes for array in arrays.values())
    size += sum(np.dtype(dtype).itemsize for dtype, _ in strings.values()) * features.shape[0]
    check_room(settings.output, size, fix)
