"""Compares the latency of models: one text at a time, in turns, and how it is distributed."""

import contextlib
import dataclasses

from keras_bert.embedder import usual_embedder_of
from keras_bert.errors import InputError, name_of
from keras_bert.export.fresh import FreshProcess
from keras_bert.export.rivals import RIVALS, made_rivals
from keras_bert.export.runners import KerasRunner, is_exported
from keras_bert.export.timing import alternating, measure, random_inputs, size_of
from keras_bert.files import check_path
from keras_bert.opening import open_model, require_task
from keras_bert.pictures.figures import check_picture
from keras_bert.settings import REQUIRED, changed_settings, check_settings, setting
from keras_bert.shipped import located

_FOR_SCHEMES = ("data", "calibration", "picture")
_NOT_FOR_SCHEMES = ("against", "threads", "repeats", "processes")
# LiteRT does not check the number, and too many crash it.
_MOST_THREADS = 256


@dataclasses.dataclass(frozen=True, kw_only=True)
class BenchmarkSettings:
    """What `benchmark` takes."""

    model: str = setting(
        REQUIRED, "folder, .tflite, SavedModel or .onnx, or a shipped model's name", is_path=True
    )
    against: list = setting(
        [],
        "other models, timed in turns with it; of a model folder also "
        f"{', '.join(RIVALS)}: the same model there",
        are_paths=True,
    )
    length: list[int] | None = setting(
        None,
        "tokens, one number or several (default: the model's length; not used for a file of fixed "
        "shape)",
        example="16,64,128",
    )
    threads: list[int] = setting([1], "threads of the runtimes, one number or several")
    repeats: int = setting(50, "timed runs of each model", low=1)
    processes: bool = setting(
        True,
        "each model runs in a process of its own, and its cold start and peak memory are reported; "
        "without, all run in this one, where TensorFlow takes as many threads as it likes",
    )
    schemes: bool = setting(
        False, "export the model in every scheme of quantization, and compare them on --data"
    )
    data: str | None = setting(None, "with schemes: labelled data", is_path=True)
    calibration: str | None = setting(
        None, "with schemes: data for those that need a calibration", is_path=True
    )
    picture: str | None = setting(
        None, "with schemes: the .png file to draw: score against size and latency", is_path=True
    )

    def __post_init__(self):
        for name in ("length", "threads"):
            if isinstance(getattr(self, name), int):
                object.__setattr__(self, name, [getattr(self, name)])
        check_settings(self)
        _check_numbers("length", self.length or [], 3)
        _check_numbers("threads", self.threads, 1, _MOST_THREADS)
        if not self.threads:
            raise InputError("is empty", "threads")
        for name in _FOR_SCHEMES:
            if getattr(self, name) is not None and not self.schemes:
                wanted = name_of("schemes", True)
                raise InputError(f"is for {wanted}", name, getattr(self, name))
        for name in changed_settings(self) if self.schemes else ():
            if name in _NOT_FOR_SCHEMES:
                value = getattr(self, name)
                raise InputError(f"is not for {name_of('schemes', True)}", name, value)
        if len({self.model, *self.against}) <= len(self.against):
            raise InputError("a model is named twice", "against", self.against)
        if self.schemes and self.data is None:
            raise InputError("labelled data is needed to compare schemes", "data")


def _check_numbers(name, values, low, high=None):
    for value in values:
        if value < low:
            raise InputError(f"expected {low} or more", name, value)
        if high is not None and value > high:
            raise InputError(f"expected {high} or less", name, value)
    if len(set(values)) < len(values):
        raise InputError("a number stands there twice", name, values)


