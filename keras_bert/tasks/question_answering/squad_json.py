"""SQuAD's JSON layout; every error message names the place.

SQuAD 1.1 and 2.0, CMRC 2018, DRCD, XQuAD, MLQA and COVID-QA all come as
`{"data": [{"title", "paragraphs": [{"context", "qas": [{"id", "question", "answers": [{"text",
"answer_start"}], "is_impossible"}]}]}]}`, some of them without some of the keys.
"""

from keras_bert.errors import InputError, name_of

_NO_ANSWERS = {"answers": None, "impossible": None}


def check_text(place, name, text):
    """Returns a question or a passage; raises InputError where it is not a text."""
    if not isinstance(text, str):
        raise InputError(f"{place}: {name} must be a text, not {text!r:.60}")
    if not text.strip():
        raise InputError(f"{place}: {name} is empty")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InputError(
            f"{place}: {name} has a lone surrogate, such as \\ud800, which is not a text"
        ) from None
    return text


class SquadReader:
    """Reads one object in SQuAD's layout; see `squad_files.read_questions`.

    Attributes:
        skipped: number of questions that were left out.
        moved: number of answers that are at another place than the file says.
    """

    def __init__(self, path, labelled, misaligned, empty):
        self.path = path
        self.labelled = labelled
        self.misaligned = misaligned
        self.empty = empty
        self.skipped = self.moved = 0
        self._rows = []
        self._contexts = {}
        self._row_of_id = {}

    def read(self, data):
        """Returns a dict of lists by the names of the attributes of `squad_files.Questions`."""
        path = self.path
        for i, article in enumerate(_items(path, data, "data"), start=1):
            place = f"{path}: article {i}"
            title = article.get("title", "") if isinstance(article, dict) else ""
            title = title if isinstance(title, str) else ""
            for j, paragraph in enumerate(_items(place, article, "paragraphs"), start=1):
                where = f"{place}, paragraph {j}"
                context = _value(where, paragraph, "context", str)
                context = check_text(where, "context", context)
                context = self._contexts.setdefault(context, context)
                for k, entry in enumerate(_items(where, paragraph, "qas"), start=1):
                    self._read_question(f"{where}, question {k}", entry, context, title)
        if not self._rows:
            left_out = f", {self.skipped} were left out" if self.skipped else ""
            raise InputError(f"{path}: no questions{left_out}")
        names = ("ids", "questions", "contexts", "titles", "answers", "impossible")
        columns = dict(zip(names, map(list, zip(*self._rows))))
        return {"lines": columns["ids"]} | columns | ({} if self.labelled else _NO_ANSWERS)

    def _read_question(self, where, entry, context, title):
        question_id = _value(where, entry, "id", (str, int))
        check_text(where, "id", str(question_id))
        where = f"{self.path}: question {str(question_id)[:60]!r}"
        question = _value(where, entry, "question", str)
        if not question.strip() and self.empty == "skip":
            self.skipped += 1
            return
        if not question.strip() and self.empty == "error":
            raise InputError(
                f"{where}: question is empty: correct it, or leave it out with "
                f"{name_of('misaligned', 'skip')}"
            )
        if question.strip():
            check_text(where, "question", question)
        answers, impossible = None, None
        if self.labelled:
            answers, impossible = self._read_answers(where, entry, context)
            if not answers and not impossible:
                self.skipped += 1
                return
        row = (str(question_id), question, context, title, answers, impossible)
        first = self._row_of_id.setdefault(str(question_id), row)
        # An exact copy of a question is no error: SQuAD has some.
        if first != row:
            raise InputError(f"{where}: two different questions have this id: each needs its own")
        self._rows.append(row)

    def _read_answers(self, where, entry, context):
        """Returns the answers that are kept, and whether the file says that there is none."""
        impossible = entry.get("is_impossible", False)
        if not isinstance(impossible, bool):
            raise InputError(
                f"{where}: is_impossible must be true or false, not {impossible!r:.60}"
            )
        entries = _items(where, entry, "answers")
        if impossible and entries:
            raise InputError(f"{where}: is_impossible is true, but there are answers")
        if not impossible and not entries:
            raise InputError(
                f"{where}: no answers: where the passage has none, is_impossible is true"
            )
        answers = [self._read_answer(where, answer, context) for answer in entries]
        return [answer for answer in answers if answer is not None], impossible

    def _read_answer(self, where, entry, context):
        text = _value(where, entry, "text", str)
        if not text.strip():
            raise InputError(
                f"{where}: an answer is empty: where the passage has none, is_impossible is true"
            )
        start = entry.get("answer_start")
        if start is None and self.misaligned in ("search", "keep"):
            start = -1
        start = _value(where, {"answer_start": start}, "answer_start", int)
        if start >= 0 and context.startswith(text, start):
            return text, start
        if self.misaligned == "skip":
            return None
        nearest = _nearest(context, text, start)
        if self.misaligned == "error":
            raise InputError(_misaligned(where, context, text, start, nearest))
        if nearest >= 0:
            self.moved += 1
        elif self.misaligned == "search":
            return None
        return text, nearest


def _misaligned(where, context, text, start, nearest):
    if nearest < 0:
        return (
            f"{where}: the answer {_short(text)} does not occur in its context: correct it, or "
            f"leave it out with {name_of('misaligned', 'skip')}"
        )
    other = context[start : start + len(text)] if start >= 0 else ""
    return (
        f"{where}: the answer {_short(text)} is not at answer_start {start}, where "
        f"{_short(other)} is, but at {nearest}: correct it, or read with "
        f"{name_of('misaligned', 'search')}, which takes the nearest place, or "
        f"{name_of('misaligned', 'skip')}, which leaves it out"
    )


def _nearest(context, text, start):
    """Returns the place of a text that is nearest to `start`, or -1."""
    before = context.rfind(text, 0, max(start, 0) + len(text))
    after = context.find(text, max(start, 0))
    if before < 0 or after < 0:
        return max(before, after)
    return before if start - before <= after - start else after


def _short(text, most=40):
    return repr(text if len(text) <= most else text[:most] + "…")


def _value(where, holder, name, kind):
    """Returns the value of a key, checked for its type."""
    if not isinstance(holder, dict):
        raise InputError(f"{where}: must be a JSON object, not {type(holder).__name__}")
    value = holder.get(name)
    if not isinstance(value, kind) or isinstance(value, bool):
        wanted = {str: "a text", int: "a whole number", list: "a list"}.get(kind, "a text")
        problem = "is missing" if value is None else f"must be {wanted}, not {value!r:.60}"
        raise InputError(f"{where}: {name} {problem}")
    return value


def _items(where, holder, name):
    return _value(where, holder, name, list)
