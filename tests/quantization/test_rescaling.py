"""Re-scalings change no number, even out what they are for, and are read as untrusted files."""

import dataclasses

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from small_networks import make_batch, make_encoder, make_network, make_tokenizer, outputs_of

import keras_bert
from keras_bert.errors import InputError
from keras_bert.layers.dense import watched
from keras_bert.quantization.ranges import input_of, measure, measure_batches, products
from keras_bert.quantization.rescaling import Rescaling, rescaling_of

TEXTS = ["good dog", "bad cat abc", "dog", "a b c d e f good bad dog cat"] * 9


@pytest.fixture(scope="module")
def model():
    """A classifier with outliers as real networks have: some channels of the norms are large."""
    model = make_network("classification")
    for block in model.encoder.blocks:
        for norm in (block.attention_norm, block.output_norm):
            gamma = np.ones(8, "float32")
            gamma[2], gamma[5] = 30, 0.1
            norm.gamma.assign(gamma)
            norm.beta.assign(np.linspace(-1, 1, 8))
        for layer in (block.attention.output_dense, block.feed_forward_output):
            layer.bias.assign([0, 0, 0, 40, 0, -3, 0, 0])
    return model


@pytest.fixture(scope="module")
def batch():
    x, _ = make_batch("classification")
    x["padding_mask"][:, 6:] = 0
    x["padding_mask"][0, 2:] = 0
    return x


def seen(encoder, batch):
    """Returns what each product of a batch takes and returns."""
    names = {id(layer): name for name, layer in products(encoder).items()}
    found = {}

    def keep(layer, x, y):
        found[names[id(layer)]] = np.array(x), np.array(y)

    with watched(keep):
        encoder(batch)
    return found


@pytest.fixture(scope="module")
def ranges(model, batch):
    return measure_batches(model.encoder, [batch])


def test_ranges_are_those_of_real_tokens(model, batch, ranges):
    found = seen(model.encoder, batch)
    is_token = batch["padding_mask"] == 1
    assert len(found) == 2 * 6 == len(ranges.outputs)
    assert len(ranges.inputs) == 2 * 4
    for name, (x, y) in found.items():
        np.testing.assert_array_equal(ranges.outputs[name], np.abs(y[is_token]).max(axis=0))
        np.testing.assert_array_equal(
            ranges.inputs[input_of(name)], np.abs(x[is_token]).max(axis=0)
        )
    # Padding changes them, or the test would not see it counted.
    assert any(
        (np.abs(y).max(axis=(0, 1)) > ranges.outputs[n]).any() for n, (_, y) in found.items()
    )


