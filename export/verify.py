"""Compares an exported file with its model on the same examples."""

import dataclasses
import os

import numpy as np

from keras_bert.errors import InputError
from keras_bert.evaluation import TASK_HELP
from keras_bert.export.benchmark import measure, size_of
from keras_bert.export.runners import KerasRunner, is_exported, open_exported
from keras_bert.files import check_path
from keras_bert.opening import open_with_examples
from keras_bert.pictures.figures import check_picture
from keras_bert.predictor import Predictor
from keras_bert.row_reports import check_report, write_disagreements
from keras_bert.settings import REQUIRED, check_settings, setting
from keras_bert.tasks.columns import some
from keras_bert.tasks.registry import NAMES
from keras_bert.text.padding import TokenizedTexts

_ROUNDING = 1e-9


@dataclasses.dataclass(frozen=True, kw_only=True)
class VerifySettings:
    """What `verify` takes beside the model."""

    exported: str = setting(REQUIRED, ".tflite, SavedModel or .onnx", is_path=True)
    data: str = setting(REQUIRED, "labelled data, as for training", is_path=True)
    max_drop: float = setting(
        0.01,
        "the largest allowed drop of the task's first metric, as a fraction",
        low=0.0,
        high=1.0,
    )
    task: str | None = setting(None, TASK_HELP, choices=NAMES)
    picture: str | None = setting(
        None, "the .png file to draw: scores, size, latency, outputs of both", is_path=True
    )
    disagreements: str | None = setting(
        None,
        "file to write: .csv, .tsv or .jsonl of the rows that the two answer differently",
        is_path=True,
    )

    __post_init__ = check_settings


def verify(model, exported, data, layout=None, **settings):
    """Runs a model and its exported file on the same labelled data.

    Args:
        model: a `Bert`, or the path of its model folder.
        exported: path of the .tflite file, SavedModel or .onnx file.
        data: path of labelled data, or (texts, labels), a pandas DataFrame and so on; see
            `keras_bert.tasks.in_hand.examples_of`.
        layout: `FileLayout` of the data; None for its defaults.
        **settings: of `VerifySettings`: `max_drop`, `task`, `picture`, `disagreements`.

    Returns:
        A tuple: the dict of `compare`, with `max_drop` and `passed`, whether the drop is at most
        that; and the lines that `keras-bert verify` prints of it.

    Raises:
        InputError: a file is broken, or they do not belong together.
    """
    is_path = isinstance(data, str | os.PathLike)
    shown = data if is_path else "the examples"
    settings = VerifySettings(exported=exported, data=shown, **settings)
    if is_path:
        check_path(data)
    check_path(settings.exported)
    check_picture(settings.picture, data if is_path else None)
    if settings.disagreements is not None:
        check_report("disagreements", settings.disagreements, data)
    path = None if isinstance(model, Predictor) else model
    if path is not None:
        check_path(path)
        if is_exported(path):
            raise InputError(
                f"is an exported file itself: give the model folder from which {settings.exported} "
                f"was made",
                "model",
                path,
            )
    bert, task, examples = open_with_examples(model, data, settings.task, layout)
    runner = open_exported(settings.exported)
    if (runner.config.task, runner.config.labels) != (bert.config.task, bert.config.labels):
        raise InputError(
            f"{settings.exported}: is for {_purpose(runner.config)}, {path or 'the model'} for "
            f"{_purpose(bert.config)}"
        )
    weights = bert.model.get_weights() if path is None else []
    size = size_of(path) if path is not None else sum(weight.nbytes for weight in weights)
    result, both = _compared(bert, runner, task, examples, size, size_of(settings.exported))
    result["max_drop"] = settings.max_drop
    # Rounding may bring a drop of exactly the limit above it, as in 0.48 - 0.47.
    result["passed"] = result["drop"] <= settings.max_drop + _ROUNDING
    metrics = task.metrics(bert.config)
    *lines, verdict = report_lines(result, metrics)
    if settings.disagreements is not None:
        path = settings.disagreements
        count = write_disagreements(path, task, *both.answers, examples, bert.config)
        result |= {"disagreements": path, "listed": count}
        lines.append(f"{count} rows that the two answer differently: {path}")
    if settings.picture is not None:
        from keras_bert.export.verify_picture import draw_comparison

        title = f"{os.path.basename(os.path.normpath(settings.exported))}: {verdict}"
        notes = draw_comparison(settings.picture, result, both.outputs, task, metrics, title)
        lines += [*notes, f"picture: {settings.picture}"]
        result["picture"] = settings.picture
    return result, [*lines, verdict]


