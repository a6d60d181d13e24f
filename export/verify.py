"""Compares exported files with their model on the same examples."""

import contextlib
import dataclasses
import os

from keras_bert.embedder import embedder_of
from keras_bert.errors import InputError
from keras_bert.evaluation import TASK_HELP
from keras_bert.export.comparison import TaskComparison, check_same_purpose
from keras_bert.export.costs import measure_costs
from keras_bert.export.runners import KerasRunner, TFLiteRunner, is_exported, open_exported
from keras_bert.export.timing import measure, size_of
from keras_bert.export.verify_report import report_lines, short_name, table_lines, verdict
from keras_bert.files import check_path, temporary_folder
from keras_bert.opening import open_with_examples
from keras_bert.pictures.figures import check_picture
from keras_bert.predictor import Predictor
from keras_bert.quiet import stderr_kept_for_errors
from keras_bert.row_reports import check_report, write_disagreements
from keras_bert.settings import REQUIRED, check_settings, setting
from keras_bert.shipped import located
from keras_bert.tasks.registry import NAMES

_ROUNDING = 1e-9
MAX_DROP = 0.01


@dataclasses.dataclass(frozen=True, kw_only=True)
class VerifySettings:
    """What `verify` takes beside the model."""

    exported: list = setting(
        REQUIRED,
        ".tflite, SavedModel or .onnx, or a shipped model's name; several with commas between",
        are_paths=True,
    )
    data: str = setting(REQUIRED, "labelled data, as for training", is_path=True)
    max_drop: float = setting(
        MAX_DROP,
        "the largest allowed drop of the task's first metric, as a fraction",
        low=0.0,
        high=1.0,
    )
    task: str | None = setting(None, TASK_HELP, choices=NAMES)
    costs: bool | None = setting(
        None,
        "measure each model in a process of its own: latency with one thread and two, cold start, "
        "peak memory (default: where there are several files)",
    )
    picture: str | None = setting(
        None,
        "the .png file to draw: scores, size, latency, outputs of both; of a .tflite file also "
        "where in the network it differs",
        is_path=True,
    )
    disagreements: str | None = setting(
        None,
        "file to write: .csv, .tsv or .jsonl of the rows that the two answer differently",
        is_path=True,
    )

    def __post_init__(self):
        if isinstance(self.exported, str | os.PathLike):
            object.__setattr__(self, "exported", [self.exported])
        check_settings(self)
        paths = self.exported
        if not paths or "" in paths:
            raise InputError("is empty", "exported")
        if len(set(paths)) < len(paths):
            raise InputError("a file is named twice", "exported", paths)
        if len(paths) > 1 and self.disagreements is not None:
            raise InputError("is for one exported file", "disagreements", self.disagreements)


