"""The reference answers of a question, as SQuAD's files and tables made of them spell these.

A list of `{"text", "answer_start"}`, as SQuAD has it; `{"text": [...], "answer_start": [...]}`, as
run_qa.py and the `datasets` library do; null; in tables also a column of the answer's text.
"""

import json

from keras_bert.errors import InputError, name_of
from keras_bert.guesses import counted, guess

_YES_OR_NO = {"true": True, "1": True, "false": False, "0": False, "": None}
TEXT_COLUMNS = ("answer", "answer_text")


class AnswerReader:
    """Reads the answers of the questions of one file.

    A question without answers is one whose passage holds none, whatever `is_impossible` says, as
    in evaluate-v2.0.py, which does not read it. Where the two differ, that is said as a guess.

    Args:
        misaligned: see `squad_files.read_questions`.
        is_flat: whether no answers are the layout's own way to say that there is none.

    Attributes:
        moved: number of answers that are at another place than the file says.
    """

    def __init__(self, misaligned, is_flat=False):
        self.misaligned, self.is_flat = misaligned, is_flat
        self.moved = self._answered = self._said = self._unsaid = self._left_over = 0
        self._first = None

    def read(self, where, entry, context):
        """Returns the answers that are kept, and whether the file has none for the question.

        Args:
            where: str, the place of the question, for messages.
            entry: dict with `answers`, perhaps `is_impossible`.
            context: str, the passage.
        """
        impossible = _yes_or_no(where, entry.get("is_impossible"))
        if impossible and "answers" not in entry:
            entries = []
        else:
            entries = _entries(where, entry)
        if impossible and all(_is_blank(answer) for answer in entries):
            self._said += 1
            return [], True
        if not entries:
            self._first = self._first or where
            self._unsaid += impossible is False or not self.is_flat or entry["answers"] is None
            return [], True
        self._answered += 1
        self._left_over += bool(impossible)
        answers = [self._read_answer(where, answer, context) for answer in entries]
        return [answer for answer in answers if answer is not None], False

    def finish(self, path):
        """Says what was guessed; raises InputError if the file has no answers at all."""
        if self._first is not None and not self._answered and not self._said:
            raise InputError(
                f"{self._first}: no answers, nor has any other question of the file: where the "
                f"passage has none, is_impossible is true"
            )
        if self._unsaid:
            guess(
                f"without answers: {counted(self._unsaid, 'question')} of which is_impossible does "
                f"not say so: the passage holds none",
                place=path,
            )
        if self._left_over:
            guess(
                f"with answers: {counted(self._left_over, 'question')} of which is_impossible says "
                f"that there is none: the answers count, as for SQuAD's evaluate-v2.0.py",
                place=path,
            )

    def _read_answer(self, where, entry, context):
        text = value_of(where, entry, "text", str)
        if not text.strip():
            raise InputError(
                f"{where}: an answer is empty: where the passage has none, is_impossible is true"
            )
        start = _whole(entry.get("answer_start"))
        if start is None and self.misaligned in ("search", "keep"):
            start = -1
        if start is None:
            fix = f": read with {name_of('misaligned', 'search')}, which looks for the answer"
            raise InputError(f"{where}: answer_start is missing{fix}")
        start = value_of(where, {"answer_start": start}, "answer_start", int)
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


def _entries(where, entry):
    """Returns the answers of a question as a list of dicts, or of what stands in their place."""
    answers = entry.get("answers")
    if answers is None and "answers" in entry:
        return []
    if isinstance(answers, str) and answers.lstrip().startswith(("[", "{")):
        answers = _parsed(where, answers)  # a cell of a table
    if isinstance(answers, dict):
        texts, starts = answers.get("text"), answers.get("answer_start")
        if isinstance(texts, str):
            return [{"text": texts, "answer_start": starts}]
        texts = value_of(f"{where}: answers", answers, "text", list)
        starts = [None] * len(texts) if starts is None else starts
        if not isinstance(starts, list) or len(starts) != len(texts):
            raise InputError(
                f"{where}: answers has {len(texts)} texts: answer_start must be a list of as many "
                f"whole numbers, not {starts!r:.60}"
            )
        return [{"text": text, "answer_start": start} for text, start in zip(texts, starts)]
    return value_of(where, entry if answers is None else {"answers": answers}, "answers", list)


def _parsed(where, cell):
    try:
        return json.loads(cell)
    except (ValueError, RecursionError):
        raise InputError(
            f'{where}: answers must be JSON, such as {{"text": ["a"], "answer_start": [0]}}, '
            f"not {cell!r:.60}"
        ) from None


def _is_blank(answer):
    return isinstance(answer, dict) and str(answer.get("text")).strip() == ""


def _yes_or_no(where, value):
    """Returns whether a question is said to have no answer: True, False or None, not said."""
    if value is None or isinstance(value, bool):
        return value
    written = str(value).strip().lower()
    if not isinstance(value, (str, int)) or written not in _YES_OR_NO:
        raise InputError(f"{where}: is_impossible must be true or false, not {value!r:.60}")
    return _YES_OR_NO[written]


def _whole(value):
    """Returns a whole number that is written as another type, as tables have it; else the value."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and len(value) < 20:
        try:
            return int(value)
        except ValueError:
            return value or None
    return value


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


def value_of(where, holder, name, kind):
    """Returns the value of a key, checked for its type.

    Args:
        where: str, the place, for the message.
        holder: what should be a dict.
        name: str, the key.
        kind: the type, or a tuple of types.

    Raises:
        InputError: it is missing, or of another type.
    """
    if not isinstance(holder, dict):
        raise InputError(f"{where}: must be a JSON object, not {type(holder).__name__}")
    value = holder.get(name)
    if not isinstance(value, kind) or isinstance(value, bool):
        wanted = {str: "a text", int: "a whole number", list: "a list"}.get(kind, "a text")
        problem = "is missing" if value is None else f"must be {wanted}, not {value!r:.60}"
        raise InputError(f"{where}: {name} {problem}")
    return value
