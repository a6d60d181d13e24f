"""How alike two models' vectors of the same texts are: cosines, and who is nearest to whom."""

import numpy as np

# Rows of the matrix of similarities that are in memory at once.
_AT_ONCE = 512
# Of two texts that are as near as each other, either may be the nearest.
_TIE = 1e-6
_MIN_NORM = 1e-12


def compare_vectors(expected, found):
    """Compares vectors with those that another model has of the same texts.

    Args:
        expected, found: float arrays of shape (texts, width), or lists of rows.

    Returns:
        A dict of float: `cosine`, the mean cosine of the two vectors of a text; `least_cosine`;
        `same_neighbour`, the share of texts that have the same nearest other text by cosine in
        both, 1.0 where there is one text only.
    """
    expected, found = _unit(expected), _unit(found)
    cosines = np.einsum("ij,ij->i", expected, found)
    same = 0
    for start in range(0, len(expected), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        near, nearest = _similarities(expected, part), _similarities(found, part).argmax(axis=1)
        rows = np.arange(len(near))
        same += int(np.sum(near[rows, nearest] >= near.max(axis=1) - _TIE))
    return {
        "cosine": float(np.mean(cosines)),
        "least_cosine": float(np.min(cosines)),
        "same_neighbour": same / len(expected) if len(expected) > 1 else 1.0,
    }


def cosine(one, other):
    """Returns the cosine of two vectors."""
    return float(_unit([one])[0] @ _unit([other])[0])


def _similarities(vectors, part):
    """Returns the cosines of some vectors with all, -2 for those with themselves."""
    found = vectors[part] @ vectors.T
    rows = np.arange(len(found))
    found[rows, rows + part.start] = -2.0
    return found


def _unit(vectors):
    vectors = np.asarray(vectors, "float64")
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), _MIN_NORM)
