"""The tokenizer of `tokenizer.py` as TensorFlow operations: raw strings in, model inputs out.

It runs inside `tf.data.Dataset.map` and is saved with a SavedModel; whoever loads that needs
`import tensorflow_text` and nothing else of ours. The pieces are those of `graph_pieces.py`.
"""

import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.text.graph_pieces import PieceCutterInGraph


class GraphTokenizer(tf.Module):
    """Turns a batch of strings into `token_ids`, `segment_ids` and `padding_mask` in the graph.

    Args:
        tokenizer: WordPieceTokenizer, whose vocabulary and switches are taken over.

    Raises:
        InputError: TensorFlow Text is not installed, or an added token cannot be found in a graph.
    """

    def __init__(self, tokenizer):
        super().__init__()
        self._pad_id = tokenizer.pad_id
        self._cls_id = tokenizer.cls_id
        self._sep_id = tokenizer.sep_id
        self._cutter = PieceCutterInGraph(tokenizer)

    def __call__(self, texts, texts_b=None, length=128):
        """Tokenizes sentences or pairs.

        Args:
            texts: string tensor, (batch,), UTF-8.
            texts_b: string tensor, (batch,), or None.
            length: int, the length of each row; longer ones are truncated as `encode` does.

        Returns:
            dict of int32 tensors of shape (batch, length): `token_ids`, `segment_ids` and
            `padding_mask`, as `WordPieceTokenizer.__call__` gives them.

        Raises:
            InputError: `length` cannot hold the special tokens.
        """
        room = length - (2 if texts_b is None else 3)
        if room < 0:
            raise InputError(f"length {length} has no room for the special tokens [CLS] and [SEP]")
        a = self.tokenize(texts)
        if texts_b is None:
            first = self.between(_keep(a, room), begins=True)
            return self.pad(first, tf.zeros_like(first), length)
        b = self.tokenize(texts_b)
        # The closed form of the original's loop, see encoding.truncated_lengths.
        half = room // 2
        kept_a = tf.maximum(room - b.row_lengths(), room - half)
        kept_b = tf.maximum(room - a.row_lengths(), half)
        first = self.between(_keep(a, kept_a), begins=True)
        second = self.between(_keep(b, kept_b))
        segment_ids = tf.concat([tf.zeros_like(first), tf.ones_like(second)], axis=1)
        return self.pad(tf.concat([first, second], axis=1), segment_ids, length)

    def tokenize(self, texts):
        """Returns the ids of the pieces of each text, without special tokens.

        Args:
            texts: string tensor, (batch,), UTF-8.

        Returns:
            int32 RaggedTensor, (batch, pieces).
        """
        texts = tf.convert_to_tensor(texts)
        if texts.shape.rank not in (None, 1):
            raise InputError(
                f"expected a batch of texts, of shape (batch,), not {texts.shape}: call "
                f"`Dataset.batch` before `Dataset.map`"
            )
        return self._cutter(texts).ids.with_row_splits_dtype(tf.int64)

    def between(self, ids, begins=False):
        """Puts [SEP] after each row of a ragged tensor, and before one that begins [CLS]."""
        column = tf.ones([ids.nrows(), 1], tf.int32)
        before = [self._cls_id * column] if begins else []
        return tf.concat([*before, ids, self._sep_id * column], axis=1)

    def pad(self, token_ids, segment_ids, length):
        """Fills ragged rows up to `length`."""
        shape = [None, length]
        return {
            "token_ids": token_ids.to_tensor(self._pad_id, shape=shape),
            "segment_ids": segment_ids.to_tensor(shape=shape),
            "padding_mask": tf.ones_like(token_ids).to_tensor(shape=shape),
        }


def _keep(ids, count):
    """Cuts each row of a ragged tensor down to its first `count` ids (a number or one a row)."""
    count = tf.minimum(ids.row_lengths(), tf.cast(count, tf.int64))
    positions = tf.ragged.range(ids.row_lengths())
    return tf.ragged.boolean_mask(ids, positions < tf.expand_dims(count, 1))
