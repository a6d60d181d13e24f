"""SQuAD's JSON layout; every error message names the place.

SQuAD 1.1 and 2.0, CMRC 2018, DRCD, XQuAD, MLQA and COVID-QA all come as
`{"data": [{"title", "paragraphs": [{"context", "qas": [{"id", "question", "answers": [{"text",
"answer_start"}], "is_impossible"}]}]}]}`, some of them without some of the keys.
"""

from keras_bert.errors import InputError, name_of
from keras_bert.tasks.question_answering.answers import AnswerReader, value_of

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
        answers: its `AnswerReader`.
    """

    def __init__(self, path, labelled, misaligned, empty):
        self.path = path
        self.labelled = labelled
        self.answers = AnswerReader(misaligned)
        self.empty = empty
        self.skipped = 0
        self._rows = []
        self._contexts = {}
        self._row_of_id = {}

    def read(self, data):
        """Returns a dict of lists by the names of the attributes of `squad_files.Questions`."""
        path = self.path
        for i, article in enumerate(value_of(path, data, "data", list), start=1):
            place = f"{path}: article {i}"
            title = article.get("title", "") if isinstance(article, dict) else ""
            title = title if isinstance(title, str) else ""
            for j, paragraph in enumerate(value_of(place, article, "paragraphs", list), start=1):
                where = f"{place}, paragraph {j}"
                context = value_of(where, paragraph, "context", str)
                context = check_text(where, "context", context)
                context = self._contexts.setdefault(context, context)
                for k, entry in enumerate(value_of(where, paragraph, "qas", list), start=1):
                    self._read_question(f"{where}, question {k}", entry, context, title)
        self.answers.finish(path)
        if not self._rows:
            left_out = f", {self.skipped} were left out" if self.skipped else ""
            raise InputError(f"{path}: no questions{left_out}")
        names = ("ids", "questions", "contexts", "titles", "answers", "impossible")
        columns = dict(zip(names, map(list, zip(*self._rows))))
        return {"lines": columns["ids"]} | columns | ({} if self.labelled else _NO_ANSWERS)

    def _read_question(self, where, entry, context, title):
        question_id = value_of(where, entry, "id", (str, int))
        check_text(where, "id", str(question_id))
        where = f"{self.path}: question {str(question_id)[:60]!r}"
        question = value_of(where, entry, "question", str)
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
            answers, impossible = self.answers.read(where, entry, context)
            if not answers and not impossible:
                self.skipped += 1
                return
        row = (str(question_id), question, context, title, answers, impossible)
        first = self._row_of_id.setdefault(str(question_id), row)
        # An exact copy of a question is no error: SQuAD has some.
        if first != row:
            raise InputError(f"{where}: two different questions have this id: each needs its own")
        self._rows.append(row)
