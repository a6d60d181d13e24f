"""Examples that are held out, to choose the best epoch and to score on."""

import numpy as np

from keras_bert.errors import InputError, name_of


def hold_out(examples, fraction, seed):
    """Splits examples in two, so that no text of the first part occurs in the second.

    Args:
        examples: examples of any task.
        fraction: share of the distinct texts in the first part.
        seed: int, which decides the choice.

    Returns:
        A tuple of examples: held out, rest.

    Raises:
        InputError: one of the two would be empty.
    """
    # Real collections repeat texts (7 % of the SMS spam collection are copies): copies
    # must fall on the same side, or the score counts memorized texts.
    keys = examples.keys()
    distinct = sorted(set(keys))
    order = np.random.default_rng(seed).permutation(len(distinct))
    chosen = {distinct[i] for i in order[: round(fraction * len(distinct))]}
    sides = np.array([key in chosen for key in keys])
    if sides.all() or not sides.any():
        raise InputError(
            f"{examples.path}: {len(distinct)} different texts, of which "
            f"{name_of('eval_fraction', f'{fraction:g}')} leaves one side empty: give "
            f"{name_of('eval')} or another share"
        )
    return examples.take(np.flatnonzero(sides)), examples.take(np.flatnonzero(~sides))
