"""From the logits of a question's windows to its answer, the best spans of the passage."""

import unicodedata

import numpy as np

from keras_bert.numpy_ops import softmax


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
    spans = best_spans(
        windows, start_logits, end_logits, context, settings.n_best, settings.max_answer_length
    )
    odds = {}
    if settings.null_answers:
        sums = [float(s[0]) + float(e[0]) for s, e in zip(start_logits, end_logits)]
        null = min(filter(np.isfinite, sums), default=0.0)
        odds = {"null_odds": null - spans[0][0] if spans else 0.0}
        spans = sorted([*spans, (null, 0, 0)], key=lambda span: -span[0])
    probabilities = softmax([score for score, *_ in spans]).tolist() if spans else []
    n_best = [
        {"text": context[start:end], "start": start, "end": end, "probability": probability}
        for (_, start, end), probability in zip(spans, probabilities)
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


def best_spans(windows, start_logits, end_logits, context, n_best, max_answer_length):
    """Finds the best answers to one question among all spans of all its windows.

    A span begins with a token that its window owns, so that a token is scored where it has most
    context, and ends in the same window. Its score is the sum of its two logits. Of spans with the
    same text only the best is kept.

    Args:
        windows: list of `windows.Window`.
        start_logits, end_logits: lists of float arrays of shape (length of the window,).
        context: str, the passage.
        n_best: int, the most answers.
        max_answer_length: int, the most tokens of one.

    Returns:
        A list of (score, start, end), best first, `context[start:end]` being the answer. Equal
        scores go to the earlier span, then to the shorter. Spans with a score that is not
        finite are left out.

    Source: google-research/bert run_squad.py, write_predictions, which only looks at the n best
    starts and ends of each window.
    """
    scored = [
        _window_scores(*parts, max_answer_length)
        for parts in zip(windows, start_logits, end_logits)
    ]
    scores = np.concatenate([matrix.ravel() for matrix, _ in scored])
    firsts = np.concatenate([first + np.arange(len(matrix)) for matrix, first in scored])
    passage = windows[0].passage
    possible = int(np.isfinite(scores).sum())
    best_of_text, tried = {}, 4 * n_best
    while True:
        for i in _best(scores, min(tried, possible)):
            first, more = firsts[i // max_answer_length], i % max_answer_length
            start = int(passage.starts[first])
            end = _with_marks(context, int(passage.ends[first + more]))
            best_of_text.setdefault(context[start:end], (float(scores[i]), start, end))
            if len(best_of_text) == n_best:
                break
        if len(best_of_text) == n_best or tried >= possible:
            return list(best_of_text.values())
        best_of_text, tried = {}, 4 * tried


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