def verify(model, exported, data, layout=None, **settings):
    """Runs a model and its exported files on the same labelled data.

    Args:
        model: a `Bert`, or the path of its model folder.
        exported: path of the .tflite file, SavedModel or .onnx file, or a list of several.
        data: path of labelled data, or (texts, labels), a pandas DataFrame and so on; see
            `keras_bert.tasks.in_hand.examples_of`.
        layout: `FileLayout` of the data; None for its defaults.
        **settings: of `VerifySettings`: `max_drop`, `task`, `costs`, `picture`, `disagreements`.

    Returns:
        A tuple: for one file the dict of `compare`, with `max_drop` and `passed`, whether the drop
        is at most that, and with `costs` the keys of `measure_costs`; for several a dict of
        `passed`, whether all passed, `model` and `files`, a list of such dicts with the file's
        path as `exported`. And the lines that `keras-bert verify` prints of it.

    Raises:
        InputError: a file is broken, or they do not belong together.
    """
    is_path = isinstance(data, str | os.PathLike)
    shown = data if is_path else "the examples"
    settings = VerifySettings(exported=exported, data=shown, **settings)
    paths = [located(path, "exported") for path in settings.exported]
    settings = dataclasses.replace(settings, exported=paths)
    if is_path:
        check_path(data)
    for path in settings.exported:
        check_path(path)
    check_picture(settings.picture, data if is_path else None)
    if settings.disagreements is not None:
        check_report("disagreements", settings.disagreements, data)
    folder = None if isinstance(model, Predictor) else located(model)
    if folder is not None:
        check_path(folder)
        if is_exported(folder):
            made = "it was" if len(settings.exported) > 1 else f"{settings.exported[0]} was"
            raise InputError(
                f"is an exported file itself: give the model folder from which {made} made",
                "model",
                folder,
            )
    bert, task, examples = open_with_examples(
        model, data, settings.task, layout, embedder=_as_exported(settings.exported[0])
    )
    if bert.config.task == "embedding":
        folder = None  # it has no task: costs are those of the embedder
    runners = {path: open_exported(path) for path in settings.exported}
    for path, runner in runners.items():
        check_same_purpose(runner, bert, path, folder or "the model")
    comparison = TaskComparison(bert, task, examples)
    found = {path: comparison.of(runner) for path, runner in runners.items()}
    model_row = {"bytes": model_bytes(bert, folder)}
    files = []
    for path, (result, _) in found.items():
        sizes = {"model_bytes": model_row["bytes"], "exported_bytes": size_of(path)}
        files.append({"exported": path, **result, **sizes})
    inputs = {path: comparison.inputs(runner) for path, runner in runners.items()}
    longest = max(each["token_ids"].shape[1] for each in inputs.values())
    if len(files) > 1:  # files of open shape get as many tokens as those of a fixed one
        inputs = {path: comparison.inputs(runner, longest) for path, runner in runners.items()}
    costs = len(files) > 1 if settings.costs is None else settings.costs
    _add_times(bert, folder, runners, inputs, model_row, files, costs)
    for each in files:
        each |= judged(each, settings.max_drop)
    result, lines, last = _reported(settings, comparison, found, model_row, files)
    if settings.picture is not None:
        lines += _drawn(settings, comparison, runners, found, files, result)
    return result, [*lines, *last]


def _as_exported(path):
    """Returns a function from an encoder without a task to the embedder that a file is of."""

    def embedder(bert):
        config = open_exported(path).config
        if config.task != "embedding":
            raise InputError(f"{path}: is for {config.task}, the model has no task")
        return embedder_of(bert, config.pooling, config.settings["normalize"])

    return embedder


def model_bytes(bert, folder=None):
    """Returns the bytes of a model's folder, or of the weights of one in memory."""
    if folder is not None:
        return size_of(folder)
    return sum(weight.nbytes for weight in bert.model.get_weights())


def judged(result, max_drop):
    """Returns the limit and whether a comparison keeps it, a dict of `max_drop` and `passed`."""
    # Rounding may bring a drop of exactly the limit above it, as in 0.48 - 0.47.
    return {"max_drop": max_drop, "passed": bool(result["drop"] <= max_drop + _ROUNDING)}


def compare(bert, runner, task, examples, model_bytes, exported_bytes, repeats=30):
    """Runs a model and its exported file on the same labelled examples.

    Args:
        bert: the `Bert` that was exported.
        runner: a `Runner` of the exported file.
        task: `Task` of the scores; `max_drop` applies to its first metric.
        examples: labelled examples of the task.
        model_bytes, exported_bytes: the sizes of both.
        repeats: timed runs of each, for the latency.

    Returns:
        A dict: those of `TaskComparison.of`; `model_bytes` and `exported_bytes`; `model_ms` and
        `exported_ms`, median milliseconds for one row of median length, of `timed_length` tokens.
    """
    comparison = TaskComparison(bert, task, examples)
    result, _ = comparison.of(runner)
    result |= {"model_bytes": model_bytes, "exported_bytes": exported_bytes}
    return result | _times(bert, runner, comparison.inputs(runner), repeats)


def _times(bert, runner, inputs, repeats=30):
    # Both get the same tokens, padded as the exported file needs them.
    runners = {"model": KerasRunner(bert), "exported": runner}
    times = measure(runners, dict.fromkeys(runners, inputs), repeats)
    return {
        "model_ms": times["model"]["median_ms"],
        "exported_ms": times["exported"]["median_ms"],
        "timed_length": int(inputs["token_ids"].shape[1]),
    }


