"""Labelled and unlabelled texts, single or in pairs, from CSV, TSV and JSON lines."""

import dataclasses
import itertools

from keras_bert.errors import InputError, name_of
from keras_bert.guesses import guess
from keras_bert.tasks.columns import check_distinct, find_column, say_choice, usual_columns
from keras_bert.tasks.file_layout import FileLayout
from keras_bert.tasks.skipped_labels import without_skipped
from keras_bert.tasks.tables import read_table

# Names of text columns in public datasets (GLUE, SNLI, Quora, the usual CSV exports).
TEXT_NAMES = ("text", "sentence", "message", "review", "title", "content", "text_a")
_PAIR_NAMES = (
    ("text", "text_b"), ("text_a", "text_b"), ("sentence1", "sentence2"),
    ("question1", "question2"), ("premise", "hypothesis"), ("question", "sentence"),
    ("#1 String", "#2 String"), ("sentence_A", "sentence_B"),
)  # fmt: skip
_LABEL_NAMES = ("label", "labels", "class", "category", "gold_label", "sentiment", "target",
                "Quality", "entailment_judgment", "score", "is_duplicate")  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Examples:
    """Labelled or unlabelled texts of one file.

    Attributes:
        path: the file they came from.
        texts: list of str.
        texts_b: list of str for pairs, else None.
        labels: list of str, for regression of float; None where labels were not read.
        lines: list of int, the line of each in the file.
    """

    path: str
    texts: list
    texts_b: list | None
    labels: list | None
    lines: list

    def __len__(self):
        return len(self.texts)

    def keys(self):
        """Returns a str for each example, equal for copies of the same text or pair."""
        columns = [self.texts] + ([] if self.texts_b is None else [self.texts_b])
        return [" ".join("\n".join(key).lower().split()) for key in zip(*columns)]

    def take(self, indices):
        """Returns the examples at `indices`, in that order."""

        def pick(values):
            return None if values is None else [values[i] for i in indices]

        return Examples(
            self.path, pick(self.texts), pick(self.texts_b), pick(self.labels), pick(self.lines)
        )


def read_examples(path, layout=None, labelled=True, convert=None):
    """Reads texts, or pairs of texts, from CSV, TSV or JSON lines.

    Args:
        path: the file.
        layout: `FileLayout`, or None for its defaults; where it names no column, usual names are
            looked for (text, sentence, …), and the second text of a pair next to the first. A
            `text_b_column` of "" means no second text.
        labelled: whether labels are read.
        convert: function (table, row, column) that returns the label; None reads a str.

    Returns:
        `Examples`.

    Raises:
        InputError: a column is missing, or a text or label is empty; names file, line and fix.
    """
    layout = layout or FileLayout()
    table = read_table(path, layout.columns, layout.separator)
    columns = text_columns(table, layout)
    if not labelled:
        return texts_of(table, columns)
    # Before the texts are read: a missing column means that it is the wrong file.
    column = find_column(table, "label", layout.label_column, _LABEL_NAMES)
    check_distinct(table, [*columns, column])
    table = without_skipped(table, column, layout.skip_labels, is_pair=len(columns) == 2)
    examples = texts_of(table, columns)
    labels = [(convert or _label)(table, row, column) for row in table.rows]
    return dataclasses.replace(examples, labels=labels)


def text_columns(table, layout):
    """Returns the names of a table's text columns: one, or two of pairs.

    Args:
        table: `Table`.
        layout: `FileLayout`.

    Raises:
        InputError: there is no such column, or one is named for both.
    """
    first, second = _text_columns(table, layout.text_column, layout.text_b_column)
    columns = [first, *([second] if second else [])]
    check_distinct(table, columns)
    return columns


def texts_of(table, columns):
    """Returns the unlabelled `Examples` of a table.

    Args:
        table: `Table`.
        columns: the result of `text_columns`.

    Raises:
        InputError: a text is empty; names file, line and column.
    """
    texts = [[_text(table, row, column) for column in columns] for row in table.rows]
    texts_b = [second for _, second in texts] if len(columns) == 2 else None
    lines = [row.line for row in table.rows]
    return Examples(table.path, [first for first, *_ in texts], texts_b, None, lines)


def examples_from(first, second=None):
    """Returns unlabelled `Examples` of lists of texts, `second` is None or of the same length."""
    return Examples("the texts", first, second, None, list(range(1, len(first) + 1)))


def inputs_of(examples):
    """Returns the texts as dicts: `text`, and for pairs `text_b`."""
    if examples.texts_b is None:
        return [{"text": text} for text in examples.texts]
    return [{"text": a, "text_b": b} for a, b in zip(examples.texts, examples.texts_b)]


def check_pair(examples, config):
    """Raises InputError if a file has pairs where the model takes single texts, or vice versa."""
    if config.pair and examples.texts_b is None:
        raise InputError(
            f"the model takes pairs of texts: give {name_of('text_b')}, or in a file name the "
            f"second column with {name_of('text_b_column')}",
            place=examples.path,
        )
    if config.pair is False and examples.texts_b is not None:
        raise InputError(
            f"the model takes single texts, these are pairs: leave out {name_of('text_b')}, or in "
            f"a file name one column with {name_of('text_column')}",
            place=examples.path,
        )


def _text_columns(table, text_column, text_b_column):
    if text_column is None and text_b_column is None:
        found = [usual_columns(table, pair) for pair in _PAIR_NAMES]
        pairs = [pair for pair in found if len(pair) == 2]
        if pairs:
            others = dict.fromkeys(itertools.chain(*pairs[1:], usual_columns(table, TEXT_NAMES)))
            others = [column for column in others if column not in pairs[0]]
            if others:
                say_choice(table, "first text", [pairs[0][0], *others], "text_column")
            return pairs[0]
    return (
        find_column(table, "text", text_column, TEXT_NAMES),
        find_column(table, "text_b", text_b_column, ()) if text_b_column else None,
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
    if isinstance(value, float) and value.is_integer():
        # As pandas writes a column of whole numbers with gaps.
        guess(f"{column}: whole numbers such as 1.0 are read as 1", place=table.path)
        value = str(int(value))
    if value is None:
        raise InputError(f"{table.path}:{row.line}: {column} is missing: leave the row out")
    if not isinstance(value, str):
        raise InputError(
            f"{table.path}:{row.line}: {column} must be a text, a whole number, true or false, "
            f"not {value!r}"
        )
    if not value.strip():
        raise InputError(f"{table.path}:{row.line}: {column} is empty")
    if len(value.strip().splitlines()) > 1:
        # Exported files list the labels one a line.
        raise InputError(f"{table.path}:{row.line}: {column} has several lines: {value!r}")
    return value.strip()
