"""The interface of every kind of task: examples to rows, outputs of rows to answers and scores.

A task reads its files, turns examples into rows of tokens and into targets, turns the outputs of
the network into answers, and scores these with the field's metrics. It also describes itself: to
the command line, model cards, exported files and checkpoints of other formats. The network's own
file in `models/` describes its computation, its loss and the meaning of its logits.
A task needs no Keras, so the program on the device decodes with the same code as training does.
"""

import abc
import dataclasses

import numpy as np

from keras_bert.errors import InputError
from keras_bert.tasks.marked import marked_texts
from keras_bert.tasks.overrides import NoOverrides


@dataclasses.dataclass(frozen=True)
class Rows:
    """The rows of tokens that go through the model for some examples.

    Attributes:
        encodings: sequence of objects with `token_ids` and `segment_ids`, without padding.
        example_indices: int array of shape (rows,), the example that each row belongs to.
        details: list, one entry a row, that the task needs to read the outputs; or None.
        group: int, consecutive rows that answer one example together; see multiple choice.
        cut: int, examples of which some tokens are in no row.
    """

    encodings: list
    example_indices: np.ndarray
    details: list | None = None
    group: int = 1
    cut: int = 0

    def __len__(self):
        return len(self.encodings)


class Task(abc.ABC):
    """One kind of task.

    Examples are the task's own dataclass; all have `path`, `lines`, `len()`, `take(indices)`, and
    `keys()`: a str for each; examples of equal keys stay together when some are held out.

    Attributes:
        kind: the value of `ModelConfig.task`.
        name: the value of the setting `task`: the kind, or a benchmark such as `glue/sst2`.
        outputs: dict from the names of the model's outputs, in exported files too, to their
            meanings.
        per_token: whether outputs are of shape (batch, length, ...) rather than (batch, ...).
        perfect_score: the highest score of the first metric; 100 for metrics in percent.
        title, usage, length_note: for the model card: a name for the model, the flags of `predict`
            with an example text, and how long texts are handled ("{}": the number of tokens).
        export_name, export_description: name and description in an exported file's metadata.
        second_text: another name of the second texts in `predict`, or None.
        of_texts: whether an answer is about a text as a whole; then the network pools ("cls" or
            "mean").
        reads_windows: whether texts that are too long for a row can be read in windows.
        Overrides: dataclass of settings that replace decisions of the training file.
        layout_fields: names of those fields of `FileLayout` that only this kind has.
        huggingface_class, problem_type: transformers' class for the same head, and the
            `problem_type` in its config; None where it has none.
        head_outputs: int, outputs of the head; None: one for each label.
        weighs_labels: whether each example has one label, so that labels may have weights.
    """

    kind = ""
    outputs = {}
    per_token = False
    perfect_score = 1.0
    title = usage = length_note = ""
    export_name = export_description = ""
    second_text = None
    of_texts = False
    Overrides = NoOverrides
    layout_fields = ()
    huggingface_class = problem_type = None
    head_outputs = None
    weighs_labels = False
    reads_windows = False

    @property
    def name(self):
        return self.kind

    @abc.abstractmethod
    def metrics(self, config):
        """Returns names of `scores`, higher is better; the first one decides the best epoch."""

    @abc.abstractmethod
    def read(self, path, layout, labelled=True):
        """Returns the examples of a file, if `labelled` with the true answers.

        Raises:
            InputError: something in the file is wrong; names file, line or entry, and fix.
        """

    @abc.abstractmethod
    def examples_from(self, texts, texts_b=None, labels=None):
        """Returns examples of lists: see `Predictor.predict` for the texts.

        Args:
            texts, texts_b: lists; the second is None where the task needs none.
            labels: list of the true answers, as in files; None: unlabelled.
        """

    @abc.abstractmethod
    def config_fields(self, examples, overrides):
        """Returns the fields of `ModelConfig` that the training examples decide.

        Args:
            examples: the training examples.
            overrides: dict, the fields of the task's `Overrides`; None where not set.
        """

    def model_fields(self, examples, overrides, max_length):
        """Returns `config_fields`, with settings for rows of at most `max_length` tokens."""
        fields = self.config_fields(examples, overrides)
        if fields.get("settings"):
            chosen = [name for name, value in overrides.items() if value is not None]
            fields["settings"] = self.settings_for(fields["settings"], max_length, chosen)
        return fields

    def settings_for(self, settings, max_length, overrides=()):
        """Returns the settings adapted to rows of at most `max_length` tokens.

        Args:
            settings: dict, as in `ModelConfig`.
            max_length: int, the most tokens of a row.
            overrides: names of settings that the user chose; these are not changed.
        """
        return settings

    @abc.abstractmethod
    def check_config(self, config):
        """Raises InputError if a `ModelConfig`, from an untrusted file, is not valid."""

    @abc.abstractmethod
    def check(self, examples, config):
        """Raises InputError if a model with this config cannot answer the examples or be scored."""

    @abc.abstractmethod
    def rows(self, examples, tokenizer, config):
        """Returns the `Rows` of examples."""

    def training_rows(self, examples, tokenizer, config):
        """Returns the `Rows` to train on, without those that have no target."""
        return self.rows(examples, tokenizer, config)

    def skipped(self, rows, examples):
        """Returns how many examples the training rows leave out."""
        return 0

    @abc.abstractmethod
    def targets(self, examples, rows, config):
        """Returns the targets: one entry a row, or a group of rows.

        An array of shape (count, ...), or a dict of them by the names of the logits; for tagging
        a list of int32 arrays, one value a token of the row, with -1 where there is no target.
        """

    def with_placeholders(self, examples, config):
        """Returns unlabelled examples with answers that stand in for those that are not known.

        Their rows and targets then are those of labelled ones; a loss is to leave the answers out.
        """
        answers = [self.placeholder(config)] * len(examples)
        return dataclasses.replace(examples, labels=answers)

    def placeholder(self, config):
        """Returns an answer of the kind that files have, any one."""
        return config.labels[0]

    @abc.abstractmethod
    def output_shape(self, config, rows, length):
        """Returns the shape of each output for a batch of `rows` rows of `length` tokens."""

    @abc.abstractmethod
    def network_arguments(self, config):
        """Returns the arguments of the network's constructor, besides the encoder."""

    def fields_from_checkpoint(self, labels, settings, positions):
        """Returns the fields of `ModelConfig` for weights in another format.

        Args:
            labels: list of str, or None.
            settings: dict, the settings of the task that the checkpoint has.
            positions: rows of the position table.

        Raises:
            InputError: the settings are not of this task.
        """
        return {"labels": tuple(labels or ()), "pair": None, "settings": settings}

    @abc.abstractmethod
    def answers(self, outputs, rows, examples, config):
        """Returns one answer an example, in the form that `predict` returns.

        Args:
            outputs: dict by the names in `outputs`, of sequences of one array a row; arrays of
                tasks per token are cut to the row's tokens.
            rows: the `Rows` of the examples.
            examples: the examples, labelled or not.
            config: `ModelConfig`.
        """

    @abc.abstractmethod
    def scores(self, answers, examples, config):
        """Returns a dict of the scores of answers, those of `metrics` and others, and `count`."""

    def with_reference(self, examples, answers):
        """Returns examples to be scored by what a model answered them; see `EmbeddingTask`.

        Tasks with true answers are scored by these, and return the examples as they are.

        Args:
            examples: the task's.
            answers: of the model with which another, or its exported file, is compared.
        """
        return examples

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

    def panels(self, answers, examples, config):
        """Returns what a picture of the scores shows: a list of the classes of `tasks.panels`."""
        return []

    def marked(self, answers, examples, config):
        """Returns what a page shows of each example and its answer: `tasks.marked.Marked`."""
        return marked_texts(self.asked_fields(examples), answers, self.answer_line)

    @abc.abstractmethod
    def asked_fields(self, examples):
        """Returns the inputs, a dict for each example; a record has them before the answer."""

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
        """Returns the file name of `submission`, as the benchmark's site or script expects it.

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

    def row_fields(self, examples):
        """Returns what a report on single rows says of each: a dict of `line` and the inputs."""
        fields = zip(examples.lines, self.asked_fields(examples), strict=True)
        return [{"line": line, **asked} for line, asked in fields]

    @abc.abstractmethod
    def true_answers(self, examples, config):
        """Returns the true answers of labelled examples, in the form of `short_answer`."""

    @abc.abstractmethod
    def short_answer(self, answer):
        """Returns what is compared of an answer, and how sure the model is of it.

        Returns:
            A tuple: what JSON can hold; the probability, None where there is none.
        """

    def mistakes(self, answers, examples, config):
        """Returns the wrong answers, those of which the model is most certain first.

        Returns:
            A list of tuples: the index of the example; a dict of what else a report says of it.
        """
        pairs = zip(map(self.short_answer, answers), self.true_answers(examples, config))
        wrong = [(-sure, i) for i, ((said, sure), true) in enumerate(pairs) if said != true]
        return [(i, {}) for _, i in sorted(wrong)]

    @abc.abstractmethod
    def answers_agree(self, answer, other, config):
        """Returns whether two answers are the same for a user.

        Args:
            answer, other: the answers of two models.
            config: `ModelConfig`.
        """

    def agreement(self, answers, others, config):
        """Returns the share of examples to which two models answer the same.

        Args:
            answers, others: lists of their answers to the same examples.
            config: `ModelConfig`.
        """
        pairs = zip(answers, others, strict=True)
        return float(np.mean([self.answers_agree(one, other, config) for one, other in pairs]))

    def collapsed(self, answers, config):
        """Returns whether all answers are the same, as of a failed run (Mosbach et al. 2020)."""
        rest = answers[1:]
        return bool(rest) and all(self.answers_agree(answers[0], answer, config) for answer in rest)


def check_labels(config):
    """Raises InputError unless a `ModelConfig` has labels to choose from."""
    if len(config.labels) < 2:
        raise InputError(f"{config.task} needs at least two labels, found {list(config.labels)}")
