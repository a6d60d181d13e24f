"""Questions from a table: a question, its passage and perhaps its answers in each row."""

from keras_bert.errors import InputError, name_of
from keras_bert.tasks.columns import some, usual_columns
from keras_bert.tasks.json_rows import Entry
from keras_bert.tasks.question_answering.answers import TEXT_COLUMNS, AnswerReader
from keras_bert.tasks.question_answering.questions import Questions
from keras_bert.tasks.question_answering.squad_json import check_text

QUESTION_NAMES = ("question", "query")
_CONTEXT_NAMES = ("context", "passage", "paragraph")


def questions_of_table(table, labelled, misaligned, empty, question_column, context_column):
    """Returns the `Questions` of a `Table`; see `squad_files.read_questions` for the arguments.

    Raises:
        InputError: a column is missing, or a row is wrong; names line and fix.
    """
    answer_column = _answer_column(table) if labelled else None
    question_column = _find(table, "question", question_column, QUESTION_NAMES)
    context_column = _find(table, "context", context_column, _CONTEXT_NAMES)
    reader = AnswerReader(misaligned, is_flat=True)
    shared, by_id, rows, skipped = {}, {}, [], 0
    for row in table.rows:
        fields, place = row.fields, f"{table.path}:{row.line}"
        question = fields.get(question_column)
        if not (isinstance(question, str) and not question.strip() and empty in ("skip", "keep")):
            check_text(place, question_column, question)
        elif empty == "skip":
            skipped += 1
            continue
        context = check_text(place, context_column, fields.get(context_column))
        context = shared.setdefault(context, context)
        line = str(int(row.line))
        own = fields.get("id")
        question_id = line if own in (None, "") else str(own)
        first = by_id.setdefault(question_id, (line, question, context))
        # An exact copy of a question is no error: SQuAD has some.
        if first[0] != line and (own in (None, "") or first[1:] != (question, context)):
            other = "entry" if isinstance(row.line, Entry) else "line"
            raise InputError(f"{place}: id {question_id!r:.60} is that of {other} {first[0]} too")
        title = fields.get("title")
        title = title if isinstance(title, str) else ""
        answers, impossible = None, None
        if labelled:
            answers, impossible = reader.read(place, _entry(fields, answer_column), context)
            if not answers and not impossible:
                skipped += 1
                continue
        rows.append((line, question_id, question, context, title, answers, impossible))
    reader.finish(table.path)
    if not rows:
        raise InputError(f"{table.path}: no questions, {skipped} were left out")
    columns = list(map(list, zip(*rows)))
    if not labelled:
        columns[-2:] = None, None
    return Questions(table.path, *columns, skipped=skipped, moved=reader.moved)


def _find(table, role, chosen, usual):
    setting = {"question": "text_column", "context": "text_b_column"}[role]
    found = [chosen] if chosen else usual_columns(table, usual)
    if found and found[0] in table.columns:
        return found[0]
    wanted = chosen or " or ".join(usual)
    raise InputError(
        f"{table.path}: no column {wanted} for the {role}; its columns are {some(table.columns)}: "
        f"name it with {name_of(setting)}"
    )


def _answer_column(table):
    """Returns the column of the answers: SQuAD's, or of the text of one answer."""
    found = usual_columns(table, ("answers", *TEXT_COLUMNS))
    if not found:
        raise InputError(
            f"{table.path}: a table of questions has no answers to learn or to score by: give "
            f'SQuAD\'s JSON, or a column answers such as {{"text": ["a"], "answer_start": [0]}}'
        )
    return found[0]


def _entry(fields, answer_column):
    """Returns the fields of a row under the names that SQuAD's JSON has."""
    entry = {"is_impossible": fields.get("is_impossible")}
    value = fields.get(answer_column)
    if answer_column.casefold() in TEXT_COLUMNS and (value is None or isinstance(value, str)):
        start = fields.get("answer_start")
        value = [{"text": value, "answer_start": start}] if (value or "").strip() else None
    return {**entry, "answers": value if value != "" else None}
