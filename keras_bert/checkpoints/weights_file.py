"""Reads `model.weights.h5` of a model folder, as an untrusted file."""

import math
import os
import warnings

import numpy as np

from keras_bert.checkpoints import names
from keras_bert.checkpoints.hdf5_file import list_datasets
from keras_bert.errors import InputError, one_line
from keras_bert.reading import check_file
from keras_bert.stand_ins import check_is_itself


def check_size(path, config):
    """Compares a weights file's size with its config, before a model of that size is built.

    Args:
        path: the file.
        config: `BertConfig`.

    Raises:
        InputError: the file is missing, or too small for the weights of the config.
    """
    check_file(path, what="weights file")
    check_is_itself(path)
    count = sum(math.prod(shape) for shape in names.expected_shapes(config).values())
    size = os.path.getsize(path)
    if size < 2 * count:  # of float16
        raise InputError(
            f"{path}: has {size} bytes where the {count} weights of config.json need {2 * count} at least: "
            f"it is cut short or of another model"
        )


def load_weights(model, path):
    """Loads a Keras weights file into a model whose sizes are known from its config.

    Keras reads a dataset before it compares shapes; so the sizes are compared first.

    Args:
        model: the `keras.Model` to load into.
        path: the file.

    Raises:
        InputError: the file is missing, damaged, or of another model; names the file.
    """
    allowed = sum(math.prod(weight.shape) for weight in model.variables)
    # A compiled model saves its optimizer's state too; a model to load into has none.
    shapes = {n: s for n, s in list_datasets(path).items() if not n.startswith("optimizer/")}
    stored = sum(map(math.prod, shapes.values()))
    if stored > allowed:
        raise InputError(
            f"{path}: holds {stored} numbers where the model of config.json has {allowed}"
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what matters becomes the error
            model.load_weights(path)
    except Exception as error:  # a damaged file raises nearly anything in h5py
        raise InputError(
            f"{path}: does not fit the model of config.json: {one_line(error)[:400]}"
        ) from None
    for weight in model.variables:
        if not np.isfinite(weight.numpy()).all():
            raise InputError(f"{path}: {weight.path} has values that are not finite")
