"""Classes of single texts and of pairs: reading labelled files, decoding logits, scoring.

Nothing here needs Keras, so the program on the device decodes with the same code.
"""

import dataclasses
import warnings

import numpy as np

from keras_bert.errors import InputError
from keras_bert.tasks.tables import read_table

# Names under which public datasets keep their texts (GLUE, SNLI, Quora, the usual CSV exports).
_TEXT_NAMES = ("text", "sentence", "message", "review", "title", "content")
_PAIR_NAMES = (
    ("text", "text_b"), ("text_a", "text_b"), ("sentence1", "sentence2"),
    ("question1", "question2"), ("premise", "hypothesis"), ("question", "sentence"),
    ("#1 String", "#2 String"), ("sentence_A", "sentence_B"),
)  # fmt: skip
_LABEL_NAMES = ("label", "labels", "class", "category", "gold_label", "sentiment", "target",
                "Quality", "entailment_judgment")  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Examples:
    """Labelled or unlabelled texts of one file.

    Attributes:
        path: the file they came from.
        texts: list of str.
        texts_b: list of str for pairs, else None.
        labels: list of str, or None where the file was read without labels.
        lines: list of int, the line of the file for each.
    """

    path: str
    texts: list
    texts_b: list | None
    labels: list | None
    lines: list

    def __len__(self):
        return len(self.texts)

    def take(self, indices):
        """Returns the examples at `indices`, in that order."""

        def pick(values):
            return None if values is None else [values[i] for i in indices]

        return Examples(
            self.path, pick(self.texts), pick(self.texts_b), pick(self.labels), pick(self.lines)
        )


def read_examples(
    path, columns=None, text_column=None, text_b_column=None, label_column=None, labelled=True
):
    """Reads labelled texts, or pairs of texts, from CSV, TSV or JSON lines.

    Args:
        path: the file.
        columns: list of column names, for a CSV or TSV file without a header line.
        text_column: the column of the text; None looks for a usual name (text, sentence, …).
        text_b_column: the column of the second text of a pair; None looks for a usual name next
            to the first; "" says that there is none.
        label_column: the column of the label; None looks for a usual name.
        labelled: whether labels are read.

    Returns:
        `Examples`.

    Raises:
        InputError: a column is missing, or a text or label is empty; names file, line and fix.
    """
    table = read_table(path, columns)
    text_column, text_b_column = _text_columns(table, text_column, text_b_column)
    if labelled:
        label_column = _find(table, "label", label_column, _LABEL_NAMES)
    chosen = [text_column, *([text_b_column] if text_b_column else [])]
    chosen += [label_column] if labelled else []
    for column in chosen:
        if chosen.count(column) > 1:
            raise InputError(f"{table.path}: column {column!r} is asked for twice")
    texts, texts_b, labels = [], [], []
    for row in table.rows:
        texts.append(_text(table, row, text_column))
        if text_b_column:
            texts_b.append(_text(table, row, text_b_column))
        if labelled:
            labels.append(_label(table, row, label_column))
    return Examples(
        path=table.path,
        texts=texts,
        texts_b=texts_b if text_b_column else None,
        labels=labels if labelled else None,
        lines=[row.line for row in table.rows],
    )


def label_list(examples):
    """Returns the distinct labels: numbers in numeric order, else in order of the alphabet."""
    labels = sorted(set(examples.labels))
    try:
        return sorted(labels, key=int)  # stable, so 1 and 01 have an order too
    except ValueError:
        return labels


def label_ids(examples, labels):
    """Returns the index of each example's label, int32 of shape (count,).

    Raises:
        InputError: a label is not in `labels`; names file, line and label.
    """
    index = {label: i for i, label in enumerate(labels)}
    for label, line in zip(examples.labels, examples.lines):
        if label not in index:
            raise InputError(
                f"{examples.path}:{line}: label {label!r} is not one that the model knows "
                f"({_some(labels)})"
            )
    return np.array([index[label] for label in examples.labels], "int32")


def hold_out(examples, fraction, seed):
    """Splits examples in two, so that no text of the first part occurs in the second.

    Args:
        examples: `Examples`.
        fraction: share of the distinct texts in the first part.
        seed: int, the choice is a function of it.

    Returns:
        A tuple of `Examples`: held out, rest.
    """
    columns = [examples.texts] + ([] if examples.texts_b is None else [examples.texts_b])
    # Real collections repeat texts (7 % of the SMS spam collection are copies): copies
    # must fall on the same side, or the score counts what was learned by heart.
    keys = [" ".join("\n".join(key).lower().split()) for key in zip(*columns)]
    distinct = sorted(set(keys))
    order = np.random.default_rng(seed).permutation(len(distinct))
    chosen = {distinct[i] for i in order[: round(fraction * len(distinct))]}
    sides = np.array([key in chosen for key in keys])
    return examples.take(np.flatnonzero(sides)), examples.take(np.flatnonzero(~sides))


