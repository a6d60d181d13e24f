"""The expected calibration error equals its definition, computed another way."""

import math

import numpy as np
import pytest

from keras_bert.tasks.calibration import BINS, expected_calibration_error, reliability


def defined(confidences, right, bins=15):
    """Returns Guo et al.'s equation 3, bin by bin, without NumPy's counting."""
    total = 0.0
    for m in range(1, bins + 1):
        inside = [
            (c, r)
            for c, r in zip(confidences, right)
            if (m - 1) < c * bins <= m or (m == 1 and c == 0)
        ]
        if inside:
            accuracy = math.fsum(r for _, r in inside) / len(inside)
            confidence = math.fsum(c for c, _ in inside) / len(inside)
            total += len(inside) / len(confidences) * abs(accuracy - confidence)
    return total


@pytest.mark.parametrize(("count", "bins"), [(1, 15), (2000, 15), (300, 4)])
def test_the_error_is_its_definition(count, bins):
    rng = np.random.default_rng(count)
    confidences = rng.random(count).astype("float32").astype("float64") ** 0.4
    right = rng.random(count) < confidences**2
    found = expected_calibration_error(confidences, right, bins)
    assert found == pytest.approx(defined(confidences.tolist(), right.tolist(), bins), abs=1e-12)


def test_bins_are_open_below_and_closed_above():
    # With 4 bins all of these bounds are exact.
    table = reliability([0.0, 0.25, 0.26, 0.5, 0.75, 0.76, 1.0], [1, 0, 1, 1, 0, 1, 1], bins=4)
    assert table["counts"].tolist() == [2, 2, 1, 2]
    assert table["confidence"].tolist() == [0.125, 0.38, 0.75, 0.88]
    assert table["accuracy"].tolist() == [0.5, 1.0, 0.0, 1.0]
    assert len(reliability([0.3], [True])["counts"]) == BINS == 15
    assert math.isnan(reliability([0.3], [True])["accuracy"][0])


def test_certain_answers():
    assert expected_calibration_error([1.0] * 5, [True] * 5) == 0
    assert expected_calibration_error([1.0] * 5, [False] * 5) == 1
    assert expected_calibration_error([0.8] * 5, [True] * 4 + [False]) == pytest.approx(
        0, abs=1e-12
    )
    assert expected_calibration_error([], []) == 0
