"""The nine tasks of GLUE: their files, labels, metrics and submission files (Wang et al. 2018)."""

import dataclasses
import itertools
import os

import numpy as np

from keras_bert.errors import InputError
from keras_bert.tasks.columns import some
from keras_bert.tasks.decoding import MOST_BYTES, decoded_lines
from keras_bert.tasks.sequence import texts
from keras_bert.tasks.sequence.classification import ClassificationTask, binary_f1
from keras_bert.tasks.sequence.regression import RegressionTask, number_of
from keras_bert.tasks.tables import Table

_NUMBERS = ("0", "1")
_ENTAILMENT = ("entailment", "not_entailment")
_HIGHEST_SCORE = 5.0  # STS-B: from 0, nothing in common, to 5, the same meaning
# A file with a higher share of broken rows than one in this many is not the benchmark's.
_ROWS_PER_BROKEN = 100


@dataclasses.dataclass(frozen=True)
class Layout:
    """One task of GLUE: the layout of its files and the names on its site.

    Attributes:
        texts: columns of the text, or of the two texts of a pair.
        label: column of the label, in labelled files.
        labels: names of the classes; () where the label is a number.
        metrics: names of the official scores, the main one first.
        submission: file name that the site expects, without `.tsv`.
        index: column that numbers the rows of test files.
        columns: columns of labelled files, where these have no header line.
        broken_rows: whether the labelled files hold broken rows.
    """

    texts: tuple
    label: str
    labels: tuple
    metrics: tuple
    submission: str
    index: str = "index"
    columns: tuple = ()
    broken_rows: bool = False


LAYOUTS = {
    "cola": Layout(
        ("sentence",), "label", _NUMBERS, ("matthews",), "CoLA",
        columns=("source", "label", "star", "sentence"),
    ),
    "sst2": Layout(("sentence",), "label", _NUMBERS, ("accuracy",), "SST-2"),
    "mrpc": Layout(("#1 String", "#2 String"), "Quality", _NUMBERS, ("f1", "accuracy"), "MRPC"),
    "stsb": Layout(("sentence1", "sentence2"), "score", (), ("spearman", "pearson"), "STS-B"),
    "qqp": Layout(
        ("question1", "question2"), "is_duplicate", _NUMBERS, ("f1", "accuracy"), "QQP",
        index="id", broken_rows=True,
    ),
    "mnli": Layout(
        ("sentence1", "sentence2"), "gold_label", ("contradiction", "entailment", "neutral"),
        ("accuracy",), "MNLI-m",
    ),
    "qnli": Layout(("question", "sentence"), "label", _ENTAILMENT, ("accuracy",), "QNLI"),
    "rte": Layout(("sentence1", "sentence2"), "label", _ENTAILMENT, ("accuracy",), "RTE"),
    "wnli": Layout(("sentence1", "sentence2"), "label", _NUMBERS, ("accuracy",), "WNLI"),
}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class GlueExamples(texts.Examples):
    """Texts of a file in GLUE's own layout.

    Attributes, besides those of `Examples`:
        indices: list of str, the row numbers of a test file; None without them.
        left_out: number of broken rows of the file, which are left out.
    """

    indices: list | None = None
    left_out: int = 0

    def take(self, indices):
        """Returns the examples at `indices`, in that order."""
        numbers = None if self.indices is None else [self.indices[i] for i in indices]
        part = vars(super().take(indices))
        return GlueExamples(**part, indices=numbers, left_out=self.left_out)


def glue_task(name):
    """Returns the `Task` of one of GLUE's tasks, such as "glue/sst2"; see `LAYOUTS`."""
    key = name.removeprefix("glue/")
    return GlueClassification(key) if LAYOUTS[key].labels else GlueRegression(key)


