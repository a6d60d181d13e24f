"""LAMB, layer-wise rates and schedules: against numpy, against Keras, and under a strategy."""

import json
import pathlib
import subprocess
import sys
from functools import partial

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_bert
from keras_bert.errors import InputError
from keras_bert.training.lamb import Lamb
from keras_bert.training.optimizer import (
    AdamW,
    LayerwiseAdamW,
    adamw,
    lamb,
)
from keras_bert.training.schedule import WarmupLinearDecay, WarmupPolynomialDecay
from keras_bert.training.variable_groups import decays, rate_factors

ROOT = pathlib.Path(keras_bert.__file__).parent.parent

SHAPES = {
    "embeddings/word_embeddings": (7, 4),
    "embeddings_norm/gamma": (4,),
    "layer_0/kernel": (4, 5),
    "layer_0/bias": (5,),
    "layer_1/kernel": (5, 3),
    "logits/kernel": (3, 2),
}


def make_variables(dtype="float32", zero=()):
    rng = np.random.default_rng(0)
    variables = []
    for path, shape in SHAPES.items():
        scope, name = path.rsplit("/", 1)
        value = np.zeros(shape) if path in zero else rng.normal(size=shape)
        with keras.name_scope(scope):
            variables.append(keras.Variable(value, dtype=dtype, name=name))
    assert [v.path for v in variables] == list(SHAPES)
    return variables


def arrays(variables):
    return {v.path: np.array(keras.ops.convert_to_numpy(v)) for v in variables}


def numpy_lamb(start, gradients, rate, decay, factors):
    """Algorithm 2 of You et al. 2020, in float64, a variable at a time."""
    found = {}
    for path, x in start.items():
        x = x.astype("float64")
        m, v = np.zeros_like(x), np.zeros_like(x)
        plain = path.split("/")[-1] in ("bias", "gamma", "beta")
        for t, step in enumerate(gradients, start=1):
            g = step[path].astype("float64")
            m = 0.9 * m + 0.1 * g
            v = 0.999 * v + 0.001 * g**2
            r = (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-6)
            if plain:
                x = x - rate * factors[path] * r
                continue
            u = r + decay * x
            ratio = 1.0
            if np.any(x) and np.any(u):
                ratio = np.linalg.norm(x) / np.linalg.norm(u)
            x = x - rate * factors[path] * ratio * u
        found[path] = x
    return found


@pytest.mark.parametrize("layer_decay", [1.0, 0.8])
@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-6), ("float64", 1e-13)])
def test_lamb_equals_numpy(dtype, tolerance, layer_decay):
    rate = float(np.float32(0.01))  # which Keras stores it as
    variables = make_variables(dtype, zero=["logits/kernel"])
    start = arrays(variables)
    rng = np.random.default_rng(1)
    gradients = [
        {path: rng.normal(size=shape).astype("float32") for path, shape in SHAPES.items()}
        for _ in range(20)
    ]
    for step in gradients[:3]:
        step["layer_1/kernel"][:] = 0  # u is decay * x alone
    optimizer = lamb(rate, weight_decay=0.1, clipnorm=None, layer_decay=layer_decay)
    for step in gradients:
        tensors = [keras.ops.convert_to_tensor(g, dtype) for g in step.values()]
        optimizer.apply(tensors, variables)
    powers = {"embeddings": 3, "embeddings_norm": 3, "layer_0": 2, "layer_1": 1, "logits": 0}
    factors = {path: layer_decay ** powers[path.split("/")[0]] for path in SHAPES}
    expected = numpy_lamb(start, gradients, rate, 0.1, factors)
    for path, value in arrays(variables).items():
        assert np.abs(value - expected[path]).max() < tolerance * max(1, np.abs(value).max()), path
        assert np.abs(value - start[path]).max() > 0.01


def test_lamb_leaves_zeros_with_no_gradient():
    variables = make_variables(zero=list(SHAPES))
    optimizer = lamb(0.01)
    optimizer.apply([keras.ops.zeros(s) for s in SHAPES.values()], variables)
    assert all(not value.any() for value in arrays(variables).values())


def test_lamb_sums_the_rows_of_a_sparse_gradient():
    rows = tf.constant([[1.0, -2.0], [3.0, 4.0], [0.5, 0.5]])
    sparse = tf.IndexedSlices(rows, tf.constant([2, 2, 0]), tf.constant([4, 2]))
    results = []
    for gradient in (sparse, tf.convert_to_tensor(sparse)):
        table = keras.Variable(np.arange(8.0).reshape(4, 2), name="word_embeddings")
        optimizer = lamb(0.01, clipnorm=None)
        for _ in range(3):
            optimizer.apply([gradient], [table])
        results.append(keras.ops.convert_to_numpy(table))
    np.testing.assert_array_equal(*results)


