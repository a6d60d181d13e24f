"""The loss on a teacher's logits, and the targets that hold them, against NumPy."""

import keras
import numpy as np
import pytest
from keras import ops
from scipy.special import expit, log_softmax
from small_networks import NETWORKS, make_batch, make_network

from keras_bert.training.distillation import DistillationLoss, with_teacher
from keras_bert.training.taught_targets import TaughtTargets

BATCH, LENGTH = 6, 8


def divergence_of(kind, teacher, student, temperature):
    """Returns what a student is away from its teacher, for each target; in float64."""
    teacher, student = (np.asarray(v, "float64") for v in (teacher, student))
    if kind == "regression":
        return ((teacher - student) ** 2).mean(axis=-1)
    teacher, student = teacher / temperature, student / temperature
    if kind == "multi_label":
        p, q = expit(teacher), expit(student)
        found = p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q))
        return temperature**2 * found.mean(axis=-1)
    p, log_q = np.exp(log_softmax(teacher, axis=-1)), log_softmax(student, axis=-1)
    return temperature**2 * (p * (np.log(p) - log_q)).sum(axis=-1)


def taught(kind, teacher, x, y, shares):
    """Returns the targets of a whole batch: labels `y` and a teacher's logits of `x`."""
    logits = keras.tree.map_structure(ops.convert_to_numpy, teacher(x, training=False))
    sizes = None
    if kind in ("tagging", "question_answering"):
        sizes = [LENGTH] * BATCH
    if kind == "tagging":
        y, logits = list(y), logits.reshape(BATCH * LENGTH, -1)
    if not isinstance(logits, dict):
        logits = {"logits": logits}
    elif sizes:
        logits = {name: values.ravel() for name, values in logits.items()}
    return TaughtTargets(y, logits, shares, sizes).batch(np.arange(BATCH), LENGTH)


def each_output(**structures):
    """Yields, for each output, a dict of what is of it in structures with or without names."""
    first = next(iter(structures.values()))
    for name in first if isinstance(first, dict) else [None]:
        yield {key: each[name] if name else each for key, each in structures.items()}


@pytest.mark.parametrize("kind", NETWORKS)
def test_the_loss_is_that_of_the_formula(kind):
    student, teacher = make_network(kind, seed=1), make_network(kind, seed=2)
    x, y = make_batch(kind)
    shares = np.array([0.3, 0.3, 0.0, 1.0, 0.7, 0.3], "float32")
    temperature = 2.0
    mine, its = (
        keras.tree.map_structure(ops.convert_to_numpy, model(x, training=False))
        for model in (student, teacher)
    )
    combined = with_teacher(student.default_loss(), temperature)
    targets = taught(kind, teacher, x, y, shares)
    loss = student.default_loss()
    for o in each_output(loss=loss, combined=combined, targets=targets, mine=mine, its=its, y=y):
        of_labels = ops.convert_to_numpy(o["loss"].call(np.asarray(o["y"], "float32"), o["mine"]))
        divergence = divergence_of(kind, o["its"], o["mine"], temperature)
        counted = o["y"] >= 0 if kind == "tagging" else np.ones(divergence.shape, bool)
        share = shares[:, None] if kind == "tagging" else shares
        expected = (share * of_labels + (1 - share) * divergence)[counted].mean()
        assert float(o["combined"](o["targets"], o["mine"])) == pytest.approx(expected, rel=1e-5)
        # As a file of a compiled model holds it.
        again = DistillationLoss.from_config(o["combined"].get_config())
        assert float(again(o["targets"], o["mine"])) == float(
            o["combined"](o["targets"], o["mine"])
        )


def test_weights_of_rows_count_for_both_losses():
    kind = "classification"
    student, teacher = make_network(kind, seed=1), make_network(kind, seed=2)
    x, y = make_batch(kind)
    rows = np.array([0.2, 1, 3, 0, 1, 1], "float32")
    loss = with_teacher(student.default_loss(), 1.0)
    targets, logits = taught(kind, teacher, x, y, np.full(BATCH, 0.5)), student(x, training=False)
    single = [float(loss(targets[i : i + 1], logits[i : i + 1])) for i in range(6)]
    found = float(loss(targets, logits, sample_weight=rows))
    assert found == pytest.approx(np.dot(single, rows) / 6, rel=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("kind", NETWORKS)
def test_a_student_learns_what_its_teacher_answers(kind):
    """Its labels have no share, so the teacher's logits are all that it hears."""
    student, teacher = make_network(kind, seed=1), make_network(kind, seed=2)
    x, y = make_batch(kind)
    targets = taught(kind, teacher, x, y, np.zeros(BATCH))
    loss = with_teacher(student.default_loss(), 1.0)
    student.compile(keras.optimizers.Adam(3e-2), loss, jit_compile=False)
    losses = student.fit(x, targets, epochs=60, batch_size=6, verbose=0).history["loss"]
    assert losses[-1] < 0.1 * losses[0]


def test_batches_of_tokens_are_padded_with_what_is_not_counted():
    rng = np.random.default_rng(0)
    sizes = [3, 5, 2]
    values = rng.normal(size=(10, 4)).astype("float32")
    tags = [rng.integers(-1, 4, size).astype("int32") for size in sizes]
    found = TaughtTargets(tags, {"logits": values}, [0.5, 0.0, 1.0], sizes).batch([2, 0], 8)
    assert found.shape == (2, 8, 6)
    np.testing.assert_array_equal(found[0, :2, 2:], values[8:])
    np.testing.assert_array_equal(found[1, :3, 2:], values[:3])
    np.testing.assert_array_equal(found[..., 0], np.repeat([[1.0], [0.5]], 8, axis=1))
    np.testing.assert_array_equal(found[0, :, 1], [*tags[2], *[-1] * 6])
    np.testing.assert_array_equal(found[1, :, 1], [*tags[0], *[-1] * 5])


def test_an_answer_does_not_begin_in_padding():
    sizes, values = [3, 5], np.arange(8, dtype="float32")
    labels = {name: np.array([1, 4], "int32") for name in ("start_logits", "end_logits")}
    logits = {"start_logits": values, "end_logits": -values}
    found = TaughtTargets(labels, logits, [0.25, 0.5], sizes).batch(np.array([0, 1]), 6)
    np.testing.assert_array_equal(found["start_logits"][0, :5], [0.25, 1, 0, 1, 2])
    np.testing.assert_array_equal(found["end_logits"][1, :7], [0.5, 4, -3, -4, -5, -6, -7])
    loss = with_teacher(keras.losses.SparseCategoricalCrossentropy(from_logits=True), 100.0)
    student = np.random.default_rng(0).normal(size=(2, 6)).astype("float32")
    assert np.isfinite(float(loss(found["start_logits"], student)))
    padded = log_softmax(np.float64(found["start_logits"][0, 2:]))
    np.testing.assert_allclose(np.exp(padded)[:3], np.exp(log_softmax([0.0, 1, 2])), rtol=1e-6)
    assert np.exp(padded)[3:].max() == 0