class _GlueTask:
    """The part of GLUE's tasks that classification and regression share.

    Files in GLUE's own layout are read without any setting, labelled files and test files. Where
    the layout names columns, and for other files, such as a CSV version, the usual rules hold.

    QQP's labelled files have rows that a line break inside a question has cut in two, and a few
    with an empty question. They are left out and counted, as fairseq's preprocess_GLUE_tasks.sh
    and transformers' QqpProcessor do; anywhere else such a row is an error. Test files may hold
    empty texts, because the site expects an answer for every row.
    """

    def __init__(self, key):
        self.key = key
        self.layout = LAYOUTS[key]

    @property
    def name(self):
        return f"glue/{self.key}"

    def metrics(self, config):
        return self.layout.metrics

    def read(self, path, layout, labelled=True):
        path = path if isinstance(path, Table) else os.fspath(path)
        names = (
            "columns", "text_column", "text_b_column", "label_column", "separator", "skip_labels",
        )  # fmt: skip
        examples = None
        may_be_official = all(getattr(layout, name) is None for name in names)
        # The first line decides, and a pipe cannot be read again.
        if may_be_official and isinstance(path, str) and os.path.isfile(path):
            examples = self._read_official(path, labelled)
        if examples is None:
            examples = super().read(path, layout, labelled)
        if labelled:
            pairs = zip(examples.labels, examples.lines)
            labels = [self._label(label, line, examples.path) for label, line in pairs]
            examples = dataclasses.replace(examples, labels=labels)
        return examples

    def skipped(self, rows, examples):
        return getattr(examples, "left_out", 0)

    def scores(self, answers, examples, config):
        left_out = getattr(examples, "left_out", 0)
        scores = super().scores(answers, examples, config)
        return {**scores, "left_out": left_out} if left_out else scores

    def score_lines(self, scores, config):
        lines = super().score_lines(scores, config)
        left_out = scores.get("left_out", 0)
        return lines + ([f"broken rows left out: {left_out}"] if left_out else [])

    def submission_file(self, examples):
        """Returns the file name that the site expects for the answers to a test file."""
        file = os.path.basename(examples.path).lower()
        if self.key == "mnli" and file.startswith(("diagnostic", "ax.")):
            return "AX.tsv"
        if self.key == "mnli" and "mismatched" in file:
            return "MNLI-mm.tsv"
        return f"{self.layout.submission}.tsv"

    def submission(self, answers, examples, config):
        """Returns the text of the file that gluebenchmark.com takes, see `submission_file`."""
        indices = getattr(examples, "indices", None)
        if indices is None:
            raise InputError(
                f"{examples.path}: no column {self.layout.index!r}, which numbers the rows of "
                f"{self.name}'s test file: a submission is made of that file, not of a pipe"
            )
        lines = [f"{index}\t{self._written(answer)}" for index, answer in zip(indices, answers)]
        return "".join(f"{line}\n" for line in ("index\tprediction", *lines))

    def _read_official(self, path, labelled):
        """Returns the examples of a file in GLUE's own layout, None if it has another."""
        if os.fspath(path).lower().removesuffix(".gz").endswith((".csv", ".json", ".jsonl")):
            return None
        layout = self.layout
        lines = decoded_lines(path, MOST_BYTES)
        records = ((n, line.rstrip("\r\n")) for n, line in enumerate(lines, start=1))
        records = ((n, line.split("\t")) for n, line in records if line)
        first, header = next(records, (0, []))
        columns = [name.strip() for name in header]
        if layout.columns and len(columns) == len(layout.columns):
            # Any number: one that is no label is an error below, with its line.
            if number_of(columns[layout.columns.index(layout.label)]) is not None:
                columns = list(layout.columns)
                records = itertools.chain([(first, header)], records)
        needed = {*layout.texts, *([layout.label] if labelled else [])}
        if not needed <= set(columns) or len(set(columns)) < len(columns):
            return None
        # Not the others: MNLI's syntax trees are many times longer than its texts.
        kept = {name: [] for name in columns if name in (*needed, layout.index)}
        lines, broken = [], []
        for number, fields in records:
            problem = _problem(fields, columns, layout.texts if labelled else ())
            if problem:
                broken.append(InputError(f"{path}:{number}: {problem}"))
                continue
            lines.append(number)
            for name, field in zip(columns, fields):
                if name in kept:
                    kept[name].append(field)
        most = len(lines) // _ROWS_PER_BROKEN if labelled and layout.broken_rows else 0
        if len(broken) > most:
            raise broken[0]
        if not lines:
            raise InputError(f"{path}: no rows after the header")
        return GlueExamples(
            path=path,
            texts=kept[layout.texts[0]],
            texts_b=kept[layout.texts[1]] if len(layout.texts) == 2 else None,
            labels=kept[layout.label] if labelled else None,
            lines=lines,
            indices=kept.get(layout.index),
            left_out=len(broken),
        )


