"""Lists as targets of `model.fit`: Keras takes a list for several outputs, people for labels."""

import numpy as np

from keras_bert.errors import InputError


def as_array(y, labels):
    """Returns targets as Keras takes them.

    Args:
        y: what a user gave `fit`. A list of numbers, of names of labels, or of lists of numbers
            becomes an array, in a dict too; everything else stays.
        labels: the names of the labels in the order of the logits, or None.

    Raises:
        InputError: a name is not one of `labels`, or the lists are not of equal length.
    """
    if isinstance(y, dict):
        return {name: as_array(values, labels) for name, values in y.items()}
    if not isinstance(y, (list, tuple)) or not y or hasattr(y[0], "shape") and y[0].shape:
        return y
    try:
        found = np.array(y)
    except ValueError:
        raise InputError("the targets are lists of different lengths") from None
    if found.dtype.kind in "biuf":
        return found
    if found.dtype.kind != "U" or found.ndim > 1:
        raise InputError(f"expected numbers or names of labels as targets, found {y[0]!r:.60}")
    numbers = {label: number for number, label in enumerate(labels or ())}
    for name in y:
        if name not in numbers:
            known = ", ".join(numbers) or "unknown: keras_bert.Bert(model, tokenizer, labels=...)"
            raise InputError(f"{name!r:.60} is not one of the model's labels, which are {known}")
    return np.array([numbers[name] for name in y], "int32")
