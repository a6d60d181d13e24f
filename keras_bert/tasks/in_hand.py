"""Examples from data in a script: a path, lists, a DataFrame, a `tf.data.Dataset`."""

import os

import numpy as np

from keras_bert.errors import InputError
from keras_bert.tasks.tables import Row, Table


def examples_of(task, data, layout, labelled=True):
    """Returns a task's examples.

    Args:
        task: `Task`.
        data: one of
            a path of a file that the task reads;
            a pair (texts, labels), or ((texts, texts_b), labels), of sequences; for some tasks the
            second texts are passages or lists of choices; labels are as in the task's files;
            a pandas DataFrame with the columns that a CSV file would have;
            a `tf.data.Dataset`, batched or not, of (text, label) or ((text, text_b), label);
            the result of the task's `read`.
        layout: `FileLayout`, for paths and DataFrames.
        labelled: whether labels are needed.

    Raises:
        InputError: it is none of these, or something in it is wrong.
    """
    if isinstance(data, (str, os.PathLike)):
        return task.read(data, layout, labelled)
    if isinstance(data, Table):
        return task.read(data, layout, labelled)
    if hasattr(data, "to_dict") and hasattr(data, "columns"):
        return task.read(_table_of_frame(data), layout, labelled)
    if hasattr(data, "as_numpy_iterator"):
        data = _collected(data)
    if isinstance(data, tuple) and len(data) == 2:
        texts, labels = data
        texts, texts_b = texts if isinstance(texts, tuple) and len(texts) == 2 else (texts, None)
        columns = [_listed(values) for values in (texts, texts_b, labels)]
        counts = {len(values) for values in columns if values is not None}
        if len(counts) > 1:
            raise InputError(f"texts and labels differ in their number: {sorted(counts)}")
        return task.examples_from(*columns)
    if hasattr(data, "lines") and hasattr(data, "take"):
        return data
    raise InputError(
        f"expected a path, (texts, labels), a pandas DataFrame or a tf.data.Dataset, not "
        f"{type(data).__name__}"
    )


def table_of(texts, texts_b, labels):
    """Returns lists as a `Table` with the columns text, text_b and label."""
    columns = {"text": texts, "text_b": texts_b, "label": labels}
    columns = {name: values for name, values in columns.items() if values is not None}
    rows = [dict(zip(columns, values)) for values in zip(*columns.values(), strict=True)]
    return _table("the examples", list(columns), rows)


def _table_of_frame(frame):
    columns = [str(name) for name in frame.columns]
    if len(set(columns)) < len(columns):
        raise InputError(f"the DataFrame: two columns have the same name: {columns}")
    lists = [_listed(frame.iloc[:, i].to_numpy(dtype=object)) for i in range(len(columns))]
    return _table("the DataFrame", columns, [dict(zip(columns, row)) for row in zip(*lists)])


def _table(name, columns, rows):
    if not rows:
        raise InputError(f"{name}: no rows")
    return Table(name, columns, [Row(line, fields) for line, fields in enumerate(rows, start=1)])


def _listed(values):
    """Returns a list of plain Python values; None stays None."""
    if values is None:
        return None
    if isinstance(values, (str, bytes)) or not hasattr(values, "__iter__"):
        raise InputError(f"expected a sequence of texts or labels, not {values!r:.60}")
    return [_plain(value) for value in values]


def _plain(value):
    if isinstance(value, bytes):
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError:
            raise InputError(f"a text is not UTF-8: {value!r:.60}") from None
    if isinstance(value, (np.ndarray, list, tuple)):
        parts = [_plain(part) for part in value]
        return tuple(parts) if isinstance(value, tuple) else parts
    return value.item() if isinstance(value, np.generic) else value


def _collected(dataset):
    """Returns (texts, labels) or ((texts, texts_b), labels) of a whole `tf.data.Dataset`."""
    columns = None
    for element in dataset.as_numpy_iterator():
        if not isinstance(element, tuple) or len(element) != 2:
            raise InputError("the dataset's elements must be (text, label)")
        x, y = element
        parts = [*(x if isinstance(x, tuple) else (x,)), y]
        if not all(isinstance(part, (bytes, str, np.generic, np.ndarray)) for part in parts):
            raise InputError("the dataset's elements must be (text, label) of strings and numbers")
        if np.ndim(parts[0]) == 0:
            parts = [[part] for part in parts]
        columns = columns or [[] for _ in parts]
        for column, part in zip(columns, parts, strict=True):
            column.extend(part)
    if columns is None:
        raise InputError("the dataset is empty")
    *texts, labels = columns
    return (texts[0] if len(texts) == 1 else tuple(texts)), labels
