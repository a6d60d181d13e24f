"""What exported files compute: the numbers of the layers, whatever the task and the re-scaling."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from marks import slow_but
from small_networks import NETWORKS, make_batch, make_encoder, make_network, outputs_of

from keras_bert.errors import InputError
from keras_bert.layers import deployed
from keras_bert.quantization.ranges import measure_batches
from keras_bert.quantization.rescaling import rescaling_of

RESCALED = {"plain": None, "smoothed": {}, "static": {"output_beta": 0.85}}


def with_outliers(model):
    """Sets norms and biases apart from ones and zeros, as those of real networks are."""
    rng = np.random.default_rng(3)
    for variable in model.weights:
        if variable.name in ("gamma", "beta", "bias"):
            variable.assign_add(rng.normal(size=variable.shape))
    for block in model.encoder.blocks if hasattr(model, "encoder") else model.blocks:
        block.attention_norm.gamma.assign([1, 20, 0.1, 1, 1, -3, 1, 1])
    return model


def batch_of(kind):
    x, _ = make_batch(kind)
    x["segment_ids"][..., 3:] = 1
    x["padding_mask"][..., 6:] = 0
    x["padding_mask"][0, ..., 2:] = 0
    return x


def rows_of(x):
    """Returns a batch as rows of tokens: of several choices each is one."""
    return {name: value.reshape(-1, value.shape[-1]) for name, value in x.items()}


def called(model, x):
    found = model({k: tf.constant(v) for k, v in x.items()}, training=False)
    found = found if isinstance(found, dict) else {"": found}
    return {name: np.array(value) for name, value in found.items()}


def assert_same(found, expected):
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert found[name].shape == value.shape
        np.testing.assert_allclose(found[name], value, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("rescaled", RESCALED)
@pytest.mark.parametrize("kind", slow_but(NETWORKS, "classification", "question_answering"))
def test_every_task_keeps_its_logits(kind, rescaled):
    model, x = with_outliers(make_network(kind)), batch_of(kind)
    rescaling = None
    if RESCALED[rescaled] is not None:
        ranges = measure_batches(model.encoder, [rows_of(x)])
        rescaling = rescaling_of(model.encoder, ranges, **RESCALED[rescaled])
    weights = model.get_weights()
    expected = called(model, x)
    with deployed.form(model, rescaling):
        found = called(model, x)
    assert_same(found, expected)
    assert any((found[name] != expected[name]).any() for name in expected)  # another computation
    for before, after in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)
    # And outside of the block it is the layers' own again.
    again = called(model, x)
    for name, value in expected.items():
        np.testing.assert_array_equal(again[name], value)


@pytest.mark.parametrize(
    "changes",
    [
        {"left_to_right": True},
        {"hidden_act": "gelu_new"},
        {"hidden_act": "relu"},
        {"type_vocab_size": 1},
        {"type_vocab_size": 3},
        {"num_hidden_layers": 1},
        {"dtype": "mixed_float16"},
    ],
)
def test_every_kind_of_encoder(changes):
    """Where the layers compute in half precision, exported files do not."""
    x = batch_of("tagging")
    if changes.get("type_vocab_size") == 1:
        x["segment_ids"][:] = 0
    encoder = with_outliers(make_encoder(**changes))
    plain = make_encoder(**{**changes, "dtype": "float32"})
    plain.set_weights(encoder.get_weights())
    with deployed.form(encoder):
        found = called(encoder, x)
    tolerance = {"atol": 5e-3} if "dtype" in changes else {"atol": 1e-5, "rtol": 1e-5}
    for name, value in called(plain, x).items():
        np.testing.assert_allclose(found[name], value, **tolerance)


def test_adapters_are_merged():
    model, x = with_outliers(make_network("classification")), batch_of("classification")
    model.encoder.enable_lora(2)
    rng = np.random.default_rng(1)
    for block in model.encoder.blocks:
        for layer in (block.attention.query_dense, block.attention.value_dense):
            layer.lora_kernel_b.assign(rng.normal(size=layer.lora_kernel_b.shape))
    expected = called(model, x)
    with deployed.form(model):
        assert_same(called(model, x), expected)


def test_shapes_may_be_open():
    model = with_outliers(make_network("question_answering"))
    x = batch_of("question_answering")

    @tf.function(
        input_signature=[tf.TensorSpec([None, None], tf.int32, name=name) for name in x],
    )
    def function(*inputs):
        return model(dict(zip(x, inputs)), training=False)

    with deployed.form(model):
        traced = function.get_concrete_function()
    for length in (8, 3):
        part = {name: value[:4, :length] for name, value in x.items()}
        found = traced(*(tf.constant(value) for value in part.values()))
        assert_same({k: np.array(v) for k, v in found.items()}, called(model, part))


def test_too_long_rows_and_foreign_re_scalings():
    model, x = make_network("classification"), batch_of("classification")
    long = {name: np.ones((1, 25), "int32") for name in x}
    with deployed.form(model), pytest.raises(ValueError, match="over the position table's 24"):
        called(model, long)
    other = make_encoder(num_hidden_layers=1)
    rescaling = rescaling_of(other, measure_batches(other, [x]))
    with pytest.raises(InputError, match="another network"), deployed.form(model, rescaling):
        pass
    assert model.encoder.deployed is None


def test_packed_rows_stay_as_they_are():
    encoder = make_encoder(packed=True)
    x = batch_of("tagging")
    x["padding_mask"][1] = [1, 1, 2, 2, 2, 3, 3, 0]
    expected = called(encoder, x)
    with deployed.form(encoder):
        for name, value in called(encoder, x).items():
            np.testing.assert_array_equal(value, expected[name])


def test_a_deployed_model_is_saved_as_it_is(tmp_path):
    model, x = make_network("tagging"), batch_of("tagging")
    with deployed.form(model):
        model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras", compile=False)
    np.testing.assert_array_equal(outputs_of(again, x), outputs_of(model, x))
