"""Layers equal Keras's own and NumPy's; the encoder has the properties a BERT must have."""

import math
import os
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest

import keras_bert
from keras_bert.layers import activations
from keras_bert.layers.attention import AttentionMask, SelfAttention
from keras_bert.layers.normalization import LayerNormalization

SIZES = {
    "vocab_size": 50,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "max_position_embeddings": 40,
    "initializer_range": 0.3,
}
ROOT = pathlib.Path(keras_bert.__file__).parent


def small_encoder(**changes):
    keras.utils.set_random_seed(7)
    return keras_bert.BertEncoder(**{**SIZES, **changes})


def random_inputs(batch=3, length=12, seed=0):
    rng = np.random.default_rng(seed)
    return {
        "token_ids": rng.integers(0, 50, (batch, length)).astype("int32"),
        "segment_ids": rng.integers(0, 2, (batch, length)).astype("int32"),
        "padding_mask": np.ones((batch, length), "int32"),
    }


def run(encoder, inputs):
    return {k: keras.ops.convert_to_numpy(v) for k, v in encoder(inputs).items()}


def test_gelu_is_the_exact_one():
    x = np.linspace(-6, 6, 1001)
    exact = np.array([0.5 * v * (1 + math.erf(v / math.sqrt(2))) for v in x])
    found = keras.ops.convert_to_numpy(activations.gelu(x.astype("float32")))
    np.testing.assert_allclose(found, exact, atol=2e-6)
    tanh = 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    found = keras.ops.convert_to_numpy(activations.gelu_new(x.astype("float32")))
    np.testing.assert_allclose(found, tanh, atol=2e-6)
    assert np.abs(exact - tanh).max() > 1e-4  # the two can be told apart at this tolerance


def test_layer_normalization_equals_keras():
    x = np.random.default_rng(0).normal(3, 2, (2, 5, 16)).astype("float32")
    ours, theirs = LayerNormalization(1e-12), keras.layers.LayerNormalization(epsilon=1e-12)
    values = np.random.default_rng(1).normal(size=(2, 16)).astype("float32")
    for layer in (ours, theirs):
        layer.build(x.shape)
        layer.gamma.assign(values[0])
        layer.beta.assign(values[1])
    np.testing.assert_allclose(ours(x), theirs(x), atol=2e-6)


def test_self_attention_equals_keras_multi_head_attention():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 7, 32)).astype("float32")
    mask = np.array([[1] * 7, [1] * 4 + [0] * 3], "int32")
    ours = SelfAttention(4, dropout=0.0)
    ours.build(x.shape)
    theirs = keras.layers.MultiHeadAttention(4, 8)
    theirs.build(x.shape, x.shape)
    weights = []
    for name in ("query", "key", "value", "output"):
        kernel = rng.normal(size=(32, 32)).astype("float32") / 4
        bias = rng.normal(size=32).astype("float32")
        layer = getattr(ours, f"{name}_dense")
        layer.kernel.assign(kernel)
        layer.bias.assign(bias)
        if name == "output":
            weights += [kernel.reshape(4, 8, 32), bias]
        else:
            weights += [kernel.reshape(32, 4, 8), bias.reshape(4, 8)]
    theirs.set_weights(weights)
    found = keras.ops.convert_to_numpy(ours(x, AttentionMask()(mask)))
    expected = theirs(x, x, attention_mask=mask[:, None, :].astype(bool))
    np.testing.assert_allclose(found, expected, atol=2e-5)


def test_padding_does_not_change_the_tokens():
    encoder, inputs = small_encoder(), random_inputs()
    padded = {k: np.pad(v, ((0, 0), (0, 9))) for k, v in inputs.items()}
    padded["token_ids"][:, 12:] = 13  # whatever stands in the padding
    plain, found = run(encoder, inputs), run(encoder, padded)
    np.testing.assert_allclose(
        found["sequence_output"][:, :12], plain["sequence_output"], atol=5e-6
    )
    np.testing.assert_allclose(found["pooled_output"], plain["pooled_output"], atol=5e-6)


@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16", "mixed_float16", "float16"])
def test_a_row_that_is_all_padding_is_finite(dtype):
    inputs = random_inputs()
    inputs["padding_mask"][1] = 0
    for output in run(small_encoder(dtype=dtype), inputs).values():
        assert np.isfinite(output.astype("float32")).all()


def test_rows_of_a_batch_are_independent():
    encoder, inputs = small_encoder(), random_inputs()
    order = [2, 0, 1]
    found = run(encoder, {k: v[order] for k, v in inputs.items()})["pooled_output"]
    np.testing.assert_allclose(found, run(encoder, inputs)["pooled_output"][order], atol=2e-6)


