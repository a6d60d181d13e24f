"""The readers of models, records and a run's state: what is damaged of each, and what reads it."""

import functools
import os

import mutations

_DATA = ".data-00000-of-00001"
_RAW, _TEXT, _JSON = mutations.RAW, mutations.TEXT, mutations.TEXT_JSON
_KINDS = {
    ".json": _JSON,
    ".txt": _TEXT,
    ".tfrecord": (*_RAW, *["records"] * 7),
    ".npz": (*_RAW, *["zip"] * 7),
    ".keras": (*_RAW, *["zip"] * 7),
    ".tflite": (*_RAW, "zip", "zip"),
    ".safetensors": (*_RAW, *["safetensors"] * 7),
    ".index": (*_RAW, *["index"] * 7),
}


def kinds_of(name):
    """Returns the kinds of damage that suit a file, by its name."""
    return _KINDS.get(os.path.splitext(name)[1], _RAW)


def _checkpoint(path):
    from keras_bert.checkpoints import open_checkpoint
    from keras_bert.checkpoints.tasks import model_fields
    from keras_bert.model_folder import ModelConfig
    from keras_bert.text.tokenizer import WordPieceTokenizer

    checkpoint = open_checkpoint(path)
    tokens = checkpoint.read_vocabulary()
    fields, _ = model_fields(checkpoint, False)
    ModelConfig(encoder=checkpoint.config, **fields)
    for name in checkpoint.shapes:
        checkpoint.read(name)
    if tokens is not None:
        WordPieceTokenizer(tokens, **checkpoint.tokenizer_switches)


def _description(path):
    from keras_bert.description import read_description

    _, tokenizer = read_description(path)
    tokenizer.encode("a good b")


@functools.cache
def _network():
    from keras_bert.bert import build_model
    from keras_bert.model_folder import read_config

    return build_model(read_config(os.path.join(SEEDS, "model_folder")))


def _weights(path):
    from keras_bert.checkpoints.weights_file import check_size, load_weights
    from keras_bert.model_folder import WEIGHTS_FILE, read_config

    weights = os.path.join(path, WEIGHTS_FILE)
    check_size(weights, read_config(os.path.join(SEEDS, "model_folder")).encoder)
    load_weights(_network(), weights)


def _keras_file(path):
    from keras_bert.keras_file import extracted

    with extracted(os.path.join(path, "model.keras")) as folder:
        _description(folder)
        _weights(folder)


def _loaded(path):
    import keras

    import keras_bert

    keras_bert.load(path)
    keras.backend.clear_session()


def _records(path):
    from keras_bert.pretraining.batches import PretrainingBatches

    batches = PretrainingBatches(path, 4)
    for step in (0, 5):
        batches[step]
        batches.counts(step)


@functools.cache
def _run():
    import model_seeds

    return model_seeds.small_run()


def _state(path):
    from keras_bert.training.checkpoints import Checkpoints

    Checkpoints(path, "run").restore(_run())


def _exported(name):
    def read(path):
        from keras_bert.export.runners import open_exported

        model = open_exported(os.path.join(path, name))
        model.predict(["a good b", "bad"])

    return read


# Where the seeds are; set by the worker.
SEEDS = None
# Name: (the seed's folder, the files that are damaged, by their ending or name; function).
READERS = {
    "description": ("model_folder", (".json", ".txt"), _description),
    "weights": ("model_folder", (".h5",), _weights),
    "model_folder": ("model_folder", (".json", ".txt", ".h5"), _loaded),
    "keras_file": ("keras_file", (".keras",), _keras_file),
    "huggingface": ("huggingface", (".json", ".txt", ".safetensors"), _checkpoint),
    "huggingface_shards": ("huggingface_shards", (".json", ".safetensors"), _checkpoint),
    "huggingface_tokenizer": ("hf_tiny_bert", (".json",), _checkpoint),
    "huggingface_tagger": ("hf_tiny_bert_tagger", (".json", ".safetensors"), _checkpoint),
    "google_tf1": ("tf1_ckpt_fixture", (".json", ".txt", ".index", ".index", _DATA), _checkpoint),
    "google": ("google", (".index", _DATA), _checkpoint),
    "keras_hub": ("keras_hub", (".json", ".txt", ".h5"), _checkpoint),
    "records": ("records", (".json", ".txt", ".tfrecord"), _records),
    "state": ("state", (".npz",), _state),
    "tflite": ("tflite", (".tflite",), _exported("model.tflite")),
    "onnx": ("onnx", (".onnx",), _exported("model.onnx")),
    "saved_model": ("saved_model", (".pb", ".index", ".json", ".txt", _DATA), _exported("model")),
}  # fmt: skip