def _add_times(bert, folder, runners, inputs, model_row, files, costs):
    """Adds the milliseconds, and with `costs` the rest of `measure_costs`, to the results."""
    if not costs:
        for each in files:
            path = each["exported"]
            each |= _times(bert, runners[path], inputs[path])
        return
    longest = max(inputs.values(), key=lambda each: each["token_ids"].shape[1])
    with contextlib.ExitStack() as stack:
        if folder is None:
            folder = saved(bert, stack)
        found = measure_costs({None: folder} | {path: path for path in runners},
                              {None: longest} | inputs)  # fmt: skip
    model_row |= found[None]
    for each in files:
        path = each["exported"]
        each |= {
            **found[path],
            "model_ms": found[None]["latency_ms"]["1"],
            "exported_ms": found[path]["latency_ms"]["1"],
            "timed_length": int(inputs[path]["token_ids"].shape[1]),
        }


def saved(bert, stack):
    """Saves a model in memory to a temporary folder of an ExitStack, and returns its path."""
    folder = os.path.join(stack.enter_context(temporary_folder()), "model")
    bert.save(folder)
    return folder


def _reported(settings, comparison, found, model_row, files):
    """Returns the result and its lines, and writes what else was asked for."""
    if len(files) == 1:
        result = {name: value for name, value in files[0].items() if name != "exported"}
        *lines, last = report_lines(result, comparison.metrics)
        if "latency_ms" in result:
            lines += table_lines({"model": model_row, "files": files})[:-2]
        last = [last]
    else:
        result = {name: files[0][name] for name in ("count", "metric", "model_scores", "max_drop")}
        passed = all(each["passed"] for each in files)
        result |= {"passed": passed, "model": model_row, "files": files}
        lines = table_lines(result)
        lines, last = lines[: -len(files)], lines[-len(files) :]
    if settings.disagreements is not None:
        path, task, config = settings.disagreements, comparison.task, comparison.bert.config
        ((_, both),) = found.values()
        count = write_disagreements(path, task, *both.answers, comparison.examples, config)
        result |= {"disagreements": path, "listed": count}
        lines.append(f"{count} rows that the two answer differently: {path}")
    return result, lines, last


def _drawn(settings, comparison, runners, found, files, result):
    """Draws the picture, adds what is in it to the result, and returns lines to print."""
    from keras_bert.export.signal_noise import lowest, signal_to_noise
    from keras_bert.export.text_runner import TextTFLiteRunner
    from keras_bert.export.verify_picture import draw_comparison

    noise, lines, references = {}, [], {}
    for path, runner in runners.items():
        if not isinstance(runner, TFLiteRunner):
            continue
        if isinstance(runner, TextTFLiteRunner):
            lines.append(
                f"{short_name(path)}: takes raw text: the picture does not show where it differs"
            )
            continue
        with stderr_kept_for_errors():
            rows = comparison.rows(runner)
            noise[path] = signal_to_noise(comparison.bert, runner, rows, references)
        if (worst := lowest(noise[path])) is None:
            lines.append(
                f"{short_name(path)}: its graph has no tensors that the model's has: the picture "
                f"does not show where it differs"
            )
        else:
            place = f"layer {worst[1]}, {worst[2]}"
            lines.append(f"{short_name(path)}: lowest signal to noise {worst[0]} dB: {place}")
    outputs = {path: both.outputs for path, (_, both) in found.items()}
    verdicts = [f"{short_name(each['exported'])}: {verdict(each)}" for each in files]
    title = verdicts[0] if len(files) == 1 else f"{len(files)} files of one model"
    picture = settings.picture
    lines += draw_comparison(picture, files, outputs, comparison, noise, title)
    if len(files) == 1 and noise:
        result["signal_to_noise"] = noise[files[0]["exported"]]
    for each in result.get("files", ()):
        if each["exported"] in noise:
            each["signal_to_noise"] = noise[each["exported"]]
    result["picture"] = picture
    return [*lines, f"picture: {picture}"]
