"""A pruned vocabulary against a WordPiece of thirty lines that follows the original's loop."""

import collections
import random

import pytest
import tokenizer_golden as golden
from small_networks import VOCABULARY

from keras_bert.errors import InputError
from keras_bert.text import cleaning
from keras_bert.text.pruning import prune
from keras_bert.text.tokenizer import WordPieceTokenizer

SIZE = 2200
_SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def reference_pieces(word, vocabulary):
    """google-research/bert tokenization.py, WordpieceTokenizer, for one word."""
    pieces, start = [], 0
    while start < len(word):
        end, found = len(word), None
        while start < end:
            piece = ("##" if start else "") + word[start:end]
            if piece in vocabulary:
                found = piece
                break
            end -= 1
        if found is None:
            return ["[UNK]"]
        pieces.append(found)
        start = end
    return pieces


@pytest.fixture(scope="module")
def corpus():
    return golden.texts()[::2]


@pytest.fixture(scope="module")
def tokenizer():
    return golden.tokenizer("uncased")


@pytest.fixture(scope="module")
def pruned(tokenizer, corpus):
    return prune(tokenizer, SIZE, iter(corpus))


def words_of(texts):
    return collections.Counter(w for text in texts for w, _ in cleaning.split_words(text))


def test_rows_keep_their_order_and_their_tokens(tokenizer, pruned):
    kept = pruned.tokenizer.vocabulary
    assert len(kept) == len(pruned.ids) == SIZE
    assert (pruned.ids[1:] > pruned.ids[:-1]).all()
    assert kept == [tokenizer.vocabulary[i] for i in pruned.ids]
    assert pruned.tokenizer.get_config() == tokenizer.get_config()
    assert kept[:5] == _SPECIAL
    assert not any(token.startswith("[unused") for token in kept)
    characters = {t for t in tokenizer.vocabulary if len(t.removeprefix("##")) == 1}
    assert len(characters) > 1000
    assert characters <= set(kept)


