"""Weights that transformers' TensorFlow classes saved: `tf_model.h5`, or safetensors.

They have TensorFlow's names (`bert/encoder/layer_._0/…/kernel:0`) and layout: kernels are (inputs,
outputs). Here they get the names and the layout of PyTorch's, which one map then reads. Source:
transformers 4, modeling_tf_pytorch_utils.py, convert_tf_weight_name_to_pt_weight_name.
"""

import re

from keras_bert.checkpoints import hdf5_file
from keras_bert.errors import InputError

# The attributes of a model that hold weights. In an HDF5 file its layer's and the model's name
# come before them, in safetensors they may be missing.
_ROOTS = {"bert", "classifier", "qa_outputs", "mlm___cls", "nsp___cls", "cls"}
_ANCHOR = re.compile(r"(?:|.*/)embeddings/word_embeddings/(?:weight|embeddings)(?::0)?")


class Hdf5File:
    """The arrays of an HDF5 file, as `SafetensorsFiles` has those of safetensors."""

    def __init__(self, path):
        self.path = path
        try:
            self.shapes = hdf5_file.list_datasets(path)
        except InputError as error:
            where = "the weights of transformers' TensorFlow classes cannot be read"
            raise InputError(f"{error} ({where})") from None

    def read(self, key):
        return hdf5_file.read_dataset(self.path, key)


class InPyTorchsNames:
    """Files of TensorFlow's names as if PyTorch had written them.

    Args:
        files: `SafetensorsFiles` or `Hdf5File`.

    Attributes:
        path: the file.
        shapes: dict from PyTorch's names to shapes in its layout.

    Raises:
        InputError: two arrays are one weight.
    """

    def __init__(self, files):
        self.path = files.path
        self._files = files
        self._keys = {}
        self.shapes = {}
        for key in files.shapes:
            name = _translated(key)
            if name in self._keys:
                # The masked-LM head holds the embeddings too, in a group of its own.
                kept = self._keys[name][0]
                if files.shapes[kept] != files.shapes[key]:
                    raise InputError(f"{files.path}: {kept} and {key} are the same weight")
                if not kept.startswith("mlm___cls/"):
                    continue
            transposed = _is_kernel(key)
            shape = tuple(files.shapes[key])
            self._keys[name] = key, transposed
            self.shapes[name] = shape[::-1] if transposed else shape

    def read(self, name):
        """Returns a tensor in PyTorch's layout."""
        key, transposed = self._keys[name]
        value = self._files.read(key)
        return value.T if transposed else value


def has_tensorflow_names(shapes):
    """Returns whether the names of some weights are TensorFlow's."""
    return any(_ANCHOR.fullmatch(key) for key in shapes)


def _is_kernel(key):
    return key.removesuffix(":0").endswith("/kernel")


def _translated(key):
    parts = key.removesuffix(":0").split("/")
    roots = [index for index, part in enumerate(parts) if part in _ROOTS]
    if roots:
        parts = parts[roots[-1] :]
    parts[0] = parts[0].removeprefix("mlm___").removeprefix("nsp___")
    name = re.sub(r"\.layer_\._(\d+)\.", r".layer.\1.", ".".join(parts))
    for tensorflow, pytorch in (
        (".kernel", ".weight"),
        (".gamma", ".weight"),
        (".beta", ".bias"),
        ("_embeddings.embeddings", "_embeddings.weight"),
    ):
        if name.endswith(tensorflow):
            return name.removesuffix(tensorflow) + pytorch
    return name
