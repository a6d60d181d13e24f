"""Which variables decay, and which learn slower, told by their paths.

A path looks like "layer_3/attention/query/kernel", with or without the name of a model before it.
"""

import re

from keras_bert.errors import InputError

# LayerNorm's scale and shift and all biases: decaying them towards zero has no regularizing
# reason (google-research/bert optimization.py excludes the same ones).
NO_WEIGHT_DECAY = ("bias", "gamma", "beta")

_BLOCK = re.compile(r"(?:^|/)layer_(\d+)/")
_EMBEDDINGS = re.compile(r"(?:^|/)embeddings(?:_norm)?/")


def decays(path):
    """Returns whether weight decay applies to a variable.

    Args:
        path: the variable's path or name.
    """
    return path.rsplit("/", 1)[-1].removesuffix(":0") not in NO_WEIGHT_DECAY


def check_layer_decay(layer_decay):
    """Raises InputError unless `layer_decay` is above 0 and at most 1."""
    if not 0 < layer_decay <= 1:
        raise InputError(f"layer_decay {layer_decay}: give a factor above 0 and up to 1")


def rate_factors(paths, layer_decay):
    """Returns what each variable's learning rate is multiplied by.

    The lower a block is, the more general is what it has learned and the less it should move
    (Clark et al. 2020, appendix A): the head and the pooler learn at the full rate, block i of n
    (from 0) at `layer_decay ** (n - i)`, the embeddings at `layer_decay ** (n + 1)`.

    Args:
        paths: list of str, the paths of all variables that are trained together.
        layer_decay: float above 0 and up to 1; 1 gives every variable the full rate.

    Returns:
        A list of floats.
    """
    found = [_BLOCK.search(path) for path in paths]
    blocks = 1 + max((int(match[1]) for match in found if match), default=-1)
    factors = []
    for path, match in zip(paths, found):
        if match:
            factors.append(layer_decay ** (blocks - int(match[1])))
        elif _EMBEDDINGS.search(path):
            factors.append(layer_decay ** (blocks + 1))
        else:
            factors.append(1.0)
    return factors
