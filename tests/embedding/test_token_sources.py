"""Tokens know their word: a slice of the text, whatever the tokenizer has dropped from it."""

import numpy as np
import pytest
from checkpoint_helpers import DATA

from keras_bert.embedding.token_sources import MAX_WORD, TokenSources
from keras_bert.text.tokenizer import WordPieceTokenizer


def sources_of(texts, texts_b=None, **switches):
    vocabulary = "keras_bert/data/bert_base_uncased_vocab.txt"
    tokenizer = WordPieceTokenizer.from_file(DATA.parent.parent / vocabulary, **switches)
    sources = TokenSources(texts, texts_b, tokenizer.vocabulary)
    for encoding in tokenizer.encode_batch(texts, texts_b):
        sources.add(encoding)
    strings = {
        name: np.concatenate(list(b())).tolist() for name, (_, b) in sources.strings().items()
    }
    return {**sources.arrays(), **strings}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Café Zoë", ["Café", "Zoë"]),
        ("cafe\u0301, cafe\u0301s", ["cafe\u0301", ",", "cafe\u0301s"]),
        ("日本 2020年", ["日", "本", "2020", "年"]),
        ("I ❤\ufe0f 😀!", ["I", "❤\ufe0f", "😀", "!"]),
        ("don't  embeddings\n", ["don", "'", "t", *["embeddings"] * 4]),
        ("zero\u200bwidth", ["zero\u200bwidth"] * 4),
        ("한국", ["한국"] * 6),
    ],
)
def test_words_are_slices_of_the_text(text, words):
    found = sources_of([text])
    assert found["words"] == ["", *words, ""]
    assert found["word_ids"][[0, -1]].tolist() == [-1, -1]
    numbers = [
        index for index, word in enumerate(dict.fromkeys(words)) for _ in range(words.count(word))
    ]
    assert found["word_ids"][1:-1].tolist() == numbers
    assert found["offsets"][[0, -1]].tolist() == [[0, 0], [0, 0]]
    for (start, end), word, token in zip(found["offsets"], found["words"], found["tokens"]):
        assert text[start:end] in word
        assert token in ("[CLS]", "[SEP]") or end > start


def test_an_accent_may_be_a_word_by_itself_where_accents_are_kept():
    found = sources_of(["本\u0308x"], strip_accents=False)
    assert found["words"][1] == "本"
    assert "\u0308" in found["words"][2]


def test_words_of_pairs_come_from_their_own_text():
    found = sources_of(["one, two"], ["Two 本"])
    assert found["words"] == ["", "one", ",", "two", "", "Two", "本", ""]
    assert found["segment_ids"].tolist() == [0, 0, 0, 0, 0, 1, 1, 1]
    assert found["word_ids"].tolist() == [-1, 0, 1, 2, -1, 3, 4, -1]
    assert found["offsets"][5:7].tolist() == [[0, 3], [4, 5]]


def test_a_long_word_does_not_make_the_file_wide():
    found = sources_of(["a", "x" * 5000])
    assert max(map(len, found["words"])) == MAX_WORD
    assert found["offsets"][4].tolist() == [0, 5000]
    assert found["row_splits"].tolist() == [0, 3, 6]
