"""Reads `model.weights.h5` of a model folder, as an untrusted file."""

import math
import os
import warnings

import numpy as np

from keras_bert.checkpoints import names
from keras_bert.checkpoints.checkpoint import one_line
from keras_bert.errors import InputError
from keras_bert.stand_ins import check_is_itself


def check_size(path, config):
    """Compares a weights file's size with its config, before a model of that size is built.

    Args:
        path: the file.
        config: `BertConfig`.

    Raises:
        InputError: the file is missing, or too small for the weights of the config.
    """
    if not os.path.isfile(path):
        raise InputError(f"{path}: no such file")
    check_is_itself(path)
    count = sum(math.prod(shape) for shape in names.expected_shapes(config).values())
    size = os.path.getsize(path)
    if size < 4 * count:
        raise InputError(
            f"{path}: has {size} bytes where the {count} weights of config.json need {4 * count}: "
            f"it is cut short or of another model"
        )


def load_weights(model, path):
    """Loads a Keras weights file into a model whose sizes are known from its config.

    Keras reads a dataset before it compares shapes, and a few bytes of HDF5 can claim to be a
    terabyte of zeros; so the sizes are compared first.

    Args:
        model: the `keras.Model` to load into.
        path: the file.

    Raises:
        InputError: the file is missing, damaged, or of another model; names the file.
    """
    import h5py

    allowed = sum(math.prod(weight.shape) for weight in model.variables)
    try:
        with h5py.File(path, "r") as file:
            sizes = []

            def note(name, item):
                # A compiled model saves its optimizer's state too; a model to load into has none.
                if isinstance(item, h5py.Dataset) and not name.startswith("optimizer/"):
                    sizes.append(math.prod(item.shape))
                    if item.external:
                        raise InputError(f"{path}: {name} is kept in another file")

            file.visititems(note)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (OSError, KeyError, RuntimeError) as error:
        raise InputError(f"{path}: not a readable HDF5 file: {one_line(error)}") from None
    if sum(sizes) > allowed:
        raise InputError(
            f"{path}: holds {sum(sizes)} numbers where the model of config.json has {allowed}"
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what matters becomes the error
            model.load_weights(path)
    except (ValueError, KeyError, OSError, TypeError) as error:
        raise InputError(
            f"{path}: does not fit the model of config.json: {one_line(error)[:400]}"
        ) from None
    for weight in model.variables:
        if not np.isfinite(weight.numpy()).all():
            raise InputError(f"{path}: {weight.path} has values that are not finite")
