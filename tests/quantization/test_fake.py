"""Fake quantization against the numbers of litert-quantizer and of LiteRT's own products."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from environments import ROOT
from keras import ops
from small_networks import NETWORKS, make_batch, make_network

from keras_bert.errors import InputError
from keras_bert.quantization import fake
from keras_bert.quantization.ranges import measure_batches
from keras_bert.quantization.rescaling import rescaling_of

# So that the encoder's kernels have the 1,024 weights from which on a product is quantized.
WIDE = {"hidden_size": 32, "intermediate_size": 64}


def of_file(weights, bits, axis):
    """Returns the numbers that a file holds, as the library computes them."""
    from litert_quantizer import qtyping
    from litert_quantizer.algorithms.uniform_quantize import uniform_quantize_tensor as library

    low, high = (f(weights, axis=axis, keepdims=True) for f in (np.min, np.max))
    granularity = qtyping.QuantGranularity.CHANNELWISE
    zero, scale = library.tensor_zp_scale_from_min_max(low, high, bits, True, granularity)
    parameters = qtyping.UniformQuantParams(
        num_bits=bits, quantized_dimension=1 - axis, scale=scale, zero_point=zero, symmetric=True
    )
    integers = library.uniform_quantize(weights, parameters)
    return library.uniform_dequantize(integers.astype("float32"), parameters), integers


@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize("axis", [0, 1])
def test_weights_are_those_of_the_file_bit_for_bit(bits, axis):
    rng = np.random.default_rng(bits)
    weights = (rng.normal(size=(96, 70)) * rng.lognormal(size=(1, 70))).astype("float32")
    weights[:, 3] = 0
    weights[5] = 0
    expected, integers = of_file(weights, bits, axis)
    assert abs(integers).max() == 2 ** (bits - 1) - 1
    found = ops.convert_to_numpy(fake.rounded_weights(weights, bits, axis=axis))
    np.testing.assert_array_equal(found, expected)


def fully_connected(kernel, bias, bits, x):
    """Returns what LiteRT computes with a product that litert-quantizer has quantized."""
    import tensorflow as tf
    from ai_edge_litert.interpreter import Interpreter
    from litert_quantizer import quantizer, recipe

    @tf.function(input_signature=[tf.TensorSpec(x.shape, tf.float32, name="x")])
    def product(x):
        return {"y": tf.matmul(x, tf.constant(kernel)) + tf.constant(bias)}

    module = tf.Module()
    concrete = product.get_concrete_function()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete], module)
    made = {4: recipe.dynamic_wi4_afp32, 8: recipe.dynamic_wi8_afp32}[bits]()
    model = quantizer.Quantizer(bytearray(converter.convert()), made).quantize().quantized_model
    interpreter = Interpreter(model_content=bytes(model))
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], x)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


@pytest.mark.parametrize("bits", [4, 8])
def test_a_product_is_that_of_litert(bits):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(24, 64)).astype("float32") * rng.lognormal(size=(24, 1))
    x[:, 7] *= 12  # an outlier, as BERT's activations have
    x[1], x[2], x[3] = 0, np.abs(x[2]) + 1, -np.abs(x[3]) - 1
    x = x.astype("float32")
    kernel = rng.normal(size=(64, 48)).astype("float32")
    bias = rng.normal(size=48).astype("float32")
    expected = fully_connected(kernel, bias, bits, x)
    layer = fake.Dense(48)
    layer.build(x.shape)
    layer.set_weights([kernel, bias])
    plain = ops.convert_to_numpy(layer(x))
    layer.product = fake.Product(bits)
    found = ops.convert_to_numpy(layer(x))
    assert np.abs(plain - expected).max() > 0.1
    np.testing.assert_allclose(found, expected, rtol=2e-6, atol=1e-6 * np.abs(expected).max())


@pytest.mark.parametrize("kind", NETWORKS)
def test_a_network_is_plain_until_it_is_enabled(kind):
    model, (x, _) = make_network(kind, **WIDE), make_batch(kind)
    plain = keras.tree.flatten(model(x, training=False))
    weights, config = model.get_weights(), model.get_config()
    paths = [variable.path for variable in model.variables]
    fake.enable(model, "int4")
    quantized = keras.tree.flatten(model(x, training=False))
    assert all(np.abs(a - b).max() > 1e-3 for a, b in zip(quantized, plain))
    assert [variable.path for variable in model.variables] == paths
    assert model.get_config() == config
    for one, other in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(one, other)
    copy = type(model).from_config(config)
    copy.set_weights(weights)
    for one, other in zip(keras.tree.flatten(copy(x, training=False)), plain, strict=True):
        np.testing.assert_array_equal(one, other)


def in_numpy(model, x, bits, table_bits):
    """Returns a classifier's logits from weights that the library has quantized itself.

    The weights are put into a plain copy, so the attention is Keras's; only activations stay float,
    and so they do in the network that it is compared with.
    """
    copy = type(model).from_config(model.get_config())
    values = []
    for variable in model.weights:
        value = ops.convert_to_numpy(variable)
        if variable.path.endswith("kernel") and "logits" not in variable.path:
            value = of_file(value, bits, 0)[0]
        if variable.path.endswith("word_embeddings"):
            value = of_file(value, table_bits, 1)[0]
        values.append(value)
    copy.set_weights(values)
    return ops.convert_to_numpy(copy(x, training=False))


@pytest.mark.parametrize(("scheme", "table_bits"), [("int4", None), ("int4", 8), ("int8", None)])
def test_all_products_and_the_word_table_have_the_weights_of_the_file(
    monkeypatch, scheme, table_bits
):
    monkeypatch.setattr(fake, "rounded_rows", lambda x: x)
    monkeypatch.setattr(fake, "input_of", lambda name: None)  # the beta of LayerNorm is rounded too
    model, (x, _) = make_network("classification", **WIDE), make_batch("classification")
    bits = {"int4": 4, "int8": 8}[scheme]
    expected = in_numpy(model, x, bits, table_bits or bits)
    fake.enable(model, scheme, table_bits)
    found = ops.convert_to_numpy(model(x, training=False))
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_a_rescaling_moves_the_rounding_and_nothing_else(monkeypatch):
    """Without a rounding the factors cancel; with it the numbers are others."""
    model, (x, _) = make_network("classification", **WIDE), make_batch("classification")
    rng = np.random.default_rng(0)
    for variable in model.variables:
        if variable.path.endswith(("beta", "bias")):  # zeros would hide where they are added
            variable.assign(rng.normal(size=variable.shape))
    plain = ops.convert_to_numpy(model(x, training=False))
    rescaling = rescaling_of(model.encoder, measure_batches(model.encoder, [x]), output_beta=0.85)
    results = []
    for factors in (None, rescaling):
        fake.enable(model, "int4", rescaling=factors)
        results.append(ops.convert_to_numpy(model(x, training=False)))
    assert np.abs(results[0] - results[1]).max() > 1e-3
    monkeypatch.setattr(fake, "_straight_through", lambda x, rounded: x)
    found = ops.convert_to_numpy(model(x, training=False))
    np.testing.assert_allclose(found, plain, atol=2e-6)
    other = make_network("classification", **WIDE, num_hidden_layers=1)
    with pytest.raises(InputError, match="re-scaling of another network"):
        fake.enable(other, "int4", rescaling=rescaling)


def test_gradients_pass_through_the_rounding():
    """Those of a product are what they would be if its rounded numbers were given as they are."""
    import tensorflow as tf

    rng = np.random.default_rng(0)
    x, upstream = (rng.normal(size=(5, n)).astype("float32") for n in (12, 7))
    before = rng.lognormal(size=12).astype("float32")
    layer = fake.Dense(7)
    layer.build((None, 12))
    layer.product = fake.Product(4, before)
    inputs = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        loss = tf.reduce_sum(layer(inputs) * upstream)
    found = tape.gradient(loss, [inputs, layer.kernel.value, layer.bias.value])
    kernel = ops.convert_to_numpy(layer.kernel) * before[:, None]
    rounded = of_file(kernel, 4, 0)[0]
    rows = ops.convert_to_numpy(fake.rounded_rows(x / before))
    expected = (
        upstream @ rounded.T / before,
        (rows.T @ upstream) * before[:, None],
        upstream.sum(axis=0),
    )
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_what_is_no_scheme_is_refused():
    model = make_network("regression")
    with pytest.raises(InputError, match="quantize_aware=int2: .*int4, int8"):
        fake.enable(model, "int2")
    with pytest.raises(InputError, match="table_bits=5: expected 4 or 8"):
        fake.enable(model, "int4", 5)


@pytest.mark.slow
def test_jax_computes_and_learns_the_same(tmp_path):
    """Logits of a quantized network, and the losses of its training beside a teacher."""
    code = """
