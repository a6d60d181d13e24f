"""Questions and long passages as overlapping windows in a TensorFlow graph.

The same windows as `keras_bert.tasks.question_answering.windows`, whose module says what they are.
"""

import dataclasses

import tensorflow as tf

from keras_bert.export.graph_rows import stretches


@dataclasses.dataclass(frozen=True)
class Windows:
    """The windows of a batch of questions, those of one question together and in order.

    Attributes:
        splits: int32 tensor of shape (batch + 1,): the windows of question i are `splits[i]` to
            `splits[i + 1]`, the end not included.
        firsts, counts: int32 tensors of shape (windows,), the part of the passage in each.
        owned: int32 tensor of shape (windows,), the first token of the passage that each owns; it
            owns them up to the first of the next window.
        positions: int32 tensor of shape (windows,), where the part begins in the row.
        token_ids, segment_ids: int32 RaggedTensors (windows, tokens).
    """

    splits: tf.Tensor
    firsts: tf.Tensor
    counts: tf.Tensor
    owned: tf.Tensor
    positions: tf.Tensor
    token_ids: tf.RaggedTensor
    segment_ids: tf.RaggedTensor


def make_windows(questions, passages, max_length, doc_stride, max_question_length, cls_id, sep_id):
    """Returns the `Windows` of questions about passages.

    Args:
        questions, passages: int32 RaggedTensors (batch, tokens), without special tokens.
        max_length, doc_stride, max_question_length: see `windows.make_windows`.
        cls_id, sep_id: int.
    """
    questions = questions[:, :max_question_length]
    tokens = tf.cast(passages.row_lengths(), tf.int32)
    lengths = tf.cast(questions.row_lengths(), tf.int32)
    room = max_length - lengths - 3
    number = 1 + -(-tf.maximum(tokens - room, 0) // doc_stride)
    splits = tf.concat([[0], tf.cumsum(number)], axis=0)
    owner = tf.repeat(tf.range(tf.size(number)), number)
    firsts = tf.ragged.range(number).values * doc_stride
    counts = tf.minimum(tf.gather(room, owner), tf.gather(tokens, owner) - firsts)
    following = tf.concat([counts[1:], counts[:1]], axis=0)
    handover = firsts + _handover(counts, following, doc_stride, max_length)
    before = tf.concat([[0], handover], axis=0)[:-1]
    owned = tf.where(firsts == 0, 0, before)

    begins = tf.gather(passages.row_splits, owner) + firsts
    places = stretches(begins, begins + counts)
    parts = places.with_values(tf.gather(passages.values, places.values))
    column = tf.ones([tf.size(owner), 1], tf.int32)
    first = tf.concat([cls_id * column, tf.gather(questions, owner), sep_id * column], axis=1)
    second = tf.concat([parts, sep_id * column], axis=1)
    return Windows(
        splits,
        firsts,
        counts,
        owned,
        tf.gather(lengths, owner) + 2,
        tf.concat([first, second], axis=1),
        tf.concat([tf.zeros_like(first), tf.ones_like(second)], axis=1),
    )


def _handover(counts, following, doc_stride, max_length):
    """Returns the first token of each window that has more context in the next one.

    Args:
        counts, following: int32 tensors of shape (windows,), tokens of each and of the next.
        doc_stride, max_length: int.
    """
    tokens = tf.range(doc_stride, max_length)[None]
    last, next_last = counts[:, None] - 1, following[:, None] - 1
    here = _context(tokens, last)
    there = _context(tokens - doc_stride, next_last)
    better = (there > here) & (tokens <= last)
    found = tf.where(better, tokens, max_length)
    return tf.minimum(tf.reduce_min(found, axis=1), counts)


def _context(tokens, last):
    """Returns the smaller number of neighbours, plus a hundredth of the window's length."""
    neighbours = tf.cast(tf.minimum(tokens, last - tokens), tf.float64)
    return neighbours + 0.01 * tf.cast(last + 1, tf.float64)
