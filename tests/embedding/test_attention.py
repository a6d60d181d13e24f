"""Attention equals a NumPy forward pass of the checkpoint's own arrays; pictures show it."""

import json
import math

import numpy as np
import pytest
from checkpoint_helpers import DATA
from safetensors.numpy import load_file

import keras_bert
from keras_bert.bert import Bert, build_model
from keras_bert.embedding.attention import attention_of, strongest
from keras_bert.embedding.attention_picture import attention_figure
from keras_bert.model_folder import ModelConfig

TINY = str(DATA / "hf_tiny_bert")
LAYERS, HEADS = 3, 4
TEXT, SECOND = "hello, abc w1 w2 é?", "a fox"


@pytest.fixture(scope="module")
def tiny():
    return keras_bert.load(TINY)


@pytest.fixture(scope="module")
def arrays():
    return {
        n: a.astype("float64")
        for n, a in load_file(DATA / "hf_tiny_bert/model.safetensors").items()
    }


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def by_hand(arrays, token_ids, segment_ids, allowed, states=None):
    """Returns the attention of each layer, float64, from the arrays of a Hugging Face checkpoint.

    Args:
        allowed: bool array of shape (length, length), whether row i may attend to column j.
        states: what goes into each layer; None computes it, too.
    """

    def dense(x, name):
        return x @ arrays[f"{name}.weight"].T + arrays[f"{name}.bias"]

    def norm(x, name):
        x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-12)
        return x * arrays[f"{name}.weight"] + arrays[f"{name}.bias"]

    def heads(x):
        return x.reshape(len(x), HEADS, -1).transpose(1, 0, 2)

    table = {
        n: arrays[f"embeddings.{n}_embeddings.weight"] for n in ("word", "position", "token_type")
    }
    x = (
        table["word"][token_ids]
        + table["token_type"][segment_ids]
        + table["position"][: len(token_ids)]
    )
    x = norm(x, "embeddings.LayerNorm")
    found = []
    for layer in range(LAYERS):
        name = f"encoder.layer.{layer}."
        x = x if states is None else np.asarray(states[layer], "float64")[0]
        query, key, value = (
            heads(dense(x, f"{name}attention.self.{part}")) for part in ("query", "key", "value")
        )
        scores = query @ key.transpose(0, 2, 1) / np.sqrt(query.shape[-1])
        found.append(softmax(np.where(allowed, scores, -np.inf)))
        mixed = (found[-1] @ value).transpose(1, 0, 2).reshape(x.shape)
        mixed = dense(mixed, f"{name}attention.output.dense")
        x = norm(x + mixed, f"{name}attention.output.LayerNorm")
        inner = dense(x, f"{name}intermediate.dense")
        inner = inner * 0.5 * (1 + np.vectorize(math.erf)(inner / math.sqrt(2)))
        x = norm(x + dense(inner, f"{name}output.dense"), f"{name}output.LayerNorm")
    return np.stack(found)


@pytest.mark.parametrize("second", [None, SECOND])
def test_attention_equals_numpy(tiny, arrays, second):
    encoding = tiny.tokenizer.encode(TEXT, second)
    count = len(encoding.token_ids)
    expected = by_hand(
        arrays, encoding.token_ids, encoding.segment_ids, np.ones((count, count), bool)
    )
    assert expected.std() > 0.001
    found = attention_of(tiny, encoding)
    assert found.shape == (LAYERS, HEADS, count, count)
    # In the lowest layer alone, and above it from what the model's layers got: 32 bits each time.
    np.testing.assert_allclose(found[0], expected[0], rtol=0, atol=1e-6)
    inputs = tiny.tokenizer([TEXT], None if second is None else [second])
    states = tiny.encoder.all_hidden_states()(inputs)
    one_by_one = by_hand(
        arrays, encoding.token_ids, encoding.segment_ids, np.ones((count, count), bool), states
    )
    np.testing.assert_allclose(found, one_by_one, rtol=0, atol=1e-6)
    # The rounding of three layers adds up.
    np.testing.assert_allclose(found, expected, rtol=0, atol=4e-6)
    np.testing.assert_allclose(found.sum(axis=-1), 1, rtol=0, atol=1e-6)