import sys
import keras, numpy as np
from small_networks import make_batch, make_network
from keras_bert.quantization import fake
from keras_bert.training.distillation import with_teacher
from keras_bert.training.taught_targets import TaughtTargets
assert keras.backend.backend() == sys.argv[1]
sizes = {"hidden_size": 32, "intermediate_size": 64}
student, teacher = make_network("tagging", **sizes), make_network("tagging", seed=2, **sizes)
for name, model in (("student", student), ("teacher", teacher)):
    if sys.argv[1] == "tensorflow":
        model.save_weights(f"{name}.weights.h5")
    else:
        model.load_weights(f"{name}.weights.h5")
fake.enable(student, "int4", 8)
x, y = make_batch("tagging", batch=8)
logits_of_teacher = keras.ops.convert_to_numpy(teacher(x, training=False)).reshape(-1, 3)
y = TaughtTargets(list(y), {"logits": logits_of_teacher}, np.full(8, 0.5), [8] * 8)
y = y.batch(np.arange(8), 8)
logits = keras.ops.convert_to_numpy(student(x, training=False))
model, loss = student, with_teacher(student.default_loss(), 2.0)
model.compile(keras.optimizers.SGD(1e-2), loss, jit_compile=False)
history = model.fit(x, y, batch_size=8, epochs=4, verbose=0, shuffle=False).history
np.savez(sys.argv[1], logits=logits, **history)
"""
    for backend in ("tensorflow", "jax"):
        environment = {
            **os.environ,
            "KERAS_BACKEND": backend,
            "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}",
        }
        subprocess.run(
            [sys.executable, "-c", code, backend], check=True, env=environment, cwd=tmp_path
        )
    ours, theirs = np.load(tmp_path / "tensorflow.npz"), np.load(tmp_path / "jax.npz")
    assert ours["loss"][-1] < ours["loss"][0]
    np.testing.assert_allclose(theirs["logits"], ours["logits"], atol=1e-5)
    np.testing.assert_allclose(theirs["loss"], ours["loss"], rtol=1e-4)
