"""`finetune --seeds`: which seeds are asked for, and what their runs say together."""

import statistics

from keras_bert.errors import InputError

_DIGITS = 10  # of the largest, 2**32 - 1


def seeds_of(values):
    """Returns the list of int that --seeds, or else --seed, asks for.

    Raises:
        InputError: there is no seed, one is no number or stands twice, or both flags are given.
    """
    if values.seeds is None:
        return [values.seed]
    if values["seed"].present:
        raise InputError("give either --seed or --seeds")
    wrong = InputError(
        f"--seeds={','.join(values.seeds):.60}: expected numbers below 2**32, as in 0,1,2"
    )
    for text in values.seeds:
        if not (text.isascii() and text.isdecimal() and len(text) <= _DIGITS):
            raise wrong
    seeds = [int(text) for text in values.seeds]
    if not seeds or max(seeds) >= 2**32:
        raise wrong
    if len(set(seeds)) < len(seeds):
        raise InputError(f"--seeds={','.join(values.seeds)}: a seed stands twice")
    return seeds


def summary(runs, metrics):
    """Returns mean and standard deviation (of a sample) of every metric over runs; {} of one."""
    if len(runs) < 2:
        return {}
    values = {name: [run[name] for run in runs] for name in metrics}
    return {
        "mean": {name: statistics.mean(each) for name, each in values.items()},
        "standard_deviation": {name: statistics.stdev(each) for name, each in values.items()},
    }


def summary_lines(found, runs, seed):
    """Returns a summary as lines of text; none where there is nothing to sum up.

    Args:
        found: what `summary` gave.
        runs: list of dict, one a run that did not fail.
        seed: that of the best run.
    """
    if not found:
        return []
    lines = [f"that is the best of {len(runs)} seeds, {seed}; over all:"]
    for name, mean in found["mean"].items():
        lines.append(f"{name} {mean:.4f} ± {found['standard_deviation'][name]:.4f}")
    return lines
