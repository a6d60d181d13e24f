"""Reads labelled data, trains with `model.fit`, keeps the best epoch, writes a model folder.

    keras-bert finetune --task=classification --train=train.csv --eval=dev.csv \\
        --init=CHECKPOINT --output=my_model
"""

import dataclasses

from keras_bert.commands import flags
from keras_bert.settings import REQUIRED, setting
from keras_bert.tasks.file_layout import FileLayout
from keras_bert.tasks.registry import KINDS, NAMES, get_task
from keras_bert.training.finetune import finetune_runs
from keras_bert.training.seeds import summary_lines
from keras_bert.training.settings import FinetuneSettings, RoadSettings
from keras_bert.training.stopping import signals_save_first


@dataclasses.dataclass(frozen=True, kw_only=True)
class Arguments:
    """The values that a script passes by position, or to `load`."""

    task: str = setting("classification", "kind of task", choices=NAMES)
    train: str = setting(REQUIRED, "CSV, TSV, JSON lines; CoNLL; SQuAD")
    eval: str | None = setting(
        None, "data of the same kind, to choose the best epoch and to score on"
    )
    init: str | None = setting(None, "the start: model folder, checkpoint, or preset; needed")
    output: str = setting(REQUIRED, "the model folder to write")


def define(values):
    flags.define(values, Arguments)
    flags.define(values, RoadSettings, skip=("output",))
    flags.define(values, FinetuneSettings)
    flags.define(values, FileLayout, misaligned={"choices": ("error", "skip", "search")})
    for kind in KINDS:
        flags.define(values, get_task(kind).Overrides, skip=list(values))


def run(values):
    arguments = flags.given(values)
    for flag in flags.FOR_EVERY_VERB:
        arguments.pop(flag, None)
    with signals_save_first():
        outcome = finetune_runs(arguments.pop("init", None), **arguments)
    bert, run = outcome.bert, outcome.run
    result = {
        "output": values.output, "task": bert.task.name, **outcome.scores, **run,
        **outcome.summary,
    }  # fmt: skip
    if values.seeds is not None and len(values.seeds) > 1:
        result |= {"runs": outcome.runs, "diverged": outcome.diverged}
    epochs = len(run["epochs"])
    diverged = ", ".join(map(str, outcome.diverged))
    return result, [
        *bert.task.score_lines(outcome.scores, bert.config),
        *summary_lines(outcome.summary, outcome.runs, run["seed"]),
        *([f"seeds that diverged: {diverged}"] if diverged else []),
        f"best epoch {run['best_epoch']} of {epochs}; {run['seconds']:.0f} s of training",
        *_on_precision(run["dtype_policy"]),
        f"model folder: {values.output}",
        *([f"picture: {values.picture}"] if values.picture is not None else []),
    ]


def _on_precision(policy):
    """Returns a line on why the scores may differ from those of the epochs."""
    if policy == "float32":
        return []
    return [f"scored in float32, as the model is saved; the epochs' scores are of {policy}"]
