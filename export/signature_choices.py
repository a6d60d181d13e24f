"""A text and its choices as raw text to the choice that fits best."""

import tensorflow as tf

from keras_bert.export.graph_rows import outputs_of_rows
from keras_bert.text.graph_tokenizer import GraphTokenizer


class ChoiceSignature(tf.Module):
    """`text` and `choices` to `choice`, `text`, `probability`, `probabilities` and `score`.

    Args:
        bert: a `Bert` for multiple choice.
        from_tokens: the function of `functions.tokens_function`.
        config: `ModelConfig` of the exported file.
    """

    def __init__(self, bert, from_tokens, config):
        super().__init__()
        self._from_tokens, self._config, self._pad_id = from_tokens, config, bert.tokenizer.pad_id
        self._tokenizer = GraphTokenizer(bert.tokenizer)

    @property
    def inputs(self):
        """Names of the inputs, and how many of them a text has: None for one."""
        return {"text": None, "choices": self._config.settings["num_choices"]}

    def __call__(self, text, choices):
        """Returns the answers, a dict.

        Args:
            text: string tensor, (batch,), what the choices answer or go on from.
            choices: string tensor, (batch, num_choices).

        Returns:
            `choice`, int32, (batch,), its number from 0; `text`, string, (batch,), the choice
            itself; `probability`, float32, (batch,), that it is the right one; `probabilities`,
            float32, (batch, num_choices); and `score`, the logits, of the same shape.
        """
        number = self._config.settings["num_choices"]
        room = self._config.max_length - 3  # [CLS], twice [SEP]
        second = self._tokenizer.tokenize(tf.reshape(choices, [-1]))
        second = second[:, -room:]
        owner = tf.range(tf.size(choices)) // number
        first = tf.gather(self._tokenizer.tokenize(text), owner)
        kept = room - second.row_lengths()
        places = tf.ragged.range(first.row_lengths())
        first = tf.ragged.boolean_mask(first, places < kept[:, None])
        first = self._tokenizer.between(first, begins=True)
        second = self._tokenizer.between(second)
        segment_ids = tf.concat([tf.zeros_like(first), tf.ones_like(second)], axis=1)
        token_ids = tf.concat([first, second], axis=1)
        scores = outputs_of_rows(
            self._from_tokens, token_ids, segment_ids, ["score"], self._pad_id, per_token=False
        )
        scores = tf.reshape(scores["score"], [-1, number])
        probabilities = tf.nn.softmax(scores)
        choice = tf.argmax(probabilities, axis=1, output_type=tf.int32)
        return {
            "choice": choice,
            "text": tf.gather(choices, choice, batch_dims=1),
            "probability": tf.reduce_max(probabilities, axis=1),
            "probabilities": probabilities,
            "score": scores,
        }
