"""Questions about passages, from SQuAD's JSON or a plain table."""

import dataclasses
import json
import os

from keras_bert.errors import InputError, name_of
from keras_bert.reading import check_parsed_size, open_examples
from keras_bert.tasks.question_answering.squad_json import SquadReader, check_text
from keras_bert.tasks.sequence.texts import some
from keras_bert.tasks.tables import read_table

MISALIGNED = ("error", "skip", "search", "keep")
_TABLES = (".csv", ".tsv", ".jsonl", ".ndjson")
_QUESTION_NAMES = ("question", "query")
_CONTEXT_NAMES = ("context", "passage", "paragraph")
# SQuAD 2.0's training file has 42 MB; a gzip bomb is not unpacked.
_MAX_BYTES = 2**30
# With fewer articles than this a held-out part would be one or two of them, or nothing.
_FEWEST_ARTICLES = 10


@dataclasses.dataclass(frozen=True)
class Questions:
    """The questions of one file.

    Attributes:
        path: the file they came from.
        lines: list of str, the place of each in the file: its id, or its line in a table.
        ids: list of str.
        questions: list of str.
        contexts: list of str, the passage of each; questions about one passage share one object.
        titles: list of str, the article of each passage; "" where the file has none.
        answers: list of lists of (text, start): each reference answer and the character of the
            passage where it begins, -1 if it is not in the passage; None if unlabelled.
        impossible: list of bool, whether the passage holds no answer; None if unlabelled.
        skipped: number of questions that were left out because they have errors.
        moved: number of answers that are at another place than the file says.
    """

    path: str
    lines: list
    ids: list
    questions: list
    contexts: list
    titles: list
    answers: list | None = None
    impossible: list | None = None
    skipped: int = 0
    moved: int = 0

    def __len__(self):
        return len(self.questions)

    def take(self, indices):
        """Returns the questions at `indices`, in that order."""

        def pick(values):
            return None if values is None else [values[i] for i in indices]

        names = ("lines", "ids", "questions", "contexts", "titles", "answers", "impossible")
        return dataclasses.replace(self, **{name: pick(getattr(self, name)) for name in names})

    def keys(self):
        """Returns a str for each question: its article, or in a file of few articles its passage.

        SQuAD's own parts share no article: the paragraphs of one are about the same people and
        places, and a score on the other paragraphs of a training article is too high.
        """
        article_of = {}
        for context, title in zip(self.contexts, self.titles):
            # A passage that is in two articles goes with the first.
            article_of.setdefault(context, title or context)
        if len(set(article_of.values())) < _FEWEST_ARTICLES:
            return list(self.contexts)
        return [article_of[context] for context in self.contexts]


def read_questions(
    path,
    labelled=True,
    misaligned="error",
    empty=None,
    columns=None,
    question_column=None,
    context_column=None,
):
    """Reads questions from SQuAD JSON; without answers also from CSV, TSV and JSON lines.

    Args:
        path: the file, gzip'd or not.
        labelled: whether the answers are read; tables have none.
        misaligned: what to do with an answer that is not at its `answer_start`: "error" raises;
            "skip" leaves it out; "search" takes the nearest place where it is, and leaves it out
            where there is none; "keep" searches too but keeps an answer that is not in the passage
            as a reference for scores, which compare texts and not places. "skip" and "search"
            leave out a question without any answer left.
        empty: what to do with a question without text: "error", "skip" or "keep"; None skips where
            `misaligned` is "skip" or "search".
        columns: list of column names, for a CSV or TSV file without a header line.
        question_column: the column of the question; None looks for a usual name.
        context_column: the column of the passage; None looks for a usual name.

    Returns:
        `Questions`.

    Raises:
        InputError: something in the file is wrong; names file, place and fix.
    """
    if misaligned not in MISALIGNED:
        raise InputError(f"must be one of {', '.join(MISALIGNED)}", "misaligned", misaligned)
    if empty is None:
        empty = "skip" if misaligned in ("skip", "search") else "error"
    path = os.fspath(path)
    data = None if path.lower().removesuffix(".gz").endswith(_TABLES) else _read_json(path)
    if data is not None:
        reader = SquadReader(path, labelled, misaligned, empty)
        return Questions(path, **reader.read(data), skipped=reader.skipped, moved=reader.moved)
    if labelled:
        raise InputError(
            f"{path}: a table of questions has no answers to learn or to score by: give a file in "
            f"SQuAD's JSON layout"
        )
    return _read_table(path, columns, question_column, context_column)


