"""From the probabilities of tags to the most probable tags that make whole entities.

Each word's most probable tag by itself may give a sequence that no file has: an inside without a
beginning, a beginning without an end. Of all valid sequences the one with the largest product of
probabilities is found (Viterbi 1967), where the scheme has such rules at all.
"""

import functools

import numpy as np

from keras_bert.tasks.tagging.schemes import letter_and_type

# As a logarithm far below any sequence's, yet finite: labels that allow no valid sequence, such as
# B without E in bioes, still give the one that breaks the fewest rules.
_FORBIDDEN = -1e6

# The rules of the schemes; `io` has none, and `iob1` writes an entity both ways.
_RULED = ("bio", "bioes", "bmes", "bilou")


def best_tags(probabilities, labels, scheme):
    """Finds the most probable valid tags of a sentence.

    Args:
        probabilities: float array of shape (words, labels).
        labels: tuple of str, the tags in the order of the probabilities.
        scheme: one of `tag_schemes.SCHEMES`.

    Returns:
        Int array of shape (words,), an index of `labels` for each word.
    """
    probabilities = np.asarray(probabilities, "float64")
    best = probabilities.argmax(axis=-1)
    if scheme not in _RULED or not len(best):
        return best
    start, between, end = _rules(tuple(labels), scheme)
    if start[best[0]] + between[best[:-1], best[1:]].sum() + end[best[-1]] == 0:
        return best
    scores = np.log(np.maximum(probabilities, np.finfo("float64").tiny))
    total, sources = start + scores[0], []
    for score in scores[1:]:
        paths = total[:, None] + between
        sources.append(paths.argmax(axis=0))
        total = paths.max(axis=0) + score
    found = [int((total + end).argmax())]
    for source in reversed(sources):
        found.append(int(source[found[-1]]))
    return np.array(found[::-1])


@functools.lru_cache(maxsize=16)
def _rules(labels, scheme):
    """Returns 0 or `_FORBIDDEN` for each first tag, each pair of neighbours, each last tag."""
    tags = [letter_and_type(label) for label in labels]
    outside = ("O", "_")

    def cost(before, after):
        return 0.0 if _may_follow(before, after, scheme) else _FORBIDDEN

    start = np.array([cost(outside, tag) for tag in tags])
    between = np.array([[cost(before, after) for after in tags] for before in tags])
    end = np.array([cost(tag, outside) for tag in tags])
    return start, between, end


def _may_follow(before, after, scheme):
    goes_on = after[0] in "IE"
    if scheme == "bio":
        return not goes_on or (before[0] != "O" and before[1] == after[1])
    is_open = before[0] in "BI"
    return goes_on == is_open and (not goes_on or before[1] == after[1])
