"""Times models: one text at a time, in turns, and the distribution of the milliseconds."""

import os
import time

import numpy as np

# Runs of each model before the timed ones.
WARMUP = 3


def measure(runners, inputs, repeats=30):
    """Times runners on the same inputs, alternating, so that noise affects all of them.

    Args:
        runners: dict of name to an object with `run(inputs)`.
        inputs: dict of name to the inputs of that runner.
        repeats: timed runs of each.

    Returns:
        A dict of name to the dict of `distribution`.
    """

    def timed(name):
        start = time.perf_counter()
        runners[name].run(inputs[name])
        return 1000 * (time.perf_counter() - start)

    return alternating({name: lambda name=name: timed(name) for name in runners}, repeats)


def alternating(calls, repeats):
    """Runs calls in turns; see `measure`.

    Args:
        calls: dict of name to a function without arguments, which returns milliseconds.
        repeats: timed runs of each.
    """
    for call in calls.values():
        for _ in range(WARMUP):
            call()
    times = {name: [] for name in calls}
    for _ in range(repeats):
        for name, call in calls.items():
            times[name].append(call())
    return {name: distribution(milliseconds) for name, milliseconds in times.items()}


def distribution(milliseconds):
    """Returns how times are distributed.

    Args:
        milliseconds: list of float.

    Returns:
        A dict of float: `median_ms`, `p90_ms`, `p10_ms`, `p99_ms`, `min_ms`.
    """
    shares = {"median_ms": 50, "p90_ms": 90, "p10_ms": 10, "p99_ms": 99, "min_ms": 0}
    return {
        name: round(float(np.percentile(milliseconds, share)), 3) for name, share in shares.items()
    }


def random_inputs(runner, length):
    """Returns inputs of one text with a token at every position, so there is no padding.

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
