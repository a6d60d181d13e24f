"""`compile()` without arguments: loss, optimizer and metrics that suit each network."""

import keras
import numpy as np
import pytest
from small_networks import NETWORKS, make_batch, make_encoder, make_network

import keras_bert
from keras_bert.models.compiling import LabelF1, TagAccuracy
from keras_bert.training.optimizer import AdamW


def log_softmax(logits):
    return logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))


def expected_scores(kind, logits, y):
    """Returns loss and metrics by their definitions, in NumPy."""
    if kind == "regression":
        return {
            "loss": np.mean((logits - y) ** 2),
            "mean_absolute_error": np.mean(np.abs(logits - y)),
        }
    if kind == "multi_label":
        holds, truth = logits > 0, y > 0
        return {
            "loss": np.mean(np.log1p(np.exp(-np.abs(logits))) + np.maximum(logits, 0) - logits * y),
            "accuracy": np.mean(holds == truth),
            "micro_f1": 2 * (holds & truth).sum() / (holds.sum() + truth.sum()),
        }
    if kind == "question_answering":
        parts = {name: expected_scores("classification", logits[name], y[name]) for name in y}
        scores = {f"{name}_{key}": part[key] for name, part in parts.items() for key in part}
        return {"loss": np.mean([part["loss"] for part in parts.values()]), **scores}
    kept = y >= 0
    logits, y = logits[kept], y[kept]
    chosen = np.take_along_axis(log_softmax(logits), y[:, None], axis=-1)
    return {"loss": -chosen.mean(), "accuracy": np.mean(logits.argmax(-1) == y)}


@pytest.mark.parametrize("kind", NETWORKS)
def test_default_loss_and_metrics_are_those_of_the_task(kind):
    model = make_network(kind)
    model.compile()
    x, y = make_batch(kind)
    found = model.evaluate(x, y, verbose=0, return_dict=True)
    expected = expected_scores(kind, model.predict(x, verbose=0), y)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=2e-5, err_msg=name)
    before = found["loss"]
    model.compile(3e-3)
    model.fit(x, y, epochs=8, verbose=0)
    assert model.evaluate(x, y, verbose=0, return_dict=True)["loss"] < before


@pytest.mark.parametrize("kind", NETWORKS)
def test_mixed_precision(kind):
    model = make_network(kind, dtype="mixed_bfloat16")
    model.compile()
    before = [np.array(value) for value in model.get_weights()]
    history = model.fit(*make_batch(kind), epochs=1, verbose=0).history
    assert all(np.isfinite(values).all() for values in history.values())
    assert any((a != b).any() for a, b in zip(before, model.get_weights(), strict=True))


def test_default_optimizer_exempts_biases_and_layer_norm(tmp_path):
    model = make_network("classification")
    model.compile(optimizer=1e-2)
    path = tmp_path / "model.keras"
    model.optimizer.build(model.trainable_variables)
    model.save(path)
    for each in (model, keras.saving.load_model(path)):
        optimizer = each.optimizer
        assert type(optimizer) is AdamW
        assert (float(optimizer.learning_rate), optimizer.weight_decay) == (
            pytest.approx(1e-2), 0.01,
        )  # fmt: skip
        assert (optimizer.epsilon, optimizer.global_clipnorm) == (1e-6, 1.0)
        zeros = [keras.ops.zeros(v.shape) for v in each.trainable_variables]
        before = {v.path: np.array(v) for v in each.trainable_variables}
        optimizer.apply(zeros, each.trainable_variables)
        # Without a gradient only decay moves a weight.
        for variable in each.trainable_variables:
            name = variable.path.rsplit("/", 1)[-1]
            kept = 1.0 if name in ("bias", "gamma", "beta") else 1 - 1e-2 * 0.01
            np.testing.assert_allclose(variable, before[variable.path] * kept, rtol=1e-6)


def test_default_rate_and_own_choices():
    model = make_network("classification")
    model.compile()
    assert float(model.optimizer.learning_rate) == pytest.approx(5e-5)
    assert model.jit_compile is False
    # As before: positions are optimizer and loss, which then come without metrics of ours.
    model = make_network("classification")  # Keras keeps the metrics of an earlier compile
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("sgd", loss)
    x, y = make_batch("classification")
    assert type(model.optimizer) is keras.optimizers.SGD
    assert model.evaluate(x, y, verbose=0, return_dict=True).keys() == {"loss"}
    model.compile("sgd", loss, metrics=["accuracy"], jit_compile=True, steps_per_execution=2)
    assert model.jit_compile is True
    assert model.steps_per_execution == 2
    assert model.evaluate(x, y, verbose=0, return_dict=True).keys() == {"loss", "accuracy"}
    model.compile(loss="auto", metrics=[])
    assert model.evaluate(x, y, verbose=0, return_dict=True).keys() == {"loss"}
    answerer = make_network("question_answering")
    answerer.compile(loss_weights={"start_logits": 1.0, "end_logits": 0.0})
    x, y = make_batch("question_answering")
    found = answerer.evaluate(x, y, verbose=0, return_dict=True)
    assert found["loss"] == pytest.approx(found["start_logits_loss"])


def test_pretrainer_takes_an_optimizer_only():
    model = keras_bert.BertPretrainer(make_encoder())
    model.compile()
    assert type(model.optimizer) is AdamW
    assert model.loss is None


def test_a_compiled_model_goes_on_after_load_model(tmp_path):
    x, y = make_batch("tagging")
    model = make_network("tagging")
    model.compile(1e-3)
    model.fit(x, y, epochs=2, verbose=0, shuffle=False)
    model.save(tmp_path / "tagger.keras")
    again = keras.saving.load_model(tmp_path / "tagger.keras")
    assert int(again.optimizer.iterations) == 2
    expected = [each.fit(x, y, verbose=0, shuffle=False).history for each in (model, again)]
    assert expected[0].keys() == {"loss", "accuracy"} == expected[1].keys()
    assert expected[1]["loss"] == pytest.approx(expected[0]["loss"], rel=1e-5)
    for one, other in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_metrics_take_weights_and_round_trip():
    y = np.array([[0, 1, -1], [1, -1, -1]])
    logits = np.eye(2)[np.array([[0, 0, 1], [1, 1, 1]])]
    metric = TagAccuracy()
    metric.update_state(y, logits)
    assert float(metric.result()) == pytest.approx(2 / 3)
    metric.reset_state()
    metric.update_state(y, logits, sample_weight=np.array([1.0, 3.0]))
    assert float(metric.result()) == pytest.approx(4 / 5)
    for one in (TagAccuracy(), LabelF1()):
        assert type(one).from_config(one.get_config()).get_config() == one.get_config()
