"""The files inside every exported format: vocabulary, labels and configuration."""

import dataclasses

VOCABULARY_FILE = "vocab.txt"
LABELS_FILE = "labels.txt"
CONFIG_FILE = "keras_bert.json"
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


def _lines(texts):
    return "".join(f"{text}\n" for text in texts).encode()
