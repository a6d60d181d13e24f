"""Texts of any length in a SavedModel: windows and their pooling as TensorFlow operations.

The same numbers as `keras_bert.tasks.sequence.windows`, whose module says what they are.
"""

import tensorflow as tf
from keras import ops

from keras_bert.tasks.sequence import windows


def window_rows(tokenizer, texts, texts_b, length):
    """Returns the rows of all windows of a batch of texts.

    Args:
        tokenizer: `GraphTokenizer`.
        texts: string tensor, (batch,).
        texts_b: string tensor, (batch,), or None.
        length: int, the tokens of a row.

    Returns:
        A tuple: dict of int32 tensors of shape (rows, length), the model's inputs; int64 tensor
        of shape (rows,), the text of each row, rising.
    """
    a = tokenizer.tokenize(texts)
    b = None if texts_b is None else tokenizer.tokenize(texts_b)
    room = length - (2 if b is None else 3)
    size_a = a.row_lengths()
    size_b = tf.zeros_like(size_a) if b is None else b.row_lengths()
    fits = size_a + size_b <= room
    first_is_long = size_a > size_b
    long, short = tf.maximum(size_a, size_b), tf.minimum(size_a, size_b)
    kept = tf.where(fits, short, tf.minimum(short, room // 2))
    width = tf.where(fits, long, room - kept)
    rest = tf.where(fits, tf.zeros_like(long), long - width)
    step = tf.maximum(width - width // windows.SHARED, 1)
    steps = -(-rest // step)
    owner = tf.repeat(tf.range(tf.size(steps, tf.int64)), steps + 1)
    number = tf.ragged.range(steps + 1).values
    start = number * tf.gather(rest, owner) // tf.maximum(tf.gather(steps, owner), 1)

    def part(ids, is_long):
        is_long, zeros = tf.gather(is_long, owner), tf.zeros_like(start)
        count = tf.where(is_long, tf.gather(width, owner), tf.gather(kept, owner))
        return _slice(tf.gather(ids, owner), tf.where(is_long, start, zeros), count)

    first = tokenizer.between(part(a, first_is_long if b is not None else size_a >= 0), True)
    if b is None:
        return tokenizer.pad(first, tf.zeros_like(first), length), owner
    second = tokenizer.between(part(b, ~first_is_long))
    segment_ids = tf.concat([tf.zeros_like(first), tf.ones_like(second)], axis=1)
    return tokenizer.pad(tf.concat([first, second], axis=1), segment_ids, length), owner


def pooled(outputs, owner, link):
    """Returns the outputs of texts, from those of their windows.

    Args:
        outputs: float32 tensor of shape (rows, outputs).
        owner: int64 tensor of shape (rows,), the text of each row, rising.
        link: see `windows.pooled`.

    Returns:
        float32 tensor of shape (batch, outputs).
    """
    mean = tf.math.segment_mean(windows.logits_of(outputs, link, ops), owner)
    count = tf.math.segment_sum(tf.ones_like(owner), owner)[:, None]
    # A text in one row has that row's own outputs, to the bit.
    alone = tf.math.segment_mean(outputs, owner)
    return tf.where(count == 1, alone, windows.outputs_of(mean, link, ops))


def _slice(ids, start, count):
    """Returns `count` ids of each row of a ragged tensor, from `start` on; both one a row."""
    places = tf.ragged.range(ids.row_lengths())
    inside = (places >= start[:, None]) & (places < (start + count)[:, None])
    return tf.ragged.boolean_mask(ids, inside)
