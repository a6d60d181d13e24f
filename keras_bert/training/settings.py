"""What a user can choose about fine-tuning: one place for names, defaults, help and bounds."""

import dataclasses
import os

from keras_bert.config import POOLINGS, QUANTIZED_WEIGHTS, TABLE_BITS
from keras_bert.errors import InputError, name_of
from keras_bert.locking import FORCE_HELP
from keras_bert.settings import check_settings, setting, settings_of
from keras_bert.tasks.file_layout import FileLayout
from keras_bert.tasks.label_pairs import as_text
from keras_bert.tasks.registry import KINDS, get_task

LARGEST_SEED = 2**32 - 1
# What switches the teacher off that quantization-aware training has by default.
NO_TEACHER = "none"
# Settings that do nothing without a teacher.
_OF_TEACHERS = (
    "label_weight", "temperature", "unlabeled", "augment", "relation_layer", "hidden_layers",
)  # fmt: skip


@dataclasses.dataclass(frozen=True, kw_only=True)
class FitSettings:
    """One run of `fit`; the defaults are those that BERT's paper recommends (appendix A.3)."""

    group = "training"

    epochs: int = setting(3, "passes over the texts", low=1)
    batch_size: int = setting(32, "texts a step", low=1)
    learning_rate: float = setting(5e-5, "the schedule's peak", low=0.0)
    warmup: float = setting(
        0.1, "share of the steps in which the learning rate rises", low=0.0, high=1.0
    )
    weight_decay: float = setting(0.01, "decoupled, not on biases and LayerNorm", low=0.0)
    clipnorm: float = setting(1.0, "largest global norm of the gradient; 0 does not clip", low=0.0)
    layer_decay: float = setting(
        1.0, "factor of the learning rate from each block to the one below", low=1e-3, high=1.0
    )
    patience: int | None = setting(
        None,
        "epochs without a better score after which the run ends (default: it has all --epochs); "
        "the learning rate keeps the schedule of all of them",
        low=1,
    )
    checkpoint_every: int = setting(1000, "steps from one state for --resume to the next", low=1)
    seed: int = setting(0, "of initialization, order and dropout", low=0, high=LARGEST_SEED)

    __post_init__ = check_settings


@dataclasses.dataclass(frozen=True, kw_only=True)
class FinetuneSettings(FitSettings):
    """Fine-tuning for a task, from a start and examples to the best of one or several runs."""

    group = "fine-tuning"

    eval_fraction: float = setting(
        0.1, "without --eval: share of the training texts to hold out", low=0.0, high=0.9
    )
    length: int = setting(128, "tokens a text is cut to, [CLS] and [SEP] included", low=3)
    windows: bool = setting(
        False,
        "longer texts are read whole, in overlapping windows of --length tokens, and so by the "
        "model that is written",
    )
    class_weight: str | None = setting(
        None,
        "weights of the labels in the loss: balanced (the rarer the heavier), or as in "
        "spam:3,ham:1; labels that are not named have 1",
    )
    pooling: str | None = setting(
        None,
        "what stands for a text as a whole: [CLS], or the mean of its tokens (default: as the "
        "start's checkpoint declares it, else cls)",
        choices=POOLINGS,
    )
    dropout: float | None = setting(
        None,
        "in place of the two rates of --init, which may have been pretrained without",
        low=0.0,
        high=0.9,
    )
    seeds: list[int] | None = setting(
        None,
        "several seeds, one run each: reports mean and standard deviation, and keeps the best run",
    )
    metric: str | None = setting(
        None, "the score that the best epoch is best in (default: the task's first)"
    )
    freeze: str = setting("", "not trained: encoder, embeddings, or N (the lowest N blocks)")
    lora_rank: int | None = setting(
        None,
        "trains low-rank adapters of this width on query and value in place of the encoder; they "
        "are merged when the model is saved",
        low=1,
    )
    quantize_aware: str | None = setting(
        None,
        "trains a fine-tuned --init further with the rounding of a file of 4-bit or 8-bit weights, "
        "so that `export --quantize=int4`, or dynamic, loses less",
        choices=tuple(QUANTIZED_WEIGHTS),
    )
    table_bits: int | None = setting(
        None,
        "with --quantize_aware: bits of the word table, 4 or 8 (default: as its weights have)",
        low=min(TABLE_BITS),
        high=max(TABLE_BITS),
    )
    teacher: str | None = setting(
        None,
        "models of the same task, in any format, with commas between them: the mean of their "
        "logits is learned beside the labels; none: labels alone (default: with --quantize_aware "
        "the start, in float)",
    )
    label_weight: float = setting(
        0.5, "with --teacher: share of the labels in the loss", low=0.0, high=1.0
    )
    temperature: float = setting(
        1.0, "softens teacher and student before they are compared", low=0.1, high=100.0
    )
    student_layers: list[int] | None = setting(
        None,
        "starts from the first teacher's network with these of its blocks only, from 0; in place "
        "of --init",
        example="0,2,4",
    )
    unlabeled: str | None = setting(
        None,
        "files of texts without labels, which the teacher labels; globs with commas between them",
    )
    relation_layer: int | None = setting(
        None,
        "the first teacher's block, from 0, or -1 for its last: how its queries, keys and values "
        "relate to each other is learned by the last block of the student",
    )
    hidden_layers: list[int] | None = setting(
        None,
        "for each block of the student the block of the first teacher, from 0, whose output its "
        "own is to be like",
        example="1,3,5",
    )
    inner_weight: float = setting(
        1.0, "of the loss of --relation_layer and --hidden_layers, beside that on answers", low=0.0
    )
    augment: int | None = setting(
        None,
        "variants of each text to train on, in which words are replaced by what a masked language "
        "model proposes; the teacher labels them",
        low=1,
        high=100,
    )
    augment_model: str | None = setting(
        None, "with --augment: a model with a masked-LM head, such as a pretrained checkpoint"
    )
    precision: str = setting(
        "auto",
        "number format of the training steps; auto takes the machine's best",
        choices=("auto", "float32", "mixed_bfloat16", "mixed_float16"),
    )
    strategy: str = setting(
        "one",
        "one device, all of this machine, or those of the machines in TF_CONFIG",
        choices=("one", "mirrored", "multi_worker"),
    )
    resume: bool = setting(False, "go on with a run that was killed, from its last state")
    tensorboard: str | None = setting(None, "folder for TensorBoard logs")

    def __post_init__(self):
        object.__setattr__(self, "class_weight", as_text(self.class_weight))
        for name in ("teacher", "unlabeled"):
            if isinstance(getattr(self, name), list | tuple):
                paths = map(os.fspath, getattr(self, name))
                object.__setattr__(self, name, ",".join(paths))
        check_settings(self)
        if self.teacher is not None and not self.teacher.strip(", "):
            raise InputError("names no model", "teacher", self.teacher)
        if self.table_bits is not None:
            if self.table_bits not in TABLE_BITS:
                raise InputError("expected 4 or 8", "table_bits", self.table_bits)
            if self.quantize_aware is None:
                raise InputError(f"goes with {name_of('quantize_aware')}", "table_bits")
        if self.teacher is None and self.quantize_aware is None or self.teacher == NO_TEACHER:
            for name in _OF_TEACHERS:
                if getattr(self, name) != type(self).__dataclass_fields__[name].default:
                    raise InputError(f"goes with {name_of('teacher')}", name)
        if self.inner_weight != 1 and self.relation_layer is None and self.hidden_layers is None:
            these = f"{name_of('relation_layer')} or {name_of('hidden_layers')}"
            raise InputError(f"goes with {these}", "inner_weight")
        if (self.augment is None) != (self.augment_model is None):
            missing = "augment" if self.augment is None else "augment_model"
            given = "augment_model" if self.augment is None else "augment"
            raise InputError(f"goes with {name_of(missing)}", given)
        if self.quantize_aware is not None and self.precision not in ("auto", "float32"):
            raise InputError(
                f"{name_of('quantize_aware')} trains in float32: its steps of 8 bits need it",
                "precision",
                self.precision,
            )


