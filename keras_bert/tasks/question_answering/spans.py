"""From the logits of a question's windows to its answer, the best spans of the passage."""

import unicodedata

import numpy as np

from keras_bert.numpy_ops import softmax
from keras_bert.tasks.question_answering.metrics import normalize
from keras_bert.tasks.question_answering.word_bounds import is_inside_word


def answer_of(windows, start_logits, end_logits, context, settings):
    """Returns the answer to one question.

    Args:
        windows: list of the question's `windows.Window`, at least one.
        start_logits, end_logits: lists of float arrays of shape (length of the window,).
        context: str, the passage.
        settings: `question_answering.Settings`.

    Returns:
        A dict; see `QuestionAnsweringTask`. Without any span, in a passage without tokens, the
        answer is "" from 0 to 0.

    Source: google-research/bert run_squad.py, write_predictions.
    """
    spans = best_spans(windows, start_logits, end_logits, context, settings)
    odds = {}
    if settings.null_answers:
        sums = [float(s[0]) + float(e[0]) for s, e in zip(start_logits, end_logits)]
        null = min(filter(np.isfinite, sums), default=0.0)
        odds = {"null_odds": null - spans[0][1][0] if spans else 0.0}
        spans = sorted([*spans, ((0, 0), [null])], key=lambda span: -span[1][0])
    scores = [score for _, scores in spans for score in scores]
    each = iter(softmax(scores).tolist() if scores else ())
    n_best = [
        {
            "text": context[start:end],
            "start": start,
            "end": end,
            "probability": sum(next(each) for _ in scores),
        }
        for (start, end), scores in spans
    ]
    nothing = {"text": "", "start": 0, "end": 0, "probability": 0.0}
    null = next((span for span in n_best if not span["text"]), nothing)
    best = next((span for span in n_best if span["text"]), null)
    if odds and odds["null_odds"] > settings.null_threshold:
        best = null
    return {**best, "n_best": n_best, **odds}


def best_text(answer):
    """Returns the text of the best span, also where no answer scores higher; "" without spans."""
    return next((span["text"] for span in answer["n_best"] if span["text"]), "")


def best_spans(windows, start_logits, end_logits, context, settings):
    """Finds the best answers to one question among all spans of all its windows.

    A span begins with a token that its window owns, so that a token is scored where it has most
    context, and ends in the same window. Its score is the sum of its two logits. Spans that SQuAD's
    scores take for the same answer, such as "the Rhine" and "Rhine", are one answer: the best of
    them, with the scores of all.

    Args:
        windows: list of `windows.Window`.
        start_logits, end_logits: lists of float arrays of shape (length of the window,).
        context: str, the passage.
        settings: `question_answering.Settings`; with `whole_words` a span begins and ends where
            a word does, if any span does.

    Returns:
        A list of `n_best` answers or fewer, best first: ((start, end), scores), where
        `context[start:end]` is the answer and `scores` are those of its spans, the highest first.
        Equal scores go to the earlier span, then to the shorter. Spans with a score that is not
        finite are left out.

    Source: google-research/bert run_squad.py, write_predictions, which only looks at the n best
    starts and ends of each window, lets an answer begin inside a word, and lists each text once
    with the probability of one of its places.
    """
    longest = settings.max_answer_length
    scored = [_window_scores(*parts, longest) for parts in zip(windows, start_logits, end_logits)]
    scores = np.concatenate([matrix for matrix, _ in scored])
    firsts = np.concatenate([first + np.arange(len(matrix)) for matrix, first in scored])
    passage = windows[0].passage
    starts, ends = (
        passage.starts.tolist(),
        [_with_marks(context, end) for end in passage.ends.tolist()],
    )
    if settings.whole_words:
        scores = _of_whole_words(scores, firsts, starts, ends, context)
    scores = scores.ravel()
    possible = int(np.isfinite(scores).sum())
    tried = 4 * settings.n_best
    while True:
        answers = {}
        for i in _best(scores, min(tried, possible)):
            first = firsts[i // longest]
            start, end = starts[first], ends[first + i % longest]
            text = context[start:end]
            _, found = answers.setdefault(normalize(text) or text, ((start, end), []))
            found.append(float(scores[i]))
            if len(answers) > settings.n_best:
                break
        if len(answers) > settings.n_best or tried >= possible:
            return list(answers.values())[: settings.n_best]
        tried *= 4


def _of_whole_words(scores, firsts, starts, ends, context):
    """Returns the scores with -inf for spans that begin or end inside a word, if others are left.

    Args:
        scores: array of shape (owned tokens of all windows, more tokens).
        firsts: int array of shape (owned tokens of all windows,), the tokens in the passage.
        starts, ends: lists of int, the bounds of each token of the passage.
        context: str, the passage.
    """
    longest = scores.shape[1]
    may_start = np.array([not is_inside_word(context, start) for start in starts], bool)
    may_end = np.ones(len(ends) + longest, bool)
    may_end[: len(ends)] = [not is_inside_word(context, end) for end in ends]
    may_end = np.lib.stride_tricks.sliding_window_view(may_end, longest)
    whole = np.where(may_start[firsts, None] & may_end[firsts], scores, -np.inf)
    return whole if np.isfinite(whole).any() else scores


def _window_scores(window, start_logits, end_logits, max_answer_length):
    """Returns float64 scores of shape (owned tokens, more tokens), and the first owned token.

    Spans beyond the window, or with a score that is not finite, have -inf.
    """
    first, end = window.owned
    at = window.position + first - window.first
    starts = np.asarray(start_logits[at : at + end - first], "float64")
    ends = np.full(len(starts) + max(len(start_logits), max_answer_length), -np.inf)
    shown = end_logits[at : window.position + window.count]
    ends[: len(shown)] = shown
    reach = np.lib.stride_tricks.sliding_window_view(ends, max_answer_length)[: len(starts)]
    with np.errstate(invalid="ignore"):
        scores = starts[:, None] + reach
    scores[~np.isfinite(scores)] = -np.inf
    return scores, first


def _with_marks(context, end):
    """Returns the end of the combining marks that follow; they belong to the letter before.

    Where accents are removed they have no token, and "été" would end as "éte" if its accents are
    characters of their own.
    """
    while end < len(context) and unicodedata.category(context[end])[0] == "M":
        end += 1
    return end


def _best(scores, count):
    """Returns the indices of the `count` highest scores and of their ties, in order."""
    if not count:
        return []
    least = np.partition(scores, len(scores) - count)[len(scores) - count]
    candidates = np.flatnonzero(scores >= least)
    # Indices rise with the first token, then with the length.
    return candidates[np.argsort(-scores[candidates], kind="stable")]
