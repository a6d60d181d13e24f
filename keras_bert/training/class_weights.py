"""Weights of labels in the loss, so that a rare label counts as it should."""

import math

import numpy as np

from keras_bert.errors import InputError
from keras_bert.tasks.label_pairs import label_index, pairs_of

_SETTING = "class_weight"
BALANCED = "balanced"


def class_weights(text, ids, config):
    """Returns the weight of each label.

    Args:
        text: the setting: "balanced", or weights by label, see `label_pairs.pairs_of`.
        ids: int array of shape (count,), the label of each example to train on.
        config: `ModelConfig`.

    Returns:
        float32 array of shape (labels,). Balanced weights are n / (k * count), for n examples, k
        labels that occur and the number of examples of a label, as scikit-learn has it
        (`compute_class_weight`); a label that does not occur weighs 1, and so does one that is not
        named.

    Raises:
        InputError: it is neither, or names a label that the model has not.
    """
    weights = np.ones(len(config.labels), "float32")
    if text.strip() == BALANCED:
        found, counts = np.unique(ids, return_counts=True)
        weights[found] = len(ids) / (len(found) * counts)
        return weights
    index = label_index(config.labels, config.file_labels)
    for label, value in pairs_of(_SETTING, text, f"{BALANCED} or spam:3,ham:1").items():
        if label not in index:
            known = ", ".join(name[:40] for name in config.labels[:12])
            raise InputError(
                f"{label!r:.60} is not a label of the model, which has {known}", _SETTING
            )
        try:
            weight = math.nan if isinstance(value, bool) else float(value)
        except (TypeError, ValueError):
            weight = math.nan
        if not 0 <= weight < math.inf:
            raise InputError(f"{label}: {value!r:.40} is not a number of 0 or more", _SETTING)
        weights[index[label]] = weight
    if not weights.any():
        raise InputError("all labels weigh 0", _SETTING)
    return weights
