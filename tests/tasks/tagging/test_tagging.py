"""The tagging task from file to answers and scores, with models that are functions of a word."""

import dataclasses
import json
import random
import types

import numpy as np
import pytest
from seqeval.metrics import accuracy_score, f1_score, precision_score, recall_score

from keras_bert import numpy_ops
from keras_bert.errors import InputError
from keras_bert.models import BertTagger
from keras_bert.tasks.file_layout import FileLayout
from keras_bert.tasks.tagging.settings import Settings
from keras_bert.tasks.tagging.task import TaggingTask
from keras_bert.text.tokenizer import WordPieceTokenizer

TASK = TaggingTask()
LETTERS = "abcdefgh"
VOCABULARY = [
    "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *LETTERS, *(f"##{c}" for c in LETTERS),
    "北", "京", ",", "🙂",
]  # fmt: skip
NER = ("O", "B-LOC", "B-PER", "I-LOC", "I-PER")


@pytest.fixture(scope="module")
def tokenizer():
    return WordPieceTokenizer(VOCABULARY)


@pytest.fixture
def read(tmp_path):
    def read(text, labelled=True, name="a.conll", **reading):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return TASK.read(str(path), FileLayout(**reading), labelled)

    return read


def config(labels=NER, max_length=32, **settings):
    settings = dataclasses.asdict(Settings(**{"scheme": "bio", **settings}))
    return types.SimpleNamespace(labels=labels, max_length=max_length, settings=settings)


def outputs(rows, label_count, seed=0):
    """A model that looks at one piece only: its id decides the logits of its token."""
    table = np.random.default_rng(seed).normal(size=(len(VOCABULARY), label_count))
    found = [
        BertTagger.outputs_from_logits(table[row.token_ids], {}, numpy_ops)["probability"]
        for row in rows.encodings
    ]
    return {"probability": found}


def answer(examples, tokenizer, chosen, seed=0):
    rows = TASK.rows(examples, tokenizer, chosen)
    return TASK.answers(outputs(rows, len(chosen.labels), seed), rows, examples, chosen)


def dictated(examples, tokenizer, chosen, tags):
    """The answers of a model that says `tags`, a list for each sentence."""
    rows = TASK.rows(examples, tokenizer, chosen)
    said = dataclasses.replace(examples, tags=tags)
    values = []
    for target in TASK.targets(said, rows, chosen):
        values.append(np.where(target[:, None] == np.arange(len(chosen.labels)), 0.9, 0.02))
    return TASK.answers({"probability": values}, rows, examples, chosen)


def random_sentences(rng, count, longest):
    return [
        ["".join(rng.choice(LETTERS) for _ in range(rng.randint(1, 4)))
         for _ in range(rng.randint(1, longest))]
        for _ in range(count)
    ]  # fmt: skip


def test_labels_and_scheme_come_from_the_file(read):
    examples = read("a O\nb B-PER\nc I-PER\n\nd B-LOC\n")
    assert TASK.config_fields(examples, {}) == {
        "labels": ("O", "B-LOC", "B-PER", "I-PER"),
        "pair": False,
        "settings": {"scheme": "bio", "overlap": 16, "mark_capitals": False},
    }
    examples = read("a NOUN\nb ADJ\n")
    found = TASK.config_fields(examples, {"labels": None, "overlap": 3})
    assert found["labels"] == ("ADJ", "NOUN")
    assert found["settings"] == {"scheme": "none", "overlap": 3, "mark_capitals": False}
    assert json.loads(json.dumps(found["settings"])) == found["settings"]


def test_asked_labels_are_kept_in_their_order(read):
    examples = read("a NOUN\nb ADJ\n")
    asked = {"labels": ["X", "NOUN", "ADJ"]}
    assert TASK.config_fields(examples, asked)["labels"] == ("X", "NOUN", "ADJ")
    with pytest.raises(InputError, match=r"a\.conll:2: tag 'ADJ' is not a label .*\(NOUN, X\)"):
        TASK.config_fields(examples, {"labels": ["NOUN", "X"]})
    with pytest.raises(InputError, match="^labels=X,X: at least two different tags"):
        TASK.config_fields(examples, {"labels": ["X", "X"]})


