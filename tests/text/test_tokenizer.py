"""The Python tokenizer against the original BERT's answers, and what the original does not say."""

import pickle
import random
import subprocess
import sys
import unicodedata

import numpy as np
import pytest
import tokenizer_golden as golden

from keras_bert.errors import InputError
from keras_bert.text import cleaning
from keras_bert.text.tokenizer import (
    WordPieceTokenizer,
    truncated_lengths,
)

SMALL = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    "a",
    "b",
    "##a",
    "##b",
    ".",
    "[",
    "]",
    "mask",
]


@pytest.mark.parametrize("name", golden.LOWER_CASE)
def test_equals_the_original(name):
    tokenizer = golden.tokenizer(name)
    encodings = tokenizer.encode_batch(golden.texts())
    for row, encoding in zip(golden.rows(), encodings, strict=True):
        assert encoding.token_ids[1:-1] == row[name]["ids"], row["text"]
        assert " ".join(encoding.tokens[1:-1]) == row[name]["pieces"], row["text"]
        assert tokenizer.encode(row["text"]) == encoding
        assert tokenizer.tokenize(row["text"]) == encoding.tokens[1:-1]


def test_slow_way_equals_the_fast_one_for_each_character():
    from tokenizers import pre_tokenizers

    planes = (*range(0x30000), *range(0xE0000, 0xE1000))
    chars = [c for c in map(chr, planes) if not cleaning.DIFFERENT.search(c)]
    split = pre_tokenizers.BertPreTokenizer()
    for lower_case in (True, False):
        normalizer = WordPieceTokenizer(SMALL, lower_case)._cutter.rust.normalizer
        for char in chars:
            text = f"a{char}b"
            expected = [w for w, _ in cleaning.split_words(text, lower_case, lower_case)]
            found = split.pre_tokenize_str(normalizer.normalize_str(text))
            assert [word for word, _ in found] == expected, hex(ord(char))


@pytest.mark.parametrize("name", ["uncased", "multilingual"])
def test_offsets_point_at_the_source(name):
    tokenizer = golden.tokenizer(name)
    for text in golden.texts():
        encoding = tokenizer.encode(text)
        assert encoding.offsets[0] == encoding.offsets[-1] == (0, 0)
        offsets, tokens = encoding.offsets[1:-1], encoding.tokens[1:-1]
        covered = set()
        for token, (start, end) in zip(tokens, offsets, strict=True):
            assert 0 <= start < end <= len(text)
            source = _plain(text[start:end], golden.LOWER_CASE[name])
            shared = sum(first < end and start < last for first, last in offsets) > 1
            piece = token.removeprefix("##") if token not in ("#", "##") else token
            piece = _plain(piece, golden.LOWER_CASE[name])
            if token == "[UNK]":
                assert source
            elif shared:  # Several pieces of one character, such as the letters of a syllable.
                assert piece in source
            else:
                assert piece == source, (text, token)
            covered.update(range(start, end))
        assert offsets == sorted(offsets)
        missed = {char for index, char in enumerate(text) if index not in covered}
        assert not _plain("".join(missed), lower_case=golden.LOWER_CASE[name]).strip()


def _plain(text, lower_case):
    """Normalizes for comparison: no controls, no accents, one sigma."""
    if lower_case:
        text = unicodedata.normalize("NFD", text.lower()).replace("ς", "σ")
        text = "".join(char for char in text if unicodedata.category(char) != "Mn")
    return "".join(c for c in text if unicodedata.category(c) not in ("Cc", "Cf") and c != "\ufffd")


def test_slow_way_gives_the_offsets_of_the_fast_one():
    tokenizer = golden.tokenizer("uncased")
    for text in golden.texts():
        if not cleaning.DIFFERENT.search(text):
            slow, (fast,) = tokenizer._cutter.cut_exactly(text), tokenizer.cut([text])
            assert (slow.ids, slow.offsets) == (fast.ids, fast.offsets), text