class GlueClassification(_GlueTask, ClassificationTask):
    """A task of GLUE with classes."""

    def config_fields(self, examples, overrides):
        labels = list(self.layout.labels)
        if overrides.get("labels") and list(overrides["labels"]) != labels:
            raise InputError(f"{self.name} has its own, {', '.join(labels)}", "labels")
        fields = super().config_fields(examples, {**overrides, "labels": labels})
        return {**fields, "pair": len(self.layout.texts) == 2}

    def check(self, examples, config):
        if set(config.labels) != set(self.layout.labels):
            labels = some(config.labels)
            raise InputError(f"the labels of the model ({labels}) are not those of {self.name}")
        super().check(examples, config)

    def scores(self, answers, examples, config):
        scores = super().scores(answers, examples, config)
        if "f1" not in self.layout.metrics:
            return scores
        predicted = [answer["label"] == "1" for answer in answers]
        return {**scores, "f1": binary_f1([label == "1" for label in examples.labels], predicted)}

    def _label(self, label, line, path):
        label = label.strip()
        if label not in self.layout.labels:
            known = ", ".join(self.layout.labels)
            raise InputError(
                f"{path}:{line}: label {label!r} is not one of {self.name}'s ({known}): correct it "
                f"or leave the row out"
            )
        return label

    def _written(self, answer):
        return answer["label"]


class GlueRegression(_GlueTask, RegressionTask):
    """STS-B: how alike two sentences are, from 0 to 5."""

    def config_fields(self, examples, overrides):
        return {**super().config_fields(examples, overrides), "pair": True}

    def _label(self, label, line, path):
        value = number_of(label)
        if value is None or not 0 <= value <= _HIGHEST_SCORE:
            reason = f"{label!r} is not a score from 0 to {_HIGHEST_SCORE:g}"
            raise InputError(f"{path}:{line}: {reason}")
        return value

    def _written(self, answer):
        return f"{min(max(answer['value'], 0.0), _HIGHEST_SCORE):.3f}"


def glue_average(scores_by_task):
    """Returns GLUE's overall score: the mean over the tasks of the mean of each one's metrics.

    MNLI's two parts count as one task. The official number is that of all nine tasks; Devlin et
    al. 2018 leave WNLI out.

    Args:
        scores_by_task: dict from a task's name, such as "glue/cola", to the result of
            `Task.scores`; "glue/mnli" is MNLI's matched part, "glue/mnli-mm" the other.

    Raises:
        InputError: a name is not one of GLUE's, or there is none.
    """
    means = {}
    for name, scores in scores_by_task.items():
        key = name.removeprefix("glue/")
        task = "mnli" if key == "mnli-mm" else key
        if task not in LAYOUTS:
            raise InputError(f"{name!r} is not one of {', '.join(LAYOUTS)}, mnli-mm")
        mean = np.mean([scores[metric] for metric in LAYOUTS[task].metrics])
        means.setdefault(task, []).append(mean)
    if not means:
        raise InputError("there are no scores to average")
    return float(np.mean([np.mean(each) for each in means.values()]))


def _problem(fields, columns, filled):
    """Returns the problem of a row as a str, "" for none; `filled` columns must not be empty."""
    if len(fields) != len(columns):
        named = f"{len(columns)} columns ({', '.join(columns)})"
        return f"{len(fields)} fields where there are {named}: no field holds a tab"
    row = dict(zip(columns, fields))
    return next((f"{name} is empty" for name in filled if not row[name].strip()), "")
