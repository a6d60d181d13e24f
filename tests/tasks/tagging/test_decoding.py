"""The most probable valid tags: against every sequence tried, and against the schemes' rules."""

import itertools

import numpy as np
import pytest

from keras_bert.tasks.tagging.decoding import best_tags
from keras_bert.tasks.tagging.schemes import convert

LABELS = {
    "bio": ("O", "B-X", "I-X", "B-Y", "I-Y"),
    "bioes": ("O", "B-X", "I-X", "E-X", "S-X", "S-Y"),
    "bmes": ("S-X", "M-X", "E-X", "B-X", "O"),
    "bilou": ("O", "B", "I", "L", "U"),
}


@pytest.mark.parametrize("scheme", LABELS)
def test_no_valid_sequence_is_more_probable(scheme):
    labels = LABELS[scheme]
    draw = np.random.default_rng(0)
    changed = 0
    for words in (1, 2, 3, 4, 5):
        # Valid is what the scheme's own writer would write of the entities.
        valid = [
            list(chosen)
            for chosen in itertools.product(range(len(labels)), repeat=words)
            if convert([labels[i] for i in chosen], scheme) == [labels[i] for i in chosen]
        ]
        for _ in range(20):
            probabilities = draw.dirichlet(np.ones(len(labels)), size=words)
            logs = np.log(probabilities)
            expected = max(valid, key=lambda chosen: logs[np.arange(words), chosen].sum())
            found = best_tags(probabilities, labels, scheme)
            assert found.tolist() == expected
            changed += found.tolist() != probabilities.argmax(axis=-1).tolist()
    assert changed > 20


@pytest.mark.parametrize("scheme", ["none", "io", "iob1"])
def test_schemes_without_rules_take_each_words_best_tag(scheme):
    probabilities = np.random.default_rng(1).dirichlet(np.ones(5), size=50)
    found = best_tags(probabilities, LABELS["bio"], scheme)
    np.testing.assert_array_equal(found, probabilities.argmax(axis=-1))


def test_certain_words_and_no_words():
    labels = LABELS["bio"]
    # A probability of 0 is no reason for an invalid sequence, nor one of 1 against a valid one.
    found = best_tags([[1.0, 0, 0, 0, 0], [0, 0, 1.0, 0, 0]], labels, "bio")
    assert [labels[i] for i in found] in (["O", "B-X"], ["O", "O"], ["O", "B-Y"], ["B-X", "I-X"])
    assert best_tags(np.zeros((0, 5)), labels, "bio").tolist() == []


def test_labels_that_allow_no_valid_sequence_give_the_one_that_breaks_the_fewest_rules():
    labels = ("B-X", "I-X")  # no O, no E: nothing may end
    found = best_tags([[0.4, 0.6], [0.9, 0.1], [0.2, 0.8]], labels, "bioes")
    assert [labels[i] for i in found] == ["B-X", "I-X", "I-X"]


def test_a_long_sentence_does_not_underflow():
    probabilities = np.full((5000, 5), 0.2)
    probabilities[:, 2] += 1e-3  # I-X everywhere, which nothing begins
    found = best_tags(probabilities, LABELS["bio"], "bio")
    assert found.tolist() == [1] + [2] * 4999
