"""Several runs of one training: which seeds they have, and what they report together."""

import statistics

from keras_bert.errors import InputError, name_of
from keras_bert.training.settings import LARGEST_SEED


def seeds_of(settings):
    """Returns the seeds of the runs, a list of int.

    Args:
        settings: `FinetuneSettings`.

    Raises:
        InputError: `seeds` is empty, one of them is out of bounds or there twice, or `seed` is
            given too.
    """
    if settings.seeds is None:
        return [settings.seed]
    if settings.seed:
        raise InputError(f"give either {name_of('seed')} or {name_of('seeds')}")
    if not settings.seeds or not all(0 <= seed <= LARGEST_SEED for seed in settings.seeds):
        raise InputError("expected numbers below 2**32, as in 0,1,2", "seeds", settings.seeds)
    if len(set(settings.seeds)) < len(settings.seeds):
        raise InputError("a seed is there twice", "seeds", settings.seeds)
    return settings.seeds


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
        found: what `summary` returned.
        runs: list of dict, one a run that did not fail.
        seed: that of the best run.
    """
    if not found:
        return []
    lines = [f"that is the best of {len(runs)} seeds, {seed}; over all:"]
    for name, mean in found["mean"].items():
        lines.append(f"{name} {mean:.4f} ± {found['standard_deviation'][name]:.4f}")
    return lines