def test_clipping_in_lamb():
    """The first step does not know the gradient's size; the mix of a small and a big one does."""
    moved = []
    for clipnorm in (None, 1e-3):
        variable = keras.Variable(np.ones((2, 2)), name="kernel")
        optimizer = lamb(0.01, clipnorm=clipnorm)
        for size in (1e-4, 1.0):
            optimizer.apply([keras.ops.ones((2, 2)) * size], [variable])
        moved.append(keras.ops.convert_to_numpy(optimizer.variables[2]).copy())
    # 0.1 * (0.9 * 1e-4 + g), where g is 1, or the 5e-4 a weight that make a norm of 1e-3.
    np.testing.assert_allclose(moved[0], 0.1 * (0.9e-4 + 1), rtol=1e-5)
    np.testing.assert_allclose(moved[1], 0.1 * (0.9e-4 + 5e-4), rtol=1e-5)


def classifier():
    keras.utils.set_random_seed(3)
    encoder = keras_bert.BertEncoder(
        40,
        hidden_size=8,
        num_hidden_layers=3,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=16,
    )
    return keras_bert.BertClassifier(encoder, num_classes=2)


def network():
    """A network of Dense layers that are named as BERT's are, which trains in a second."""
    keras.utils.set_random_seed(1)
    x = inputs = keras.Input((5,))
    for i in range(2):
        x = keras.layers.Dense(5, activation="tanh", name=f"layer_{i}")(x)
    return keras.Model(inputs, keras.layers.Dense(1, name="logits")(x))


def fit(model, optimizer):
    data = np.random.default_rng(2).normal(size=(64, 6)).astype("float32")
    model.compile(optimizer, "mse", jit_compile=False)
    model.fit(data[:, :5], data[:, 5:], batch_size=8, epochs=2, shuffle=False, verbose=0)


def expected_power(path):
    """Returns the power of the decay for a network of 3 blocks, spelt out."""
    return {
        "embeddings": 4,
        "embeddings_norm": 4,
        "layer_0": 3,
        "layer_1": 2,
        "layer_2": 1,
        "pooler": 0,
        "logits": 0,
    }[path.split("/")[0]]


def test_rate_factors():
    paths = [v.path for v in classifier().trainable_variables]
    assert len(paths) > 50
    expected = [0.5 ** expected_power(path) for path in paths]
    assert rate_factors(paths, 0.5) == expected
    assert rate_factors([f"bert_encoder/{path}" for path in paths], 0.5) == expected
    assert set(rate_factors(paths, 1.0)) == {1.0}
    # A model whose lowest blocks are frozen, and one without blocks.
    kept = [path for path in paths if expected_power(path) < 3]
    assert rate_factors(kept, 0.5) == [0.5 ** expected_power(path) for path in kept]
    assert rate_factors(["logits/kernel"], 0.5) == [1.0]
    assert [decays(p) for p in ("a/kernel", "a/bias", "gamma:0", "beta", "a/gamma_ray")] == [
        *(True, False, False, False, True)
    ]


@pytest.mark.parametrize("decay", [0.0, 0.5])
def test_layer_decay_scales_step_and_decay(decay):
    """Adam's first step is next to rate * sign(g), so what moved tells each variable's rate."""
    model = classifier()
    variables = model.trainable_variables
    before = arrays(variables)
    optimizer = adamw(0.01, weight_decay=decay, clipnorm=None, layer_decay=0.7)
    optimizer.apply([keras.ops.ones(v.shape) for v in variables], variables)
    for path, value in arrays(variables).items():
        rate = 0.01 * 0.7 ** expected_power(path)
        decayed = decay * before[path] if decays(path) else 0.0
        adam = 1 / (1 + 1e-6 / np.sqrt(0.001))  # Keras adds epsilon before the bias correction
        moved = before[path].astype("float64") - value
        np.testing.assert_allclose(moved, rate * (adam + decayed), rtol=0, atol=1e-7, err_msg=path)


@pytest.mark.parametrize("clipnorm", [None, 0.5])
def test_layer_decay_of_1_is_adamw_bit_for_bit(clipnorm):
    schedule = WarmupLinearDecay(0.01, 8, 2)
    plain = adamw(schedule, 0.1, clipnorm)
    assert type(plain) is AdamW
    layerwise = LayerwiseAdamW(
        schedule, 0.1, 1.0, beta_1=0.9, beta_2=0.999, epsilon=1e-6, global_clipnorm=clipnorm
    )
    weights = []
    for optimizer in (plain, layerwise):
        model = network()
        fit(model, optimizer)
        weights.append(model.get_weights())
    for one, other in zip(*weights):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("make", [adamw, lamb, partial(adamw, layer_decay=0.9)])
