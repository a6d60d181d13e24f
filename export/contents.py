"""The files inside every exported format: vocabulary, labels and configuration."""

import dataclasses
import json

from keras_bert.errors import InputError

VOCABULARY_FILE = "vocab.txt"
LABELS_FILE = "labels.txt"
CONFIG_FILE = "keras_bert.json"
# How good the file is, where `export` has compared it with its model.
PROOF_FILE = "proof.json"
OURS = (VOCABULARY_FILE, LABELS_FILE, CONFIG_FILE, PROOF_FILE)
# Their folder in a SavedModel, which TensorFlow does not read.
EXTRA_FOLDER = "assets.extra"

# On-device names of the model's inputs, those of the TFLite Task Library.
TFLITE_INPUTS = ("ids", "segment_ids", "mask")


def exported_files(bert, length):
    """Returns the files that make an exported model complete.

    Args:
        bert: a `Bert`.
        length: the most tokens of a text; None or "dynamic" uses the model's `max_length`.

    Returns:
        A dict of file name to bytes.

    Raises:
        InputError: `length` is over the position table.
    """
    config = dataclasses.replace(bert.config, tokenizer=bert.tokenizer.get_config())
    if length not in (None, "dynamic"):
        settings = bert.task.settings_for(config.settings, length)
        config = dataclasses.replace(config, max_length=length, settings=settings)
    labels = {LABELS_FILE: _lines(bert.config.labels)} if bert.config.labels else {}
    return {
        VOCABULARY_FILE: _lines(bert.tokenizer.vocabulary),
        **labels,
        CONFIG_FILE: config.to_json().encode(),
    }


def proof_of(files):
    """Returns the proof among the files of an exported model, a dict; None if there is none.

    Raises:
        InputError: it is no JSON object.
    """
    if PROOF_FILE not in files:
        return None
    proof = json.loads(files[PROOF_FILE])
    if not isinstance(proof, dict):
        raise InputError(f"{PROOF_FILE} is not a JSON object")
    return proof


def _lines(texts):
    return "".join(f"{text}\n" for text in texts).encode()
