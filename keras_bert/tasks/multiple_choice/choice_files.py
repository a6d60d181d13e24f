"""Questions with several choices, from the layouts of SWAG and RACE or plain tables."""

import dataclasses
import json
import re
import string

from keras_bert.errors import InputError, name_of
from keras_bert.tasks.columns import some, usual_columns
from keras_bert.tasks.skipped_labels import without_skipped
from keras_bert.tasks.tables import read_table

_TEXT_NAMES = ("text", "context", "passage")
_SWAG = {"sent1", "sent2", "ending0", "ending1"}
_RACE = {"article", "questions", "options"}


@dataclasses.dataclass(frozen=True)
class Choices:
    """The questions of one file, all with the same number of choices.

    Attributes:
        path: the file they came from.
        lines: list of str, the line of each in the file, in RACE also its number.
        texts: list of str, the passages, or the beginnings that the choices continue.
        questions: list of str, "" where there is none.
        choices: list of lists of str.
        labels: list of int, the index of the right choice; None where labels were not read.
    """

    path: str
    lines: list
    texts: list
    questions: list
    choices: list
    labels: list | None = None

    def __len__(self):
        return len(self.texts)

    @property
    def num_choices(self):
        """The number of choices that each question has."""
        return len(self.choices[0])

    def take(self, indices):
        """Returns the examples at `indices`, in that order."""
        names = ("lines", "texts", "questions", "choices", "labels")
        old = {name: getattr(self, name) for name in names}
        new = {name: old[name] and [old[name][i] for i in indices] for name in names}
        return dataclasses.replace(self, **new)

    def keys(self):
        """Returns a str for each example: its text, which several questions may share."""
        return [" ".join(text.lower().split()) for text in self.texts]


def read_choices(path, layout, labelled=True):
    """Reads questions with their choices.

    The layouts are SWAG's CSV (sent1, sent2, ending0, ending1, …, label); RACE's JSON, one object a
    file or a line (article, questions, options, answers as letters); and in general CSV, TSV and
    JSON lines with a text, a question or none, the choices as a list `choices` or as columns
    choice0, choice1, …, and the number of the right one, from 0, as `label`.

    Args:
        path: the file, gzip'd or not.
        layout: `FileLayout`; in other tables `text_b_column` is that of the question, "" for none.
        labelled: whether the labels are read.

    Returns:
        `Choices`.

    Raises:
        InputError: a column is missing, a text or choice is empty, a label is not one of the
            choices, or the questions differ in their number of choices; names file, line
            and fix.
    """
    table = read_table(path, layout.columns, layout.separator)
    if set(table.columns) >= _RACE:
        questions = _race(table, labelled)
    else:
        questions = _rows(table, layout, labelled)
    return checked_choices(Choices(table.path, *map(list, zip(*questions))), labelled)


def checked_choices(examples, labelled=False):
    """Returns the examples, without the labels if they are not `labelled`.

    Raises:
        InputError: a text or choice is not a str or is empty, the questions differ in their number
            of choices, or a label is not one of them.
    """
    for i, line in enumerate(examples.lines):
        place = f"{examples.path}:{line}"
        choices = examples.choices[i]
        _check_text(examples.texts[i], "the text", place)
        if not isinstance(examples.questions[i], str):
            reason = f"the question must be a text: {examples.questions[i]!r}"
            raise InputError(reason, place=place)
        if not isinstance(choices, (list, tuple)) or len(choices) < 2:
            reason = f"the choices must be a list of at least two: {choices!r}"
            raise InputError(reason, place=place)
        for number, choice in enumerate(choices):
            _check_text(choice, f"choice {number}", place)
        if len(choices) != examples.num_choices:
            raise InputError(
                f"{len(choices)} choices where the questions before have "
                f"{examples.num_choices}: all must have the same number",
                place=place,
            )
        if labelled and examples.labels[i] not in range(len(choices)):
            raise InputError(
                f"label {examples.labels[i]} is not the number of a choice, from 0 to "
                f"{len(choices) - 1}",
                place=place,
            )
    return examples if labelled else dataclasses.replace(examples, labels=None)