def test_another_scheme_may_be_asked_for(read, tokenizer):
    examples = read("a I-PER\nb I-PER\n\nc I-LOC\nd O\n")
    found = TASK.config_fields(examples, {"scheme": "bioes"})
    assert found["labels"] == ("O", "B-PER", "E-PER", "S-LOC")
    chosen = config(found["labels"], scheme="bioes")
    TASK.check(examples, chosen)
    targets = TASK.targets(examples, TASK.rows(examples, tokenizer, chosen), chosen)
    assert [target.tolist() for target in targets] == [[-1, 1, 2, -1], [-1, 3, 0, -1]]
    answers = dictated(examples, tokenizer, chosen, [["B-PER", "E-PER"], ["S-LOC", "O"]])
    scores = TASK.scores(answers, examples, chosen)
    assert (scores["f1"], scores["accuracy"]) == (1.0, 1.0)
    with pytest.raises(InputError, match="scheme 'bio' needs tags such as B-PER, found NOUN, VERB"):
        TASK.config_fields(read("a NOUN\nb VERB\n"), {"scheme": "bio"})


def test_metrics_by_scheme():
    assert TASK.metrics(config(scheme="none")) == ("accuracy",)
    assert TASK.metrics(config()) == ("f1", "precision", "recall", "accuracy")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a O\nb B-PER\n\nc B-XYZ\n", r"a\.conll:4: tag 'B-XYZ' is not a label of the model"),
        ("a O\nb NOUN\n", r"a\.conll:2: tag 'NOUN' is not a label of the model \(O, B-LOC"),
        # In another scheme the tag is named as it stands in the file.
        ("a S-PER\nb E-XYZ\n", r"a\.conll:2: tag 'E-XYZ' is not a label"),
    ],
)
def test_an_unknown_tag_in_an_evaluation_file_is_named(read, text, message):
    with pytest.raises(InputError, match=message):
        TASK.check(read(text), config())


def test_one_tag_alone_is_nothing_to_learn(read):
    with pytest.raises(InputError, match=r"a\.conll: at least two different tags are needed"):
        TASK.config_fields(read("a O\nb O\n"), {})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"scheme": "xyz"}, "scheme must be one of none, io, .*, not 'xyz'"),
        ({"scheme": 5}, "setting scheme must be str, not 5"),
        ({"overlap": -1}, "overlap must be 0 words or more, not -1"),
        ({"overlap": True}, "setting overlap must be int, not True"),
        ({"overlap": 1.5}, "setting overlap must be int, not 1.5"),
        ({"stride": 1}, "settings of tagging are scheme, overlap, mark_capitals, found stride"),
    ],
)
def test_settings_are_checked(settings, message):
    chosen = types.SimpleNamespace(labels=NER, max_length=32, settings=settings)
    with pytest.raises(InputError, match=message):
        TASK.check(TASK.examples_from(["a"]), chosen)


def test_a_stray_tag_is_named_unless_none_marks_an_entity(read):
    examples = read("Ann B-PER\nran O\n" + "on O\n" * 20 + "and 0\n")
    with pytest.raises(InputError, match=r":23: tag '0' is neither O nor.* scheme=none"):
        TASK.config_fields(examples, {})
    with pytest.raises(InputError, match=r":23: tag '0'"):
        TASK.config_fields(examples, {"scheme": "bioes"})
    fields = TASK.config_fields(examples, {"scheme": "none"})
    assert fields["labels"] == ("O", "0", "B-PER")


