"""The official scores of answers, by SQuAD 1.1's, SQuAD 2.0's or the Chinese rules."""

from keras_bert.tasks.question_answering import metrics
from keras_bert.tasks.question_answering.spans import best_text


def answer_scores(answers, examples, null_answers, character_f1):
    """Returns the scores of answers; see `QuestionAnsweringTask.scores`.

    Args:
        answers: list of dicts with `text`, None where a question is not answered.
        examples: `Questions` with answers.
        null_answers: whether a passage may hold no answer.
        character_f1: whether Chinese characters are compared.
    """
    references = [[text for text, _ in pairs] for pairs in examples.answers]
    texts = [answer["text"] for answer in answers]
    if not null_answers and all(references):
        score = metrics.chinese_scores if character_f1 else metrics.squad1_scores
        return _named(score(texts, references))
    scores = metrics.squad2_scores(texts, references)
    if all("null_odds" in answer for answer in answers):
        # Searched over the best spans, whatever the present threshold has made of them.
        spans = [best_text(answer) for answer in answers]
        odds = [answer["null_odds"] for answer in answers]
        searched = metrics.squad2_scores(spans, references, odds)
        scores |= {name: value for name, value in searched.items() if "best" in name}
    return _named(scores)


_OUR_NAMES = {
    "exact_match": "exact_match",
    "exact": "exact_match",
    "f1": "f1",
    "total": "count",
    "HasAns_exact": "has_answer_exact_match",
    "HasAns_f1": "has_answer_f1",
    "HasAns_total": "has_answer_count",
    "NoAns_exact": "no_answer_exact_match",
    "NoAns_f1": "no_answer_f1",
    "NoAns_total": "no_answer_count",
    "best_exact": "best_exact_match",
    "best_exact_thresh": "best_exact_match_threshold",
    "best_f1": "best_f1",
    "best_f1_thresh": "best_f1_threshold",
}


def _named(scores):
    """Returns official scores under our names."""
    return {_OUR_NAMES[name]: value for name, value in scores.items()}
