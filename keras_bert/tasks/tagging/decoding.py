"""From the probabilities of tags to the most probable tags that make whole entities.

The most probable tag of each word by itself may make an invalid sequence: an inside without a
beginning, a beginning without an end. For schemes with such rules, the valid sequence with the
largest product of probabilities is found (Viterbi 1967).
"""

import functools

import numpy as np

from keras_bert.tasks.tagging.schemes import letter_and_type

# As a logarithm far below any sequence's, yet finite: for labels that allow no valid sequence, such
# as B without E in bioes, the sequence that breaks the fewest rules is still found.
_FORBIDDEN = -1e6

# `io` has no rules, and `iob1` allows both ways to begin an entity.
SCHEMES_WITH_RULES = ("bio", "bioes", "bmes", "bilou")


def best_tags(probabilities, labels, scheme):
    """Returns the most probable valid tags of a sentence.

    Args:
        probabilities: float array of shape (words, labels).
        labels: tuple of str, the tags in the order of the probabilities.
        scheme: one of `schemes.SCHEMES`.

    Returns:
        Int array of shape (words,), an index of `labels` for each word.
    """
    probabilities = np.asarray(probabilities, "float64")
    best = probabilities.argmax(axis=-1)
    if scheme not in SCHEMES_WITH_RULES or not len(best):
        return best
    start, between, end = rules_of(tuple(labels), scheme)
    if start[best[0]] + between[best[:-1], best[1:]].sum() + end[best[-1]] == 0:
        return best
    scores = np.log(np.maximum(probabilities, np.finfo("float64").tiny))
    total, sources = start + scores[0], []
    for score in scores[1:]:
        paths = total[:, None] + between
        sources.append(paths.argmax(axis=0))
        total = paths.max(axis=0) + score
    backwards = [int((total + end).argmax())]
    for source in reversed(sources):
        backwards.append(int(source[backwards[-1]]))
    return np.array(backwards[::-1])


@functools.lru_cache(maxsize=16)
def rules_of(labels, scheme):
    """Returns 0 or `_FORBIDDEN` for each first tag, pair of neighbours and last tag."""
    tags = [letter_and_type(label) for label in labels]
    outside = ("O", "_")

    def cost(before, after):
        return 0.0 if _may_follow(before, after, scheme) else _FORBIDDEN

    start = np.array([cost(outside, tag) for tag in tags])
    between = np.array([[cost(before, after) for after in tags] for before in tags])
    end = np.array([cost(tag, outside) for tag in tags])
    return start, between, end


def _may_follow(before, after, scheme):
    continues = after[0] in "IE"
    if scheme == "bio":
        return not continues or (before[0] != "O" and before[1] == after[1])
    is_open = before[0] in "BI"
    return continues == is_open and (not continues or before[1] == after[1])
