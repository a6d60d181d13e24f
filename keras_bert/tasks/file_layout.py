"""The layout of a file of examples: the names of its columns, and which errors are accepted."""

import dataclasses

from keras_bert.settings import check_settings, setting
from keras_bert.tasks.dialect import separator_of


@dataclasses.dataclass(frozen=True)
class FileLayout:
    """The layout of a file; each task reads the settings that it needs.

    Attributes:
        misaligned: SQuAD: what to do with an answer that is not at the place that the file names:
            "error", "skip", "search" for the nearest place where it is, or "keep", for scoring,
            where only its text matters.
        empty: SQuAD: what to do with a question without text: "error", "skip" or "keep"; None
            skips where `misaligned` is "skip" or "search".
    """

    group = "how a file is read"

    columns: list | None = setting(
        None, "names of all columns, for a CSV or TSV file that has no header line"
    )
    separator: str | None = setting(
        None, "between the fields of CSV and TSV: tab, or a character (default: as the file looks)"
    )
    text_column: str | None = setting(
        None, "column of the text (default: text, sentence, sentence1, …)"
    )
    text_b_column: str | None = setting(None, "column of the second text of a pair; empty: no pair")
    label_column: str | None = setting(None, "column of the label (default: label, class, …)")
    skip_labels: list | None = setting(
        None,
        "labels whose rows are left out; empty: none (default: - and -1 where the others are those "
        "of natural language inference)",
    )
    label_columns: list | None = setting(
        None, "multi-label: names of columns of 0 and 1, one for each label"
    )
    label_separator: str | None = setting(
        None, "multi-label: separator of the labels in one column (default: the first of | ; ,)"
    )
    tag_column: str | None = setting(
        None,
        "tagging: column of the tag, a number from 1, or its name in CoNLL-U, CSV or JSON "
        "(default: the last, in CoNLL-U upos, in a table a usual name)",
    )
    word_column: str | None = setting(
        None,
        "tagging: column of the word, a number from 1, or its name in CSV or JSON (default: 1, or "
        "2 where 1 counts the words; in a table a usual name)",
    )
    misaligned: str = setting(
        "error",
        "question answering: an answer that is not at the place that the file names",
        choices=("error", "skip", "search", "keep"),
    )
    empty: str | None = None

    def __post_init__(self):
        check_settings(self)
        separator_of(self.separator)

    def for_scoring(self):
        """Returns the layout for scoring, which compares texts, not their places in a passage."""
        empty = "error" if self.misaligned == "error" else "skip"
        return dataclasses.replace(self, misaligned="keep", empty=empty)
