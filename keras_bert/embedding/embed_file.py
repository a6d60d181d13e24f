"""Vectors of many texts, or of their tokens, in an .npz file."""

import dataclasses
import functools
import math
import os

import numpy as np

from keras_bert.embedding.sources import (
    SourceSettings,
    check_output,
    cut_notes,
    load_encoder,
    read_texts,
)
from keras_bert.embedding.vectors import POOLINGS
from keras_bert.errors import name_of
from keras_bert.progress import Progress
from keras_bert.settings import REQUIRED, setting


@dataclasses.dataclass(frozen=True, kw_only=True)
class EmbedSettings(SourceSettings):
    """What `embed` takes."""

    text_b: list | None = setting(
        None, "the second text of a pair; one for each --text", repeated=True
    )
    output: str = setting(REQUIRED, "the .npz file to write", is_path=True)
    pooling: str = setting(
        "mean", "how token vectors become a text's vector: " + ", ".join(POOLINGS), choices=POOLINGS
    )
    normalize: bool = setting(False, "scale vectors to length 1")


def embed_file(layout=None, **settings):
    """Writes vectors of texts to a file; `keras_bert.embedding.features.embed` returns them.

    Args:
        layout: `FileLayout` of the input file; None for its defaults.
        **settings: of `EmbedSettings`: `model`, `input`, `output`, `pooling`, `layers`, ….

    Returns:
        A dict: `output`, `count`, `shape`, `pooling`, `layers`, `normalized`, `bytes`; `cut`, the
        number of texts that were too long; and `notes`, what a user should know.

    Raises:
        InputError: a file is broken, there is no such layer, or the disk has too little room.
    """
    settings = EmbedSettings(**settings)
    check_output(settings, ".npz")
    source = read_texts(settings, layout, settings.text_b)
    bert = load_encoder(settings)
    from keras_bert.embedding.features import Features
    from keras_bert.embedding.npz import writing_npz

    features = Features(
        bert,
        source.texts,
        source.texts_b,
        settings.pooling,
        settings.layers,
        settings.normalize,
        settings.length,
        settings.batch_size,
    )
    arrays, strings = _arrays(features, source, settings)
    _check_room(features, arrays, strings, settings.output)
    progress = Progress(len(source.texts))
    with writing_npz(settings.output) as npz:
        blocks = features.blocks(functools.partial(show_texts, progress))
        npz.add_blocks("vectors", "<f4", features.shape, blocks)
        for name, (dtype, blocks) in strings.items():
            npz.add_blocks(name, dtype, features.shape[:1], blocks())
        for name, array in arrays.items():
            npz.add(name, array)
    progress.clear()
    return {
        "output": settings.output,
        "count": len(source.texts),
        "shape": list(features.shape),
        "pooling": settings.pooling,
        "layers": list(features.layers),
        "normalized": settings.normalize,
        "cut": features.cut_count,
        "bytes": os.path.getsize(settings.output),
        "notes": [*bert.notes, *cut_notes(features, bert, settings.length)],
    }


def show_texts(progress, count):
    """Updates the progress line after some more texts.

    Args:
        progress: `Progress` of the texts.
        count: how many more texts are done.
    """
    progress.done += count
    if progress.is_due():
        progress.show(f"text {progress.done}/{progress.total}  {progress.speed('texts')}")


def _arrays(features, source, settings):
    """Returns the file's other contents: arrays, and strings that are made in blocks."""
    arrays, strings = {}, {}
    if features.sources is not None:
        arrays, strings = features.sources.arrays(), features.sources.strings()
    arrays.update(
        layers=np.array(features.layers, "int64"),
        pooling=np.array(settings.pooling),
        normalized=np.array(settings.normalize),
    )
    if source.lines is not None:
        arrays["lines"] = np.array(source.lines, "int64")
    return arrays, strings


def _check_room(features, arrays, strings, output):
    from keras_bert.embedding.npz import check_room

    size = math.prod(features.shape) * 4 + sum(array.nbytes for array in arrays.values())
    size += sum(np.dtype(dtype).itemsize for dtype, _ in strings.values()) * features.shape[0]
    fix = f"take fewer texts or {name_of('layers')}, or another {name_of('pooling')}"
    check_room(output, size, fix)
