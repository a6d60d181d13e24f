"""Entities and their scores against seqeval; schemes told apart and converted."""

import itertools
import random

import pytest
from seqeval.metrics import f1_score, precision_score, recall_score
from seqeval.metrics.sequence_labeling import get_entities, precision_recall_fscore_support

from keras_bert.errors import InputError
from keras_bert.tasks.tagging.schemes import (
    SCHEMES,
    convert,
    detect_scheme,
    entities,
    entity_scores,
    stray_tags,
)

# seqeval knows no M, L and U, which are I, E and S by other names.
_TO_SEQEVAL = str.maketrans("MLU", "IES")
_LETTERS = {"io": "I", "iob1": "BI", "bio": "BI", "bioes": "BIES", "bmes": "BMES", "bilou": "BILU"}


def for_seqeval(tags):
    return [tag[0].translate(_TO_SEQEVAL) + tag[1:] for tag in tags]


def random_tags(rng, letters, types, length, outside=0.3):
    """Any sequence, valid or not."""
    return [
        "O" if rng.random() < outside else f"{rng.choice(letters)}-{rng.choice(types)}"
        for _ in range(length)
    ]


def random_entities(rng, types, length):
    """Entities that do not overlap, neighbours of one type among them."""
    found, first = [], 0
    while first < length:
        end = min(length, first + rng.randint(1, 4))
        if rng.random() < 0.6:
            found.append((rng.choice(types), first, end))
        first = end
    return found


def written(found, length, scheme):
    """The definition of each scheme, word by word."""
    tags = ["O"] * length
    for index, (type_, first, end) in enumerate(found):
        for word in range(first, end):
            is_first, is_last = word == first, word == end - 1
            adjoins = index > 0 and found[index - 1][0] == type_ and found[index - 1][2] == first
            if scheme == "io":
                letter = "I"
            elif scheme == "iob1":
                letter = "B" if is_first and adjoins else "I"
            elif scheme == "bio":
                letter = "B" if is_first else "I"
            else:
                begin, inside, last, only = {"bioes": "BIES", "bmes": "BMES", "bilou": "BILU"}[
                    scheme
                ]
                letter = only if is_first and is_last else begin if is_first else inside
                letter = last if is_last and not is_first else letter
            tags[word] = f"{letter}-{type_}"
    return tags


@pytest.mark.parametrize("scheme", _LETTERS)
def test_entities_of_any_sequence_are_those_of_seqeval(scheme):
    rng = random.Random(scheme)
    for _ in range(3000):
        tags = random_tags(
            rng, _LETTERS[scheme], ["PER", "LOC", "creative-work"], rng.randint(0, 9)
        )
        expected = [(type_, a, b + 1) for type_, a, b in get_entities(for_seqeval(tags))]
        assert entities(tags, scheme) == expected, tags


def test_entities_of_all_short_sequences_are_those_of_seqeval():
    # Letters alone, as in Chinese word segmentation, have the type "_".
    alphabet = ["O", "B", "I", "E", "S", "B-a", "I-a", "E-a", "S-a", "I-b"]
    for tags in itertools.product(alphabet, repeat=4):
        expected = [(type_, a, b + 1) for type_, a, b in get_entities(list(tags))]
        assert entities(list(tags)) == expected, tags


def test_entities_by_hand():
    assert entities(["O", "I-PER", "I-PER", "B-PER", "I-LOC"]) == [
        ("PER", 1, 3), ("PER", 3, 4), ("LOC", 4, 5),
    ]  # fmt: skip
    assert entities(["B-creative-work", "I-creative-work"]) == [("creative-work", 0, 2)]
    assert entities(["B-X", "M-X", "E-X", "E-X", "S-X"], "bmes") == [
        ("X", 0, 3), ("X", 3, 4), ("X", 4, 5),
    ]  # fmt: skip
    assert entities([], "bio") == []
    assert entities(["NOUN", "VERB"], "none") == []


def assert_equal_to_seqeval(true, predicted):
    found = entity_scores(true, predicted)
    sequences = [*map(for_seqeval, true)], [*map(for_seqeval, predicted)]
    functions = {"precision": precision_score, "recall": recall_score, "f1": f1_score}
    for name, function in functions.items():
        assert found[name] == pytest.approx(function(*sequences, zero_division=0), abs=1e-9)
    per_type = precision_recall_fscore_support(*sequences, average=None, zero_division=0)
    types = {type_ for tags in (*true, *predicted) for type_, _, _ in entities(tags)}
    assert list(found["types"]) == sorted(types)
    for row, numbers in zip(found["types"].values(), zip(*per_type), strict=True):
        values = [row[name] for name in ("precision", "recall", "f1", "count")]
        assert values == pytest.approx(numbers, abs=1e-9)
    if types:
        expected = f1_score(*sequences, average="macro", zero_division=0)
        assert found["macro_f1"] == pytest.approx(expected, abs=1e-9)
    else:
        assert found["macro_f1"] == 0  # seqeval divides by zero


@pytest.mark.parametrize("scheme", _LETTERS)
def test_scores_of_random_tags_equal_seqeval(scheme):
    rng = random.Random(scheme)
    for _ in range(120):
        types = ["PER", "LOC", "ORG", "MISC"][: rng.randint(1, 4)]
        lengths = [rng.randint(1, 12) for _ in range(rng.randint(1, 12))]
        true = [random_tags(rng, _LETTERS[scheme], types, n) for n in lengths]
        # Half right, so that hits, misses and false alarms all occur.
        predicted = [
            [
                t if rng.random() < 0.5 else p
                for t, p in zip(tags, random_tags(rng, _LETTERS[scheme], types, len(tags)))
            ]
            for tags in true
        ]
        assert_equal_to_seqeval(true, predicted)


