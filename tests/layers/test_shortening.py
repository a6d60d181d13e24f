"""Which tokens an exported encoder keeps: against the layers, row by row, and a choice in NumPy."""

import keras
import numpy as np
import pytest
from keras.ops import convert_to_numpy as as_array
from small_networks import make_encoder

from keras_bert.layers import deployed
from keras_bert.layers.shortening import NEIGHBOURS, Shortening

LENGTH, QUESTION = 20, 5
REAL = (20, 17, 9)


@pytest.fixture(scope="module")
def encoder():
    encoder = make_encoder(num_hidden_layers=3)
    rng = np.random.default_rng(3)
    for variable in encoder.weights:
        if variable.name in ("gamma", "beta", "bias"):
            variable.assign_add(rng.normal(size=variable.shape))
    return encoder


@pytest.fixture(scope="module")
def batch():
    rng = np.random.default_rng(2)
    places = np.arange(LENGTH)
    real = places < np.array(REAL)[:, None]
    return {
        "token_ids": rng.integers(5, 16, (len(REAL), LENGTH)).astype("int32"),
        "segment_ids": (real & (places >= QUESTION)).astype("int32"),
        "padding_mask": real.astype("int32"),
    }


def called(encoder, batch):
    return {name: as_array(value) for name, value in encoder(batch, training=False).items()}


def shortened(encoder, batch, *options):
    with deployed.form(encoder, None, Shortening(*options)):
        return called(encoder, batch)


def chosen(weights, real, asking, always, count):
    """Returns the places that are kept of one row, by loops over its tokens."""
    length = weights.shape[-1]
    received = weights[:, sorted(asking)].sum(axis=(0, 1))
    free = [t for t in range(length) if t in real and t not in always]
    importance = {}
    for token in range(length):
        near = range(max(0, token - NEIGHBOURS // 2), min(length, token + NEIGHBOURS // 2 + 1))
        mean = sum(received[t] for t in near if t in free) / len(near)
        importance[token] = np.inf if token in always else mean if token in free else 0
    return sorted(sorted(range(length), key=lambda t: (-importance[t], t))[:count])


def expected_of(encoder, row, steps, is_question):
    """Returns the outputs for a batch of one row, by the layers themselves."""
    states = as_array(encoder.all_hidden_states()(row)[0])
    bias = as_array(encoder.attention_mask(row["padding_mask"]))
    count = int(np.sum(row["padding_mask"]))
    real = set(range(count))
    asking = set(range(QUESTION)) if is_question else real
    always = {0, count - 1} | (asking if is_question else set())
    places, found = np.arange(LENGTH), np.zeros_like(states)
    for i, block in enumerate(encoder.blocks):
        weights = as_array(block.attention.probabilities(states, bias))[0]
        states = as_array(block(states, bias))
        if (most := steps.get(i + 1, LENGTH)) < len(places):
            here = [{t for t, p in enumerate(places) if p in s} for s in (real, asking, always)]
            kept = chosen(weights, *here, most)
            found[:, places] = states
            places, states, bias = places[kept], states[:, kept], bias[..., kept]
    found[:, places] = states
    pooled = encoder.pooler(states[:, 0])
    return {"sequence_output": found, "pooled_output": as_array(pooled)}


@pytest.mark.parametrize("is_question", [True, False])
@pytest.mark.parametrize("steps", [{1: 12}, {2: 8}, {1: 14, 2: 9}])
def test_the_choice_is_that_of_numpy(encoder, batch, steps, is_question):
    found = shortened(encoder, batch, steps, QUESTION if is_question else None)
    plain = called(encoder, batch)
    for i in range(len(REAL)):
        row = {name: keras.ops.convert_to_tensor(v[i : i + 1]) for name, v in batch.items()}
        expected = expected_of(encoder, row, steps, is_question)
        for name, values in expected.items():
            np.testing.assert_allclose(found[name][i : i + 1], values, atol=1e-5, rtol=1e-5)
    assert np.abs(found["sequence_output"] - plain["sequence_output"])[0].max() > 1e-2


def test_what_is_kept_differs_with_what_asks(encoder, batch):
    one, other = (shortened(encoder, batch, {1: 10}, most) for most in (QUESTION, None))
    assert np.abs(one["sequence_output"] - other["sequence_output"])[0].max() > 1e-2


def test_rows_that_fit_keep_their_numbers(encoder, batch):
    """Padding is left out first."""
    plain = called(encoder, batch)
    found = shortened(encoder, batch, {1: 17, 2: 9}, QUESTION)
    np.testing.assert_allclose(found["pooled_output"][2], plain["pooled_output"][2], atol=1e-5)
    of_row = [each["sequence_output"][2, :9] for each in (found, plain)]
    np.testing.assert_allclose(*of_row, atol=1e-5)


@pytest.mark.parametrize("count", [LENGTH, 500])
def test_as_many_tokens_as_there_are(encoder, batch, count):
    with deployed.form(encoder):
        whole = called(encoder, batch)
    for name, values in shortened(encoder, batch, {1: count}, QUESTION).items():
        np.testing.assert_array_equal(values, whole[name])