def test_rows_looked_up_several_times_count_as_their_sum(make):
    """The same as when the table is multiplied with one-hot rows, which gives a dense gradient."""
    import tensorflow as tf

    ids = np.array([1, 1, 1, 3, 0, 1])
    rng = np.random.default_rng(5)
    start, wanted = rng.normal(size=(4, 3)), rng.normal(size=(6, 3)).astype("float32")
    tables = []
    for dense in (False, True):
        table = keras.Variable(start.astype("float32"), name="table")
        optimizer = make(0.1, weight_decay=0.0, clipnorm=0.7)
        for _ in range(3):
            with tf.GradientTape() as tape:
                one_hot = tf.one_hot(ids, 4)
                rows = one_hot @ table.value if dense else tf.gather(table.value, ids)
                loss = tf.reduce_sum(rows * wanted)
            gradient = tape.gradient(loss, table.value)
            assert dense != isinstance(gradient, tf.IndexedSlices)
            optimizer.apply([gradient], [table])
        tables.append(table.numpy())
    np.testing.assert_allclose(*tables, rtol=0, atol=1e-6)


@pytest.mark.parametrize("make", [adamw, lamb])
def test_config_round_trip(make):
    schedule = WarmupPolynomialDecay(1e-3, 100, 10, power=2.0, end=1e-5)
    optimizer = make(schedule, weight_decay=0.02, clipnorm=0.7, layer_decay=0.9)
    text = json.dumps(keras.optimizers.serialize(optimizer))
    again = keras.optimizers.deserialize(json.loads(text))
    assert type(again) is type(optimizer)
    assert type(again) in (LayerwiseAdamW, Lamb)
    assert again.get_config() == optimizer.get_config()
    assert again.get_config()["weight_decay"] == 0.02
    assert again.global_clipnorm == 0.7
    again = type(optimizer).from_config(optimizer.get_config())
    assert again.get_config() == optimizer.get_config()


@pytest.mark.parametrize("make", [adamw, lamb])
def test_a_saved_model_trains_on(make, tmp_path):
    model = network()
    fit(model, make(0.003, layer_decay=0.8))
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert int(again.optimizer.iterations) == 16
    for one, other in zip(model.optimizer.variables, again.optimizer.variables):
        np.testing.assert_array_equal(one.numpy(), other.numpy())
    gradients = [keras.ops.ones(v.shape) for v in model.trainable_variables]
    for each in (model, again):
        each.optimizer.apply(gradients, each.trainable_variables)
    for one, other in zip(model.get_weights(), again.get_weights()):
        np.testing.assert_array_equal(one, other)


# Logical devices are set before TensorFlow starts, so this runs in a process of its own.
_STRATEGY = """
import keras, numpy as np, tensorflow as tf
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)
from keras_bert.training.optimizer import adamw, lamb

PATHS = {"embeddings/table": (6, 4), "layer_0/kernel": (4, 4), "layer_0/bias": (4,)}

def make():
    rng = np.random.default_rng(0)
    variables = []
    for path, shape in PATHS.items():
        scope, name = path.split("/")
        with keras.name_scope(scope):
            variables.append(keras.Variable(rng.normal(size=shape).astype("float32"), name=name))
    return variables

def gradients(step):
    rng = np.random.default_rng(100 + step)
    return [rng.normal(size=shape).astype("float32") for shape in PATHS.values()]

def network():
    keras.utils.set_random_seed(1)
    x = inputs = keras.Input((5,))
    for i in range(2):
        x = keras.layers.Dense(5, activation="tanh", name=f"layer_{i}")(x)
    return keras.Model(inputs, keras.layers.Dense(1, name="logits")(x))

data = np.random.default_rng(2).normal(size=(64, 6)).astype("float32")
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
assert strategy.num_replicas_in_sync == 2
for factory in (adamw, lamb):
    one = make()
    single = factory(0.01, weight_decay=0.1, clipnorm=None, layer_decay=0.8)
    with strategy.scope():
        two = make()
        mirrored = factory(0.01, weight_decay=0.1, clipnorm=None, layer_decay=0.8)
        mirrored.build(two)

    # Halves, which are exact: both replicas' add up to what the one device gets.
    @tf.function
    def step(values):
        def replica(values):
            mirrored.apply([value / 2 for value in values], two)
        strategy.run(replica, args=(values,))

    for i in range(10):
        single.apply([tf.constant(g) for g in gradients(i)], one)
        step([tf.constant(g) for g in gradients(i)])
    for a, b in zip(one, two):
        for replica in strategy.experimental_local_results(b.value):
            np.testing.assert_allclose(a.numpy(), replica.numpy(), rtol=0, atol=1e-7)
        assert "Mirrored" in type(b.value).__name__, type(b.value)

# The same with compile and fit.
weights = []
for scope in (tf.distribute.get_strategy().scope, strategy.scope):
    with scope():
        model = network()
        # Not clipped: Keras clips each replica's gradient, before they are summed.
        model.compile(lamb(0.01, clipnorm=None, layer_decay=0.8), "mse", jit_compile=False)
    model.fit(data[:, :5], data[:, 5:], batch_size=16, shuffle=False, verbose=0)
    weights.append(model.get_weights())
for a, b in zip(*weights):
    np.testing.assert_allclose(a, b, rtol=0, atol=1e-6)
print("the same")
"""