def test_padding_gets_nothing_and_changes_nothing(tiny):
    encoding = tiny.tokenizer.encode(TEXT)
    count = len(encoding.token_ids)
    inputs = {
        name: np.zeros((2, 24), "int32") for name in ("token_ids", "segment_ids", "padding_mask")
    }
    inputs["token_ids"][:, :count] = encoding.token_ids
    inputs["padding_mask"][:, :count] = 1
    inputs["token_ids"][1, count:] = 7  # whatever is there
    found = np.stack([np.asarray(each) for each in tiny.encoder.attention_probabilities(inputs)])
    assert (found[..., :count, count:] == 0).all()
    alone = attention_of(tiny, encoding)
    for row in range(2):
        of_tokens = found[:, row, :, :count, :count]
        np.testing.assert_allclose(of_tokens[0], alone[0], rtol=0, atol=1e-6)
        np.testing.assert_allclose(of_tokens, alone, rtol=0, atol=4e-6)


def test_a_left_to_right_model_is_causal(tiny, arrays):
    encoder = keras_bert.BertConfig(**{**tiny.config.encoder.to_dict(), "left_to_right": True})
    config = ModelConfig(encoder=encoder, tokenizer=tiny.tokenizer.get_config(), max_length=24)
    bert = Bert.from_config(config, build_model(config), tiny.tokenizer)
    bert.model.set_weights(tiny.encoder.get_weights())
    encoding = tiny.tokenizer.encode(TEXT)
    count = len(encoding.token_ids)
    expected = by_hand(arrays, encoding.token_ids, encoding.segment_ids, np.tri(count, dtype=bool))
    found = attention_of(bert, encoding)
    assert (found[:, :, ~np.tri(count, dtype=bool)] == 0).all()
    np.testing.assert_allclose(found, expected, rtol=0, atol=4e-6)


def test_the_models_own_output_uses_these_probabilities(tiny):
    block = tiny.encoder.blocks[1].attention
    x = np.random.default_rng(0).normal(size=(1, 5, 32)).astype("float32")
    bias = np.array([[[[0, 0, 0, 0, -10000]]]], "float32")
    weights = np.asarray(block.probabilities(x, bias))
    value = np.asarray(block.value_dense(x[0])).reshape(5, HEADS, 8).transpose(1, 0, 2)
    context = (weights[0] @ value).transpose(1, 0, 2).reshape(5, 32)
    expected = np.asarray(block.output_dense(context))
    np.testing.assert_allclose(np.asarray(block(x, bias))[0], expected, rtol=0, atol=1e-6)


def shown(cli, *arguments):
    found = cli("attention", f"--model={TINY}", *arguments, "--json")
    assert found.status == 0, found.err
    return json.loads(found.out), found.err.splitlines()


def test_the_verb_selects_layers_and_heads_and_writes_numbers(cli, tiny, tmp_path):
    encoding = tiny.tokenizer.encode(TEXT, SECOND)
    whole = attention_of(tiny, encoding)
    for flags, layers, heads in [
        ([], [1, 2, 3], [1, 2, 3, 4]),
        (["--layer=-1"], [3], [1, 2, 3, 4]),
        (["--layer=2", "--head=3"], [2], [3]),
        (["--head=4"], [1, 2, 3], [4]),
    ]:
        path = tmp_path / "a.json"
        result, _ = shown(cli, f"--text={TEXT}", f"--text_b={SECOND}", f"--output={path}", *flags)
        assert (result["layers"], result["heads"]) == (layers, heads)
        written = json.loads(path.read_text(encoding="utf-8"))
        assert written["tokens"] == result["tokens"] == encoding.tokens
        assert written["segment_ids"] == list(encoding.segment_ids)
        expected = whole[np.ix_([n - 1 for n in layers], [n - 1 for n in heads])]
        np.testing.assert_allclose(written["attention"], expected, rtol=0, atol=6e-7)
    result = keras_bert.attention(model=TINY, text=TEXT, layer=2, head=3)
    np.testing.assert_array_equal(
        result["attention"], attention_of(tiny, tiny.tokenizer.encode(TEXT))[1:2, 2:3]
    )


def test_printed_are_the_strongest(cli, tiny):
    result, lines = shown(cli, f"--text={TEXT}", "--layer=1")
    means = attention_of(tiny, tiny.tokenizer.encode(TEXT))[0].mean(axis=0)
    assert len(lines) == len(result["tokens"]) == len(means)
    for token, line, row in zip(result["tokens"], lines, means):
        order = np.argsort(-row)[:3]
        named = ", ".join(f"{result['tokens'][i]} {row[i]:.3f}" for i in order)
        assert line.split() == [token, *named.split()]
    three = strongest({"attention": np.array([[[[0.2, 0.5, 0.3]]]])}, 0, count=2)
    assert three == [(1, 0.5), (2, 0.3)]


