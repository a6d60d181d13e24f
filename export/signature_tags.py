"""Raw text to the words of each text with their tags and places."""

import tensorflow as tf

from keras_bert.export.graph_rows import outputs_of_rows
from keras_bert.export.graph_tags import best_tags
from keras_bert.export.graph_word_rows import (
    first_tokens,
    owners,
    split_words,
    token_rows,
    word_pieces,
)
from keras_bert.export.graph_words import words_in
from keras_bert.tasks.tagging.settings import settings_of
from keras_bert.text.graph_characters import CharacterFlags, encoded
from keras_bert.text.graph_pieces import PieceCutterInGraph


class TagSignature(tf.Module):
    """`text` to `words`, `tags`, `probabilities`, `starts`, `ends` and `count`.

    Args:
        bert: a `Bert` for tagging.
        from_tokens: the function of `functions.tokens_function`.
        config: `ModelConfig` of the exported file.
    """

    inputs = {"text": None}

    def __init__(self, bert, from_tokens, config):
        super().__init__()
        self._from_tokens, self._config = from_tokens, config
        self._settings, self._tokenizer = settings_of(config), bert.tokenizer
        self._flags = CharacterFlags()
        self._cutter = PieceCutterInGraph(bert.tokenizer, self._flags)

    def __call__(self, text):
        """Returns the words of texts with their tags, a dict of tensors of shape (batch, most).

        `most` is the number of words of the text that has most; places without a word have "",
        0 and -1.

        Args:
            text: string tensor, (batch,).

        Returns:
            `words` and `tags`, string; `probabilities`, float32, those of the tags; `starts` and
            `ends`, int32, characters of the text, the end not included; and `count`, int32,
            (batch,), the number of words.
        """
        tokenizer, config = self._tokenizer, self._config
        codes, starts, ends = words_in(text, self._flags)
        room = config.max_length - 2
        pieces = word_pieces(self._cutter, codes, starts, ends, room, tokenizer.unk_id)
        sizes = tf.cast(pieces.ids.row_lengths(), tf.int32)
        firsts, lasts, sentence = split_words(starts, sizes, room, self._settings.overlap)
        segments = tf.zeros_like(sizes)
        if self._settings.mark_capitals:
            segments = tf.cast(self._has_capital(codes, starts, ends), tf.int32)
        rows = token_rows(pieces, firsts, lasts, segments, tokenizer.cls_id, tokenizer.sep_id)
        outputs = outputs_of_rows(
            self._from_tokens, *rows, ["probability"], tokenizer.pad_id, per_token=True
        )
        owner = owners(starts, firsts, lasts, sentence)
        place = tf.gather(rows[0].row_splits, owner) + first_tokens(pieces, firsts, owner)
        probabilities = tf.gather(outputs["probability"], place)
        return self._answers(codes, starts, ends, starts.with_values(probabilities))

    def _answers(self, codes, starts, ends, probabilities):
        count = tf.cast(starts.row_lengths(), tf.int32)
        labels = self._config.labels
        dense = probabilities.to_tensor(shape=[None, None, len(labels)])
        best = best_tags(dense, count, labels, self._settings.scheme)
        is_word = tf.sequence_mask(count, tf.shape(best)[1])
        return {
            "words": starts.with_values(_texts(codes, starts, ends)).to_tensor(""),
            "tags": tf.where(is_word, tf.gather(tf.constant(labels), best), ""),
            "probabilities": tf.where(is_word, tf.gather(dense, best, batch_dims=2), 0.0),
            "starts": starts.to_tensor(-1),
            "ends": ends.to_tensor(-1),
            "count": count,
        }

    def _has_capital(self, codes, starts, ends):
        """Returns whether each word of all texts has a capital letter."""
        upper = tf.cast(self._flags(codes.values)("upper"), tf.int32)
        before = tf.concat([[0], tf.cumsum(upper)], axis=0)
        row = tf.gather(codes.row_splits, starts.value_rowids())
        return tf.gather(before, row + ends.values) > tf.gather(before, row + starts.values)


def _texts(codes, starts, ends):
    """Returns stretches of texts, string of shape (stretches of all texts,)."""
    begins = tf.gather(codes.row_splits, starts.value_rowids()) + starts.values
    places = tf.ragged.range(begins, begins + ends.values - starts.values)
    return encoded(places.with_values(tf.gather(codes.values, places.values)))
