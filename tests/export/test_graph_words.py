"""A tagger's words, rows and tags in a TensorFlow graph, against the Python modules."""

import random

import numpy as np
import pytest
import tensorflow as tf
import tokenizer_golden as golden
from passages import EMPTY, NASTY

from keras_bert.export import graph_word_rows as rows
from keras_bert.export.graph_tags import best_tags
from keras_bert.export.graph_words import words_in
from keras_bert.tasks.tagging import decoding, word_rows
from keras_bert.tasks.tagging.schemes import SCHEMES
from keras_bert.tasks.tagging.words import words_of
from keras_bert.text.graph_characters import CharacterFlags

ATOMS = [
    "n't", "n’t", "'s", "’ll", "'re", "'", "’", "a", "N", "T", "S", "e", "é", "ſ", "北", "م",
    "\u0301", "\u200b", "\x00", "\xad", " ", "  ", "\t", "\u2028", "\x1c", "\x85", "https://",
    "http://x.y/", "www.", "@", "#", "_", "-", ".", ",", ":", "/", "1", "23", "٣", "Ⅷ", "½", "!",
    "?", "**", "==", "U.S.", "a.b", "x@y.zz", "‛", "‵", "、", "👍", "\x02", "\x03", "don't",
    "don’t've", "O'Neil's", "rock'n'roll", "(", ")", "$", "x" * 70 + "@a.b",
]  # fmt: skip
LABELS = {
    "none": ("NOUN", "VERB", "ADJ"),
    "io": ("O", "I-A", "I-B"),
    "iob1": ("O", "I-A", "B-A", "I-B"),
    "bio": ("O", "B-A", "I-A", "B-B", "I-B"),
    "bioes": ("O", "B-A", "I-A", "E-A", "S-A", "B-B", "E-B"),
    "bmes": ("B", "M", "E", "S"),
    "bilou": ("O", "B-A", "I-A", "L-A", "U-A"),
}


def test_words_of_golden_and_drawn_texts():
    draw = random.Random(0)
    texts = ["".join(draw.choices(ATOMS, k=draw.randint(0, 10))) for _ in range(5000)]
    texts += [*golden.texts(), *NASTY, *EMPTY, ""]
    flags = CharacterFlags()
    _, starts, ends = tf.function(lambda texts: words_in(texts, flags))(tf.constant(texts))
    for text, *places in zip(texts, starts.to_list(), ends.to_list(), strict=True):
        assert list(zip(*places)) == words_of(text), repr(text)


@pytest.mark.parametrize(("room", "overlap"), [(5, 0), (5, 2), (12, 4), (30, 100)])
def test_rows_of_long_sentences(room, overlap):
    draw = random.Random(room)
    sizes = [
        [draw.randint(1, room) if draw.random() < 0.2 else draw.randint(1, 3) for _ in range(n)]
        for n in (1, 40, 0, 7, 25, 0, 90, 2)
    ]
    words = tf.ragged.constant(sizes, tf.int32, row_splits_dtype=tf.int32)
    starts, ends, sentence = rows.split_words(words, words.values, room, overlap)
    owner = rows.owners(words, starts, ends, sentence).numpy()
    begins = words.row_splits.numpy()
    found = list(zip(sentence.numpy(), starts.numpy(), ends.numpy()))
    read = np.split(owner, begins[1:-1])
    for number, each in enumerate(sizes):
        if not each:
            assert number not in sentence.numpy()
            continue
        for span, words_read in word_rows.split_words(each, room, overlap):
            row = found.index((number, begins[number] + span.start, begins[number] + span.stop))
            places = np.flatnonzero(read[number] == row)
            assert places.tolist() == list(words_read)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_best_valid_tags(scheme):
    labels = LABELS[scheme]
    rng = np.random.default_rng(0)
    lengths = [*range(1, 9), 0, 30]
    # Flat ones, of which the best tags by themselves are hardly ever valid, and sure ones.
    logits = rng.normal(size=(2, len(lengths), 30, len(labels))) * [[[[1.0]]], [[[9.0]]]]
    values = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    changed = 0
    for probabilities in values.astype("float32"):
        found = best_tags(probabilities, tf.constant(lengths), labels, scheme).numpy()
        for row, length, each in zip(found, lengths, probabilities, strict=True):
            expected = decoding.best_tags(each[:length], labels, scheme)
            assert row[:length].tolist() == list(expected)
            changed += (expected != each[:length].argmax(axis=-1)).sum()
    assert (changed > 0) == (scheme in decoding.SCHEMES_WITH_RULES)