def test_pair():
    tokenizer = golden.tokenizer("uncased")
    first, second = "Ein Café, İstanbul", "\u200bΟΔΟΣ 2"
    pair = tokenizer.encode(first, second)
    a, b = tokenizer.encode(first), tokenizer.encode(second)
    assert pair.tokens == a.tokens + b.tokens[1:]
    assert pair.offsets == a.offsets + b.offsets[1:]
    assert pair.segment_ids == [0] * len(a.tokens) + [1] * (len(b.tokens) - 1)


def test_truncation_is_that_of_the_original():
    for length_a in range(13):
        for length_b in range(13):
            for length in range(3, 30):
                a, b = list(range(length_a)), list(range(length_b))
                _truncate_seq_pair(a, b, length - 3)
                assert truncated_lengths(length_a, length_b, length) == (len(a), len(b))
        assert truncated_lengths(length_a, None, 7) == (min(length_a, 5), 0)
    tokenizer = WordPieceTokenizer(SMALL)
    pair = tokenizer.encode("a b a", "b . b", 7)
    assert " ".join(pair.tokens) == "[CLS] a b [SEP] b . [SEP]"
    assert tokenizer.encode("a b a", length=4).tokens == ["[CLS]", "a", "b", "[SEP]"]
    assert tokenizer.encode("a b [MASK] a").tokens[3:6] == ["[", "mask", "]"]


def _truncate_seq_pair(tokens_a, tokens_b, max_length):
    """google-research/bert run_classifier.py, word for word."""
    while True:
        total_length = len(tokens_a) + len(tokens_b)
        if total_length <= max_length:
            break
        if len(tokens_a) > len(tokens_b):
            tokens_a.pop()
        else:
            tokens_b.pop()


def test_call_gives_padded_arrays():
    tokenizer = golden.tokenizer("uncased")
    texts, pairs = golden.texts()[:40], golden.texts()[40:80]
    for length in (16, None):
        inputs = tokenizer(texts, pairs, length)
        for row, encoding in enumerate(tokenizer.encode_batch(texts, pairs, length)):
            used = len(encoding.token_ids)
            assert inputs["token_ids"][row, :used].tolist() == encoding.token_ids
            assert inputs["segment_ids"][row, :used].tolist() == encoding.segment_ids
            assert inputs["padding_mask"][row].tolist() == [1] * used + [0] * (
                inputs["padding_mask"].shape[1] - used
            )
            assert not inputs["segment_ids"][row, used:].any()
            assert (inputs["token_ids"][row, used:] == tokenizer.pad_id).all()
    assert {array.dtype for array in inputs.values()} == {np.dtype("int32")}
    assert tokenizer([], length=8)["token_ids"].shape == (0, 8)


def test_mask_in_the_text():
    tokenizer = golden.tokenizer("uncased")
    text = "Paris is the [MASK] of\n[MASK][mask]."
    encoding = tokenizer.encode_with_mask(text)
    expected = "[CLS] paris is the [MASK] of [MASK] [ mask ] . [SEP]"
    assert " ".join(encoding.tokens) == expected
    assert encoding.token_ids.count(tokenizer.mask_id) == 2
    sources = [text[start:end] for start, end in encoding.offsets[1:-1]]
    assert " ".join(sources) == "Paris is the [MASK] of [MASK] [ mask ] ."
    cut = tokenizer.encode_with_mask(text, length=6)
    assert " ".join(cut.tokens) == "[CLS] paris is the [MASK] [SEP]"
    assert tokenizer.encode_with_mask("").tokens == ["[CLS]", "[SEP]"]


