"""Cosines and nearest neighbours, against loops in plain Python."""

import math

import numpy as np
import pytest

from keras_bert.tasks.sequence import vector_scores
from keras_bert.tasks.sequence.vector_scores import compare_vectors, cosine


def plain_cosine(one, other):
    products = sum(a * b for a, b in zip(one, other))
    return products / math.sqrt(sum(a * a for a in one)) / math.sqrt(sum(b * b for b in other))


def nearest(vectors, index):
    others = [i for i in range(len(vectors)) if i != index]
    return max(others, key=lambda i: plain_cosine(vectors[index], vectors[i]))


@pytest.mark.parametrize("at_once", [512, 7])
def test_against_loops(monkeypatch, at_once):
    monkeypatch.setattr(vector_scores, "_AT_ONCE", at_once)
    rng = np.random.default_rng(1)
    expected = rng.normal(size=(40, 6)).astype("float32")
    found = 3 * expected + rng.normal(size=(40, 6)).astype("float32")
    result = compare_vectors(expected, list(found))
    cosines = [plain_cosine(a, b) for a, b in zip(expected.tolist(), found.tolist())]
    assert result["cosine"] == pytest.approx(sum(cosines) / 40, abs=1e-6)
    assert result["least_cosine"] == pytest.approx(min(cosines), abs=1e-6)
    lists = expected.tolist(), found.tolist()
    same = sum(nearest(lists[0], i) == nearest(lists[1], i) for i in range(40))
    assert 0 < same < 40
    assert result["same_neighbour"] == same / 40
    assert cosine(expected[0], found[0]) == pytest.approx(cosines[0], abs=1e-6)


def test_copies_of_a_text_are_both_its_nearest():
    vectors = np.array([[1, 0], [1, 0], [1, 0], [0, 1.0]])
    moved = vectors + [[0, 0], [0, 1e-9], [0, 0], [0, 0]]
    assert compare_vectors(vectors, moved)["same_neighbour"] == 1
    other = vectors[[0, 3, 0, 3]]  # of text 1 the nearest is now the last
    assert compare_vectors(vectors, other)["same_neighbour"] == 0.75
    assert compare_vectors(vectors[:1], vectors[:1])["same_neighbour"] == 1


def test_a_vector_of_zeros_has_a_cosine_of_zero():
    assert compare_vectors([[0.0, 0.0], [1, 0]], [[1.0, 0], [1, 0]])["cosine"] == 0.5
