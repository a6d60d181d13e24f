"""A classifier's .tflite file in every scheme, for the tests of the places that run it.

It is a small one, unless PLACES_MODEL is the folder of another and PLACES_DATA its labelled data:

    PLACES_MODEL=my_model PLACES_DATA=dev.tsv python -m pytest -rP tests/export/test_arm.py

then these tests ask it 200 texts, and `-rP` shows the largest differences.
"""

import fcntl
import json
import os
import types

import numpy as np
from conftest import toy_rows

from keras_bert.export.export import export
from keras_bert.export.recipes import RECIPES
from keras_bert.export.runners import open_exported
from keras_bert.opening import open_with_examples
from keras_bert.text.padding import TokenizedTexts

SCHEMES = ("none", "float16", "dynamic", "int4", "int8", "int16x8", "int8_full")
# Of the Task Library, which knows one scale a matrix only.
PER_TENSOR = "dynamic per tensor"
# How far the answers of two runtimes may be apart on the same file: float kernels differ in the
# order of their sums, and what is rounded after them may go to the other side.
TOLERANCE = {"none": 1e-5, "float16": 1e-5}
USUAL_TOLERANCE = 1e-3
MODEL, DATA = os.environ.get("PLACES_MODEL"), os.environ.get("PLACES_DATA")
COUNT = 200


def _texts():
    # Tokenizers elsewhere lower ASCII letters only.
    if DATA:
        texts = open_with_examples(MODEL, DATA)[2].texts
        return [text for text in texts if text.isascii()][:COUNT]
    one_is_too_long = ["A superb, lovely FILM!", "it's awful; don't go", "dull plot " * 60]
    return one_is_too_long + [text for _, text in toy_rows(40, seed=5)]


TEXTS = _texts()


def placed_file(request, scheme):
    """Returns a classifier's file in a scheme, and the answers of LiteRT here.

    Each file is written once for all the tests of a run, in all its processes.

    Args:
        request: pytest's, of the test.
        scheme: one of `SCHEMES`, or `PER_TENSOR`.

    Returns:
        An object: `path`; `labels`; `inputs`, dict of on-device name to int32 array, one row for
        each of `TEXTS`; `scores`, the probabilities of each label, float32.
    """
    folder = request.getfixturevalue("tmp_path_factory").getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    path = folder / f"placed {scheme}.tflite"
    with open(path.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            model, data = MODEL, DATA
            if not model:
                toy = request.getfixturevalue("toy")
                model, data = toy.model, toy.dev
            _write(model, data, path, scheme)
    runner = open_exported(path)
    return types.SimpleNamespace(
        path=path,
        labels=runner.config.labels,
        inputs=token_inputs(runner, TEXTS),
        scores=runner.probabilities(TEXTS),
    )


def _write(model, data, path, scheme):
    settings = {"quantize": scheme}
    if scheme == PER_TENSOR:
        settings = {"quantize": "dynamic", "per_tensor": True}
    if RECIPES[settings["quantize"]].weight_bits <= 8:
        settings["calibration"] = data
    export(model, output=path, format="tflite", verify=False, **settings)


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


def check_scores(found, placed, scheme):
    """Asserts that scores equal those of LiteRT here, and that they decide for the same labels."""
    found = np.array(found, "float32").reshape(placed.scores.shape)
    same = found.argmax(-1) == placed.scores.argmax(-1)
    largest = np.abs(found - placed.scores).max()
    print(f"{scheme}: same label on {same.sum()} of {len(same)}, largest difference {largest:.1e}")
    assert same.all()
    assert largest <= TOLERANCE.get(scheme, USUAL_TOLERANCE)