@pytest.mark.parametrize(
    ("true", "predicted"),
    [
        ([["B-A", "I-A"]], [["B-A", "I-A"]]),
        ([["B-A", "I-A"]], [["O", "O"]]),
        ([["O", "O"]], [["B-A", "I-A"]]),
        ([["O", "O"]], [["O", "O"]]),
        ([["B-A", "I-A"]], [["B-B", "I-B"]]),  # right words, wrong type
        ([["B-A", "I-A"]], [["B-A", "O"]]),  # right type, one word short
        ([["B-A", "I-A"]], [["I-A", "I-A"]]),  # begins with I
        ([["B-A"], ["I-A"]], [["B-A"], ["O"]]),  # no entity over the end of a sentence
        ([["S-A", "E-A", "B-A"]], [["B-A", "E-A", "S-A"]]),
    ],
)
def test_scores_of_edge_cases_equal_seqeval(true, predicted):
    assert_equal_to_seqeval(true, predicted)


def test_scores_by_hand():
    true = [["B-PER", "I-PER", "O", "B-LOC"], ["B-PER", "O"]]
    predicted = [["B-PER", "I-PER", "O", "B-ORG"], ["B-PER", "B-PER"]]
    found = entity_scores(true, predicted)
    assert found["precision"] == 2 / 4
    assert found["recall"] == 2 / 3
    assert found["f1"] == pytest.approx(4 / 7)
    assert found["macro_f1"] == pytest.approx((0.8 + 0 + 0) / 3)
    assert found["types"]["PER"] == {
        "precision": 2 / 3, "recall": 1.0, "f1": pytest.approx(0.8), "count": 2,
    }  # fmt: skip
    assert entity_scores([], [])["macro_f1"] == 0


def test_sentences_of_unequal_number_are_refused():
    with pytest.raises(ValueError, match="zip"):
        entity_scores([["O"]], [])


@pytest.mark.parametrize(
    ("sequences", "scheme"),
    [
        ([["NOUN", "VERB", "O"]], "none"),
        ([["O", "O"]], "none"),
        ([["B-PER", "X"]], "none"),
        ([["O", "I-PER", "I-PER"]], "io"),
        ([["B-PER", "I-PER"], ["O", "B-LOC"]], "bio"),
        ([["I-PER", "B-PER"], ["O", "I-LOC"]], "iob1"),
        ([["I-PER", "B-LOC"]], "bio"),  # each breaks one rule
        ([["B-PER", "O", "B-PER"]] * 5 + [["O", "I-PER"]], "bio"),  # one mistake
        ([["B-PER", "E-PER", "S-LOC"]], "bioes"),
        ([["B-PER", "I-PER", "E-PER"]], "bioes"),
        ([["B-PER", "M-PER", "E-PER"]], "bmes"),
        ([["B-PER", "L-PER"]], "bilou"),
        ([["U-PER", "O"]], "bilou"),
        ([["B", "M", "E", "S"]], "bmes"),
        ([["B-PER.NOM", "I-PER.NOM"]], "bio"),
        ([], "none"),
    ],
)
def test_the_scheme_is_told(sequences, scheme):
    assert detect_scheme(sequences) == scheme


@pytest.mark.parametrize("scheme", _LETTERS)
def test_the_scheme_of_what_is_written_in_it_is_told(scheme):
    rng = random.Random(scheme)
    found = [random_entities(rng, ["A", "B"], 12) for _ in range(60)]
    assert detect_scheme([written(each, 12, scheme) for each in found]) == scheme


@pytest.mark.parametrize("source", [name for name in _LETTERS if name != "io"])
@pytest.mark.parametrize("target", _LETTERS)
def test_converted_tags_are_those_of_the_definition(source, target):
    rng = random.Random(source + target)
    for _ in range(200):
        length = rng.randint(0, 12)
        found = random_entities(rng, ["A", "B-c"], length)
        tags = written(found, length, source)
        assert entities(tags, source) == found
        assert convert(tags, target) == written(found, length, target)


def test_converting_repairs_what_is_invalid_and_keeps_its_entities():
    rng = random.Random(0)
    for _ in range(500):
        tags = random_tags(rng, "BIES", ["A", "B"], rng.randint(0, 9))
        for scheme in ("iob1", "bio", "bioes", "bmes", "bilou"):
            assert entities(convert(tags, scheme)) == entities(tags)
            assert convert(convert(tags, scheme), scheme) == convert(tags, scheme)
    assert convert(["O", "I-A", "I-B"], "bio") == ["O", "B-A", "B-B"]
    assert convert(["B", "I", "S"], "bmes") == ["B", "E", "S"]


def test_a_few_tags_of_no_scheme_are_strays():
    entities_ = [["B-PER", "I-PER", "O", "O", "O"]] * 4
    assert stray_tags([*entities_, ["0"]]) == {"0"}
    assert stray_tags([*entities_, ["0", "b-PER"]]) == {"0", "b-PER"}
    assert stray_tags(entities_) == set()
    # More than a tenth: these are the file's tags, which mark no entities.
    assert stray_tags([*entities_, ["0", "0", "0"]]) == set()
    assert stray_tags([["NOUN"] * 30, ["O"]]) == set()
    assert stray_tags([["B-x"] * 30, ["NOUN"]]) == set()


def test_unknown_schemes_are_refused():
    with pytest.raises(InputError, match=f"'xyz' is not one of {', '.join(SCHEMES)}"):
        entities(["O"], "xyz")
    with pytest.raises(InputError, match="'xyz' is not one of"):
        convert(["O"], "xyz")
    with pytest.raises(InputError, match="cannot be written in scheme 'none'"):
        convert(["O"], "none")