@dataclasses.dataclass(frozen=True)
class _Both:
    """What a model and its exported file made of the same examples: pairs, the model's first."""

    answers: tuple
    outputs: tuple


def _purpose(config):
    labels = f" of {some(config.labels)}" if config.labels else ""
    return f"{config.task}{labels}"


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
        A dict: `count`; `agreement`, the share of examples with the same answer;
        `max_difference` between outputs, None where the two use rows of different lengths;
        `model_scores` and `exported_scores`; `metric`, and its `drop` as a share of a perfect
        score; `model_bytes` and `exported_bytes`; `model_ms` and `exported_ms`, median
        milliseconds for one row of median length, of `timed_length` tokens.
    """
    return _compared(bert, runner, task, examples, model_bytes, exported_bytes, repeats)[0]


def _compared(bert, runner, task, examples, model_bytes, exported_bytes, repeats=30):
    """Returns the result of `compare`, and `_Both`."""
    rows, expected = bert.rows_and_outputs(examples)
    exported_rows, exported = runner.rows_and_outputs(examples)
    answers = task.answers(expected, rows, examples, bert.config)
    exported_answers = runner.answers_of(exported_rows, exported, examples)
    model_scores = task.scores(answers, examples, bert.config)
    exported_scores = task.scores(exported_answers, examples, runner.config)
    metric = task.metrics(bert.config)[0]

    # Both get the same tokens, padded as the exported file needs them.
    encodings = task.rows(examples, runner.tokenizer, runner.config).encodings
    texts = TokenizedTexts(encodings, runner.config.max_length, runner.tokenizer.pad_id)
    middle = np.argsort(texts.lengths, kind="stable")[len(texts) // 2]
    inputs = texts.batch([middle], runner.fixed_length or int(texts.lengths[middle]))
    times = measure(
        {"model": KerasRunner(bert), "exported": runner},
        {"model": inputs, "exported": inputs},
        repeats,
    )
    same = [
        task.answers_agree(one, other, bert.config)
        for one, other in zip(answers, exported_answers, strict=True)
    ]
    result = {
        "count": len(examples),
        "agreement": float(np.mean(same)),
        "max_difference": _largest_difference(expected, exported),
        "model_scores": model_scores,
        "exported_scores": exported_scores,
        "metric": metric,
        "drop": (model_scores[metric] - exported_scores[metric]) / task.perfect_score,
        "model_bytes": model_bytes,
        "exported_bytes": exported_bytes,
        "model_ms": times["model"]["median_ms"],
        "exported_ms": times["exported"]["median_ms"],
        "timed_length": int(inputs["token_ids"].shape[1]),
    }
    return result, _Both((answers, exported_answers), (expected, exported))


def report_lines(result, metrics):
    """Returns the result of `compare` as lines to print.

    Args:
        result: the result of `compare`.
        metrics: names of the scores to print.
    """
    model, exported = result["model_scores"], result["exported_scores"]
    rows = [("", "model", "exported")]
    rows += [(name, f"{model[name]:.4f}", f"{exported[name]:.4f}") for name in metrics]
    megabytes = [result[f"{which}_bytes"] / 1e6 for which in ("model", "exported")]
    rows.append(("size, MB", *(f"{size:.2f}" for size in megabytes)))
    latency = f"ms a row, {result['timed_length']} tokens"
    rows.append((latency, f"{result['model_ms']:.2f}", f"{result['exported_ms']:.2f}"))
    width = max(len(row[0]) for row in rows)
    difference = result["max_difference"]
    return [
        *(f"{name.ljust(width)}  {a:>10}  {b:>10}" for name, a, b in rows),
        f"same answer on {result['agreement']:.2%} of {result['count']} examples"
        + ("" if difference is None else f"; largest difference of an output {difference:.2e}"),
        _verdict(result),
    ]


def _verdict(result):
    """Returns the last line: what was lost or gained, and whether that is within the limit."""
    points = 100 * result["drop"]
    if round(points, 2) == 0:
        line = f"{result['metric']} lost: 0.00 points"
    else:
        line = f"{result['metric']} {'lost' if points > 0 else 'gained'}: {abs(points):.2f} points"
    if "passed" not in result:
        return line
    limit = f"at most {100 * result['max_drop']:.2f} may be lost"
    return f"{line}: {'passed' if result['passed'] else 'failed'} ({limit})"


def _largest_difference(expected, exported):
    largest = 0.0
    for name, values in expected.items():
        if len(values) != len(exported[name]):
            return None
        for one, other in zip(values, exported[name]):
            if one.shape != other.shape:
                return None
            largest = max(largest, float(np.max(np.abs(one - other), initial=0.0)))
    return largest
