"""Latency of models side by side: alternating, one text at a time, medians."""

import os
import time

import numpy as np


def measure(runners, inputs, repeats=30, warmup=3):
    """Times runners on the same inputs, in turns, so that a noisy machine is noisy for all.

    Args:
        runners: dict of name to an object with `run(inputs)`.
        inputs: dict of name to the inputs of that runner.
        repeats: timed runs of each.
        warmup: runs before, not timed.

    Returns:
        A dict of name to a dict: `median_ms` and `p90_ms`, milliseconds.
    """
    for name, runner in runners.items():
        for _ in range(warmup):
            runner.run(inputs[name])
    times = {name: [] for name in runners}
    for _ in range(repeats):
        for name, runner in runners.items():
            start = time.perf_counter()
            runner.run(inputs[name])
            times[name].append(1000 * (time.perf_counter() - start))
    return {
        name: {
            "median_ms": round(float(np.median(each)), 3),
            "p90_ms": round(float(np.percentile(each, 90)), 3),
        }
        for name, each in times.items()
    }


def random_inputs(runner, length):
    """Returns inputs of one text whose every position holds a token, so no padding is skipped.

    Args:
        runner: a `Runner`; one of fixed length gets inputs of that length.
        length: int, tokens.
    """
    length = runner.fixed_length or length
    generator = np.random.default_rng(0)
    token_ids = generator.integers(0, runner.tokenizer.vocabulary_size, (1, length))
    return {
        "token_ids": token_ids.astype("int32"),
        "segment_ids": np.zeros((1, length), "int32"),
        "padding_mask": np.ones((1, length), "int32"),
    }


def size_of(path):
    """Returns the bytes of a file, or of all files in a folder."""
    if os.path.isfile(path):
        return os.path.getsize(path)
    return sum(
        os.path.getsize(os.path.join(folder, name))
        for folder, _, names in os.walk(path)
        for name in names
    )