def test_words_with_spaces_stay_beside_their_tags_in_a_table():
    answer = {"words": ["New York", "is"], "tags": ["B-LOC", "O"]}
    assert TASK.cells(answer, None) == ['["New York", "is"]', '["B-LOC", "O"]']
    answer["words"] = ["York", "is"]
    assert TASK.cells(answer, None) == ["York is", "B-LOC O"]


def test_settings_may_be_left_out():
    chosen = types.SimpleNamespace(labels=("X", "Y"), max_length=32, settings={})
    TASK.check(TASK.examples_from(["a"]), chosen)
    assert TASK.metrics(chosen) == ("accuracy",)


def test_targets_stand_at_first_pieces(read, tokenizer):
    examples = read("abc\tB-PER\n\u200b\tI-PER\n北京\tB-LOC\nzz\tO\n")
    targets = TASK.targets(examples, TASK.rows(examples, tokenizer, config()), config())
    # [CLS] a ##b ##c [UNK] 北 京 [UNK] [SEP]
    assert [t.tolist() for t in targets] == [[-1, 2, -1, -1, 4, 1, -1, 0, -1]]
    assert targets[0].dtype == np.int32


def test_each_word_of_a_split_sentence_is_learned_once(read, tokenizer):
    rng = random.Random(0)
    for max_length in (3, 4, 9, 20):
        sentences = random_sentences(rng, 20, 50)
        lines = [[f"{word} {rng.choice(NER)}" for word in words] for words in sentences]
        examples = read("\n\n".join(map("\n".join, lines)))
        chosen = config(max_length=max_length, overlap=4)
        rows = TASK.rows(examples, tokenizer, chosen)
        learned = [[] for _ in sentences]
        for target, index in zip(TASK.targets(examples, rows, chosen), rows.example_indices):
            learned[index] += [NER[label] for label in target if label >= 0]
        assert learned == examples.tags


def test_splitting_changes_no_answer_of_a_model_that_looks_at_words(tokenizer):
    rng = random.Random(0)
    examples = TASK.examples_from(random_sentences(rng, 30, 60))
    whole = answer(examples, tokenizer, config(max_length=512))
    for max_length in (3, 5, 8, 21, 64):
        for overlap in (0, 2, 50):
            chosen = config(max_length=max_length, overlap=overlap)
            split = answer(examples, tokenizer, chosen)
            assert split == whole
            assert all(TASK.answers_agree(a, b, None) for a, b in zip(split, whole))
    for words, found in zip(examples.words, whole):
        assert len(found["tags"]) == len(found["probabilities"]) == len(words)
    # Equal first pieces have equal tags, where the scheme has no rules of its own.
    for words, found in zip(examples.words, answer(examples, tokenizer, config(scheme="iob1"))):
        assert len(set(zip((w[0] for w in words), found["tags"]))) == len({w[0] for w in words})


def test_an_answer_by_hand(tokenizer):
    text = "Ab, 北京  c\u200bd\t🙂!"
    examples = TASK.examples_from([text])
    tags = ["B-PER", "O", "B-LOC", "I-LOC", "I-PER", "I-PER", "O"]
    (found,) = dictated(examples, tokenizer, config(), [tags])
    assert found["text"] == text
    assert found["words"] == ["Ab", ",", "北", "京", "c\u200bd", "🙂", "!"]
    # Nothing goes on inside of PER after LOC: the best that may stand there begins anew.
    assert found["tags"] == ["B-PER", "O", "B-LOC", "I-LOC", "B-PER", "I-PER", "O"]
    assert found["probabilities"][:4] == [0.9] * 4
    repaired, inside = found["probabilities"][4:6]
    assert repaired < 0.1
    assert inside == 0.9
    assert found["entities"] == [
        {"type": "PER", "text": "Ab", "start": 0, "end": 2, "probability": pytest.approx(0.9)},
        {"type": "LOC", "text": "北京", "start": 4, "end": 6, "probability": pytest.approx(0.9)},
        {"type": "PER", "text": "c\u200bd\t🙂", "start": 8, "end": 13,
         "probability": pytest.approx((repaired + inside) / 2)},
    ]  # fmt: skip
    json.dumps(found)


