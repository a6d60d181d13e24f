"""The weights of a Hugging Face folder: which file, and what its tensors are."""

import os

from keras_bert.checkpoints import names
from keras_bert.checkpoints.huggingface_heads import ARCHITECTURES
from keras_bert.checkpoints.safetensors_files import SafetensorsFiles
from keras_bert.checkpoints.transformers_tf import (
    Hdf5File,
    InPyTorchsNames,
    has_tensorflow_names,
)
from keras_bert.errors import InputError
from keras_bert.guesses import guess

_ANCHOR = "embeddings.word_embeddings.weight"
_ENCODER_PARTS = ("embeddings.", "encoder.", "pooler.")
# Buffers, not weights: files of transformers before 4.31 hold them.
_BUFFERS = {"embeddings.position_ids", "embeddings.token_type_ids"}
# The bias of the masked-LM head under the name of its last layer's, which it is tied to.
_DECODER_BIAS = "cls.predictions.decoder.bias"
_PICKLES = (".bin", ".pt", ".pth", ".pkl", ".msgpack")
_NAMES_SHOWN = 4


def find_weights(folder):
    """Returns the path of the weights of a folder: safetensors, else those of TensorFlow.

    Raises:
        InputError: there are none, or only some that can run code.
    """
    for name in ("model.safetensors", "model.safetensors.index.json", "tf_model.h5"):
        if os.path.isfile(os.path.join(folder, name)):
            return os.path.join(folder, name)
    names = sorted(os.listdir(folder))
    others = [name for name in names if name.endswith(".safetensors")]
    others = [name for name in others if not name.startswith("adapter_")]
    if len(others) == 1:
        guess(f"no model.safetensors: {others[0]} has the weights", place=folder)
        return os.path.join(folder, others[0])
    pickles = [name for name in names if name.endswith(_PICKLES)]
    pickles.sort(key=lambda name: not name.startswith("pytorch_model"))
    if pickles:
        raise InputError(
            f"{os.path.join(folder, pickles[0])}: not read, because a pickle can run any code; "
            f"convert it to model.safetensors first, if you trust it and where transformers is "
            f"installed: AutoModel.from_pretrained(folder).save_pretrained(folder), with the "
            f"class of its head instead of AutoModel if it has one"
        )
    raise InputError(f"{os.path.join(folder, 'model.safetensors')}: no such file")


def open_weights(path):
    """Opens a file of weights; returns an object with `path`, `shapes` and `read(key)`."""
    files = Hdf5File(path) if path.endswith(".h5") else SafetensorsFiles(path)
    return InPyTorchsNames(files) if has_tensorflow_names(files.shapes) else files


def check_kind(data, files, config_path):
    """Returns notes on a config that does not state that it is of a BERT."""
    if "model_type" in data:
        return []
    anchors = [key for key in files.shapes if key.endswith(_ANCHOR)]
    stated = data.get("architectures")
    stated = stated if isinstance(stated, list) else []
    others = [name for name in stated if "Bert" not in str(name) or "Roberta" in str(name)]
    prefixes = {key.removesuffix(_ANCHOR).rpartition("bert.")[2] for key in anchors}
    if others or prefixes != {""} or any("roberta." in key for key in anchors):
        raise InputError(
            f"{config_path}: has no model_type, and its architectures and tensors are not those "
            f"of a BERT"
        )
    return [guess("no model_type: by its keys and tensors it is a BERT", place=config_path)]


def left_out(keys, unknown, architecture, path):
    """Returns notes on the tensors that nothing here uses.

    Args:
        keys, unknown: of `canonical_keys`.
        architecture: name of transformers' class, or None.
        path: for messages.
    """
    heads = {*ARCHITECTURES.get(architecture, ()), *names.PRETRAINING}
    unused = [
        key for name, key in keys.items() if not name.startswith("bert/") and name not in heads
    ]
    unused = sorted([*unused, *unknown])
    if not unused:
        return []
    shown = ", ".join(unused[:_NAMES_SHOWN]) + (", …" if len(unused) > _NAMES_SHOWN else "")
    some = "tensor is" if len(unused) == 1 else "tensors are"
    return [guess(f"{len(unused)} {some} of no part that this version has: {shown}", place=path)]


def canonical_keys(files):
    """Names the weights of a file.

    Args:
        files: with `path` and `shapes`.

    Returns:
        A tuple: dict from canonical name to the file's key, where a `classifier` counts as that
        of a text; list of the keys that have no such name, buffers left out.

    Raises:
        InputError: there is no BERT in it, or several, or a weight is there twice.
    """
    anchors = [key for key in files.shapes if key == _ANCHOR or key.endswith("." + _ANCHOR)]
    if len(anchors) != 1:
        found = f"{len(anchors)} of them: {', '.join(anchors)}" if anchors else "none"
        raise InputError(f"{files.path}: expected one tensor {_ANCHOR}, found {found}")
    prefix = anchors[0].removesuffix(_ANCHOR)
    # `bert.` is the encoder's attribute in a model with a head; the head is another attribute.
    head_prefix = prefix.removesuffix("bert.")
    keys, unknown = {}, []
    for key in files.shapes:
        inner = key.removeprefix(prefix)
        in_encoder = key.startswith(prefix) and (prefix or inner.startswith(_ENCODER_PARTS))
        if in_encoder and inner in _BUFFERS:
            continue
        name = None
        if in_encoder:
            name = names.from_huggingface("bert." + inner)
        elif key.startswith(head_prefix):
            name = names.from_huggingface(key.removeprefix(head_prefix))
        if name in keys and key.endswith(_DECODER_BIAS):
            continue
        if name in keys and keys[name].endswith(_DECODER_BIAS):
            del keys[name]
        if name in keys:
            raise InputError(f"{files.path}: {keys[name]} and {key} are the same weight")
        if name is None:
            unknown.append(key)
        else:
            keys[name] = key
    return keys, unknown