@pytest.mark.parametrize("name", ["token_ids", "segment_ids", "padding_mask"])
def test_every_input_matters(name):
    encoder, inputs = small_encoder(), random_inputs()
    changed = {k: v.copy() for k, v in inputs.items()}
    changed[name][:, 5] = 1 - np.minimum(changed[name][:, 5], 1)
    difference = run(encoder, inputs)["pooled_output"] - run(encoder, changed)["pooled_output"]
    assert np.abs(difference).max() > 1e-3


def test_order_matters():
    encoder, inputs = small_encoder(), random_inputs()
    swapped = {k: v.copy() for k, v in inputs.items()}
    swapped["token_ids"][:, [3, 4]] = swapped["token_ids"][:, [4, 3]]
    difference = run(encoder, inputs)["pooled_output"] - run(encoder, swapped)["pooled_output"]
    assert np.abs(difference).max() > 1e-3


def test_mixed_precision_stays_near_float32():
    inputs = random_inputs()
    exact = run(small_encoder(), inputs)["pooled_output"]
    rough = run(small_encoder(dtype="mixed_bfloat16"), inputs)["pooled_output"]
    assert 0 < np.abs(exact - rough.astype("float32")).max() < 0.1


def test_config_round_trip_and_saved_model_file(tmp_path):
    model = keras_bert.BertClassifier(small_encoder(dtype="mixed_bfloat16"), num_classes=3)
    clone = keras_bert.BertClassifier.from_config(model.get_config())
    assert clone.get_config() == model.get_config()
    assert clone.encoder.bert_config == model.encoder.bert_config
    inputs = random_inputs()
    model.save(tmp_path / "m.keras")
    loaded = keras.saving.load_model(tmp_path / "m.keras")
    assert loaded.encoder.get_layer("pooler").dtype_policy.name == "mixed_bfloat16"
    np.testing.assert_array_equal(
        loaded.predict(inputs, verbose=0), model.predict(inputs, verbose=0)
    )


def test_compile_and_fit_learn():
    model = keras_bert.BertClassifier(small_encoder(initializer_range=0.02), num_classes=2)
    model.compile(
        keras.optimizers.Adam(1e-3), keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    )
    inputs = random_inputs(batch=32)
    labels = (inputs["token_ids"][:, 3] > 25).astype("int32")
    history = model.fit(inputs, labels, epochs=40, verbose=0).history["loss"]
    assert history[-1] < 0.2 < history[0]


def test_a_length_over_the_position_table_is_refused():
    with pytest.raises(ValueError, match="41 is over the position table's 40"):
        small_encoder()(random_inputs(length=41))


def test_all_hidden_states_ends_with_the_sequence_output():
    encoder, inputs = small_encoder(), random_inputs()
    states = encoder.all_hidden_states()(inputs)
    assert len(states) == 3
    np.testing.assert_array_equal(states[-1], run(encoder, inputs)["sequence_output"])


def test_the_jax_backend_gives_the_same_numbers(tmp_path):
    encoder, inputs = small_encoder(), random_inputs()
    encoder.save_weights(tmp_path / "e.weights.h5")
    np.savez(tmp_path / "inputs.npz", **inputs)
    code = f"""
import numpy as np, keras, keras_bert
assert keras.backend.backend() == "jax"
encoder = keras_bert.BertEncoder(**{SIZES!r})
encoder.load_weights("e.weights.h5")
outputs = encoder.predict_on_batch(dict(np.load("inputs.npz")))
np.savez("outputs.npz", **outputs)
"""
    environment = {**os.environ, "KERAS_BACKEND": "jax", "PYTHONPATH": str(ROOT.parent)}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment, cwd=tmp_path)
    found = np.load(tmp_path / "outputs.npz")
    for name, expected in run(encoder, inputs).items():
        np.testing.assert_allclose(found[name], expected, atol=1e-5)


def test_a_frozen_encoder_stays_frozen_when_the_model_is_rebuilt():
    classifier = keras_bert.BertClassifier(small_encoder(), num_classes=2)
    classifier.encoder.trainable = False
    assert len(classifier.trainable_variables) == 2  # the head
    again = keras_bert.BertClassifier.from_config(classifier.get_config())
    assert len(again.trainable_variables) == 2
    assert len(keras_bert.BertClassifier(small_encoder(trainable=False), 2).trainable_weights) == 2