def probabilities(logits):
    """Returns the softmax of logits of shape (batch, num_classes), float32."""
    logits = np.asarray(logits, "float64")
    exponents = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return (exponents / exponents.sum(axis=-1, keepdims=True)).astype("float32")


def decode(class_probabilities, labels):
    """Turns probabilities into answers.

    Args:
        class_probabilities: float array of shape (batch, num_classes).
        labels: list of num_classes str.

    Returns:
        A list of dicts: `label`, its `probability`, and `probabilities` by label.
    """
    return [
        {
            "label": labels[int(np.argmax(row))],
            "probability": float(np.max(row)),
            "probabilities": {label: float(p) for label, p in zip(labels, row)},
        }
        for row in class_probabilities
    ]


def scores(true_ids, predicted_ids, labels):
    """Scores predictions with scikit-learn.

    Args:
        true_ids: int array of shape (count,).
        predicted_ids: int array of shape (count,).
        labels: list of str, the names of the classes.

    Returns:
        A dict: `accuracy`, `macro_f1` (over the classes that occur in either array), `matthews`,
        `count`, and `confusion`, a list of rows, true class by predicted class.
    """
    from sklearn import metrics

    with warnings.catch_warnings():
        # It warns where all texts are of one class, for which 0 is the usual answer.
        warnings.simplefilter("ignore", UserWarning)
        matthews = float(metrics.matthews_corrcoef(true_ids, predicted_ids))
    return {
        "accuracy": float(metrics.accuracy_score(true_ids, predicted_ids)),
        "macro_f1": float(
            metrics.f1_score(true_ids, predicted_ids, average="macro", zero_division=0.0)
        ),
        "matthews": matthews,
        "count": len(true_ids),
        "confusion": metrics.confusion_matrix(
            true_ids, predicted_ids, labels=range(len(labels))
        ).tolist(),
    }


METRICS = ("accuracy", "macro_f1", "matthews")


def confusion_table(confusion, labels):
    """Returns the confusion matrix as lines of text, true classes down, predicted across."""
    cells = [["true \\ predicted", *labels]]
    cells += [[label, *map(str, row)] for label, row in zip(labels, confusion)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
    return [
        "  ".join([row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:]))])
        for row in cells
    ]


def _text_columns(table, text_column, text_b_column):
    if text_column is None and text_b_column is None:
        for pair in _PAIR_NAMES:
            if set(pair) <= set(table.columns):
                return pair
    return (
        _find(table, "text", text_column, _TEXT_NAMES),
        _find(table, "text_b", text_b_column, ()) if text_b_column else None,
    )


def _find(table, role, asked, usual):
    if asked is not None:
        if asked not in table.columns:
            raise InputError(
                f"{table.path}: no column {asked!r}; its columns are {_some(table.columns)}"
            )
        return asked
    for name in usual:
        if name in table.columns:
            return name
    raise InputError(
        f"{table.path}: no {role} column (looked for {', '.join(usual)}); its first line says "
        f"{_some(table.columns)}: name it with --{role}_column, or, if the file has no header, "
        f"name all columns with --columns"
    )


def _text(table, row, column):
    value = row.fields.get(column)
    if not isinstance(value, str):
        raise InputError(f"{table.path}:{row.line}: {column} must be a text, not {value!r}")
    if not value.strip():
        raise InputError(f"{table.path}:{row.line}: {column} is empty")
    return value


def _label(table, row, column):
    value = row.fields.get(column)
    if isinstance(value, bool):
        value = str(value).lower()
    if isinstance(value, int):
        value = str(value)
    if not isinstance(value, str):
        raise InputError(
            f"{table.path}:{row.line}: {column} must be a text, a whole number, true or false, "
            f"not {value!r}"
        )
    if not value.strip():
        raise InputError(f"{table.path}:{row.line}: {column} is empty")
    if len(value.strip().splitlines()) > 1:
        # Exported files list the labels one a line.
        raise InputError(f"{table.path}:{row.line}: {column} is of several lines: {value!r}")
    return value.strip()


def _some(names, most=12):
    names = [str(name)[:40] for name in names]
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
