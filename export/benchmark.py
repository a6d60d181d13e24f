"""Compares the latency of models: one text at a time, alternating, medians."""

import dataclasses
import os
import time

import numpy as np

from keras_bert.errors import InputError
from keras_bert.export.runners import KerasRunner, is_exported
from keras_bert.files import check_path
from keras_bert.opening import open_model, require_task
from keras_bert.settings import REQUIRED, check_settings, setting

# Runs of each model before the timed ones.
_WARMUP = 3


@dataclasses.dataclass(frozen=True, kw_only=True)
class BenchmarkSettings:
    """What `benchmark` takes."""

    model: str = setting(REQUIRED, "folder, .tflite, SavedModel or .onnx", is_path=True)
    against: list = setting([], "other models, timed alternately with it")
    length: int | None = setting(
        None, "tokens (default: the model's length; not used for a file of fixed shape)", low=3
    )
    threads: int = setting(1, "threads of LiteRT and onnxruntime", low=1)
    repeats: int = setting(50, "timed runs of each model", low=1)

    __post_init__ = check_settings


def benchmark(**settings):
    """Times one text with each of several models, alternating.

    Args:
        **settings: of `BenchmarkSettings`: `model`, `against`, `length`, `threads`, `repeats`.

    Returns:
        A dict: `threads`, and `models`, a list of dicts: `model`, `median_ms`, `p90_ms`, `bytes`,
        `length` in tokens, and `ratio` of its median to the first model's.

    Raises:
        InputError: a model is broken, or takes fewer tokens.
    """
    settings = BenchmarkSettings(**settings)
    paths = [settings.model, *settings.against]
    for path in paths:
        check_path(path)
    runners, inputs = {}, {}
    for path in paths:
        model = require_task(open_model(path, settings.threads), path)
        runners[path] = model if is_exported(path) else KerasRunner(model)
    for path, runner in runners.items():
        most = runner.config.encoder.max_position_embeddings
        if settings.length is not None and settings.length > most:
            raise InputError(f"{path} takes at most {most} tokens", "length", settings.length)
        inputs[path] = random_inputs(runner, settings.length or runner.config.max_length)
    times = measure(runners, inputs, settings.repeats)
    first = times[settings.model]["median_ms"]
    models = [
        {
            "model": path,
            **times[path],
            "bytes": size_of(path),
            "length": int(inputs[path]["token_ids"].shape[1]),
            "ratio": round(times[path]["median_ms"] / first, 3),
        }
        for path in runners
    ]
    return {"threads": settings.threads, "models": models}


def measure(runners, inputs, repeats=30):
    """Times runners on the same inputs, alternating, so that noise affects all of them.

    Args:
        runners: dict of name to an object with `run(inputs)`.
        inputs: dict of name to the inputs of that runner.
        repeats: timed runs of each.

    Returns:
        A dict of name to a dict: `median_ms` and `p90_ms`, milliseconds.
    """
    for name, runner in runners.items():
        for _ in range(_WARMUP):
            runner.run(inputs[name])
    times = {name: [] for name in runners}
    for _ in range(repeats):
        for name, runner in runners.items():
            start = time.perf_counter()
            runner.run(inputs[name])
            times[name].append(1000 * (time.perf_counter() - start))
    return {
        name: {
            "median_ms": round(float(np.median(milliseconds)), 3),
            "p90_ms": round(float(np.percentile(milliseconds, 90)), 3),
        }
        for name, milliseconds in times.items()
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
