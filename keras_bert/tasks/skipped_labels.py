"""Rows whose label means that there is none, as the pairs of SNLI without consensus have it."""

import dataclasses

from keras_bert.errors import InputError, name_of
from keras_bert.guesses import counted, guess, note

# SNLI and MultiNLI write "-" where the annotators disagreed; the `datasets` library writes -1.
NO_LABEL = ("-", "-1")
_INFERENCE = ({"entailment", "neutral", "contradiction"}, {"0", "1", "2"})


def without_skipped(table, column, skip_labels, is_pair=False):
    """Returns a table without the rows whose label is to be left out.

    Args:
        table: `Table`.
        column: str, the column of the label.
        skip_labels: list of str; None leaves out "-" and "-1" where the other labels are those of
            natural language inference, which is said as a guess.
        is_pair: whether the table has pairs of texts; only there 0, 1, 2 are such labels.
    """
    labels = [written(row.fields.get(column)) for row in table.rows]
    if skip_labels is None:
        return _by_default(table, column, labels, is_pair)
    skipped = set(skip_labels) - {""}
    rows = [row for row, label in zip(table.rows, labels) if label not in skipped]
    left_out = len(table.rows) - len(rows)
    if not left_out:
        return table
    if not rows:
        names = ", ".join(sorted(skipped))
        raise InputError(f"{table.path}: every label is one of those to leave out: {names}")
    note(f"{counted(left_out, 'row')} left out", "skip_labels", sorted(skipped), place=table.path)
    return dataclasses.replace(table, rows=rows)


def written(label):
    """Returns a label as a file of texts has it."""
    if isinstance(label, bool):
        return str(label).lower()
    return str(label).strip() if isinstance(label, (str, int)) else None


def _by_default(table, column, labels, is_pair):
    found = [name for name in NO_LABEL if name in labels]
    others = set(labels) - {*found, None}
    if not found or not others:
        return table
    kind = {label.casefold() for label in others}
    numbers = all(label.isdecimal() for label in others)
    count = sum(labels.count(name) for name in found)
    names = " and ".join(found)
    if kind <= _INFERENCE[0] or (is_pair and kind == _INFERENCE[1]):
        guess(
            f"{counted(count, 'row')} left out: {column} {names} means that there is none; "
            f"{name_of('skip_labels')}= keeps them",
            "skip_labels", found, place=table.path,
        )  # fmt: skip
        rows = [row for row, label in zip(table.rows, labels) if label not in found]
        return dataclasses.replace(table, rows=rows)
    # -1 beside 1 alone is a label as good as any, beside 0, 1, … it may mean that there is none.
    if "-" in found or (numbers and {"0", "1"} <= others):
        guess(
            f"{names} of {counted(count, 'row')}: taken as labels like the others: "
            f"{name_of('skip_labels', found)} leaves them out",
            place=table.path,
        )
    return table
