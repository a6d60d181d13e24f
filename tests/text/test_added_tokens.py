"""Added tokens, in Python and in the graph: `tokenizers` and its AddedToken say what is right."""

import random

import pytest
import tensorflow as tf
from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers

from keras_bert.errors import InputError
from keras_bert.text.graph_pieces import PieceCutterInGraph
from keras_bert.text.graph_tokenizer import GraphTokenizer
from keras_bert.text.tokenizer import WordPieceTokenizer

LETTERS = [chr(code) for code in range(97, 123)] + list("0123456789")
PIECES = [
    "[PAD]", "[unused0]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"<>[],._", *LETTERS,
    *(f"##{letter}" for letter in LETTERS), "ada", "film", "very",
]  # fmt: skip

MARKERS = [
    {"content": "[unused0]"},
    {"content": "[E1]"},
    {"content": "[E1]]"},
    {"content": "covid", "normalized": True, "special": False},
    {"content": "film", "special": False},
]
OF_ALL_FLAGS = [
    {"content": "Covid", "normalized": True, "special": False},
    {"content": "<x>", "lstrip": True},
    {"content": "<y>", "rstrip": True},
    {"content": "lm b", "special": False},
    {"content": "你", "normalized": True, "special": False},
    {"content": "é", "normalized": True, "special": False},
    {"content": "New York", "normalized": True, "special": False},
]
BY_THEMSELVES = [
    {"content": "Ada", "single_word": True, "special": False},
    {"content": "film", "single_word": True, "special": False},
    {"content": "é", "normalized": True, "single_word": True, "special": False},
    {"content": "[E1]", "single_word": True, "lstrip": True, "rstrip": True},
    {"content": "[A]", "single_word": True, "normalized": True},
]
ATOMS = [
    "[unused0]", "[E1]", "[E1]]", "[A]", "[a]", "covid", "COVID", "Covid", "ada", "Ada", "<x>",
    "<y>", "film", "films", "lm b", "New York", "new\tyork", "é", "É", "e\u0301", "你", "日本", " ",
    "  ", "\t", "\u00a0", ",", "_", "x", "very", "\u200d", "\x00",
]  # fmt: skip
SWITCHES = [{}, {"lower_case": False}, {"strip_accents": False}]


def both(tokens, lower_case=True, strip_accents=None):
    """Returns our tokenizer and that of `tokenizers`, with the same added tokens."""
    vocabulary = [*PIECES, *(t["content"] for t in tokens if t["content"] not in PIECES)]
    ours = WordPieceTokenizer(
        vocabulary,
        lower_case,
        strip_accents,
        added_tokens=[{"word_piece": t["content"] in PIECES, **t} for t in tokens],
    )
    ids = {piece: index for index, piece in enumerate(PIECES)}
    theirs = Tokenizer(models.WordPiece(ids, unk_token="[UNK]", max_input_chars_per_word=200))
    theirs.normalizer = normalizers.BertNormalizer(
        lowercase=lower_case, strip_accents=strip_accents
    )
    theirs.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    for token in tokens:
        flags = {"normalized": False, **token}
        special = flags.pop("special", True)
        add = theirs.add_special_tokens if special else theirs.add_tokens
        add([AddedToken(**flags)])
    return ours, theirs


def texts(count, seed=0):
    draw = random.Random(seed)
    return ["".join(draw.choices(ATOMS, k=draw.randint(1, 8))) for _ in range(count)]


@pytest.mark.parametrize("switches", SWITCHES, ids=str)
@pytest.mark.parametrize("tokens", [MARKERS, OF_ALL_FLAGS, BY_THEMSELVES], ids=len)
def test_ids_and_offsets_equal_those_of_tokenizers(tokens, switches):
    ours, theirs = both(tokens, **switches)
    drawn = texts(1500)
    expected = theirs.encode_batch(drawn, add_special_tokens=False)
    found_some = 0
    for text, pieces, want in zip(drawn, ours.cut(drawn), expected, strict=True):
        assert list(pieces.ids) == want.ids, text
        assert list(pieces.offsets) == want.offsets, text
        found_some += any(t["content"] in pieces.tokens for t in tokens)
    assert found_some > 400


