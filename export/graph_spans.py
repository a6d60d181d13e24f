"""From the logits of a question's windows to its answer, in a TensorFlow graph.

The same answers as `keras_bert.tasks.question_answering.spans.answer_of`, whose module says how
they are chosen.
"""

import dataclasses
import string

import tensorflow as tf

from keras_bert.export.graph_rows import stretches
from keras_bert.text.graph_characters import Expansions, encoded, masked, with_sigmas

_ARTICLES = ("a", "an", "the")
_MINUS_INF = float("-inf")


@dataclasses.dataclass(frozen=True)
class Spans:
    """All spans of one passage that may be the answer.

    Attributes:
        scores: float64 tensor of shape (tokens, more tokens), -inf for what is no span.
        starts, ends: int32 tensors of shape (tokens,), characters of the passage.
        codes: int32 tensor of shape (characters,), the passage.
    """

    scores: tf.Tensor
    starts: tf.Tensor
    ends: tf.Tensor
    codes: tf.Tensor


class SpanDecoder(tf.Module):
    """Chooses the answer among the `Spans` of a question.

    Args:
        settings: `question_answering.Settings`.
        flags: `CharacterFlags`, with `of_word` for the characters of `word_bounds`.
    """

    def __init__(self, settings, flags):
        super().__init__()
        self._settings, self._flags = settings, flags
        self._lower = Expansions(lower_case=True, strip_accents=False)

    def answer(self, spans, null):
        """Returns the answer.

        Args:
            spans: `Spans` of a question.
            null: float64 scalar, the score of no answer; not used without `null_answers`.

        Returns:
            A tuple: int32 `start` and `end`, float32 `score`, the logits' sum of the best span;
            float32 `probability`, and `null_odds`.
        """
        settings = self._settings
        scores = self._of_whole_words(spans) if settings.whole_words else spans.scores
        longest = scores.shape[1]
        flat = tf.reshape(scores, [-1])
        best, groups, places = self._best(flat, longest, spans)
        if settings.null_answers:
            null_score = null[None]
        else:
            null_score = tf.zeros([0], tf.float64)
        everything = tf.concat([best, null_score], axis=0)
        shares = tf.cast(tf.nn.softmax(everything), tf.float32)
        zero = tf.constant(0.0, tf.float64)
        if_any = tf.size(best) > 0
        # The first group is that of the best span.
        of_best = tf.boolean_mask(shares[: tf.size(best)], groups == 0)
        probability = tf.reduce_sum(of_best)
        place = tf.cond(if_any, lambda: places[0], lambda: 0)
        score = tf.cond(if_any, lambda: best[0], lambda: zero)
        odds = tf.where(if_any, null - score, zero)
        answered = if_any
        if settings.null_answers:
            answered &= ~(odds > settings.null_threshold)
            probability = tf.where(answered, probability, shares[-1])
        start, end = tf.cond(
            answered,
            lambda: (spans.starts[place // longest], spans.ends[_end_of(place, longest)]),
            lambda: (0, 0),
        )
        return start, end, tf.cast(score, tf.float32), probability, tf.cast(odds, tf.float32)

    def _best(self, scores, longest, spans):
        """Returns the scores, groups and places of the spans that the best answers stand in.

        Spans of one group are one answer; groups are numbered from the best one on.
        """
        most = self._settings.n_best
        possible = tf.reduce_sum(tf.cast(tf.math.is_finite(scores), tf.int32))

        def more(tried, _, __, ___):
            count = tf.minimum(tried, possible)
            best, places = tf.math.top_k(scores, count)  # of equal ones the first
            first, last = places // longest, _end_of(places, longest)
            keys = self._keys(
                spans.codes, tf.gather(spans.starts, first), tf.gather(spans.ends, last)
            )
            _, groups = tf.unique(keys)
            return tried * 4, best, groups, places

        def unfinished(tried, _, groups, __):
            found = tf.reduce_max(tf.concat([[-1], groups], axis=0)) + 1
            return (found <= most) & (tried < 4 * possible)

        state = more(tf.constant(4 * most), None, None, None)
        shapes = (tf.TensorShape([]), *3 * (tf.TensorShape([None]),))
        _, best, groups, places = tf.while_loop(unfinished, more, state, shape_invariants=shapes)
        # Up to the first span of one answer too many.
        beyond = tf.concat([groups, [most]], axis=0) >= most
        count = tf.argmax(tf.cast(beyond, tf.int32), output_type=tf.int32)
        return best[:count], groups[:count], places[:count]

    def _keys(self, codes, starts, ends):
        """Returns a string for each stretch of a passage, equal for what SQuAD takes for equal.

        Source: evaluate-v1.1.py, normalize_answer.
        """
        places = stretches(starts, ends)
        texts = places.with_values(tf.gather(codes, places.values))
        lowered = with_sigmas(texts, self._flags)
        values, owner = self._lower(lowered.values)
        rows = tf.gather(lowered.value_rowids(), owner)
        lowered = tf.RaggedTensor.from_value_rowids(
            values, rows, nrows=texts.nrows(), validate=False
        )
        signs = tf.constant([ord(sign) for sign in string.punctuation])
        kept = ~tf.reduce_any(values[:, None] == signs, axis=1)
        lowered, _ = masked(lowered, kept)
        values, rows = lowered.values, lowered.value_rowids()
        found = self._flags(values)
        of_word = found("alnum") | (values == ord("_"))
        spaced = tf.where(found("space"), ord(" "), values)
        # Runs of letters, and runs of others.
        changes = (of_word[1:] != of_word[:-1]) | (rows[1:] != rows[:-1])
        changes = tf.concat([tf.ones_like(of_word[:1]), changes], axis=0)
        run = tf.cumsum(tf.cast(changes, tf.int32)) - 1
        runs = tf.RaggedTensor.from_value_rowids(
            spaced, run, nrows=tf.reduce_sum(tf.cast(changes, tf.int32)), validate=False
        )
        strings = encoded(runs)
        is_article = tf.reduce_any(strings[:, None] == tf.constant(_ARTICLES), axis=1)
        strings = tf.where(is_article, " ", strings)
        joined = tf.RaggedTensor.from_value_rowids(
            strings, tf.boolean_mask(rows, changes), nrows=texts.nrows(), validate=False
        )
        joined = tf.strings.reduce_join(joined, axis=1)
        normalized = tf.strings.strip(tf.strings.regex_replace(joined, " +", " "))
        return tf.where(normalized == "", encoded(texts), normalized)

    def _of_whole_words(self, spans):
        """Returns the scores with -inf for spans that begin or end inside a word, if others are."""
        of_word = tf.concat([[False], self._flags(spans.codes)("of_word"), [False]], axis=0)

        def is_whole(positions):
            inside = tf.gather(of_word, positions) & tf.gather(of_word, positions + 1)
            return ~inside

        longest = spans.scores.shape[1]
        last = _last_tokens(tf.size(spans.ends), longest)
        may_end = tf.gather(is_whole(spans.ends), last)
        may_start = is_whole(spans.starts)[:, None]
        whole = tf.where(may_start & may_end, spans.scores, _MINUS_INF)
        return tf.cond(tf.reduce_any(tf.math.is_finite(whole)), lambda: whole, lambda: spans.scores)


def span_scores(start_logits, end_logits, windows, tokens, longest):
    """Returns the scores of all spans of all questions.

    Args:
        start_logits, end_logits: float32 tensors of shape (tokens of all windows,).
        windows: `graph_passages.Windows`.
        tokens: int32 RaggedTensor (batch, tokens), that of the passages.
        longest: int, the most tokens of an answer.

    Returns:
        float64 tensor of shape (tokens of all passages, longest): a span begins with a token and
        has so many more; -inf for what is not in the window that owns its first token.
    """
    number = windows.splits[1:] - windows.splits[:-1]
    question = tf.repeat(tf.range(tf.size(number)), number)
    begin = tf.gather(tokens.row_splits, question)
    # The owned parts of the windows follow each other through all passages.
    owned = begin + windows.owned
    total = tf.size(tokens.values)
    end = tf.concat([owned[1:], total[None]], axis=0)[: tf.size(owned)]
    window = tf.repeat(tf.range(tf.size(owned)), end - owned)
    row = tf.gather(windows.token_ids.row_splits, window) + tf.gather(windows.positions, window)
    token = tf.range(total) - tf.gather(begin, window) - tf.gather(windows.firsts, window)
    last = token[:, None] + tf.range(longest)
    inside = last < tf.gather(windows.counts, window)[:, None]
    starts = tf.cast(tf.gather(start_logits, row + token), tf.float64)
    ends = tf.gather(end_logits, tf.where(inside, row[:, None] + last, 0))
    scores = starts[:, None] + tf.cast(ends, tf.float64)
    return tf.where(inside & tf.math.is_finite(scores), scores, _MINUS_INF)


def null_scores(start_logits, end_logits, windows):
    """Returns the score of no answer of each question, float64 of shape (batch,)."""
    first = windows.token_ids.row_splits[:-1]
    starts, ends = (
        tf.cast(tf.gather(logits, first), tf.float64) for logits in (start_logits, end_logits)
    )
    sums = starts + ends
    sums = tf.where(tf.math.is_finite(sums), sums, float("inf"))
    number = windows.splits[1:] - windows.splits[:-1]
    question = tf.repeat(tf.range(tf.size(number)), number)
    least = tf.math.segment_min(sums, question)
    return tf.where(tf.math.is_finite(least), least, 0.0)


def with_marks(ends, codes, flags):
    """Returns the ends of tokens with the combining marks that follow, which belong to them.

    Args:
        ends: int32 RaggedTensor (batch, tokens), characters of the passage.
        codes: int32 RaggedTensor (batch, characters).
        flags: `CharacterFlags`.
    """
    is_mark = flags(codes.values)("mark")
    others = tf.cast(tf.where(~is_mark)[:, 0], tf.int32)
    rows = ends.value_rowids()
    begin, limit = tf.gather(codes.row_splits, rows), tf.gather(codes.row_splits, rows + 1)
    places = tf.searchsorted(others, begin + ends.values)
    following = tf.gather(tf.concat([others, [tf.int32.max]], axis=0), places)
    return ends.with_values(tf.minimum(following, limit) - begin)


def _end_of(place, longest):
    """Returns the last token of the span at a place of the flat scores."""
    return place // longest + place % longest


def _last_tokens(tokens, longest):
    """Returns the last token of each span, int32 of shape (tokens, longest)."""
    last = tf.range(tokens)[:, None] + tf.range(longest)
    return tf.minimum(last, tf.maximum(tokens - 1, 0))
