"""The most probable valid tags of sentences, found by a TensorFlow graph.

The same tags as `keras_bert.tasks.tagging.decoding.best_tags`.
"""

import numpy as np
import tensorflow as tf

from keras_bert.tasks.tagging.decoding import SCHEMES_WITH_RULES, rules_of


def best_tags(probabilities, lengths, labels, scheme):
    """Returns the most probable valid tags.

    Args:
        probabilities: float32 tensor of shape (batch, words, labels).
        lengths: int32 tensor of shape (batch,), the words of each sentence.
        labels: tuple of str, the tags in the order of the probabilities.
        scheme: one of `schemes.SCHEMES`.

    Returns:
        int32 tensor of shape (batch, words), an index of `labels` for each word; anything where
        there is no word.
    """
    probabilities = tf.cast(probabilities, tf.float64)
    best = tf.argmax(probabilities, axis=-1, output_type=tf.int32)
    if scheme not in SCHEMES_WITH_RULES:
        return best
    start, between, end = (tf.constant(costs) for costs in rules_of(tuple(labels), scheme))
    words = tf.shape(best)[1]
    places = tf.range(words)
    is_word = places[None] < lengths[:, None]
    is_last = places[None] == lengths[:, None] - 1

    def cost():
        pairs = tf.gather_nd(between, tf.stack([best[:, :-1], best[:, 1:]], axis=-1))
        inner = tf.reduce_sum(tf.where(is_word[:, 1:], pairs, 0.0), axis=1)
        ends = tf.reduce_sum(tf.where(is_last, tf.gather(end, best), 0.0), axis=1)
        return tf.gather(start, best[:, 0]) + inner + ends

    def repaired():
        found = _viterbi(probabilities, is_word, start, between, end)
        return tf.where((cost() == 0)[:, None], best, found)

    return tf.cond(words > 0, repaired, lambda: best)


def _viterbi(probabilities, is_word, start, between, end):
    """Returns the valid tags with the largest product of probabilities, (batch, words)."""
    scores = tf.math.log(tf.maximum(probabilities, np.finfo("float64").tiny))
    scores = tf.transpose(scores, [1, 0, 2])
    is_word = tf.transpose(is_word)
    words, batch, labels = tf.unstack(tf.shape(scores))
    stay = tf.tile(tf.range(labels)[None], [batch, 1])

    def forwards(word, total, sources):
        paths = total[:, :, None] + between
        source = tf.argmax(paths, axis=1, output_type=tf.int32)
        following = tf.reduce_max(paths, axis=1) + scores[word]
        here = is_word[word][:, None]
        sources = sources.write(word, tf.where(here, source, stay))
        return word + 1, tf.where(here, following, total), sources

    def backwards(word, tag, tags):
        tags = tags.write(word, tag)
        return word - 1, tf.gather(sources[word], tag, batch_dims=1), tags

    array = tf.TensorArray(tf.int32, words, element_shape=[None, None]).write(0, stay)
    _, total, array = tf.while_loop(
        lambda word, *_: word < words, forwards, (1, start + scores[0], array)
    )
    sources = array.stack()
    last = tf.argmax(total + end, axis=1, output_type=tf.int32)
    array = tf.TensorArray(tf.int32, words, element_shape=[None])
    _, _, array = tf.while_loop(lambda word, *_: word >= 0, backwards, (words - 1, last, array))
    return tf.transpose(array.stack())
