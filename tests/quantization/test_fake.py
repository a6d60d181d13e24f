"""Fake quantization against the numbers of litert-quantizer and of LiteRT's own products."""


import numpy as np
import pytest
from keras import ops



from keras_bert.quantization import fake


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