def panels_of(figure):
    return [axes for axes in figure.axes if axes.get_label() != "<colorbar>" and axes.images]


def test_pictures_show_the_matrices(tiny):
    result = keras_bert.attention(model=tiny_path(), text=TEXT)
    tokens = result["tokens"]

    def part(layers, heads):
        chosen = result["attention"][np.ix_([n - 1 for n in layers], [n - 1 for n in heads])]
        return {**result, "layers": layers, "heads": heads, "attention": chosen}

    for layers, heads, titles in [
        ([1, 2, 3], [1, 2, 3, 4], ["head 1", "2", "3", "4", *[""] * 8]),
        ([2], [1, 2, 3, 4], [f"head {n}" for n in (1, 2, 3, 4)]),
        ([1, 2, 3], [3], [f"layer {n}" for n in (1, 2, 3)]),
        ([3], [2], [""]),
    ]:
        chosen = part(layers, heads)
        axes = panels_of(attention_figure(chosen, "tiny"))
        drawn = np.stack([each.images[0].get_array() for each in axes])
        count = len(tokens)
        np.testing.assert_array_equal(drawn, chosen["attention"].reshape(-1, count, count))
        assert [each.get_title() for each in axes] == titles
        if len(layers) == 1 or len(heads) == 1:
            assert [tick.get_text() for tick in axes[0].get_yticklabels()] == tokens
    figure = attention_figure(part([1, 2, 3], [1, 2, 3, 4]), "tiny")
    assert figure.get_supxlabel() == " ".join(["tokens:", *tokens])
    (one,) = panels_of(attention_figure(part([3], [2]), "tiny $1 $2"))
    assert one.get_title(loc="left") == "tiny $1 $2: layer 3, head 2"
    values = [value for value in part([3], [2])["attention"].ravel() if value >= 0.005]
    assert [text.get_text() for text in one.texts] == [f"{value:.2f}" for value in values]


def tiny_path():
    return TINY


def test_picture_and_page_are_written(cli, tmp_path):
    flags = [f"--text={TEXT}", "--layer=1"]
    result, lines = shown(cli, *flags, f"--output={tmp_path / 'a.png'}")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    assert lines[-1] == result["output"] == str(tmp_path / "a.png")
    shown(cli, *flags, f"--output={tmp_path / 'a.html'}")
    page = (tmp_path / "a.html").read_text(encoding="utf-8")
    data = page.split('id="data">')[1].split("</script>")[0]
    assert json.loads(data)["tokens"] == result["tokens"]
    assert "<title>Attention: hf_tiny_bert</title>" in page


def test_a_long_text_is_cut_and_this_is_said(cli):
    result, lines = shown(cli, "--text=" + "a b c " * 10, "--length=8")
    assert len(result["tokens"]) == 8
    assert lines[0] == "32 tokens, of which the last are cut off at 8"


def test_bad_input(cli, tmp_path):
    flags = [f"--model={TINY}", "--text=a b"]
    for changes, part in [
        (["--layer=4"], "--layer=4: the model has layers 1 to 3; -1 is the last"),
        (["--layer=0"], "--layer=0: the model has layers 1 to 3"),
        (["--layer=-4"], "--layer=-4"),
        (["--head=5"], "--head=5: a layer of the model has heads 1 to 4"),
        (["--head=0"], "head"),
        (["--text= "], "--text is empty"),
        (["--text_b="], "--text_b is empty"),
        (["--length=25"], "--length=25: the model's position table has 24 rows"),
        ([f"--output={tmp_path / 'a.gif'}"], "must end in .png, .html, .json"),
        ([f"--output={tmp_path}"], "must end in .png"),
        (["--model=/nowhere"], "/nowhere: no such file"),
    ]:
        found = cli("attention", *flags, *changes)
        assert found.status == 2, (changes, found.out)
        assert len(found.err.splitlines()) == 1
        assert part in found.err
        assert found.out == ""
    assert not list(tmp_path.iterdir())
    found = cli("attention", f"--model={TINY}")
    assert (found.status, "--text" in found.err) == (2, True)