def test_measuring_texts_is_measuring_their_tokens(model):
    """Whatever the batches: 36 texts are three of them, sorted by length."""
    bert = keras_bert.Bert(model, make_tokenizer(), labels=["a", "b", "c"])
    tokenizer = bert.tokenizer
    expected = measure_batches(model.encoder, [tokenizer(TEXTS, length=24)])
    examples = bert.task.examples_from(TEXTS, None)
    encoder = keras_bert.Bert(model.encoder, tokenizer)
    for found in (measure(bert, examples), measure(encoder, TEXTS)):
        for part in ("inputs", "outputs"):
            one, other = getattr(found, part), getattr(expected, part)
            assert one.keys() == other.keys()
            for name, value in one.items():
                np.testing.assert_allclose(value, other[name], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("output_beta", [None, 0.85])
def test_every_product_stays_as_it_is(model, batch, ranges, output_beta):
    encoder = model.encoder
    rescaling = rescaling_of(encoder, ranges, output_beta=output_beta)
    layers = products(encoder)
    changed = 0
    for name, (x, y) in seen(encoder, batch).items():
        kernel, bias = rescaling.weights(name, layers[name])
        before, after = (1 if f is None else f for f in rescaling.factors(name))
        np.testing.assert_allclose(
            (x / before) @ kernel + bias, y / after, rtol=1e-5, atol=1e-5 * np.abs(y / after).max()
        )
        changed += not np.array_equal(kernel, np.array(layers[name].kernel))
    assert changed == (12 if output_beta else 10)


def test_values_pass_through_attention(model, batch, ranges):
    """Their factors are exact in the weights alone: the network with them gives the same logits."""
    rescaling = dataclasses.replace(rescaling_of(model.encoder, ranges), inputs={})
    other = make_network("classification")
    other.set_weights(model.get_weights())
    for name, layer in products(other.encoder).items():
        layer.set_weights(rescaling.weights(name, layer))
    assert np.abs(other.get_weights()[9] - model.get_weights()[9]).max() > 0.01
    np.testing.assert_allclose(outputs_of(other, batch), outputs_of(model, batch), atol=1e-5)


def test_factors_even_out_the_channels(model, ranges):
    """By the definition, SmoothQuant's equation 4, on one input; it makes channels more alike."""
    rescaling = rescaling_of(model.encoder, ranges, alpha=0.5, output_beta=0.85)
    amax = ranges.inputs["layer_0/intermediate"]
    wmax = np.abs(np.array(model.encoder.blocks[0].intermediate.kernel)).max(axis=1)
    s = np.sqrt(amax / wmax)
    s /= np.prod(s) ** (1 / 8)
    np.testing.assert_allclose(rescaling.inputs["layer_0/intermediate"], s, rtol=1e-5)
    t = ranges.outputs["layer_1/output"] ** 0.85
    np.testing.assert_allclose(
        rescaling.outputs["layer_1/output"], t / np.prod(t) ** (1 / 8), rtol=1e-5
    )
    spread = [max(x) / np.median(x) for x in (amax, amax / s)]
    assert spread[1] < spread[0] / 2
    qkv = [
        getattr(model.encoder.blocks[1].attention, f"{p}_dense") for p in ("query", "key", "value")
    ]
    wmax = np.max([np.abs(np.array(layer.kernel)).max(axis=1) for layer in qkv], axis=0)
    s = np.sqrt(ranges.inputs["layer_1/attention"] / wmax)
    np.testing.assert_allclose(
        rescaling.inputs["layer_1/attention"], s / np.prod(s) ** (1 / 8), rtol=1e-5
    )


def test_dead_channels_stay():
    encoder = make_encoder()
    encoder.embeddings_norm.gamma.assign([1, 1, 0, 1, 1, 1, 1, 1])
    batch, _ = make_batch("classification")
    kernel = np.array(encoder.blocks[0].intermediate.kernel)
    kernel[4] = 0
    encoder.blocks[0].intermediate.kernel.assign(kernel)
    rescaling = rescaling_of(encoder, measure_batches(encoder, [batch]), output_beta=0.85)
    assert rescaling.inputs["layer_0/attention"][2] == 1
    assert rescaling.inputs["layer_0/intermediate"][4] == 1
    for part in (rescaling.inputs, rescaling.values, rescaling.outputs):
        for value in part.values():
            assert np.isfinite(value).all()
            np.testing.assert_allclose(np.log(value).mean(), 0, atol=1e-6)


def test_adapters_are_merged(batch):
    model = make_network("classification")
    model.encoder.enable_lora(2)
    for block in model.encoder.blocks:
        adapter = block.attention.query_dense.lora_kernel_b
        adapter.assign(np.random.default_rng(1).normal(size=adapter.shape))
    bert = keras_bert.Bert(model, make_tokenizer(), labels=["a", "b", "c"])
    plain = bert.plain_model()
    one, other = (
        rescaling_of(m.encoder, measure_batches(m.encoder, [batch])) for m in (model, plain)
    )
    for name, layer in products(model.encoder).items():
        pairs = zip(one.weights(name, layer), other.weights(name, products(plain.encoder)[name]))
        for found, expected in pairs:
            np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


# === The file ===


def test_the_file_comes_back(model, ranges, tmp_path):
    path = tmp_path / "rescaling.safetensors"
    for beta in (None, 0.85):
        rescaling = rescaling_of(model.encoder, ranges, output_beta=beta)
        rescaling.to_file(path)
        again = Rescaling.from_file(path, model.encoder)
        for part in ("inputs", "values", "outputs"):
            one, other = getattr(rescaling, part), getattr(again, part)
            assert one.keys() == other.keys()
            for name, value in one.items():
                np.testing.assert_array_equal(value, other[name])
        assert bool(again.outputs) == (beta is not None)


def test_bad_files(model, ranges, tmp_path):
    path = tmp_path / "rescaling.safetensors"
    rescaling_of(model.encoder, ranges, output_beta=0.85).to_file(path)
    content, tensors = path.read_bytes(), load_file(path)

    def refused(match, changed=None, data=None, encoder=model.encoder):
        if changed is not None:
            save_file(changed, path)
        else:
            path.write_bytes(content if data is None else data)
        with pytest.raises(InputError, match=match) as error:
            Rescaling.from_file(path, encoder)
        message = str(error.value)
        assert str(path) in message
        assert "\n" not in message

    key = "inputs/layer_1/attention"
    refused("truncated or damaged", data=content[:-3])
    refused("truncated or damaged", data=b"")
    refused("truncated or damaged", data=b"\xff" * 100)
    refused("Git LFS", data=b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n")
    refused("bytes", data=content + bytes(200_000))
    for value in (0, -1, np.nan, np.inf, 1e9):
        refused("outside of", {**tensors, key: np.full(8, value, "float32")})
    refused("float64", {**tensors, key: np.ones(8)})
    refused("shape", {**tensors, key: np.ones(9, "float32")})
    refused("shape", {**tensors, key: np.ones((1, 8), "float32")})
    refused("no factor", {**tensors, "other/layer_0": np.ones(8, "float32")})
    refused("another network", {**tensors, "inputs/layer_9/attention": np.ones(8, "float32")})
    refused("another network", {k: v for k, v in tensors.items() if k != key})
    refused("another network", encoder=make_encoder(num_hidden_layers=1))
    refused("another network", encoder=make_encoder(hidden_size=4))
    path.unlink()
    with pytest.raises(InputError, match="no such file"):
        Rescaling.from_file(path, model.encoder)