def _is_json(text):
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _race(table, labelled):
    """Yields (line, text, question, choices, label) of each question of each article."""
    for row in table.rows:
        place = f"{table.path}:{row.line}"
        names = ("questions", "options", *(["answers"] if labelled else []))
        lists = [row.fields.get(name) for name in names]
        for name, values in zip(names, lists):
            if not isinstance(values, list) or not values:
                raise InputError(f"{place}: {name} must be a list, not {values!r:.60}")
        if len({len(values) for values in lists}) > 1:
            counts = ", ".join(f"{len(v)} {name}" for name, v in zip(names, lists))
            raise InputError(f"{place}: there must be as many {' as '.join(names)}: {counts}")
        for number, (question, choices, *answer) in enumerate(zip(*lists), start=1):
            line = f"{row.line}, question {number}"
            label = _letter(answer[0], choices, f"{table.path}:{line}") if labelled else None
            yield line, row.fields.get("article"), question, choices, label


def _letter(answer, choices, place):
    letters = string.ascii_uppercase[: len(choices) if isinstance(choices, list) else 0]
    if not isinstance(answer, str) or len(answer) != 1 or answer not in letters:
        wanted = f"a letter from A to {letters[-1]}" if letters else "the letter of a choice"
        raise InputError(f"{place}: answer {answer!r} is not {wanted}")
    return letters.index(answer)


def _rows(table, layout, labelled):
    """Yields (line, text, question, choices, label) of each row of SWAG or of a table."""
    is_swag = set(table.columns) >= _SWAG
    text = _column(table, "text", layout.text_column, ("sent1",) if is_swag else _TEXT_NAMES)
    question = layout.text_b_column
    if question is None:
        question = "question" if "question" in table.columns else ""
    elif question:
        _column(table, "text_b", question, ())
    label = _column(table, "label", layout.label_column, ("label",)) if labelled else None
    if labelled:
        table = without_skipped(table, label, layout.skip_labels)
    columns = None if "choices" in table.columns else _numbered(table, is_swag)
    for row in table.rows:
        fields = row.fields
        choices = fields.get("choices")
        if isinstance(choices, str) and choices.startswith("[") and _is_json(choices):
            choices = json.loads(choices)  # as `predict` writes them into a table's cell
        if columns is not None:
            choices = [fields.get(name) for name in columns]
            for name, choice in zip(columns, choices):
                _check_text(choice, name, f"{table.path}:{row.line}")
        if is_swag and fields.get("sent2"):
            choices = [f"{fields['sent2']} {choice}" for choice in choices]
        asked = fields.get(question, "") if question else ""
        right = _number(fields.get(label), label, f"{table.path}:{row.line}") if labelled else None
        yield str(row.line), fields.get(text), asked, choices, right


def _numbered(table, is_swag):
    """Returns the columns of the choices, from number 0 on."""
    stem = "ending" if is_swag else "choice"
    found = [re.fullmatch(stem + r"(\d{1,4})", c, re.IGNORECASE) for c in table.columns]
    numbers = {int(match[1]): match[0] for match in found if match}
    missing = sorted(set(range(max(numbers, default=1) + 1)) - set(numbers))
    if missing:
        raise InputError(
            f"{table.path}: no column {stem}{missing[0]}; its columns are {some(table.columns)}: "
            f"name the choices {stem}0, {stem}1, and so on, or give a list `choices`"
        )
    return [numbers[number] for number in sorted(numbers)]


def _number(value, column, place):
    if isinstance(value, str) and re.fullmatch(r"\s*\d{1,4}\s*", value, re.ASCII):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise InputError(
            f"{place}: {column} must be the number of the right choice, from 0, not {value!r}"
        )
    return value


def _column(table, role, chosen, usual):
    found = usual_columns(table, usual) if chosen is None else [chosen]
    if found and found[0] in table.columns:
        return found[0]
    wanted = f"looked for {', '.join(usual)}" if chosen is None else repr(chosen)
    raise InputError(
        f"{table.path}: no {role} column ({wanted}); its columns are {some(table.columns)}: "
        f"name it with {name_of(f'{role}_column')}"
    )


def _check_text(value, name, place):
    if not isinstance(value, str):
        raise InputError(f"{name} must be a text, not {value!r}", place=place)
    if not value.strip():
        raise InputError(f"{name} is empty", place=place)
