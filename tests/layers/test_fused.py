"""Fused layers: the numbers of the plain ops; dropout that is random, repeatable and resumable."""

import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from one_pass_adam import OnePassAdam

import keras_bert
from keras_bert.layers import fused
from keras_bert.layers.encoder_block import EncoderBlock
from keras_bert.layers.normalization import LayerNormalization
from keras_bert.models.pretrainer import BertPretrainer


def block_results(policy, hidden_act, with_fused):
    """Returns output and gradients of one block's training step without dropout."""
    keras.utils.set_random_seed(5)
    block = EncoderBlock(
        4,
        256,
        hidden_act=hidden_act,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        initializer_range=0.2,
        dtype=policy,
        name="block",
    )
    draw = np.random.default_rng(6)
    x = tf.constant(draw.normal(size=(3, 11, 64)), block.compute_dtype)
    weight = tf.constant(draw.normal(size=(3, 11, 64)), "float32")
    is_padding = np.arange(11) >= np.array([[11], [7], [1]])
    mask_bias = tf.constant(-10000.0 * is_padding[:, None, None], block.compute_dtype)
    block.build(x.shape, mask_bias.shape)
    for variable in block.trainable_variables:  # zeros and ones would hide what they multiply
        variable.assign_add(0.1 * draw.normal(size=variable.shape))
    assert not with_fused or fused.enable(block)

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = block(x, mask_bias, training=True)
            loss = tf.reduce_sum(tf.cast(y, "float32") * weight)
        sources = {"x": x, **{v.path: v.value for v in block.trainable_variables}}
        return {"y": y, **tape.gradient(loss, sources)}

    return {name: np.asarray(tf.cast(value, "float32")) for name, value in step().items()}


def distances(found, expected):
    """Returns the relative distance (2-norm) of each tensor from the expected one."""
    # The softmax does not see the key's bias: its gradient is noise around 0.
    names = [name for name in expected if not name.endswith("key/bias")]
    norm = np.linalg.norm
    return {n: norm(found[n] - expected[n]) / norm(expected[n]) for n in names}


@pytest.mark.parametrize("hidden_act", ["gelu", "gelu_new", "relu"])
def test_a_block_gives_the_same_numbers_and_gradients(hidden_act):
    plain = block_results("float32", hidden_act, with_fused=False)
    found = block_results("float32", hidden_act, with_fused=True)
    for name, distance in distances(found, plain).items():
        assert distance < 1e-6, (name, distance)


@pytest.mark.parametrize("hidden_act", ["gelu", "gelu_new", "relu"])
def test_a_bfloat16_block_is_as_near_to_float32_as_the_plain_one(hidden_act):
    exact = block_results("float32", hidden_act, with_fused=False)
    plain = block_results("mixed_bfloat16", hidden_act, with_fused=False)
    found = block_results("mixed_bfloat16", hidden_act, with_fused=True)
    plain_error, error = distances(plain, exact), distances(found, exact)
    for name, distance in distances(found, plain).items():
        # A plain op rounds to 2**-9 each time, a fused stretch once at its end.
        assert distance < 0.05, (name, distance)
        assert error[name] < 1.25 * plain_error[name], (name, error[name], plain_error[name])


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_cross_entropy(dtype):
    draw = np.random.default_rng(0)
    logits = tf.constant(30 * draw.normal(size=(3, 5, 101)), dtype)
    labels = tf.constant(draw.integers(0, 101, (3, 5)), "int32")
    upstream = tf.constant(draw.normal(size=(3, 5)), "float32")
    with tf.GradientTape() as tape:
        tape.watch(logits)
        losses, hits = fused.cross_entropy_and_hits(logits, labels)
    found = tape.gradient(losses, logits, output_gradients=upstream)
    assert losses.dtype == hits.dtype == tf.float32
    assert found.dtype == logits.dtype

    exact = np.asarray(tf.cast(logits, "float64"))
    shifted = exact - exact.max(axis=-1, keepdims=True)
    probabilities = np.exp(shifted) / np.exp(shifted).sum(axis=-1, keepdims=True)
    chosen = np.eye(101)[labels.numpy()]
    expected = -np.log((probabilities * chosen).sum(axis=-1))
    np.testing.assert_allclose(losses, expected, rtol=2e-6, atol=2e-5)
    np.testing.assert_array_equal(hits, (exact * chosen).sum(axis=-1) == exact.max(axis=-1))
    gradient = (probabilities - chosen) * upstream.numpy()[..., None]
    tolerance = 1e-5 if dtype == "float32" else 2**-7
    np.testing.assert_allclose(tf.cast(found, "float32"), gradient, rtol=tolerance, atol=1e-6)
    np.testing.assert_array_equal(fused.cross_entropy(logits, labels), losses)


