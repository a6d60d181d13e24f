"""Spellings of entity tags: one scheme after reading, and parts of speech left alone."""

import itertools
import random

import pytest
from said import said_by
from seqeval.metrics import f1_score

from keras_bert.errors import InputError
from keras_bert.tasks.file_layout import FileLayout
from keras_bert.tasks.tagging.schemes import detect_scheme
from keras_bert.tasks.tagging.spellings import respelled, respelling, spelled_as
from keras_bert.tasks.tagging.task import TaggingTask

TASK = TaggingTask()
SPELLINGS = {
    "small": lambda letter, type_: f"{letter.lower()}-{type_}",
    "below": lambda letter, type_: f"{letter}_{type_}",
    "small below": lambda letter, type_: f"{letter.lower()}_{type_}",
    "colon": lambda letter, type_: f"{letter}:{type_}",
    "slash": lambda letter, type_: f"{letter}/{type_}",
    "space": lambda letter, type_: f"{letter} {type_}",
    "after": lambda letter, type_: f"{type_}-{letter}",
    "after, below": lambda letter, type_: f"{type_}_{letter.lower()}",
}
SCHEMES = {"bio": "BI", "bioes": "BIES", "bmes": "BMES", "bilou": "BILU"}
TYPES = ("PER", "creative-work", "Loc_x", "I", "人")


def respell(tag, spelling):
    return "O" if tag == "O" else SPELLINGS[spelling](*tag.split("-", 1))


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_spelling_of_every_scheme_is_read_as_the_usual_one(spelling, scheme):
    rng = random.Random(f"{spelling} {scheme}")
    for _ in range(50):
        types = rng.sample(TYPES, 2)
        marks = [f"{letter}-{type_}" for letter, type_ in itertools.product(SCHEMES[scheme], types)]
        usual = [rng.choices(["O", *marks], k=6) for _ in range(9)] + [["O"], marks]
        other = [[respell(tag, spelling) for tag in tags] for tags in usual]
        found, lines = said_by(respelled, other, "a.conll")
        assert found == usual
        assert len(lines) == 1
        assert detect_scheme(found) == detect_scheme(usual) != "none"
        assert said_by(respelled, usual, "a.conll") == (usual, [])


@pytest.mark.parametrize(
    "tags",
    [
        {"NOUN", "VERB", "O"},
        {"NN", "VB", "B_PER", "O"},
        {"b", "n", "s", "v", "i", "m"},  # parts of speech of Chinese
        {"b", "i"},
        {"B", "I", "O"},  # usual already
        {"NN-TL", "NN-HL", "IN"},
        {"PER", "LOC", "O"},
        {"o"},
        {"O"},
        {"S_a", "U_b"},  # no scheme has just these
        {"I_a", "I_b"},  # nothing outside
        {"B_", "O"},
        {"-B", "O"},
        {"B-PER", "x", "O"},
    ],
)
def test_what_marks_no_entity_in_another_spelling_stays(tags):
    assert respelling(tags) == {}


def test_letters_alone_and_a_small_o():
    assert respelling({"b", "i", "o"}) == {"b": "B", "i": "I", "o": "O"}
    assert respelling({"b", "m", "e", "s"}) == {tag: tag.upper() for tag in "bmes"}
    assert respelling({"B-PER", "I-PER", "o"}) == {"B-PER": "B-PER", "I-PER": "I-PER", "o": "O"}


def test_a_model_keeps_the_spelling_that_it_was_trained_with():
    labels = ("O", "b-per", "i-per")
    assert spelled_as([["B-per", "O", "I-per"]], labels) == [["b-per", "O", "i-per"]]
    assert spelled_as([["o", "o"]], ("O", "B-per")) == [["O", "O"]]
    assert spelled_as([["NOUN"]], ("NOUN", "VERB")) == [["NOUN"]]


@pytest.fixture
def read(tmp_path):
    def read(text, name="a.conll"):
        path = tmp_path / name
        path.write_text(text)
        return said_by(TASK.read, path, FileLayout())

    return read


def test_entities_are_scored_as_seqeval_scores_them(read):
    rng = random.Random(5)
    marks = ["O", "B-per", "I-per", "B-loc", "I-loc"]
    true = [rng.choices(marks, k=7) for _ in range(60)] + [marks]
    predicted = [rng.choices(marks, k=len(tags)) for tags in true]
    text = "\n\n".join("\n".join(f"w {respell(t, 'small below')}" for t in tags) for tags in true)
    examples, lines = read(text)
    assert examples.tags == true
    assert len(lines) == 1
    fields, more = said_by(TASK.config_fields, examples, {})
    assert (fields["settings"]["scheme"], more) == ("bio", [])
    config = type("Config", (), fields)
    scores = TASK.scores([{"tags": tags} for tags in predicted], examples, config)
    assert scores["f1"] == pytest.approx(f1_score(true, predicted), abs=1e-9)


def test_tags_that_mark_nothing_beside_many_o_are_said(read):
    examples, lines = read("Ada PER\nran O\nfar O\n\nParis LOC\nis O\n")
    assert lines == []
    fields, (line,) = said_by(TASK.config_fields, examples, {})
    assert fields["settings"]["scheme"] == "none"
    assert "scheme=none: its tags, such as LOC, PER, mark no entities as B-PER does" in line
    assert said_by(TASK.config_fields, examples, {"scheme": "none"})[1] == []
    examples, _ = read("dogs NOUN\nrun VERB\nO O\n")
    assert said_by(TASK.config_fields, examples, {})[1] == []


def test_lists_in_hand_are_respelled_too():
    words, tags = [["Ada", "ran"], ["Hi"]], [["per-b", "O"], ["O"]]
    examples, lines = said_by(TASK.examples_from, words, None, tags)
    assert (examples.tags, len(lines)) == ([["B-per", "O"], ["O"]], 1)
    with pytest.raises(InputError, match="'a b' is not a tag"):
        TASK.examples_from(words, None, [["a b", "O"], ["O"]])
