"""Scores a model in any format on labelled data, or answers made by another program."""

import dataclasses
import os
import types

from keras_bert.errors import InputError, name_of
from keras_bert.files import check_path
from keras_bert.opening import open_with_examples
from keras_bert.pictures.figures import check_picture
from keras_bert.predictor import Predictor, check_windows
from keras_bert.row_reports import check_report, write_errors
from keras_bert.settings import REQUIRED, check_settings, setting
from keras_bert.shipped import located
from keras_bert.tasks.file_layout import FileLayout
from keras_bert.tasks.registry import NAMES, get_task

WINDOWS_HELP = (
    "longer texts are read whole, in overlapping windows (default: as the model was trained)"
)
TASK_HELP = "the task whose files and metrics are used (default: that of the model)"


@dataclasses.dataclass(frozen=True, kw_only=True)
class EvaluateSettings:
    """What `evaluate` takes beside the model."""

    data: str = setting(REQUIRED, "labelled data, as for training", is_path=True)
    task: str | None = setting(None, TASK_HELP, choices=NAMES)
    predictions: str | None = setting(
        None, "in place of --model: JSON of answers by question id", is_path=True
    )
    windows: bool | None = setting(None, WINDOWS_HELP)
    errors: str | None = setting(
        None,
        "file to write: .csv, .tsv or .jsonl of the rows that are wrong, those of which the model "
        "is most certain first",
        is_path=True,
    )
    picture: str | None = setting(
        None,
        "the .png file to draw: confusion matrix or scatter, and reliability of the probabilities",
        is_path=True,
    )

    __post_init__ = check_settings


def evaluate(model=None, layout=None, **settings):
    """Scores a model on labelled data, or another program's answers to questions.

    Args:
        model: path of a model in any format, the name of a shipped one, or a `Predictor`; None
            with `predictions`.
        layout: `FileLayout` of the data; None for its defaults.
        **settings: of `EvaluateSettings`: `data`, `task`, `predictions`, `windows`, `errors`,
            `picture`.

    Returns:
        A tuple: the dict of scores, and the lines that `keras-bert evaluate` prints of it.

    Raises:
        InputError: a file is broken, or does not fit the model.
    """
    settings = EvaluateSettings(**settings)
    if (model is None) == (settings.predictions is None):
        raise InputError(f"give either {name_of('model')} or {name_of('predictions')}")
    if settings.windows is not None and model is None:
        raise InputError(f"{name_of('windows')} is for {name_of('model')}")
    if settings.errors is not None:
        check_report("errors", settings.errors, settings.data)
    layout = layout or FileLayout().for_scoring()
    check_picture(settings.picture, settings.data)
    if model is None:
        return _score_predictions(settings, layout)
    model = located(model)
    if not isinstance(model, Predictor):
        check_path(model)
    check_path(settings.data)
    opened, task, examples = open_with_examples(model, settings.data, settings.task, layout)
    if settings.windows is not None:
        check_windows(task)
    answers = opened.answers(examples, windows=settings.windows)
    scores = task.scores(answers, examples, opened.config)
    labels = {"labels": list(opened.config.labels)} if opened.config.labels else {}
    named = {} if isinstance(model, Predictor) else {"model": model}
    result = {**named, "data": settings.data, **scores, **labels}
    lines = task.score_lines(scores, opened.config)
    if "expected_calibration_error" in scores:
        lines.append(f"expected calibration error {scores['expected_calibration_error']:.4f}")
    if settings.picture is not None:
        from keras_bert.pictures.scores import draw_scores

        title = f"{task.name}: {os.path.basename(settings.data)}"
        drawn = (settings.picture, task, answers, examples, opened.config, title)
        lines += [*draw_scores(*drawn), f"picture: {settings.picture}"]
        result["picture"] = settings.picture
    _write_errors(settings, task, answers, examples, opened.config, result, lines)
    return result, lines


def _write_errors(settings, task, answers, examples, config, result, lines):
    if settings.errors is None:
        return
    wrong = write_errors(settings.errors, task, answers, examples, config)
    result |= {"errors": settings.errors, "listed": wrong}
    lines.append(f"{wrong} of {len(examples)} rows, the worst first: {settings.errors}")


def _score_predictions(settings, layout):
    task = get_task(settings.task or "squad1")
    if task.kind != "question_answering":
        other = name_of("task", task.name)
        raise InputError(f"{name_of('predictions')} is for question answering, not {other}")
    if settings.picture is not None:
        raise InputError(
            f"{name_of('predictions')} have no probabilities to draw: leave it out", "picture"
        )
    check_path(settings.data)
    # The official scripts do not read the questions' texts either.
    questions = task.read(settings.data, dataclasses.replace(layout, empty="keep"))
    config = types.SimpleNamespace(**task.config_fields(questions, {}))
    answers, missing, unknown = task.read_predictions(settings.predictions, questions)
    scores = task.scores(answers, questions, config)
    lines = task.score_lines(scores, config)
    if missing:
        lines.append(f"{missing} questions have no prediction: they score 0")
    if unknown:
        lines.append(f"{unknown} predictions belong to no question in {settings.data}")
    result = {"predictions": settings.predictions, "data": settings.data, **scores}
    result |= {"missing": missing, "unknown": unknown}
    _write_errors(settings, task, answers, questions, config, result, lines)
    return result, lines