def test_cross_entropy_of_extreme_logits_is_finite():
    logits = tf.constant([[1e30, 0.0], [-1e30, 0.0], [0.0, -np.inf]])
    losses, hits = fused.cross_entropy_and_hits(logits, tf.constant([0, 1, 0]))
    np.testing.assert_array_equal(losses, [0.0, 0.0, 0.0])
    np.testing.assert_array_equal(hits, [1.0, 1.0, 1.0])


def dropped(layer, shape=(16, 8, 64, 64)):
    """Returns which attention weights of a uniform attention a fused step has dropped."""
    scores = tf.zeros(shape)
    weights = fused.attention_weights(
        scores, tf.zeros((1, 1, 1, shape[-1])), layer, training=True, use_fused=True
    ).numpy()
    kept = np.float32(1 / shape[-1]) * np.float32(1 / (1 - layer.rate))
    np.testing.assert_allclose(weights[weights != 0], kept, rtol=1e-6)
    return weights == 0


@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_dropout_has_its_rate_and_no_pattern(rate):
    layer = keras.layers.Dropout(rate, seed=1)
    masks = np.stack([dropped(layer) for _ in range(3)]).astype(float)
    deviation = np.sqrt(rate * (1 - rate))
    standard = (masks - rate) / deviation
    # Means over any part of the masks are normal with the deviation of independent draws.
    for axes in [(1, 2, 3, 4), (0, 1, 2, 3), (0, 1, 2, 4), (0, 1, 3, 4), (0, 2, 3, 4)]:
        count = np.prod([masks.shape[axis] for axis in axes])
        assert np.abs(standard.mean(axis=axes) * np.sqrt(count)).max() < 4.5, axes
    # So are the products of neighbours, of rows, of heads, and of one step and the next.
    flat = standard.reshape(3, -1)
    for distance in (1, 2, 16, 64, 64 * 64, 8 * 64 * 64):
        product = flat[:, distance:] * flat[:, :-distance]
        assert abs(product.mean() * np.sqrt(product.size)) < 4.5, distance
    for first, second in ((0, 1), (1, 2), (0, 2)):
        product = flat[first] * flat[second]
        assert abs(product.mean() * np.sqrt(product.size)) < 4.5


def test_dropout_of_layers_with_neighbouring_seeds_is_unrelated():
    one, other = (dropped(keras.layers.Dropout(0.5, seed=seed)) for seed in (7, 8))
    one, other = 2.0 * one.ravel() - 1, 2.0 * other.ravel() - 1
    for shift in range(-3, 4):
        product = one * np.roll(other, shift)
        assert abs(product.sum()) < 4.5 * np.sqrt(product.size)


def test_dropout_repeats_for_a_seed_and_advances_the_generator_as_a_call_does():
    layers = [keras.layers.Dropout(0.1, seed=3) for _ in range(2)]
    first = [dropped(layer) for layer in layers]
    np.testing.assert_array_equal(*first)
    assert (dropped(layers[0]) != first[0]).any()
    called = keras.layers.Dropout(0.1, seed=3)
    for _ in range(2):
        called(np.ones((2, 2)), training=True)
    np.testing.assert_array_equal(
        layers[0].seed_generator.state.numpy(), called.seed_generator.state.numpy()
    )


