"""The model card of a fine-tuned model: its data, its scores, and the call that made it."""

import os

from keras_bert.card import command_line, model_card, seeds_table
from keras_bert.config import EXPORTED_AS
from keras_bert.errors import spells_flags
from keras_bert.guesses import counted
from keras_bert.settings import shown_path
from keras_bert.training.settings import teacher_paths

# Settings that are paths.
_PATHS = ("train", "eval", "init", "vocab", "output", "picture", "augment_model")
# Those that are several paths, with commas between them.
_LISTS = ("teacher", "unlabeled")
# A card does not repeat a script's data.
_LONGEST_VALUE = 100


def finetuned_card(best, call, settings, parts, over_all):
    """Returns the text of the card of a fine-tuned model.

    Args:
        best: the `Run` whose model it is.
        call: dict of the settings that were given, by name.
        settings: `FinetuneSettings`.
        parts: the examples to train on, those to score on, and those without labels, if any.
        over_all: the `summary` of several seeds, or {}.
    """
    bert, task, (train, evaluation, *_) = best.bert, best.bert.task, parts
    where = "held out of the same data; no text is in both parts"
    if call["eval"] is not None:
        where = "data of its own"
    named = f" for {task.name}" if task.name != task.kind else ""
    return model_card(
        bert,
        how=f"fine-tuned with keras-bert{named}",
        data=[
            f"Trained on {os.path.basename(train.path)}: {len(train):,} examples.",
            f"Scored on {os.path.basename(evaluation.path)}: {len(evaluation):,} examples, "
            f"{where}.",
            *_weights_line(best.report),
            *_teacher_lines(best.report),
            *_quantized_line(best.report),
        ],
        score_lines=task.score_lines(best.scores, bert.config),
        selection=f"The best of {_epochs_done(best.report, settings)} by {best.metric} on the same "
        f"examples, so slightly optimistic.",
        scores=seeds_table(**over_all, seed=best.report["seed"]) if over_all else "",
        command=_call_shown(call),
        base=_base(call, settings),
    )


def _base(call, settings):
    """Returns the name of the model whose weights the run began with; None where it has none."""
    if settings.student_layers is not None:
        return teacher_paths(settings.teacher)[0]
    return str(call["init"]) if isinstance(call["init"], (str, os.PathLike)) else None


def _epochs_done(report, settings):
    done = len(report["epochs"])
    ended = f", of {settings.epochs} that were planned," if done < settings.epochs else ""
    return f"{done} epochs{ended}"


def _weights_line(report):
    weights = [f"{name} {weight:.4g}" for name, weight in report.get("class_weight", {}).items()]
    return [f"Weights of the labels in the loss: {', '.join(weights)}."] if weights else []


def _teacher_lines(report):
    if "teacher" not in report:
        return []
    field = report["teacher"]
    who = " and ".join(map(shown_path, field["models"]))
    weight = field["label_weight"]
    lines = [
        f"In the loss the labels count {weight:g}, what {who} answer{'s' * (' and ' not in who)} "
        f"{1 - weight:g}, at a temperature of {field['temperature']:g}."
    ]
    if field["unlabeled"]:
        count = counted(field["unlabeled"], "example")
        lines.append(f"Learned from {count} without labels, as answered by {who}.")
    return lines


def _quantized_line(report):
    if "quantize_aware" not in report:
        return []
    field = report["quantize_aware"]
    shown = ", ".join(f"{name} {value:.4f}" for name, value in report["in_float32"].items())
    return [
        f"Trained for `export --quantize={EXPORTED_AS[field['weights']]} "
        f"--table_bits={field['table_bits']}`; the scores are those of such a file, simulated. "
        f"In float32: {shown}."
    ]


def _shown_paths(paths):
    parts = paths.split(",") if isinstance(paths, str) else paths
    return ",".join(map(shown_path, parts))


def _call_shown(call):
    """Returns the call as its author wrote it: a command, or a line of Python."""
    given = {name: value for name, value in call.items() if value is not None and name != "force"}
    given |= {name: _shown_paths(given[name]) for name in _LISTS if name in given}
    if spells_flags():
        return command_line("finetune", given, _PATHS)
    arguments = []
    for name, value in given.items():
        if name in _PATHS and isinstance(value, (str, os.PathLike)):
            value = shown_path(value)
        plain = isinstance(value, (str, int, float, bool, list, tuple, dict))
        shown = repr(value) if plain else "…"
        shown = shown if len(shown) <= _LONGEST_VALUE else "…"
        arguments.append(shown if name == "init" else f"{name}={shown}")
    return f"keras_bert.finetune({', '.join(arguments)})"
