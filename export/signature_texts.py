"""Raw text to an answer for the text as a whole: classes, several labels, a number."""

import tensorflow as tf
from keras import ops

from keras_bert.export.graph_rows import outputs_of_rows
from keras_bert.export.graph_windows import pooled, window_rows
from keras_bert.text.graph_tokenizer import GraphTokenizer

# As in the tables that multi-label classification reads and writes.
LABEL_SEPARATOR = "|"


class TextSignature(tf.Module):
    """`text`, and `text_b` for pairs, to `probability` and `label`, or to `value`.

    Args:
        bert: a `Bert` whose task answers for whole texts.
        from_tokens: the function of `functions.tokens_function`.
        config: `ModelConfig` of the exported file.
    """

    def __init__(self, bert, from_tokens, config):
        super().__init__()
        self._from_tokens, self._config = from_tokens, config
        self._chosen_labels = bert.model.chosen_labels
        (self._output,) = bert.task.outputs
        self._link, self._pad_id = bert.task.link, bert.tokenizer.pad_id
        self._tokenizer = GraphTokenizer(bert.tokenizer)

    @property
    def inputs(self):
        """Names of the inputs, and how many of them a text has: None for one."""
        return {"text": None, **({"text_b": None} if self._config.pair else {})}

    def __call__(self, text, text_b=None):
        """Returns the answers, a dict.

        Args:
            text, text_b: string tensors, (batch,).

        Returns:
            `probability`, float32, (batch, num_classes), and `label`, string, (batch,), where
            several labels hold with "|" between them; or `value`, float32, (batch, 1).
        """
        length = self._config.max_length
        if self._config.windows:
            rows, owner = window_rows(self._tokenizer, text, text_b, length)
            values = pooled(self._values(rows), owner, self._link)
        else:
            values = self._values(self._tokenizer(text, text_b, length))
        outputs = {self._output: values}
        chosen = self._chosen_labels(outputs, self._config.settings, ops)
        if chosen is None:
            return outputs
        return {"label": joined_labels(tf.constant(self._config.labels), chosen), **outputs}

    def _values(self, rows):
        """Returns the network's output for rows, of which it sees no more padding than needed."""
        lengths = tf.reduce_sum(rows["padding_mask"], axis=1)
        ids, segments = (
            tf.RaggedTensor.from_tensor(rows[name], lengths, row_splits_dtype=tf.int32)
            for name in ("token_ids", "segment_ids")
        )
        name = self._output
        found = outputs_of_rows(
            self._from_tokens, ids, segments, [name], self._pad_id, per_token=False
        )
        return found[name]


def joined_labels(labels, chosen):
    """Returns the labels of each text as one string, "|" between several.

    Args:
        labels: string tensor, shape (num_classes,).
        chosen: bool tensor, shape (batch, num_classes).
    """
    parts = tf.where(chosen, labels + LABEL_SEPARATOR, "")
    joined = tf.strings.reduce_join(parts, axis=-1)
    lengths = tf.maximum(tf.strings.length(joined) - 1, 0)
    return tf.strings.substr(joined, tf.zeros_like(lengths), lengths)