def test_the_gradient_sees_the_mask_of_the_forward_pass():
    layer, norm = keras.layers.Dropout(0.3, seed=4), layer_norm(64)
    x, y = tf.zeros((2, 8, 64)), tf.ones((2, 8, 64))
    with tf.GradientTape() as tape:
        tape.watch([x, y])
        out = fused.residual_norm(x, y, layer, norm, training=True, use_fused=True)
    weight = tf.constant(np.random.default_rng(0).normal(size=out.shape), "float32")
    to_x, to_y = tape.gradient(out, [x, y], output_gradients=weight)
    is_dropped = out.numpy() < 0  # 0 where dropped, positive elsewhere, less the mean
    assert 0.2 < is_dropped.mean() < 0.4
    np.testing.assert_allclose(to_y, np.where(is_dropped, 0, to_x / np.float32(0.7)), rtol=1e-5)


def layer_norm(width):
    norm = LayerNormalization()
    norm.build((None, width))
    return norm


def small_pretrainer(seed=0, dropout=0.1):
    keras.utils.set_random_seed(seed)
    encoder = keras_bert.BertEncoder(
        vocab_size=50,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=16,
        hidden_dropout_prob=dropout,
        attention_probs_dropout_prob=dropout,
    )
    model = BertPretrainer(encoder, pair="none")
    model.compile(keras.optimizers.Adam(1e-2), jit_compile=False)
    model.optimizer.build(model.trainable_variables)
    return model


def batches(count, length=12):
    draw = np.random.default_rng(1)
    for _ in range(count):
        ids = draw.integers(1, 50, (4, length)).astype("int32")
        inputs = {
            "token_ids": ids,
            "segment_ids": 0 * ids,
            "padding_mask": 0 * ids + 1,
            "masked_positions": draw.integers(0, length, (4, 3)).astype("int32"),
        }
        targets = {"masked_lm": draw.integers(0, 50, (4, 3)).astype("int32")}
        yield inputs, targets, {"masked_lm": np.full((4, 3), 1 / 12, "float32")}