def test_words_are_cut_as_the_original_cuts_them_with_the_smaller_vocabulary(tokenizer, pruned):
    vocabulary = set(pruned.tokenizer.vocabulary)
    old = set(tokenizer.vocabulary)
    words = words_of(golden.texts())  # of texts, too, that the choice has not seen
    changed = 0
    for word in words:
        if len(word) > 200 or any("\ud800" <= char <= "\udfff" for char in word):
            continue
        pieces = pruned.tokenizer.pieces_of_word(word)
        assert pieces == reference_pieces(word, vocabulary)
        before = reference_pieces(word, old)
        assert before == tokenizer.pieces_of_word(word)
        if vocabulary.issuperset(before):
            assert pieces == before
        changed += pieces != before
    assert changed > 100
    for token in vocabulary - {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"}:
        if not token.startswith("##"):
            assert pruned.tokenizer.pieces_of_word(token) == [token]


def test_what_is_reported_is_counted(tokenizer, pruned, corpus):
    kept, old = set(pruned.tokenizer.vocabulary), set(tokenizer.vocabulary)
    total, found = 0, collections.Counter()
    for word, count in words_of(corpus).items():
        if len(word) > 200 or any("\ud800" <= char <= "\udfff" for char in word):
            continue
        before, after = reference_pieces(word, old), reference_pieces(word, kept)
        total += count
        found["unchanged"] += count * (before == after)
        found["unknown_before"] += count * (before == ["[UNK]"])
        found["unknown"] += count * (after == ["[UNK]"])
        found["pieces_before"] += count * len(before)
        found["pieces"] += count * len(after)
    assert pruned.words == total
    for name, number in found.items():
        assert getattr(pruned, name) == pytest.approx(number / total, abs=1e-12)
    assert 0.5 < pruned.unchanged < 1
    assert pruned.unknown == pruned.unknown_before


def test_the_most_used_stay():
    tokens = [*_SPECIAL, *"abc", "##a", "##b", "##c", "ab", "bc", "abc", "##bc", "ca"]
    texts = ["abc abc ab", "ca bc bc bc abbc abbc abbc abbc"]
    # bc 3, abc 2, ab 1 + 4, ##bc 4, ca 1
    for size, kept in ((12, {"ab"}), (13, {"ab", "##bc"}), (15, {"ab", "##bc", "bc", "abc"})):
        found = prune(WordPieceTokenizer(tokens), size, texts).tokenizer.vocabulary
        assert set(found) == {*tokens[:11], *kept}
    # Of tokens that are used alike, or not at all, the first ones.
    found = prune(WordPieceTokenizer(tokens), 13, ["a"]).tokenizer.vocabulary
    assert found == [*tokens[:11], "ab", "bc"]


def test_no_word_becomes_unknown_where_a_character_is_not_by_itself():
    # é is in "café" alone, so that the word has to stay; "thé" is [UNK] before.
    tokens = [*_SPECIAL, *"acfth", *(f"##{c}" for c in "acfth"), "cafe", "café", "that", "##at"]
    tokenizer = WordPieceTokenizer(tokens, strip_accents=False)
    texts = ["that that that at café thé"]
    pruned = prune(tokenizer, 17, texts)
    assert set(tokens) - set(pruned.tokenizer.vocabulary) == {"cafe", "##at"}
    assert pruned.tokenizer.tokenize("café thé that") == ["café", "[UNK]", "that"]
    assert pruned.unknown == pruned.unknown_before == 1 / 6
    # Without the word in the texts, nothing needs it.
    assert "café" not in prune(tokenizer, 16, ["that that"]).tokenizer.vocabulary


def test_added_and_doubled_tokens():
    added = [{"content": "<name>", "word_piece": False}, {"content": "[unused1]"}]
    tokens = [*_SPECIAL, "[unused0]", "[unused1]", "dog", "a", "dog", "", "cat", "cow", "<name>"]
    tokenizer = WordPieceTokenizer(tokens, added_tokens=added)
    texts = ["cat <name>dog [unused1] a"]
    assert tokenizer.count_words(texts) == {"cat": 1, "dog": 1, "a": 1}
    pruned = prune(tokenizer, 10, texts)
    # "dog" has the id of its last line.
    assert pruned.ids.tolist() == [0, 1, 2, 3, 4, 6, 8, 9, 11, 13]
    before, after = tokenizer.encode(texts[0]), pruned.tokenizer.encode(texts[0])
    assert after.tokens == before.tokens
    assert "<name>" in after.tokens
    assert [pruned.ids[i] for i in after.token_ids] == before.token_ids
    # Neither [unused0] nor what no text can have fills the room that is left.
    assert len(prune(tokenizer, 13, texts).ids) == 11


def test_words_at_random_keep_their_pieces_if_all_of_them_stay():
    rng = random.Random(3)
    pieces = {"".join(rng.choices("abcd", k=rng.randint(2, 4))) for _ in range(120)}
    pieces = sorted(pieces) + [f"##{piece}" for piece in sorted(pieces)[::2]]
    tokens = [*_SPECIAL, *"abcd", *(f"##{c}" for c in "abcd"), *pieces]
    tokenizer = WordPieceTokenizer(tokens)
    words = ["".join(rng.choices("abcd", k=rng.randint(1, 12))) for _ in range(3000)]
    for size in (20, 60, len(tokens) - 1):
        pruned = prune(tokenizer, size, words[:500])
        kept = set(pruned.tokenizer.vocabulary)
        for word in words:
            before, after = tokenizer.pieces_of_word(word), pruned.tokenizer.pieces_of_word(word)
            assert after == reference_pieces(word, kept)
            assert after == before or not kept.issuperset(before)


@pytest.mark.parametrize(
    ("size", "texts", "message"),
    [
        (14, ["good dog"], "at least 17 tokens have to stay"),
        (len(VOCABULARY), ["good dog"], f"fewer than the {len(VOCABULARY)} tokens"),
        (16, ["", " \n"], "the texts hold no words"),
    ],
)
def test_what_cannot_be_pruned(size, texts, message):
    tokenizer = WordPieceTokenizer(VOCABULARY, lower_case=False)
    with pytest.raises(InputError, match=message) as error:
        prune(tokenizer, size, texts)
    assert "\n" not in str(error.value)
