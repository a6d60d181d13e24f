"""Detects the format of a checkpoint and opens it."""

import os

from keras_bert.config import read_json_object
from keras_bert.errors import InputError

_PICKLE_ENDINGS = (".bin", ".pt", ".pth", ".pkl", ".pickle")


def open_checkpoint(path):
    """Opens pretrained weights, whatever format they are in.

    Args:
        path: a Hugging Face folder, or its `.safetensors` file or `.safetensors.index.json`; a
            Google folder (`bert_config.json` and `*.ckpt`, TF1 or TF2), or its checkpoint's prefix
            or `.index` file; or a keras-hub preset folder.

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
        if "model_type" in config:
            return huggingface.open_folder(path)
        if os.path.isfile(os.path.join(path, "bert_config.json")):
            return google.open_prefix(google.find_prefix(path))
        if os.path.isfile(config_path):
            raise InputError(
                f"{config_path}: neither Hugging Face's (it has no model_type) nor keras-hub's "
                f"(it has no class_name)"
            )
        raise InputError(f"{path}: no config.json and no bert_config.json in this folder")
    if path.endswith((".safetensors", ".safetensors.index.json")):
        return huggingface.open_folder(path)
    prefix = path.removesuffix(".index")
    if os.path.isfile(prefix + ".index"):
        return google.open_prefix(prefix)
    if not os.path.exists(path):
        raise InputError(f"{path}: no such file, folder or checkpoint")
    if path.endswith(_PICKLE_ENDINGS):
        raise InputError(
            f"{path}: not read, because a pickle can run any code; convert it to safetensors first"
        )
    raise InputError(f"{path}: not a checkpoint in a known format; give its folder")
