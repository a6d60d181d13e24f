"""What every kind of task has in common: examples to rows, rows' outputs to answers and scores.

A task reads its files, turns examples into rows of tokens and into targets, turns the outputs of
the network into answers, and scores these the way the field does. It also describes itself: to the
command line, to model cards, to exported files and to checkpoints of other formats. What the
network computes, its loss and what its logits mean stand in the network's own file in `models/`.
A task needs no Keras, so the program on the device decodes with the same code as training does.
"""

import abc
import dataclasses

import numpy as np

from keras_bert.errors import InputError
from keras_bert.settings import check_settings, setting


@dataclasses.dataclass(frozen=True)
class Rows:
    """The rows of tokens that go through the model for some examples.

    Attributes:
        encodings: sequence of objects with `token_ids` and `segment_ids`, without padding.
        example_indices: int array of shape (rows,), the example that each row belongs to.
        details: list, per row, of what the task needs to read the outputs; or None.
        group: rows that answer one example together, one after the other; see multiple choice.
    """

    encodings: list
    example_indices: np.ndarray
    details: list | None = None
    group: int = 1

    def __len__(self):
        return len(self.encodings)


@dataclasses.dataclass(frozen=True, kw_only=True)
class NoOverrides:
    """For tasks whose training file decides everything."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class LabelOverrides:
    """For tasks with labels."""

    labels: list | None = setting(None, "the labels, in order (default: those found in --train)")

    __post_init__ = check_settings


class Task(abc.ABC):
    """One kind of task.

    Examples are the task's own dataclass; all have `path`, `lines`, `len()`, `take(indices)`, and
    `keys()`: a str for each, such that examples of equal keys must not be parted when some are
    held out.

    Attributes:
        kind: the value of `ModelConfig.task`.
        name: the value of `--task`: the kind, or a benchmark of it such as `glue/sst2`.
        outputs: dict from the names of the model's outputs, in exported files too, to what each
            means.
        per_token: whether outputs are of shape (batch, length, ...) rather than (batch, ...).
        perfect_score: the highest score of the first metric; 100 where the field counts in percent.
        title, usage, length_note: for the model card: what the model is, the flags of `predict`
            that ask it, and what happens to long texts ("{}" stands for the number of tokens).
        export_name, export_description: what an exported file says of itself.
        of_texts: whether an answer is about a text as a whole; then the network pools ("cls" or
            "mean") and a SavedModel takes raw text.
        Overrides: dataclass of settings that decide what otherwise the training file does.
        layout_fields: names of those fields of `FileLayout` that only this kind has.
        huggingface_class, problem_type: transformers' class for the same head, and the
            `problem_type` in its config; None where it has no such.
        head_outputs: outputs of the head where all models have as many; None: one a label.
    """

    kind = ""
    outputs = {}
    per_token = False
    perfect_score = 1.0
    title = usage = length_note = ""
    export_name = export_description = ""
    of_texts = False
    Overrides = NoOverrides
    layout_fields = ()
    huggingface_class = problem_type = None
    head_outputs = None

    @property
    def name(self):
        return self.kind

    @abc.abstractmethod
    def metrics(self, config):
        """Returns names among `scores`, larger being better; the first decides the best epoch."""

    @abc.abstractmethod
    def read(self, path, layout, labelled=True):
        """Returns the examples of a file; `labelled` ones come with what the model should answer.

        Raises:
            InputError: something in the file is wrong; names file, line or entry, and fix.
        """

    @abc.abstractmethod
    def examples_from(self, texts, texts_b=None, labels=None):
        """Returns examples of lists: see `Predictor.predict` for the texts.

        Args:
            texts, texts_b: lists; the second None where the task needs none.
            labels: list of what the model should answer, as files have it; None: unlabelled.
        """

    @abc.abstractmethod
    def config_fields(self, examples, overrides):
        """Returns the fields of `ModelConfig` that the training examples decide.

        Args:
            examples: what `--train` holds.
            overrides: dict, the fields of the task's `Overrides`; None is not given.
        """

    def model_fields(self, examples, overrides, max_length):
        """Returns `config_fields`, with settings that suit rows of at most so many tokens."""
        fields = self.config_fields(examples, overrides)
        if fields.get("settings"):
            given = [name for name, value in overrides.items() if value is not None]
            fields["settings"] = self.settings_for(fields["settings"], max_length, given)
        return fields

    def settings_for(self, settings, max_length, overrides=()):
        """Returns the settings as a model of rows of at most so many tokens needs them.

        Args:
            settings: dict, as in `ModelConfig`.
            max_length: tokens of a row.
            overrides: names of those that a user chose, which stay.
        """
        return settings

    @abc.abstractmethod
    def check_config(self, config):
        """Raises InputError if a `ModelConfig`, from a file that may be anybody's, does not do."""

    def notes(self, examples):
        """Returns a list of str, what a user should know of how a file was read."""
        return []

    @abc.abstractmethod
    def check(self, examples, config):
        """Raises InputError if a model with this config cannot be asked or scored on examples."""

    @abc.abstractmethod
    def rows(self, examples, tokenizer, config):
        """Returns the `Rows` of examples."""

    def training_rows(self, examples, tokenizer, config):
        """Returns the `Rows` to train on: those from which there is something to learn."""
        return self.rows(examples, tokenizer, config)

    def skipped(self, rows, examples):
        """Returns how many examples the training rows leave out."""
        return 0

    @abc.abstractmethod
    def targets(self, examples, rows, config):
        """Returns what the model learns: one entry a row, or a group of rows.

        An array of shape (count, ...), or a dict of them by the names of the logits; for tagging
        a list of int32 arrays, one value a token of the row, with -1 where there is nothing to
        learn.
        """

    @abc.abstractmethod
    def output_shape(self, config, rows, length):
        """Returns the shape that each output has for a batch of `rows` rows of `length` tokens."""

    @abc.abstractmethod
    def network_arguments(self, config):
        """Returns the arguments of the network's constructor, besides the encoder."""

    def fields_from_checkpoint(self, labels, settings, positions):
        """Returns the fields of `ModelConfig` for weights in a format that is not ours.

        Args:
            labels: list of str, or None.
            settings: dict, settings of the task as far as the checkpoint has them.
            positions: rows of the position table.

        Raises:
            InputError: the settings are not of this task.
        """
        return {"labels": tuple(labels or ()), "pair": None, "settings": settings}

    @abc.abstractmethod
    def answers(self, outputs, rows, examples, config):
        """Returns one answer an example, in the form that `predict` gives.

        Args:
            outputs: dict by the names in `outputs`, of sequences of one array a row; arrays of
                tasks per token are cut to the row's tokens.
            rows: what `rows` gave.
            examples: the examples, labelled or not.
            config: `ModelConfig`.
        """

    @abc.abstractmethod
    def scores(self, answers, examples, config):
        """Returns a dict of the scores of answers, with those in `metrics`, and `count`."""

    def tuned_settings(self, answers, examples, config):
        """Returns a dict of settings that are chosen on the evaluation texts after training."""
        return {}

    def score_lines(self, scores, config):
        """Returns the scores as lines for a terminal."""
        names = self.metrics(config)
        width = max(map(len, (*names, "count")))
        return [
            *(f"{name:<{width}} {scores[name]:.4f}" for name in names),
            f"{'count':<{width}} {scores['count']}",
        ]

    @abc.abstractmethod
    def asked_fields(self, examples):
        """Returns what was asked, a dict for each example: a record has it before the answer."""

    @abc.abstractmethod
    def answer_line(self, answer):
        """Returns an answer in one line, for a terminal."""

    @abc.abstractmethod
    def columns(self, config):
        """Returns the names of the columns that answers have in CSV and TSV files."""

    @abc.abstractmethod
    def cells(self, answer, config):
        """Returns an answer's values in the order of `columns`."""

    def submission_file(self, examples):
        """Returns the name that the site or script wants for the file of `submission`.

        Raises:
            InputError: the task has no such file.
        """
        raise InputError(f"task {self.name} has no submission file")

    def submission(self, answers, examples, config):
        """Returns answers as the text of the file that a benchmark's site or script takes.

        Raises:
            InputError: the task has no such file.
        """
        raise InputError(f"task {self.name} has no submission file")

    @abc.abstractmethod
    def answers_agree(self, answer, other, config):
        """Says whether two answers are the same, as far as a user is concerned.

        Args:
            answer, other: what two models answered.
            config: `ModelConfig`.
        """

    def collapsed(self, answers, config):
        """Says whether a model says one thing to everything (Mosbach et al. 2020)."""
        rest = answers[1:]
        return bool(rest) and all(self.answers_agree(answers[0], answer, config) for answer in rest)


def check_labels(config):
    """Raises InputError unless a `ModelConfig` has labels to choose from."""
    if len(config.labels) < 2:
        raise InputError(f"{config.task} needs at least two labels, found {list(config.labels)}")


def hold_out(examples, fraction, seed):
    """Splits examples in two, so that no text of the first part occurs in the second.

    Args:
        examples: examples of any task.
        fraction: share of the distinct texts in the first part.
        seed: int, the choice is a function of it.

    Returns:
        A tuple of examples: held out, rest.

    Raises:
        InputError: one of the two would be empty.
    """
    # Real collections repeat texts (7 % of the SMS spam collection are copies): copies
    # must fall on the same side, or the score counts what was learned by heart.
    keys = examples.keys()
    distinct = sorted(set(keys))
    order = np.random.default_rng(seed).permutation(len(distinct))
    chosen = {distinct[i] for i in order[: round(fraction * len(distinct))]}
    sides = np.array([key in chosen for key in keys])
    if sides.all() or not sides.any():
        raise InputError(
            f"{examples.path}: {len(distinct)} different texts, of which "
            f"--eval_fraction={fraction:g} leaves one side empty: give --eval or another share"
        )
    return examples.take(np.flatnonzero(sides)), examples.take(np.flatnonzero(~sides))
