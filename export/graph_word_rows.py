"""Sentences of words as rows of tokens in a TensorFlow graph, long ones as several.

The same rows as `keras_bert.tasks.tagging.word_rows`, whose module says what they are.
"""

import dataclasses

import tensorflow as tf

from keras_bert.export.graph_rows import stretches

_NOTHING_MISSING = 2**30  # the context at the ends of a sentence


@dataclasses.dataclass(frozen=True)
class WordPieces:
    """The pieces of the words of sentences; sentence, word and piece in order.

    Attributes:
        words: int32 RaggedTensor (batch, words), whatever it holds: its rows are the sentences.
        ids: int32 RaggedTensor (words of all sentences, pieces), at least one piece a word.
    """

    words: tf.RaggedTensor
    ids: tf.RaggedTensor


def word_pieces(cutter, codes, starts, ends, room, unk_id):
    """Returns the `WordPieces` of words: at most `room` pieces a word, and [UNK] for none.

    Args:
        cutter: `PieceCutterInGraph`.
        codes, starts, ends: the results of `graph_words.words_in`.
        room: int.
        unk_id: int.
    """
    begins = tf.gather(codes.row_splits, starts.value_rowids()) + starts.values
    places = stretches(begins, begins + ends.values - starts.values)
    ids = cutter.cut(places.with_values(tf.gather(codes.values, places.values))).ids[:, :room]
    nothing = tf.RaggedTensor.from_tensor(
        tf.fill([ids.nrows(), 1], unk_id), row_splits_dtype=tf.int32
    )
    is_empty = ids.row_lengths() == 0
    joined = tf.concat([ids, nothing], axis=1)
    lengths = tf.where(is_empty, 1, ids.row_lengths())
    return WordPieces(starts, _beginnings(joined, lengths))


def split_words(words, sizes, room, overlap):
    """Splits the words of each sentence among rows.

    Args:
        words: int32 RaggedTensor (batch, words), of which only the shape counts.
        sizes: int32 tensor of shape (words of all sentences,), pieces, from 1 to `room`.
        room: int, the most pieces of a row.
        overlap: int, words of the row before that a row repeats.

    Returns:
        A tuple of int32 tensors of shape (rows,): the first word of each row and the one after
        its last, as numbers among those of all sentences; and its sentence. A sentence without
        words has no row.
    """
    before = tf.concat([[0], tf.cumsum(sizes)], axis=0)
    first, limit = words.row_splits[:-1], words.row_splits[1:]
    count = tf.size(first)

    def row(number, start, active, rows):
        # The last word that fits: of those before the limit.
        most = tf.gather(before, start) + room
        end = tf.minimum(tf.searchsorted(before, most, side="right") - 1, limit)
        rows = rows.write(number, tf.stack([start, end, tf.cast(active, tf.int32)]))
        more = active & (end < limit)
        # The next row needs a new word; context beyond half of it would make too many rows.
        following = tf.gather(tf.concat([sizes, [0]], axis=0), end)
        allowed = tf.minimum(room // 2, room - following)
        least = tf.searchsorted(before, tf.gather(before, end) - allowed, side="left")
        shared = tf.maximum(tf.maximum(least, end - overlap), first)
        return number + 1, tf.where(more, tf.minimum(shared, end), start), more, rows

    rows = tf.TensorArray(tf.int32, 0, dynamic_size=True, element_shape=[3, None])
    number, _, _, rows = tf.while_loop(
        lambda _, __, active, ___: tf.reduce_any(active), row, (0, first, first < limit, rows)
    )
    rows = tf.cond(number > 0, rows.stack, lambda: tf.zeros([0, 3, count], tf.int32))
    rows = tf.transpose(rows, [1, 2, 0])  # the rows of one sentence after the other
    is_row = rows[2] > 0
    sentence = tf.repeat(tf.range(count), tf.reduce_sum(rows[2], axis=1))
    return tf.boolean_mask(rows[0], is_row), tf.boolean_mask(rows[1], is_row), sentence


def owners(words, starts, ends, sentence):
    """Returns the row from which each word is read: the first of those where it has most context.

    Args:
        words, starts, ends, sentence: see `split_words`.

    Returns:
        int32 tensor of shape (words of all sentences,).
    """
    inside = stretches(starts, ends)
    word, row = inside.values, tf.cast(inside.value_rowids(), tf.int32)
    first, end = tf.gather(starts, row), tf.gather(ends, row)
    bounds = tf.gather(sentence, row)
    is_first = first == tf.gather(words.row_splits, bounds)
    is_last = end == tf.gather(words.row_splits, bounds + 1)
    left = tf.where(is_first, _NOTHING_MISSING, word - first)
    right = tf.where(is_last, _NOTHING_MISSING, end - 1 - word)
    context = tf.minimum(left, right)
    count = tf.size(words.values)
    most = tf.math.unsorted_segment_max(context, word, count)
    best = tf.where(context == tf.gather(most, word), row, tf.int32.max)
    return tf.math.unsorted_segment_min(best, word, count)


def token_rows(pieces, starts, ends, segments, cls_id, sep_id):
    """Returns the rows of tokens, [CLS], the pieces of some words, [SEP].

    Args:
        pieces: `WordPieces`.
        starts, ends: see `split_words`.
        segments: int32 tensor of shape (words of all sentences,), the segment of their pieces.
        cls_id, sep_id: int.

    Returns:
        A tuple of int32 RaggedTensors (rows, tokens): token ids and segment ids.
    """
    splits = pieces.ids.row_splits
    places = stretches(tf.gather(splits, starts), tf.gather(splits, ends))
    of_pieces = tf.gather(segments, pieces.ids.value_rowids())
    ids = places.with_values(tf.gather(pieces.ids.values, places.values))
    column = tf.ones([tf.size(starts), 1], tf.int32)
    segment_ids = places.with_values(tf.gather(of_pieces, places.values))
    return (
        tf.concat([cls_id * column, ids, sep_id * column], axis=1),
        tf.concat([0 * column, segment_ids, 0 * column], axis=1),
    )


def first_tokens(pieces, starts, owner):
    """Returns where the first piece of each word is among the tokens of all rows.

    Args:
        pieces: `WordPieces`.
        starts: see `split_words`.
        owner: int32 tensor of shape (words of all sentences,), of `owners`.

    Returns:
        int32 tensor of shape (words of all sentences,), the position in its row.
    """
    splits = pieces.ids.row_splits
    return 1 + splits[:-1] - tf.gather(splits, tf.gather(starts, owner))


def _beginnings(rows, counts):
    """Returns as many of each row of a RaggedTensor (rows, numbers) as `counts`, (rows,), says."""
    numbers = tf.ragged.range(rows.row_lengths(), row_splits_dtype=tf.int32).values
    kept = numbers < tf.gather(counts, rows.value_rowids())
    return tf.ragged.boolean_mask(rows, rows.with_values(kept))