@pytest.mark.slow
def test_two_replicas_do_as_one_device():
    done = subprocess.run(
        [sys.executable, "-c", _STRATEGY], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.strip().endswith("the same")


@pytest.mark.parametrize("make", [adamw, partial(adamw, layer_decay=0.9), lamb])
def test_the_summed_gradient_is_clipped_and_the_norm_is_saved(make):
    gradients = [np.full(shape, 3.0, "float32") for shape in SHAPES.values()]
    results = []
    for scale, summed_clipnorm in ((1.0, 0.5), (0.01, None)):
        optimizer = make(0.01, clipnorm=None, summed_clipnorm=summed_clipnorm)
        text = json.dumps(keras.optimizers.serialize(optimizer))
        again = keras.optimizers.deserialize(json.loads(text))
        assert type(again) is type(optimizer)
        assert again.get_config() == optimizer.get_config()
        assert again.summed_clipnorm == summed_clipnorm
        # What an older version saved has no such entry.
        older = optimizer.get_config()
        del older["summed_clipnorm"]
        assert type(optimizer).from_config(older).summed_clipnorm is None
        variables = make_variables()
        again.apply([keras.ops.convert_to_tensor(scale * g) for g in gradients], variables)
        results.append(arrays([v for v in again.variables if "momentum" in v.path]))
    norm = np.sqrt(sum((g**2).sum() for g in gradients))
    for clipped, plain in zip(*(each.values() for each in results), strict=True):
        np.testing.assert_allclose(clipped, plain / 0.01 * 0.5 / norm, rtol=1e-5)


def test_linear_schedule_is_the_old_one_bit_for_bit():
    for peak, steps, warmup in ((5e-5, 113, 11), (1e-4, 7, 0), (2e-5, 5, 9)):
        schedule = WarmupLinearDecay(peak, steps, warmup)
        for step in range(steps + 5):
            s = keras.ops.cast(step, "float32")
            rise = (s + 1.0) / max(warmup, 1)
            fall = (steps - s) / max(steps - warmup, 1)
            old = peak * keras.ops.clip(keras.ops.minimum(rise, fall), 0.0, 1.0)
            assert float(schedule(step)) == float(old)


@pytest.mark.parametrize(("power", "end"), [(1.0, 0.0), (2.0, 1e-5), (0.5, 3e-4)])
def test_polynomial_schedule(power, end):
    schedule = WarmupPolynomialDecay(1e-3, 120, 20, power=power, end=end)
    values = [float(schedule(step)) for step in range(130)]
    np.testing.assert_allclose(values[:20], 1e-3 * np.arange(1, 21) / 20, rtol=1e-6)
    progress = np.minimum(np.arange(110), 100) / 100
    np.testing.assert_allclose(
        values[20:], end + (1e-3 - end) * (1 - progress) ** power, rtol=2e-6, atol=1e-12
    )
    again = keras.optimizers.schedules.deserialize(
        json.loads(json.dumps(keras.optimizers.schedules.serialize(schedule)))
    )
    assert type(again) is WarmupPolynomialDecay
    assert again.get_config() == schedule.get_config()


def test_bad_settings():
    with pytest.raises(InputError, match="power 0"):
        WarmupPolynomialDecay(1e-3, 10, power=0)
    with pytest.raises(InputError, match=r"end 0\.1: give a number from 0 to the peak, 0\.001"):
        WarmupPolynomialDecay(1e-3, 10, end=0.1)
    for make in (adamw, lamb):
        for value in (0, 1.2, float("nan")):
            with pytest.raises(InputError, match=f"layer_decay {value}"):
                make(1e-3, layer_decay=value)
