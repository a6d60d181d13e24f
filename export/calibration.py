"""Texts on which the ranges of a quantized file are measured."""

import dataclasses
import os

import numpy as np

from keras_bert.errors import InputError
from keras_bert.export.contents import TFLITE_INPUTS
from keras_bert.files import check_path
from keras_bert.guesses import note
from keras_bert.tasks.file_layout import FileLayout
from keras_bert.tasks.in_hand import examples_of
from keras_bert.text.padding import TokenizedTexts

# More do not make ranges better: 32 do as well as 512.
MOST_ROWS = 128


def read_calibration(bert, data, layout=None):
    """Returns the examples of a calibration: at most `MOST_ROWS`, evenly spread over the file.

    Args:
        bert: a `Bert`; its task reads the file as labelled data.
        data: path of the file, or examples as `in_hand.examples_of` takes them.
        layout: `FileLayout` of the file; None for its defaults.

    Raises:
        InputError: there is no such file, no row in it, or it does not fit the model.
    """
    if isinstance(data, str | os.PathLike):
        check_path(data)
        name = os.fspath(data)
    else:
        name = "the calibration"
    examples = examples_of(bert.task, data, layout or FileLayout().for_scoring())
    if not len(examples):
        raise InputError(f"{name}: no rows: at least one is needed", "calibration")
    bert.task.check(examples, bert.config)
    if len(examples) <= MOST_ROWS:
        return examples
    note(f"{name}: {MOST_ROWS} of its {len(examples)} rows are used, evenly spread", "calibration")
    return examples.take(spread(len(examples), MOST_ROWS))


def inputs_of(bert, examples, length):
    """Returns what a TFLite file gets for the examples of a calibration.

    Args:
        bert: a `Bert`.
        examples: what `read_calibration` returned.
        length: tokens of the file's fixed shape.

    Returns:
        A list of at most `MOST_ROWS` dicts of int32 arrays of shape (1, length), by the on-device
        names of the inputs.
    """
    config = bert.config
    if length != config.max_length:
        settings = bert.task.settings_for(config.settings, length)
        config = dataclasses.replace(config, max_length=length, settings=settings)
    encodings = bert.task.rows(examples, bert.tokenizer, config).encodings
    # A text of many windows is many rows.
    encodings = [encodings[i] for i in spread(len(encodings), MOST_ROWS)]
    texts = TokenizedTexts(encodings, length, bert.tokenizer.pad_id)
    found = []
    for row in range(len(texts)):
        batch = texts.batch([row], length)
        values = (batch["token_ids"], batch["segment_ids"], batch["padding_mask"])
        found.append(dict(zip(TFLITE_INPUTS, values, strict=True)))
    return found


def spread(count, most):
    """Returns at most so many numbers below `count`, a list of int, evenly spread."""
    if count <= most:
        return list(range(count))
    return np.linspace(0, count - 1, most).round().astype(int).tolist()