def test_entities_are_slices_of_the_text(tokenizer):
    rng = random.Random(0)
    alphabet = "abc ,'\t 北京é🙂\u0301\u200b"
    texts = ["".join(rng.choice(alphabet) for _ in range(60)) + "a" for _ in range(200)]
    answers = answer(TASK.examples_from(texts), tokenizer, config(max_length=16, overlap=3), seed=5)
    count = 0
    for text, found in zip(texts, answers, strict=True):
        assert found["text"] == text
        assert len(found["words"]) == len(found["tags"])
        for entity in found["entities"]:
            assert entity["text"] == text[entity["start"] : entity["end"]]
            assert 0 < entity["probability"] <= 1
            count += 1
    assert count > 500


def test_without_a_text_entities_say_which_words(read, tokenizer):
    examples = read("a O\nb O\nc O\n", labelled=False)
    (found,) = dictated(examples, tokenizer, config(), [["O", "B-PER", "I-PER"]])
    assert "text" not in found
    assert found["entities"] == [
        {"type": "PER", "text": "b c", "first_word": 1, "last_word": 2,
         "probability": pytest.approx(0.9)},
    ]  # fmt: skip


def test_parts_of_speech_have_no_entities(tokenizer):
    chosen = config(("NOUN", "VERB"), scheme="none")
    (found,) = answer(TASK.examples_from(["a b"]), tokenizer, chosen)
    assert set(found) == {"text", "words", "tags", "probabilities"}


def test_texts_and_lists_of_words_may_be_mixed(tokenizer):
    examples = TASK.examples_from(["a b", ["c d", "e"]])
    assert examples.words == [["a", "b"], ["c d", "e"]]
    text, words = answer(examples, tokenizer, config())
    assert text["text"] == "a b"
    assert "text" not in words
    assert words["words"] == ["c d", "e"]
    assert len(TASK.examples_from([])) == 0


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["a", " \u200b"], r"the texts:2: ' \\u200b' is a text without words"),
        (["a", []], "the texts:2: an empty list of words"),
        ([["a", ""]], "the texts:1: '' is not a word"),
        ([["a\tb"]], r"the texts:1: 'a\\tb' is not a word"),
        ([["a", 5]], "the texts:1: 5 is not a word"),
        ([5], "the texts:1: a text must be a string, not int"),
    ],
)
def test_texts_that_are_none(texts, message):
    with pytest.raises(InputError, match=message):
        TASK.examples_from(texts)


def test_pairs_are_refused():
    with pytest.raises(InputError, match="tagging takes single texts"):
        TASK.examples_from(["a"], ["b"])


@pytest.mark.parametrize("scheme", ["bio", "iob1", "io"])
def test_scores_equal_seqeval(read, tokenizer, scheme):
    rng = random.Random(scheme)
    labels = ("O", "I-LOC", "I-PER") if scheme == "io" else NER
    for seed in range(10):
        sentences = random_sentences(rng, 15, 12)
        lines = [[f"{word} {rng.choice(labels)}" for word in words] for words in sentences]
        examples = read("\n\n".join(map("\n".join, lines)))
        chosen = config(labels, scheme=TASK.config_fields(examples, {})["settings"]["scheme"])
        answers = answer(examples, tokenizer, chosen, seed)
        scores = TASK.scores(answers, examples, chosen)
        pair = examples.tags, [found["tags"] for found in answers]
        functions = {"f1": f1_score, "precision": precision_score, "recall": recall_score}
        for name, function in functions.items():
            assert scores[name] == pytest.approx(function(*pair, zero_division=0), abs=1e-9)
        assert scores["accuracy"] == pytest.approx(accuracy_score(*pair), abs=1e-9)
        assert scores["count"] == 15
        assert scores["words"] == sum(map(len, sentences))