def train(model, examples):
    """Returns the losses of one step a batch, by `fit`."""
    losses = []

    class Losses(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            losses.append(logs["loss"])

    for example in examples:  # one `fit` each, for shapes may differ
        dataset = tf.data.Dataset.from_tensors(example)
        model.fit(dataset, verbose=0, shuffle=False, callbacks=[Losses()])
    return losses


def test_fit_with_batches_of_several_lengths_equals_the_plain_one():
    examples = [*batches(2), *batches(1, length=7)]
    plain, fast = small_pretrainer(dropout=0.0), small_pretrainer(dropout=0.0)
    assert fused.enable(fast)
    np.testing.assert_allclose(train(fast, examples), train(plain, examples), rtol=1e-5)


@pytest.mark.slow
def test_training_repeats_to_the_bit_and_resumes_to_the_bit():
    def enabled(seed):
        model = small_pretrainer(seed)
        fused.enable(model)
        return model

    examples = list(batches(4))
    first, second = enabled(0), enabled(0)
    assert train(first, examples) == train(second, examples)
    stopped, resumed = enabled(0), enabled(99)
    train(stopped, examples[:2])
    saved = [v.numpy() for v in (*stopped.variables, *stopped.optimizer.variables)]
    for variable, value in zip((*resumed.variables, *resumed.optimizer.variables), saved):
        variable.assign(value)
    train(resumed, examples[2:])
    for expected, found in zip(first.get_weights(), resumed.get_weights()):
        np.testing.assert_array_equal(expected, found)


def xla_ops(model, training):
    example = next(batches(1))[0]
    graph = tf.function(lambda: model(example, training=training)).get_concrete_function().graph
    nodes = [*graph.as_graph_def().node]
    for function in graph.as_graph_def().library.function:
        nodes += function.node_def
    return [node.name for node in nodes if node.attr["_XlaMustCompile"].b]


def test_only_training_after_enable_is_fused():
    model = small_pretrainer()
    assert not xla_ops(model, training=True)
    weights = model.get_weights()
    fused.enable(model)
    assert xla_ops(model, training=True)
    assert not xla_ops(model, training=False)
    for before, after in zip(weights, model.get_weights()):
        np.testing.assert_array_equal(before, after)
    copy = BertPretrainer.from_config(model.get_config())
    assert not xla_ops(copy, training=True)


def test_adam_step_is_adam():
    draw = np.random.default_rng(2)
    found = []
    gradients = [draw.normal(size=(7, 5)).astype("float32") for _ in range(4)]
    start = draw.normal(size=(7, 5)).astype("float32")
    for make in (keras.optimizers.Adam, OnePassAdam):
        variable = keras.Variable(start)
        optimizer = make(1e-2, epsilon=1e-6)
        for gradient in gradients:
            optimizer.apply_gradients([(tf.constant(gradient), variable)])
        found.append([variable.numpy(), *(v.numpy() for v in optimizer.variables)])
    for expected, value in zip(*found):
        np.testing.assert_allclose(value, expected, rtol=1e-6, atol=1e-6)


def test_adam_step_sums_the_rows_of_a_repeated_token():
    # Keras's own update squares each slice by itself, which is not Adam of the summed gradient.
    slices = tf.IndexedSlices(tf.constant([[1.0], [3.0], [5.0]]), tf.constant([1, 1, 2]), (4, 1))
    found = []
    for make, gradient in (
        (keras.optimizers.Adam, tf.convert_to_tensor(slices)),
        (OnePassAdam, slices),
    ):
        variable = keras.Variable(np.ones((4, 1), "float32"))
        optimizer = make(0.1)
        for scale in (1.0, 0.25):
            optimizer.apply_gradients([(tf.cast(scale, "float32") * gradient, variable)])
        found.append(variable.numpy())
    np.testing.assert_allclose(*found, rtol=1e-5)


MIRRORED = """
import contextlib, sys
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
import keras, numpy as np, keras_bert
from keras_bert.layers import fused
sys.path.insert(0, "tests")
from one_pass_adam import OnePassAdam

def losses(make_optimizer, fast, scope):
    keras.utils.set_random_seed(0)
    with scope:
        optimizer = make_optimizer()
        encoder = keras_bert.BertEncoder(
            vocab_size=50, hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
            intermediate_size=32, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
        model = keras_bert.BertClassifier(encoder, num_classes=2)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(optimizer, loss, jit_compile=False)
    assert not fast or fused.enable(model)
    ids = np.random.default_rng(0).integers(1, 50, (8, 12)).astype("int32")
    inputs = {"token_ids": ids, "segment_ids": 0 * ids, "padding_mask": 0 * ids + 1}
    data = tf.data.Dataset.from_tensor_slices((inputs, ids[:, 0] % 2)).batch(4)
    return model.fit(data, epochs=3, verbose=0, shuffle=False).history["loss"]

def two():
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope()

def sgd():
    return keras.optimizers.SGD(0.1)

def adam():
    return OnePassAdam(1e-3)

assert np.allclose(losses(sgd, False, two()), losses(sgd, True, two()), rtol=1e-6)
one = losses(adam, True, contextlib.nullcontext())
assert np.allclose(one, losses(adam, True, two()), rtol=1e-4)
print("equal", one[0] > one[-1])
"""


@pytest.mark.slow
def test_two_replicas_train_as_plain_ones(request):
    done = subprocess.run(
        [sys.executable, "-c", MIRRORED],
        cwd=request.config.rootpath,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.stdout.strip().endswith("equal True"), done.stderr[-2000:]
