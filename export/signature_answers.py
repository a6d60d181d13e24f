"""Questions and passages as raw text to the answers."""

import tensorflow as tf

from keras_bert.export.graph_passages import make_windows
from keras_bert.export.graph_rows import outputs_of_rows
from keras_bert.export.graph_spans import (
    SpanDecoder,
    Spans,
    null_scores,
    span_scores,
    with_marks,
)
from keras_bert.tasks.question_answering.settings import settings_of
from keras_bert.tasks.question_answering.word_bounds import belongs_to_word
from keras_bert.text.graph_characters import CharacterFlags, decoded, encoded
from keras_bert.text.graph_pieces import PieceCutterInGraph


class AnswerSignature(tf.Module):
    """`question` and `context` to `text`, `start`, `end`, `probability` and `score`.

    Where a passage may hold no answer, `null_odds` too.

    Args:
        bert: a `Bert` for question answering.
        from_tokens: the function of `functions.tokens_function`.
        config: `ModelConfig` of the exported file.
    """

    inputs = {"question": None, "context": None}

    def __init__(self, bert, from_tokens, config):
        super().__init__()
        self._from_tokens, self._config = from_tokens, config
        self._settings, self._tokenizer = settings_of(config), bert.tokenizer
        self._flags = CharacterFlags(of_word=belongs_to_word)
        self._cutter = PieceCutterInGraph(bert.tokenizer, self._flags)
        self._decoder = SpanDecoder(self._settings, self._flags)

    def __call__(self, question, context):
        """Returns the answers, a dict of tensors of shape (batch,).

        Args:
            question, context: string tensors, (batch,).

        Returns:
            `text`, string; `start` and `end`, int32, characters of the context, the end not
            included; `probability`, float32; `score`, float32, the sum of the two logits of the
            best span. Without an answer they are "" from 0 to 0. With `null_answers` also
            `null_odds`, float32: the answer is "" where it is above the model's threshold.
        """
        settings, tokenizer = self._settings, self._tokenizer
        codes = decoded(context)
        pieces = self._cutter.cut(codes)
        windows = make_windows(
            self._cutter(question).ids,
            pieces.ids,
            self._config.max_length,
            settings.doc_stride,
            settings.max_question_length,
            tokenizer.cls_id,
            tokenizer.sep_id,
        )
        logits = outputs_of_rows(
            self._from_tokens,
            windows.token_ids,
            windows.segment_ids,
            ["start_logits", "end_logits"],
            tokenizer.pad_id,
            per_token=True,
        )
        logits = logits["start_logits"], logits["end_logits"]
        scores = span_scores(*logits, windows, pieces.ids, settings.max_answer_length)
        nulls = null_scores(*logits, windows)
        ends = with_marks(pieces.ends, codes, self._flags)

        def answer(number):
            of_tokens = slice(pieces.ids.row_splits[number], pieces.ids.row_splits[number + 1])
            of_text = slice(codes.row_splits[number], codes.row_splits[number + 1])
            spans = Spans(
                scores[of_tokens],
                pieces.starts.values[of_tokens],
                ends.values[of_tokens],
                codes.values[of_text],
            )
            return self._decoder.answer(spans, nulls[number])

        types = (tf.int32, tf.int32, tf.float32, tf.float32, tf.float32)
        found = tf.map_fn(answer, tf.range(codes.nrows(tf.int32)), fn_output_signature=types)
        start, end, score, probability, odds = found
        begin = codes.row_splits[:-1]
        places = tf.ragged.range(begin + start, begin + end)
        text = encoded(places.with_values(tf.gather(codes.values, places.values)))
        answers = {
            "text": text, "start": start, "end": end, "probability": probability, "score": score,
        }  # fmt: skip
        return {**answers, **({"null_odds": odds} if settings.null_answers else {})}