def test_scores_of_parts_of_speech(read, tokenizer):
    examples = read("a NOUN\nb VERB\nc NOUN\n\na NOUN\n")
    chosen = config(("NOUN", "VERB"), scheme="none")
    answers = dictated(examples, tokenizer, chosen, [["NOUN", "NOUN", "NOUN"], ["NOUN"]])
    scores = TASK.scores(answers, examples, chosen)
    assert scores == {"accuracy": 0.75, "words": 4, "count": 2}
    assert TASK.score_lines(scores, chosen) == [
        "accuracy 0.7500",
        "count    2",
        "words    4",
    ]


def test_score_lines_have_a_table_of_types(read, tokenizer):
    examples = read("a B-PER\nb I-PER\nc B-LOC\nd O\n")
    answers = dictated(examples, tokenizer, config(), [["B-PER", "I-PER", "O", "O"]])
    assert TASK.score_lines(TASK.scores(answers, examples, config()), config()) == [
        "f1        0.6667",
        "precision 1.0000",
        "recall    0.5000",
        "accuracy  0.7500",
        "count     1",
        "words     4",
        "type  precision  recall      f1  count",
        "LOC      0.0000  0.0000  0.0000      1",
        "PER      1.0000  1.0000  1.0000      1",
    ]


def test_one_tag_for_every_word_is_a_collapse_whatever_the_lengths():
    answers = [{"tags": ["O"] * length} for length in (3, 1, 5)]
    assert TASK.collapsed(answers, config())
    assert not TASK.collapsed([*answers, {"tags": ["O", "B-PER"]}], config())


def test_a_stray_inside_is_known_where_the_model_knows_it(read):
    """Four words of one I look like scheme io, whose I-LOC would be written B-LOC in bio."""
    labels = ("O", "B-PER", "I-PER", "I-LOC")
    stray = read("x O\ny I-LOC\nz O\n")
    TASK.check(stray, config(labels))
    answers = [{"tags": ["O", "I-LOC", "O"]}]
    assert TASK.scores(answers, stray, config(labels))["accuracy"] == 1
    # But a file in another scheme is converted, though the model has its tags too.
    inside = read("x I-PER\ny I-PER\n")
    TASK.check(inside, config())
    answers = [{"tags": ["B-PER", "I-PER"]}]
    assert TASK.scores(answers, inside, config())["accuracy"] == 1


def test_texts_of_tables_are_tagged_not_their_syntax(read):
    for name, text in (
        ("a.csv", 'id,text\n1,"big, bad"\n2,wolf\n'),
        ("a.jsonl", '{"text": "big, bad"}\n{"text": "wolf"}\n'),
    ):
        found = read(text, labelled=False, name=name)
        assert found.words == [["big", ",", "bad"], ["wolf"]]
        assert found.texts == ["big, bad", "wolf"]
    found = read("id\tsaid\n1\tbig bad\n", False, "a.tsv", text_column="said")
    assert found.words == [["big", "bad"]]
    with pytest.raises(InputError, match=r"a\.json: no text column"):
        read("{}", labelled=False, name="a.json")


def test_same_looks_at_tags_only():
    answer = {"tags": ["O"], "probabilities": [0.6]}
    assert TASK.answers_agree(answer, {"tags": ["O"], "probabilities": [1.0]}, config=None)
    assert not TASK.answers_agree(answer, {"tags": ["B-PER"]}, config=None)


def test_outputs_are_a_softmax_over_tags():
    logits = np.random.default_rng(0).normal(size=(2, 3, 4)) * 50
    found = BertTagger.outputs_from_logits(logits, {}, numpy_ops)["probability"]
    exponents = np.exp(logits - logits.max(-1, keepdims=True))
    np.testing.assert_allclose(found, exponents / exponents.sum(-1, keepdims=True), atol=1e-7)
    assert found.dtype == np.float32
