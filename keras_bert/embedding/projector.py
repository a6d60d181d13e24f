"""Vectors and their texts as TensorBoard's embedding projector reads them.

A folder with projector_config.pbtxt, tensors.tsv (a vector a line) and metadata.tsv (a header, then
a line for each vector): `tensorboard --logdir=FOLDER` shows it.

Source: tensorboard 2.21, plugins/projector/projector_config.proto and projector_plugin.py.
"""

import contextlib
import os
import re

import numpy as np

from keras_bert.files import check_replaceable, replacing_folder

_CONFIG, _METADATA = "projector_config.pbtxt", "metadata.tsv"
_OURS = re.compile(r"projector_config\.pbtxt|metadata\.tsv|tensors(_layer_\d+)?\.tsv")
# Nine digits are enough for every float32 (Steele and White 1990).
_NUMBER = "%.9g"
# What one number and its tab need at most: -1.23456789e-38.
BYTES_A_NUMBER = 16
# What ends a line or a field, for TensorBoard or for Python's readers of lines.
_ESCAPES = {
    "\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\v": "\\v", "\f": "\\f",
    "\x1c": "\\x1c", "\x1d": "\\x1d", "\x1e": "\\x1e", "\x85": "\\x85", "\u2028": "\\u2028",
    "\u2029": "\\u2029",
}  # fmt: skip
_TABLE = str.maketrans(_ESCAPES)


def check_projector(folder):
    """Raises InputError if the folder cannot be written or replaced."""
    check_replaceable(folder, _is_ours)


@contextlib.contextmanager
def writing_projector(folder, layers=()):
    """Yields a `ProjectorWriter`; the folder appears only if the block succeeds.

    Args:
        folder: the folder to write; an older one of the same kind is replaced.
        layers: the numbers of the layers, where a vector has several: each is a tensor of its own.

    Raises:
        InputError: the folder holds other files, or cannot be written.
    """
    names = [f"layer_{layer}" for layer in layers] if len(layers) > 1 else [""]
    with replacing_folder(folder, _is_ours) as temporary, contextlib.ExitStack() as stack:
        paths = [f"tensors_{name}.tsv" if name else "tensors.tsv" for name in names]
        files = [
            stack.enter_context(open(os.path.join(temporary, path), "w", encoding="ascii"))
            for path in paths
        ]
        metadata = stack.enter_context(
            open(os.path.join(temporary, _METADATA), "w", encoding="utf-8", newline="\n")
        )
        with open(os.path.join(temporary, _CONFIG), "w", encoding="ascii") as config:
            for name, path in zip(names, paths):
                config.write(
                    f'embeddings {{\n  tensor_name: "{name or "vectors"}"\n'
                    f'  tensor_path: "{path}"\n  metadata_path: "{_METADATA}"\n}}\n'
                )
        yield ProjectorWriter(files, metadata)


class ProjectorWriter:
    """Writes vectors and what they are of, both in their order.

    Args:
        files: one text file for each layer.
        metadata: text file.
    """

    def __init__(self, files, metadata):
        self._files, self._metadata = files, metadata

    def add(self, vectors):
        """Writes vectors, float array of shape (count, width) or (count, layers, width)."""
        vectors = np.asarray(vectors)
        for number, file in enumerate(self._files):
            np.savetxt(file, vectors if vectors.ndim == 2 else vectors[:, number], _NUMBER, "\t")

    def add_row(self, *cells):
        """Writes a line of the metadata: the header first; two cells or more."""
        self._metadata.write("\t".join(_cell(cell) for cell in cells) + "\n")


def _cell(value):
    # A lone surrogate, which JSON can hold, has no UTF-8.
    text = str(value).translate(_TABLE)
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _is_ours(folder):
    names = os.listdir(folder)
    return _CONFIG in names and all(_OURS.fullmatch(name) for name in names)
