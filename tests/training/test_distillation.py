"""The loss on a teacher's logits against NumPy, and training beside a teacher."""

import keras
import numpy as np
import pytest
from keras import ops
from scipy.special import expit, log_softmax
from small_networks import NETWORKS, make_batch, make_encoder, make_network

from keras_bert.training.distillation import DistillationLoss, WithTeacher, with_teacher


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


@pytest.mark.parametrize("kind", NETWORKS)
def test_the_loss_is_that_of_the_formula(kind):
    student, teacher = make_network(kind, seed=1), make_network(kind, seed=2)
    x, y = make_batch(kind)
    weight, temperature = 0.3, 2.0
    losses = student.default_loss()
    label_loss = losses if isinstance(losses, dict) else {"": losses}
    logits = [model(x, training=False) for model in (student, teacher)]
    model, combined = with_teacher(student, teacher, losses, weight, temperature)
    outputs = model(x, training=False)
    for name, loss in label_loss.items():
        mine, its = (ops.convert_to_numpy(v[name] if name else v) for v in logits)
        stacked = outputs[name] if name else outputs
        np.testing.assert_allclose(stacked[..., 0], mine, atol=1e-6)
        np.testing.assert_allclose(stacked[..., 1], its, atol=1e-6)
        targets = y[name] if name else y
        divergence = divergence_of(kind, its, mine, temperature)
        counted = targets >= 0 if kind == "tagging" else np.ones(divergence.shape, bool)
        expected = (1 - weight) * float(loss(targets, mine)) + weight * divergence[counted].mean()
        found = combined[name] if name else combined
        assert float(found(targets, stacked)) == pytest.approx(expected, rel=1e-5)
        # As a file of a compiled model holds it.
        again = DistillationLoss.from_config(found.get_config())
        assert float(again(targets, stacked)) == float(found(targets, stacked))


def test_weights_of_rows_count_for_both_losses():
    kind = "classification"
    student, teacher = make_network(kind, seed=1), make_network(kind, seed=2)
    x, y = make_batch(kind)
    rows = np.array([0.2, 1, 3, 0, 1, 1], "float32")
    model, loss = with_teacher(student, teacher, student.default_loss(), 0.5, 1.0)
    stacked = model(x, training=False)
    single = [float(loss(y[i : i + 1], stacked[i : i + 1])) for i in range(6)]
    found = float(loss(y, stacked, sample_weight=rows))
    assert found == pytest.approx(np.dot(single, rows) / 6, rel=1e-5)


def test_the_teachers_weights_are_no_part_of_the_model():
    student = make_network("tagging", seed=1)
    teacher = NETWORKS["tagging"](make_encoder(seed=2, hidden_size=16, num_hidden_layers=1))
    before = teacher.get_weights()
    model, loss = with_teacher(student, teacher, student.default_loss(), 1.0, 1.0)
    assert [v.path for v in model.weights] == [v.path for v in student.weights]
    own = {id(v) for v in teacher.variables}
    assert not own & {id(v) for v in [*model.variables, *model.trainable_variables]}
    assert own <= {id(v) for v in model.non_trainable_variables}
    x, y = make_batch("tagging")
    model.compile(keras.optimizers.Adam(3e-2), loss, jit_compile=False)
    losses = model.fit(x, y, epochs=40, batch_size=6, verbose=0).history["loss"]
    assert losses[-1] < 0.1 * losses[0]
    for one, other in zip(teacher.get_weights(), before, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_teacher_of_another_mean_is_heard_in_the_students_unit():
    student, teacher = make_network("regression", seed=1), make_network("regression", seed=2)
    x, _ = make_batch("regression")
    expected = ops.convert_to_numpy(teacher(x, training=False)) * 1.5 - 0.25
    found = WithTeacher(student, teacher, (1.5, -0.25))(x, training=False)
    np.testing.assert_allclose(found[..., 1], expected, atol=1e-6)


@pytest.mark.parametrize("kind", NETWORKS)
def test_a_teacher_answers_without_dropout_in_training(kind):
    rates = {"hidden_dropout_prob": 0.3, "attention_probs_dropout_prob": 0.3}
    student, teacher = make_network(kind, seed=1), make_network(kind, seed=2, **rates)
    x, _ = make_batch(kind)
    found = WithTeacher(student, teacher)(x, training=True)
    expected = teacher(x, training=False)
    for one, other in zip(keras.tree.flatten(found), keras.tree.flatten(expected), strict=True):
        np.testing.assert_allclose(one[..., 1], other, atol=1e-6)