def read_content(path):
    """Returns the unpacked bytes of a file; raises InputError if it has none or too many."""
    with open_examples(path) as stream:
        content = stream.read(_MAX_BYTES + 1)
    if len(content) > _MAX_BYTES:
        raise InputError(f"{path}: holds more than {_MAX_BYTES} bytes: split it")
    check_parsed_size(content, path)
    if not content.strip():
        raise InputError(f"{path}: the file is empty")
    return content


def _read_json(path):
    """Returns the object that a file holds, or None for a file that is a table."""
    content = read_content(path)
    is_json = path.lower().removesuffix(".gz").endswith(".json")
    if not is_json and not content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        return None
    try:
        data = json.loads(content)  # any of the encodings of JSON, with or without a BOM
    except (ValueError, RecursionError) as error:
        if _starts_with_row(content):
            return None
        raise InputError(f"{path}: not a readable JSON file: {error}") from None
    if isinstance(data, dict) and "data" not in data and set(_QUESTION_NAMES) & set(data):
        return None  # JSON lines of one line
    return data


def _starts_with_row(content):
    """Returns whether the first line is an object by itself and no data set, as in JSON lines."""
    try:
        first = json.loads(content.lstrip().split(b"\n", 1)[0])
    except (ValueError, RecursionError):
        return False
    return isinstance(first, dict) and "data" not in first


def _read_table(path, columns, question_column, context_column):
    table = read_table(path, columns)
    question_column = _find(table, "question", question_column, _QUESTION_NAMES)
    context_column = _find(table, "context", context_column, _CONTEXT_NAMES)
    shared = {}
    for row in table.rows:
        place = f"{path}:{row.line}"
        check_text(place, question_column, row.fields.get(question_column))
        context = check_text(place, context_column, row.fields.get(context_column))
        shared.setdefault(context, context)
    fields = [row.fields for row in table.rows]
    lines = [str(row.line) for row in table.rows]
    ids = [line if f.get("id") in (None, "") else str(f["id"]) for f, line in zip(fields, lines)]
    first = {}
    for question_id, line in zip(ids, lines):
        if first.setdefault(question_id, line) != line:
            raise InputError(
                f"{path}:{line}: id {question_id!r:.60} is that of line {first[question_id]} too"
            )
    return Questions(
        path=path,
        lines=lines,
        ids=ids,
        questions=[f[question_column] for f in fields],
        contexts=[shared[f[context_column]] for f in fields],
        titles=[""] * len(fields),
    )


def _find(table, role, chosen, usual):
    setting = {"question": "text_column", "context": "text_b_column"}[role]
    for name in (chosen,) if chosen else usual:
        if name in table.columns:
            return name
    wanted = chosen or " or ".join(usual)
    raise InputError(
        f"{table.path}: no column {wanted} for the {role}; its columns are {some(table.columns)}: "
        f"name it with {name_of(setting)}"
    )


def with_answers(questions, answers):
    """Returns questions with their answers.

    Args:
        questions: unlabelled `Questions`.
        answers: list; see `QuestionAnsweringTask.examples_from`.

    Raises:
        InputError: an answer is not in its passage, or not at its start.
    """
    placed = []
    for line, context, answer in zip(questions.lines, questions.contexts, answers, strict=True):
        place = f"{questions.path}:{line}"
        placed.append([_placed(each, context, place) for each in _references(answer, place)])
    impossible = [not references for references in placed]
    return dataclasses.replace(questions, answers=placed, impossible=impossible)


def _references(answer, place):
    """Returns the answers to one question as a list of (text, start), start None if not known."""
    if isinstance(answer, dict):
        texts, starts = answer.get("text"), answer.get("answer_start")
        if not isinstance(texts, list) or not isinstance(starts, list) or len(texts) != len(starts):
            raise InputError(f"{place}: expected lists text and answer_start, not {answer!r:.60}")
        return list(zip(texts, starts))
    if answer is None or answer == "":
        return []
    return [answer if isinstance(answer, tuple) and len(answer) == 2 else (answer, None)]


def _placed(answer, context, place):
    text, start = answer
    if not isinstance(text, str) or not text.strip():
        raise InputError(f"{place}: the answer must be a text, not {text!r:.60}")
    if start is None:
        start = context.find(text)
        if start < 0:
            raise InputError(f"{place}: the answer {text!r:.60} is not in the passage")
    if not isinstance(start, int) or context[start : start + len(text)] != text or start < 0:
        raise InputError(f"{place}: the passage has no {text!r:.60} at character {start!r}")
    return text, start
