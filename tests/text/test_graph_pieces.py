"""Word pieces with their places in a graph, against the Python tokenizer and Python's `str`."""

import random
import unicodedata

import numpy as np
import pytest
import tensorflow as tf
import tokenizer_golden as golden
from marks import slow_but
from passages import EMPTY, NASTY

from keras_bert.tasks.question_answering.word_bounds import belongs_to_word
from keras_bert.text import cleaning
from keras_bert.text.graph_characters import (
    PREDICATES,
    CharacterFlags,
    Expansions,
    decoded,
    encoded,
    with_sigmas,
)
from keras_bert.text.graph_pieces import PieceCutterInGraph
from keras_bert.text.tokenizer import WordPieceTokenizer

# Scripts, signs, spaces and marks that meet in no text of the golden rows.
CHARS = (
    "aZÉé\u0301\u0303 ßŉİıΣσςΆ'’.:·\u00ad\u200b\u200d\u2028\u3000\u00a0\t\n\r\x1c\x85\x00\ufffd"
    "北가각𠀀ﬁǆ½²\u0374;\u037e`,-_#@0٣\u1ab0\u0900\u0b83\u2c2f\ua7c0\U00010570\U0001e900👍🏽\ue000"
)


def drawn(count, seed=0):
    draw = random.Random(seed)
    return ["".join(draw.choices(CHARS, k=draw.randint(0, 14))) for _ in range(count)]


def assert_cut_alike(tokenizer, texts):
    found = PieceCutterInGraph(tokenizer)(tf.constant(texts))
    ids, starts, ends = (part.to_list() for part in (found.ids, found.starts, found.ends))
    for row, (text, pieces) in enumerate(zip(texts, tokenizer.cut(texts), strict=True)):
        assert ids[row] == list(pieces.ids), text
        assert list(zip(starts[row], ends[row])) == list(pieces.offsets), text


@pytest.mark.parametrize("name", slow_but(golden.LOWER_CASE, "uncased", "chinese"))
def test_ids_and_offsets_of_the_golden_texts(name):
    texts = [*golden.texts(), *NASTY, *EMPTY, ""]
    assert len(texts) > 629
    assert_cut_alike(golden.tokenizer(name), texts)


@pytest.mark.parametrize("lower_case", slow_but([True, False], True))
@pytest.mark.parametrize("strip_accents", [True, False])
def test_drawn_texts_with_every_switch(lower_case, strip_accents):
    for cjk in (True, False):
        tokenizer = WordPieceTokenizer(
            golden.vocabulary("multilingual"), lower_case, strip_accents, cjk, 12
        )
        assert_cut_alike(tokenizer, drawn(400))


@pytest.mark.parametrize(
    "switches", slow_but([(True, True), (True, False), (False, True)], (True, True)), ids=str
)
def test_every_character_is_normalized_as_by_python(switches):
    """Also the 40 letters that TensorFlow's own tables do not lower."""
    codes = (*range(0xD800), *range(0xE000, 0x20000), *range(0xE0000, 0xE1000))
    lower_case, strip = switches
    values, owner = Expansions(lower_case, strip)(tf.constant(codes))
    rows = tf.RaggedTensor.from_value_rowids(values, owner, nrows=len(codes))
    for code, new in zip(codes, rows.to_list(), strict=True):
        char = chr(code).lower() if lower_case else chr(code)
        if strip:
            char = unicodedata.normalize("NFD", char)
            char = "".join(c for c in char if not cleaning.is_accent(c))
        assert new == [ord(c) for c in char], hex(code)


def test_sigma_at_the_end_of_words():
    texts = [*drawn(300, seed=1), "ΣΑΣ ΑΣ' ΑΣ'Α Σ ΑΣ.", "", "Σ", "ΑΣ", "ΣΣ", "Α\u0301Σ\u0301"]
    found = with_sigmas(decoded(tf.constant(texts)), CharacterFlags())
    for text, new in zip(texts, encoded(found).numpy(), strict=True):
        sigmas = [c for c in text.lower() if c in "σς"]
        assert [c for c in new.decode() if c in "σς"] == sigmas, text


def test_invalid_utf8_counts_as_nothing():
    cutter = PieceCutterInGraph(golden.tokenizer("uncased"))
    texts = [b"caf\xc3\xa9 \xff\xfetime\xe4\xb8", b"a\xed\xa0\x80b", b"\xff"]
    clean = [text.decode("utf-8", "ignore") for text in texts]
    for one, other in zip(
        (getattr(cutter(texts), n) for n in ("ids", "starts", "ends")),
        (getattr(cutter(clean), n) for n in ("ids", "starts", "ends")),
        strict=True,
    ):
        assert one.to_list() == other.to_list()


def test_an_empty_batch_has_no_pieces():
    found = PieceCutterInGraph(golden.tokenizer("chinese"))(tf.zeros([0], tf.string))
    assert found.ids.to_list() == found.starts.to_list() == []
    assert found.ids.values.dtype == np.int32


def test_flags_are_those_of_python():
    draw = random.Random(2)
    codes = [*range(0x800), *draw.choices(range(0xE000, 0x110000), k=3000), 0x9FFF, 0x2B73F]
    codes += draw.choices(range(0xD800), k=3000)
    found = CharacterFlags(of_word=belongs_to_word)(tf.constant(codes))
    for name, holds in {**PREDICATES, "of_word": belongs_to_word}.items():
        expected = [bool(holds(chr(code))) for code in codes]
        assert found(name).numpy().tolist() == expected, name