def benchmark(layout=None, **settings):
    """Times one text with each of several models, in turns.

    Args:
        layout: `FileLayout` of `data`; None for its defaults.
        **settings: of `BenchmarkSettings`: `model`, `against`, `length`, `threads`, `repeats`,
            `processes`; or `schemes` with `model`, `data`, `calibration` and `picture`.

    Returns:
        A dict: `threads`, and `models`, a list of dicts: `model`, `median_ms`, `p90_ms`, `p10_ms`,
        `p99_ms`, `min_ms`, `bytes`, `length` in tokens, and `ratio` of its median to the first
        model's. With processes also `cold_start_ms` and `peak_bytes`; with several `threads` or
        lengths, `threads` is a list, and each dict has its own. With `schemes` the dict of
        `benchmark_schemes.compare_schemes`.

    Raises:
        InputError: a model is broken, or takes fewer tokens.
    """
    settings = BenchmarkSettings(**settings)
    model = located(settings.model)
    check_path(model)
    if settings.schemes:
        from keras_bert.export.benchmark_schemes import compare_schemes

        check_path(settings.data)
        check_picture(settings.picture, settings.data)
        return compare_schemes(dataclasses.replace(settings, model=model), layout)
    found = {settings.model: model}
    for path in settings.against:
        if path not in RIVALS:
            found[path] = located(path, "against")
            check_path(found[path])
    rivals = [each for each in settings.against if each in RIVALS]
    with contextlib.ExitStack() as stack:
        found |= made_rivals(rivals, model, stack)
        paths = {name: found[name] for name in (settings.model, *settings.against)}
        models = {
            name: require_task(open_model(path, settings.threads[0]), path, usual_embedder_of)
            for name, path in paths.items()
        }
        for name, model in models.items():
            most = model.config.encoder.max_position_embeddings
            for length in settings.length or ():
                if length > most:
                    raise InputError(f"{name} takes at most {most} tokens", "length", length)
        inputs = {
            name: [
                random_inputs(model, length or model.config.max_length)
                for length in settings.length or [None]
            ]
            for name, model in models.items()
        }
        rows = []
        for threads in settings.threads:
            timed = _in_processes if settings.processes else _in_this_one
            rows += timed(paths, models, inputs, threads, settings.repeats)
    threads = settings.threads
    return {"threads": threads[0] if len(threads) == 1 else threads, "models": rows}


def _in_processes(paths, models, inputs, threads, repeats):
    with contextlib.ExitStack() as stack:
        processes = {
            name: stack.enter_context(FreshProcess(path, threads, inputs[name]))
            for name, path in paths.items()
        }
        found = []
        for number in range(_count(inputs)):
            calls = {
                name: lambda each=each, number=number: each.run(number)
                for name, each in processes.items()
            }
            found.append(alternating(calls, repeats))
        costs = {
            name: {"cold_start_ms": each.cold_start_ms, "peak_bytes": each.peak_bytes()}
            for name, each in processes.items()
        }
    return _rows(paths, inputs, threads, found, costs)


def _in_this_one(paths, models, inputs, threads, repeats):
    runners = {}
    for name, path in paths.items():
        if is_exported(path):
            runners[name] = open_model(path, threads)
        else:
            runners[name] = KerasRunner(models[name])
    found = [
        measure(runners, {name: each[number] for name, each in inputs.items()}, repeats)
        for number in range(_count(inputs))
    ]
    return _rows(paths, inputs, threads, found, {name: {} for name in paths})


def _count(inputs):
    return len(next(iter(inputs.values())))


def _rows(paths, inputs, threads, found, costs):
    """Returns a dict for each model and length.

    Args:
        found: list by length of dicts by model of the dict of `distribution`.
        costs: dict by model of what is the same for all lengths.
    """
    rows = []
    for number, times in enumerate(found):
        first = next(iter(times.values()))["median_ms"]
        for name, path in paths.items():
            length = int(inputs[name][number]["token_ids"].shape[1])
            row = {
                "model": name,
                **times[name],
                "bytes": size_of(path),
                "length": length,
                "threads": threads,
                "ratio": round(times[name]["median_ms"] / first, 3),
                **costs[name],
            }
            rows.append(row)
    return rows


def report_lines(result):
    """Returns the rows of `benchmark` as lines to print."""
    titles = ["median ms", "p10", "p90", "p99", "min", "ratio", "MB", "tokens", "threads"]
    names = ["median_ms", "p10_ms", "p90_ms", "p99_ms", "min_ms", "ratio"]
    rows = result["models"]
    with_costs = "cold_start_ms" in rows[0]
    titles += ["cold start ms", "peak MB"] * with_costs
    table = [[*titles, "model"]]
    for row in rows:
        cells = [f"{row[name]:.2f}" for name in names]
        cells += [f"{row['bytes'] / 1e6:.2f}", str(row["length"]), str(row["threads"])]
        if with_costs:
            peak = row["peak_bytes"]
            cells += [f"{row['cold_start_ms']:.0f}", "" if peak is None else f"{peak / 1e6:.0f}"]
        table.append([*cells, row["model"]])
    widths = [max(len(row[column]) for row in table) for column in range(len(titles))]
    return [
        "  ".join([*(c.rjust(w) for c, w in zip(row, widths, strict=False)), row[-1]])
        for row in table
    ]
