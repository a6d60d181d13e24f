"""Texts with any number of labels each, from CSV, TSV and JSON lines.

The labels are in one column with a character between them, or each has a column of 0 and 1.
"""

import dataclasses

from keras_bert.errors import InputError
from keras_bert.guesses import guess
from keras_bert.tasks.columns import check_distinct, find_column, some, usual_columns
from keras_bert.tasks.sequence import texts
from keras_bert.tasks.sequence.texts import Examples
from keras_bert.tasks.skipped_labels import without_skipped
from keras_bert.tasks.tables import read_table

# Between the labels in the tables that we write, and in the answers of a SavedModel.
SEPARATOR = "|"
# Separators of labels in files, likelier ones first: a comma may also be part of a name.
_SEPARATORS = (SEPARATOR, ";", ",")
_LABEL_NAMES = ("labels", "label", "tags", "topics", "categories", "classes", "emotions")
_YES_OR_NO = {"0": False, "1": True, "false": False, "true": True, "0.0": False, "1.0": True}


@dataclasses.dataclass(frozen=True)
class LabelSets(Examples):
    """`Examples` whose labels are tuples of str."""

    def take(self, indices):
        """Returns the examples at `indices`, in that order."""
        return LabelSets(**vars(super().take(indices)))


def read_label_sets(path, layout, labelled=True):
    """Reads texts, or pairs of texts, with their labels.

    Args:
        path: the file.
        layout: `FileLayout`. Without `label_columns` and `label_column` a column of a usual name
            holds the labels (labels, tags, …); where there is none, all columns of 0 and 1 are
            labels. Without `label_separator` it is the first of | ; , that occurs.
        labelled: whether labels are read.

    Returns:
        `LabelSets`; `Examples` without labels.

    Raises:
        InputError: a column is missing, or a text or label is wrong; names file, line and fix.
    """
    table = read_table(path, layout.columns, layout.separator)
    text_columns = texts.text_columns(table, layout)
    if not labelled:
        return texts.texts_of(table, text_columns)
    columns = layout.label_columns
    if columns is None and layout.label_column is None and not usual_columns(table, _LABEL_NAMES):
        columns = [name for name in table.columns if _is_yes_or_no(table, name, text_columns)]
        if len(columns) < 2:
            columns = None
        else:
            reason = f"the columns of 0 and 1 are the labels: {some(columns)}"
            guess(reason, "label_columns", columns, place=table.path)
    if columns is not None:
        for name in columns:
            find_column(table, "label", name, ())
        check_distinct(table, [*text_columns, *columns])
        labels = [_of_columns(table, row, columns) for row in table.rows]
    else:
        column = find_column(table, "label", layout.label_column, _LABEL_NAMES)
        check_distinct(table, [*text_columns, column])
        separator = layout.label_separator
        if separator == "":
            raise InputError("is empty", "label_separator")
        if separator is None:
            separator = _guessed_separator(table, column)
        table = without_skipped(table, column, layout.skip_labels or [])
        labels = [_of_cell(table, row, column, separator) for row in table.rows]
    examples = vars(texts.texts_of(table, text_columns))
    return LabelSets(**{**examples, "labels": labels})


def _is_yes_or_no(table, name, text_columns):
    values = (row.fields.get(name) for row in table.rows)
    return name not in text_columns and all(_yes_or_no(value) is not None for value in values)


def _yes_or_no(value):
    """Returns a bool, or None for a value that is neither yes nor no."""
    return _YES_OR_NO.get(str(value).strip().lower())


def _of_columns(table, row, columns):
    labels = []
    for name in columns:
        value = row.fields.get(name)
        holds = _yes_or_no(value)
        if holds is None:
            raise InputError(f"{table.path}:{row.line}: {name} must be 0 or 1, not {value!r:.60}")
        if holds:
            labels.append(name)
    return tuple(labels)


def _guessed_separator(table, column):
    cells = [row.fields.get(column) for row in table.rows]
    for separator in _SEPARATORS:
        if any(isinstance(cell, str) and separator in cell for cell in cells):
            reason = f"{separator!r} separates the labels in column {column!r}"
            guess(reason, "label_separator", separator, place=table.path)
            return separator
    return SEPARATOR


def _of_cell(table, row, column, separator):
    cell = row.fields.get(column)
    place = f"{table.path}:{row.line}: {column}"
    if cell is None:
        cell = ""
    if isinstance(cell, str):
        parts = [part.strip() for part in cell.split(separator)] if cell.strip() else []
    elif isinstance(cell, (list, tuple)):
        parts = cell
    else:
        raise InputError(f"{place} must be a text or a list of texts, not {cell!r:.60}")
    for part in parts:
        if not isinstance(part, str) or not part.strip():
            raise InputError(f"{place} has an empty label or none that is a text: {cell!r:.60}")
        if SEPARATOR in part or len(part.splitlines()) > 1:
            # Tables of answers and exported files have it between the labels.
            raise InputError(
                f"{place}: label {part!r:.60} has a {SEPARATOR!r} or a line break: rename it"
            )
    if len(set(parts)) < len(parts):
        raise InputError(f"{place} has a label twice: {cell!r:.60}")
    return tuple(parts)
