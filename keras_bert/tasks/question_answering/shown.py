"""What a page and a picture show of answers to questions."""

import numpy as np

from keras_bert.tasks.marked import Marked, Passage, Span, sorted_bars
from keras_bert.tasks.panels import Reliability
from keras_bert.tasks.question_answering.answer_scores import answer_scores

_NO_ANSWER = "(no answer)"


def reliability_of(answers, examples, *rules):
    """Returns the `Reliability` of answers; one is right if it is an exact match.

    Args:
        answers: list of dict.
        examples: `Questions` with answers.
        *rules: the other arguments of `answer_scores`.
    """
    scores = [
        answer_scores([{"text": answer["text"]}], examples.take([i]), *rules)
        for i, answer in enumerate(answers)
    ]
    exact = np.array([each["exact_match"] == 100 for each in scores], bool)
    return Reliability(np.array([answer["probability"] for answer in answers]), exact, "questions")


def marked_answers(answers, examples):
    """Returns a list of `Marked`: question and passage, in which the answer is marked."""
    return [
        _marked(*each) for each in zip(answers, examples.questions, examples.contexts, strict=True)
    ]


def _marked(answer, question, context):
    spans = []
    if answer["text"]:
        spans = [Span(answer["start"], answer["end"], "", answer["probability"])]
    bars = [(each["text"] or _NO_ANSWER, each["probability"]) for each in answer["n_best"]]
    passages = [Passage("question", question), Passage("passage", context, spans)]
    return Marked(passages, answer["text"] or _NO_ANSWER, sorted_bars(bars))
