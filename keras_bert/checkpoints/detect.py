"""Detects the format of a checkpoint and opens it."""

import glob
import os

from keras_bert.checkpoints import sentence_transformers
from keras_bert.config import read_json_object
from keras_bert.errors import InputError

_PICKLE_ENDINGS = (".bin", ".pt", ".pth", ".pkl", ".pickle")


def open_checkpoint(path, labels=None):
    """Opens pretrained weights, whatever format they are in.

    Args:
        path: a Hugging Face folder (safetensors or `tf_model.h5`, also of sentence-transformers),
            or its file of weights; a Google folder (`bert_config.json` and `*.ckpt`, TF1 or TF2),
            or its checkpoint's prefix or `.index` file; or a keras-hub preset folder.
        labels: list of str, names of a classifier's classes in place of those that it states.

    Returns:
        A `Checkpoint`.

    Raises:
        InputError: nothing is there, or it is damaged or not a BERT; the message names the file.
    """
    from keras_bert.checkpoints import google, huggingface, keras_hub

    path = os.fspath(path)
    if os.path.isdir(path):
        config_path = os.path.join(path, "config.json")
        config = read_json_object(config_path) if os.path.isfile(config_path) else {}
        if "class_name" in config:
            return keras_hub.open_folder(path)
        if "model_type" in config and not _only_google_can_be_read(path):
            return huggingface.open_folder(path)
        old = os.path.isfile(os.path.join(path, "bert_config.json"))
        if old and (glob.glob(_in(path, "*.index")) or not glob.glob(_in(path, "*.safetensors"))):
            return google.open_prefix(google.find_prefix(path), labels)
        if old or {"hidden_size", "num_hidden_layers"} <= config.keys():
            return huggingface.open_folder(path)
        if os.path.isfile(config_path):
            raise InputError(
                f"{config_path}: neither Hugging Face's (it has no model_type) nor keras-hub's "
                f"(it has no class_name)"
            )
        inner = sentence_transformers.transformer_folder(path)
        if inner is not None:
            return huggingface.open_folder(inner, path)
        raise InputError(f"{path}: no config.json and no bert_config.json in this folder")
    if path.endswith((".safetensors", ".safetensors.index.json", "tf_model.h5")):
        return huggingface.open_folder(path)
    prefix = path.removesuffix(".index")
    if os.path.isfile(prefix + ".index"):
        return google.open_prefix(prefix, labels)
    if not os.path.exists(path):
        raise InputError(f"{path}: no such file, folder or checkpoint")
    if path.endswith(_PICKLE_ENDINGS):
        raise InputError(
            f"{path}: not read, because a pickle can run any code; convert it to safetensors first "
            f"(save_pretrained of transformers does), and give its folder"
        )
    if path.endswith((".tflite", ".onnx")):
        raise InputError(f"{path}: is an exported file: give the model folder that it was made of")
    raise InputError(f"{path}: not a checkpoint in a known format; give its folder")


def _only_google_can_be_read(folder):
    """Returns whether a folder of Hugging Face's has a checkpoint of Google's and only pickles."""
    both = os.path.isfile(os.path.join(folder, "bert_config.json"))
    readable = [*glob.glob(_in(folder, "*.safetensors*")), *glob.glob(_in(folder, "tf_model.h5"))]
    return both and bool(glob.glob(_in(folder, "*.ckpt.index"))) and not readable


def _in(folder, pattern):
    return os.path.join(glob.escape(folder), pattern)
