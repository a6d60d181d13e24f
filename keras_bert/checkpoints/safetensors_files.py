"""Tensors of one or several safetensors files, whose headers are checked before any is read."""

import os

from keras_bert.config import read_json_object
from keras_bert.errors import InputError
from keras_bert.reading import check_file
from keras_bert.stand_ins import check_is_itself


class SafetensorsFiles:
    """The tensors of `model.safetensors`, or of the shards that an index lists.

    Args:
        path: the `.safetensors` file or the `.safetensors.index.json`.

    Attributes:
        shapes: dict from key to shape.

    Raises:
        InputError: a file is missing, truncated or inconsistent; the message names it.
    """

    def __init__(self, path):
        self.path = path
        self._files = {}
        self.shapes = {}
        if path.endswith(".json"):
            self._open_shards()
        else:
            self._open(path)

    def read(self, key):
        """Returns a tensor in its stored type (bfloat16 as that of ml_dtypes).

        Raises:
            InputError: it cannot be read.
        """
        from safetensors import SafetensorError, safe_open

        path = self._files[key]
        try:
            with safe_open(path, framework="numpy") as file:
                return file.get_tensor(key)
        except (SafetensorError, OSError, TypeError, ValueError, AttributeError) as error:
            raise InputError(f"{path}: {key} cannot be read: {error}") from None

    def _open_shards(self):
        folder = os.path.dirname(self.path)
        weight_map = read_json_object(self.path).get("weight_map")
        if not isinstance(weight_map, dict):
            raise InputError(f"{self.path}: missing key weight_map")
        for shard in sorted(set(map(str, weight_map.values()))):
            # An index is untrusted; a shard's name must not lead out of the folder.
            if os.path.basename(shard) != shard:
                raise InputError(f"{self.path}: {shard!r} is not a file name")
            self._open(os.path.join(folder, shard))
        for key, shard in weight_map.items():
            if os.path.basename(self._files.get(key, "")) != shard:
                raise InputError(f"{self.path}: {key} is not in {shard}")

    def _open(self, path):
        from safetensors import SafetensorError, safe_open

        check_file(path, what="safetensors file")
        check_is_itself(path)
        try:
            # The package checks that the header is whole and that its tensors cover the file.
            with safe_open(path, framework="numpy") as file:
                for key in file.keys():  # noqa: SIM118 (the file is no dict)
                    self._files[key] = path
                    self.shapes[key] = tuple(file.get_slice(key).get_shape())
        except (SafetensorError, OSError, ValueError) as error:
            raise InputError(
                f"{path}: truncated or damaged safetensors file: {str(error).strip()}"
            ) from None