@pytest.mark.parametrize("switches", SWITCHES, ids=str)
@pytest.mark.parametrize("tokens", [MARKERS, OF_ALL_FLAGS], ids=len)
def test_the_graph_cuts_as_python_does(tokens, switches):
    ours, theirs = both(tokens, **switches)
    # A text's own private characters must not become added tokens.
    drawn = [*texts(600, seed=1), "\U00100000 ada\U00100001", "[E1]\U0010fffd"]
    found = GraphTokenizer(ours).tokenize(tf.constant(drawn)).to_list()
    assert found == [list(pieces.ids) for pieces in ours.cut(drawn)]
    expected = theirs.encode_batch(drawn[:600], add_special_tokens=False)
    assert found[:600] == [each.ids for each in expected]
    found = PieceCutterInGraph(ours)(tf.constant(drawn))
    assert found.ids.to_list() == [list(pieces.ids) for pieces in ours.cut(drawn)]
    starts, ends = found.starts.to_list(), found.ends.to_list()
    for text, pieces, *offsets in zip(drawn, ours.cut(drawn), starts, ends, strict=True):
        assert list(zip(*offsets)) == list(pieces.offsets), text


def test_texts_that_tokenizers_would_cut_otherwise_have_added_tokens_too():
    ours, _ = both(MARKERS)
    text = "\ue000a [E1]\ud800ada"
    (pieces,) = ours.cut([text])
    assert pieces.tokens == ["[UNK]", "[E1]", "[UNK]"]
    assert pieces.offsets == [(0, 2), (3, 7), (7, 11)]
    assert pieces.word_ids == [0, 1, 2]


def test_added_tokens_in_pairs_words_and_beside_a_mask():
    ours, _ = both(MARKERS)
    pair = ours.encode("[E1] ada", "film[unused0]")
    assert pair.tokens == ["[CLS]", "[E1]", "ada", "[SEP]", "film", "[unused0]", "[SEP]"]
    assert pair.offsets[4:6] == [(0, 4), (4, 13)]
    words = ours.encode(["very[E1]", "ada"], is_split_into_words=True)
    assert words.tokens == ["[CLS]", "very", "[E1]", "ada", "[SEP]"]
    assert words.word_ids == [None, 0, 0, 1, None]
    masked = ours.encode_with_mask("ada [MASK] [E1]")
    assert masked.tokens == ["[CLS]", "ada", "[MASK]", "[E1]", "[SEP]"]
    # The tokens that every BERT has are text like any other.
    assert "[CLS]" not in ours.tokenize("[CLS] ada [SEP]")


def test_config_makes_an_equal_tokenizer():
    ours, _ = both(OF_ALL_FLAGS)
    again = WordPieceTokenizer(ours.vocabulary, **ours.get_config())
    assert again.added_tokens == ours.added_tokens
    assert again.tokenize("NEW YORK  <x>Covid") == ["New York", "<x>", "Covid"]
    # What an older version reads stays as it was.
    assert "added_tokens" not in WordPieceTokenizer(PIECES).get_config()


def test_a_token_that_is_no_piece_is_not_found_inside_words():
    tokens = [{"content": "ri", "single_word": True, "special": False}]
    ours, theirs = both(tokens)
    assert ours.tokenize("ri rin") == ["ri", "r", "##i", "##n"]
    assert theirs.encode("ri rin", add_special_tokens=False).tokens == ours.tokenize("ri rin")


def test_the_last_of_doubled_tokens_counts_in_the_graph_too():
    vocabulary = [*PIECES, "ada", "", "", "film"]
    ours = WordPieceTokenizer(vocabulary)
    (pieces,) = ours.cut(["ada film very"])
    last = len(PIECES)
    assert list(pieces.ids) == [last, last + 3, PIECES.index("very")]
    graph = GraphTokenizer(ours)
    assert graph.tokenize(tf.constant(["ada film very"])).to_list() == [list(pieces.ids)]


def test_bad_added_tokens():
    for tokens, message in (
        ("[E1]", "must be a list"),
        ([3], "must have a content"),
        ([{"content": "[E9]"}], r"'\[E9\]' is not in the vocabulary"),
        ([{"content": "ada"}, {"content": "ada"}], "'ada' is there twice"),
        ([{"content": "ada", "lstrip": 1}], "the known flags are"),
        ([{"content": "ada", "odd": True}], "'ada': has {'odd': True}"),
        ([{"content": " "}], "is blank"),
        ([{"content": "[CLS]", "word_piece": False}], "word_piece must be true"),
    ):
        with pytest.raises(InputError, match=message):
            WordPieceTokenizer([*PIECES, " "], added_tokens=tokens)
    with pytest.raises(InputError, match="nothing is left of the added token"):
        WordPieceTokenizer([*PIECES, "\u0301"], added_tokens=[
            {"content": "\u0301", "normalized": True},
        ])  # fmt: skip
    ours, _ = both(BY_THEMSELVES)
    with pytest.raises(InputError, match="'Ada' has single_word true: a TensorFlow graph"):
        GraphTokenizer(ours)
