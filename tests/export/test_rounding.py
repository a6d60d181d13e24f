"""Rounding that makes up for its errors: compared with plain rounding, and with NumPy alone."""

import numpy as np
import pytest

from keras_bert.export import flatbuffer, rounding
from keras_bert.export.rounding import Compensation, scales_of


@pytest.fixture
def problem():
    rng = np.random.default_rng(3)
    mixing = rng.normal(size=(48, 48)) * rng.uniform(0.1, 3, size=(48, 1))
    x = rng.normal(size=(4000, 48)) @ mixing
    return rng.normal(size=(20, 48)).astype("float32"), x


def loss(found, weights, x):
    return np.square(x @ (found - weights).T).mean()


def test_products_lose_less_than_with_plain_rounding(problem):
    weights, x = problem
    compensation = Compensation(x.T @ x / len(x))
    for bits in (4, 8):
        whole, scales = compensation.rounded(weights, bits)
        high = 2 ** (bits - 1) - 1
        assert -high - 1 <= whole.min() <= whole.max() <= high
        plain = np.abs(weights).max(axis=1, keepdims=True) / high
        plain = np.rint(weights / plain) * plain
        assert loss(whole * scales[:, None], weights, x) < 0.5 * loss(plain, weights, x)


def test_inputs_that_are_independent_leave_nothing_to_make_up_for(problem):
    weights, _ = problem
    whole, scales = Compensation(np.eye(48)).rounded(weights, 4)
    expected = np.clip(np.rint(weights / scales[:, None]), -8, 7)
    np.testing.assert_array_equal(whole, expected)


def test_a_column_makes_up_for_the_one_before_it():
    """Two inputs that are always equal: what counts is the sum of their weights."""
    moments = np.array([[1.0, 0.999], [0.999, 0.99]])
    whole, scales = Compensation(moments).rounded(np.array([[0.43, 0.7]], "float32"), 4)
    assert abs((whole * scales).sum() - (0.43 + 0.7)) <= scales[0] / 2 + 1e-6


def test_the_range_is_the_one_with_the_least_error(problem):
    weights, _ = problem
    importance = np.linspace(0.1, 2, 48)
    scales = scales_of(weights, importance, 4)

    def error(scale):
        found = np.clip(np.rint(weights / scale), -8, 7) * scale
        return np.square(found - weights) @ importance

    largest = np.abs(weights).max(axis=1, keepdims=True) / 7
    for share in (0.6, 0.8, 0.9, 1.0):
        assert (error(scales) <= error(largest * share) + 1e-5).all()


def test_what_was_never_seen_is_rounded_as_it_is():
    weights = np.random.default_rng(0).normal(size=(3, 8)).astype("float32")
    whole, scales = Compensation(np.zeros((8, 8))).rounded(weights, 8)
    assert np.abs(whole * scales[:, None] - weights).max() <= scales.max()


def test_a_constant_that_ops_share_is_changed_for_one(two_products):
    graph = flatbuffer.Graph(flatbuffer.read(two_products))
    first, second = graph.products()[:2]
    second.inputs[2] = first.inputs[2]
    second.operator.inputs = list(second.inputs)
    bias = graph.floats(first.inputs[2]).copy()
    graph.set_input(first, 2, bias + 1)
    np.testing.assert_array_equal(graph.floats(first.inputs[2]), bias + 1)
    np.testing.assert_array_equal(graph.floats(second.inputs[2]), bias)
    again = flatbuffer.Graph(flatbuffer.read(flatbuffer.write(graph.model)))
    found = [again.floats(op.inputs[2]) for op in again.products()[:2]]
    np.testing.assert_array_equal(found, [bias + 1, bias])


@pytest.fixture
def two_products():
    """A file of two products of one shape."""
    import tensorflow as tf

    rng = np.random.default_rng(0)
    kernels = [rng.normal(size=(8, 8)).astype("float32") for _ in range(2)]
    biases = [rng.normal(size=8).astype("float32") for _ in range(2)]

    @tf.function(input_signature=[tf.TensorSpec((1, 8), tf.float32)])
    def function(x):
        for kernel, bias in zip(kernels, biases):
            x = tf.tanh(tf.matmul(x, kernel) + bias)
        return x

    concrete = [function.get_concrete_function()]
    return tf.lite.TFLiteConverter.from_concrete_functions(concrete).convert()


def test_a_small_variance_beside_a_large_mean_is_found(monkeypatch):
    rng = np.random.default_rng(1)
    seen = [(1000 + 0.01 * rng.normal(size=(9, 6))).astype("float32") for _ in range(20)]
    monkeypatch.setattr(rounding, "token_values", lambda *_: ((3, x) for x in seen))
    mean, covariance = rounding.moments(b"", [3], [])[3]
    every = np.concatenate(seen).astype("float64")
    np.testing.assert_allclose(mean, every.mean(axis=0), rtol=1e-7)
    np.testing.assert_allclose(covariance, np.cov(every.T, bias=True), atol=1e-8)
    Compensation(covariance).rounded(rng.normal(size=(3, 6)).astype("float32"), 4)