def test_switches():
    cased = WordPieceTokenizer([*SMALL, "É", "é", "E", "e", "e\u0301"], lower_case=False)
    assert cased.tokenize("É") == ["É"]
    config = cased.get_config() | {"strip_accents": True}
    assert WordPieceTokenizer(cased.vocabulary, **config).tokenize("É") == ["E"]
    lowered = WordPieceTokenizer(cased.vocabulary, lower_case=True, strip_accents=False)
    assert lowered.tokenize("É") == ["é"]
    chinese = [*SMALL, "中", "文", "中文"]
    assert WordPieceTokenizer(chinese).tokenize("中文") == ["中", "文"]
    assert WordPieceTokenizer(chinese, tokenize_chinese_chars=False).tokenize("中文") == ["中文"]
    short = WordPieceTokenizer(SMALL, max_chars_per_word=3)
    assert short.tokenize("aba abab") == ["a", "##b", "##a", "[UNK]"]
    copy = pickle.loads(pickle.dumps(short))
    assert copy.get_config() == short.get_config()
    assert copy.tokenize("aba abab") == short.tokenize("aba abab")


def test_lone_surrogate_spoils_its_word_only():
    encoding = WordPieceTokenizer(SMALL).encode("a b\ud800. b")
    assert encoding.tokens == ["[CLS]", "a", "[UNK]", ".", "b", "[SEP]"]
    assert encoding.offsets == [(0, 0), (0, 1), (2, 4), (4, 5), (6, 7), (0, 0)]


def test_detokenize():
    tokenizer = golden.tokenizer("uncased")
    ids = tokenizer.encode("Unaffable, isn't it?").token_ids
    assert tokenizer.detokenize([*ids, tokenizer.pad_id]) == "unaffable , isn ' t it ?"
    with pytest.raises(InputError, match="-1 is no token id"):
        tokenizer.detokenize([-1])


def test_bad_input():
    tokenizer = WordPieceTokenizer(SMALL)
    with pytest.raises(InputError, match="must be a string, not NoneType"):
        tokenizer.encode(None)
    with pytest.raises(InputError, match="must be a string, not float: nan"):
        tokenizer(["a", float("nan")])
    with pytest.raises(InputError, match="a sequence of texts, not one text"):
        tokenizer.encode_batch("a")
    with pytest.raises(InputError, match="2 first sentences but 1 second"):
        tokenizer(["a", "b"], ["a"])
    with pytest.raises(InputError, match="length 2 has no room"):
        tokenizer.encode("a", "b", length=2)
    with pytest.raises(InputError, match=r"no token \[MASK\]"):
        WordPieceTokenizer(SMALL[:4]).encode_with_mask("a [MASK]")


def test_import_is_cheap():
    code = "import keras_bert.text.tokenizer, sys; print(sorted(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"'tensorflow'", "'keras'", "'tokenizers'"} & set(
        run.stdout.strip("[]\n").split(", ")
    )


def test_many_random_strings_take_both_ways_alike():
    generator = random.Random(7)
    tokenizer = golden.tokenizer("multilingual")
    pool = [c for c in "".join(golden.texts()) if not cleaning.DIFFERENT.search(c)]
    texts = ["".join(generator.choices(pool, k=30)) for _ in range(1000)]
    for text, fast in zip(texts, tokenizer.cut(texts), strict=True):
        slow = tokenizer._cutter.cut_exactly(text)
        assert (slow.ids, slow.offsets) == (fast.ids, fast.offsets), text


def test_one_text_is_a_batch_of_one():
    tokenizer = golden.tokenizer("uncased")
    for found, wanted in [
        (tokenizer("a film"), tokenizer(["a film"])),
        (tokenizer("a film", "and more", length=8), tokenizer(["a film"], ["and more"], length=8)),
    ]:
        assert found["token_ids"].shape[0] == 1
        for name, values in wanted.items():
            np.testing.assert_array_equal(found[name], values)


def test_an_encoding_is_shown_by_its_tokens():
    shown = repr(golden.tokenizer("uncased").encode("A film!"))
    assert shown == "<Encoding of 5 tokens: [CLS] a film ! [SEP]>"
