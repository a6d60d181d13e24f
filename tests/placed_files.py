"""A small classifier's .tflite file in every scheme, for the tests of the places that run it."""

import json
import pathlib
import types

import numpy as np
from conftest import toy_rows

from keras_bert.export.export import export
from keras_bert.export.runners import open_exported
from keras_bert.text.padding import TokenizedTexts

SCHEMES = ("none", "float16", "dynamic", "int4", "int8", "int16x8", "int8_full")
# How far the answers of two runtimes may be apart on the same file: float kernels differ in the
# order of their sums; with fewer bits, in how they round too.
TOLERANCE = {"none": 1e-5, "float16": 1e-5, "dynamic": 1e-3}
# Tokenizers elsewhere lower ASCII letters only, so all texts are ASCII.
TEXTS = ["A superb, lovely FILM!", "it's awful; don't go", *(text for _, text in toy_rows(40, 5))]


def placed_file(model, folder, scheme, **settings):
    """Writes a model as a .tflite file and answers with it on LiteRT here.

    Args:
        model: path of a classifier's folder.
        folder: where the file is written.
        scheme: its quantization.
        **settings: others of `export`.

    Returns:
        An object: `path`; `labels`; `inputs`, dict of on-device name to int32 array, one row for
        each of `TEXTS`; `scores`, the probabilities of each label, float32.
    """
    path = pathlib.Path(folder) / f"{scheme}.tflite"
    export(model, output=path, format="tflite", quantize=scheme, **settings)
    runner = open_exported(path)
    return types.SimpleNamespace(
        path=path,
        labels=runner.config.labels,
        inputs=token_inputs(runner, TEXTS),
        scores=runner.probabilities(TEXTS),
    )


def token_inputs(runner, texts):
    """Returns the inputs of a classifier's file for texts, by on-device name, a row each."""
    examples = runner.task.examples_from(list(texts), None)
    rows = runner.task.rows(examples, runner.tokenizer, runner.config)
    padded = TokenizedTexts(rows.encodings, runner.config.max_length, runner.tokenizer.pad_id)
    batch = padded.batch(range(len(texts)), runner.fixed_length)
    ours = {"ids": "token_ids", "segment_ids": "segment_ids", "mask": "padding_mask"}
    return {theirs: batch[name] for theirs, name in ours.items()}


def write_inputs(path, inputs):
    """Writes inputs as JSON."""
    path.write_text(json.dumps({name: values.tolist() for name, values in inputs.items()}))


def check_scores(found, placed, tolerance):
    """Asserts that scores equal those of LiteRT here, and that they decide for the same labels."""
    found = np.array(found, "float32").reshape(placed.scores.shape)
    np.testing.assert_allclose(found, placed.scores, rtol=0, atol=tolerance)
    assert (found.argmax(-1) == placed.scores.argmax(-1)).all()
