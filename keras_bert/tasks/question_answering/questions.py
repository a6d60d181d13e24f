"""Questions about passages, with or without their answers: the examples of question answering."""

import dataclasses

from keras_bert.errors import InputError

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