@dataclasses.dataclass(frozen=True, kw_only=True)
class RoadSettings:
    """Where a fine-tuning starts and ends."""

    output: str | None = setting(None, "the model folder to write")
    picture: str | None = setting(
        None, "the .png file to draw: loss and scores over the epochs", is_path=True
    )
    force: bool = setting(False, FORCE_HELP)
    vocab: str | None = setting(None, "vocabulary, where --init has none")
    lower_case: bool | None = setting(None, "whether --vocab is uncased (default: by its look)")

    __post_init__ = check_settings


def teacher_paths(names):
    """Returns the paths in the setting `teacher`; one that exists may have a comma in it."""
    if names in (None, NO_TEACHER):
        return []
    return [names] if os.path.exists(names) else [each for each in names.split(",") if each]


def check_start(start, settings):
    """Raises InputError unless a run has one start: `init`, or blocks of the first teacher.

    Args:
        start: the `init` of the run, or None.
        settings: `FinetuneSettings`.
    """
    teachers = teacher_paths(settings.teacher)
    if settings.student_layers is None:
        if start is None:
            raise InputError("is needed: the model to start from", "init")
        return
    if not teachers:
        raise InputError(f"goes with {name_of('teacher')}, whose blocks they are", "student_layers")
    is_path = isinstance(start, (str, os.PathLike))
    if start is None or is_path and os.path.realpath(start) == os.path.realpath(teachers[0]):
        return
    raise InputError(
        f"the start is blocks of {teachers[0]}: leave out {name_of('init')}", "student_layers"
    )


def sorted_settings(task, given):
    """Returns settings by what they are about.

    Args:
        task: `Task`.
        given: dict of settings of any kind.

    Returns:
        A tuple: `RoadSettings`, `FinetuneSettings`, `FileLayout`, and the task's overrides, a dict.

    Raises:
        InputError: a setting is for another kind of task, or has an impossible value.
        TypeError: there is no such setting.
    """
    kinds = (RoadSettings, FinetuneSettings, FileLayout, task.Overrides)
    names = [{field.name for field, _ in settings_of(kind)} for kind in kinds]
    for name in given:
        owners = kinds_with(name)
        if owners and task.kind not in owners:
            raise InputError(
                f"{name_of(name)} is for {_listed(owners)}, not for {name_of('task', task.name)}"
            )
        if not owners and name not in set().union(*names):
            raise TypeError(f"finetune has no setting {name!r}")
    *made, overrides = (
        kind(**{name: given[name] for name in own & given.keys()})
        for kind, own in zip(kinds, names)
    )
    return *made, dataclasses.asdict(overrides)


def kinds_with(name):
    """Returns the kinds of task that have a setting to themselves; none where all have it."""
    return [kind for kind in KINDS if name in own_settings(get_task(kind))]


def own_settings(task):
    """Returns the names of the settings that not every kind of task has."""
    overrides = [field.name for field, _ in settings_of(task.Overrides)]
    of_texts = ["pooling", "windows", "augment", "augment_model"] if task.of_texts else []
    weighs = ["class_weight"] if task.weighs_labels else []
    return {*overrides, *task.layout_fields, *of_texts, *weighs}


def _listed(names):
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
