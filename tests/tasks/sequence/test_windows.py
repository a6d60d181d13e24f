"""Windows of long texts: which tokens they hold, how their outputs are pooled, what is cut."""

import dataclasses
import json
import random

import numpy as np
import pytest
import tokenizer_golden as golden
from conftest import toy_rows
from task_models import make_bert

from keras_bert import numpy_ops
from keras_bert.config import BertConfig
from keras_bert.errors import InputError
from keras_bert.guesses import Guess, Note
from keras_bert.model_folder import ModelConfig
from keras_bert.tasks.sequence import windows
from keras_bert.tasks.sequence.texts import Examples
from keras_bert.tasks.task import Rows

KINDS = {
    "classification": {"labels": ("a", "b", "c")},
    "multi_label": {"labels": ("a", "b", "c"), "settings": {"thresholds": [0.5, 0.4, 0.6]}},
    "regression": {"settings": {"mean": 2.5, "scale": 1.5}},
}
SENTENCES = [text for _, text in toy_rows(60, seed=3)]


def make(kind, length=24, **fields):
    """Returns a model of a kind with random weights."""
    fields = {"labels": (), "settings": {}, **KINDS[kind], **fields}
    return make_bert("regression", task=kind, max_length=length, **fields)


def long_texts(count, seed=0):
    rng = random.Random(seed)
    return [" ".join(rng.sample(SENTENCES, rng.randint(1, 9))) for _ in range(count)]


# === Places ===


@pytest.mark.parametrize("room", [1, 2, 3, 4, 7, 8, 30, 126])
def test_windows_hold_every_token_and_share_a_quarter(room):
    for tokens in {*range(room + 1, room + 40), 10 * room + 3, 1000 + room}:
        found = windows.starts(tokens, room)
        assert found[0] == 0
        assert found[-1] == tokens - room  # the last one is as long as the others
        steps = np.diff(found)
        assert steps.min() >= 1
        assert steps.max() <= room - room // 4
        assert steps.max() - steps.min() <= 1
        # One window less would share less than that.
        assert (len(found) - 2) * (room - room // 4) < tokens - room


@pytest.mark.parametrize("length", [4, 5, 8, 16, 33])
def test_of_a_pair_the_longer_text_moves_and_the_other_stays(length):
    for size_a in range(30):
        for size_b in range(30):
            parts = windows.spans(size_a, size_b, length)
            if size_a + size_b <= length - 3:
                assert parts == [((0, size_a), (0, size_b))]
                continue
            long, size, other = (0, size_a, size_b) if size_a > size_b else (1, size_b, size_a)
            kept = min(other, (length - 3) // 2)
            assert all(part[1 - long] == (0, kept) for part in parts)
            assert {end - start for start, end in (part[long] for part in parts)} == {
                length - 3 - kept
            }
            covered = {token for part in parts for token in range(*part[long])}
            assert covered == set(range(size))


def test_no_room_for_windows_is_told_of():
    with pytest.raises(InputError, match="length=3: leaves no room for windows"):
        windows.spans(5, 5, 3)
    assert windows.spans(3, None, 3) == [((i, i + 1), (0, 0)) for i in range(3)]


def config(length, pair, is_windowed):
    encoder = BertConfig(vocab_size=100, max_position_embeddings=512)
    labels = ("a", "b")
    return ModelConfig(
        encoder, "classification", labels, pair=pair, max_length=length, windows=is_windowed
    )


@pytest.mark.parametrize("paired", [False, True])
@pytest.mark.parametrize("length", [3, 8, 20, 64])
def test_rows_without_windows_are_those_of_the_tokenizer(paired, length):
    """And the texts that are longer are counted."""
    tokenizer = golden.tokenizer("uncased")
    first, second = long_texts(30), long_texts(30, seed=1) if paired else None
    examples = Examples("f", first, second, None, list(range(30)))
    rows = windows.rows_of(examples, tokenizer, config(length, paired, False))
    expected = tokenizer.encode_batch(first, second, length)
    for row, encoding in zip(rows.encodings, expected, strict=True):
        assert row.token_ids.tolist() == list(encoding.token_ids)
        assert row.segment_ids.tolist() == list(encoding.segment_ids)
    whole = tokenizer.encode_batch(first, second)
    assert rows.cut == sum(len(encoding.token_ids) > length for encoding in whole)
    assert rows.example_indices.tolist() == list(range(30))


def test_rows_with_windows_hold_the_whole_text():
    tokenizer = golden.tokenizer("uncased")
    texts = long_texts(20)
    examples = Examples("f", texts, None, None, list(range(20)))
    rows = windows.rows_of(examples, tokenizer, config(16, False, True))
    assert rows.cut == 0
    for i, pieces in enumerate(tokenizer.cut(texts)):
        mine = [r for r, owner in zip(rows.encodings, rows.example_indices) if owner == i]
        wanted = windows.starts(len(pieces), 14) if len(pieces) > 14 else [0]
        for row, start in zip(mine, wanted, strict=True):
            ids = [tokenizer.cls_id, *pieces.ids[start : start + 14], tokenizer.sep_id]
            assert row.token_ids.tolist() == ids
            assert not row.segment_ids.any()


def test_the_other_text_of_a_pair_is_cut_to_half_a_row_and_counted():
    tokenizer = golden.tokenizer("uncased")
    word = "the"
    texts = [(word * 1, word), ("the " * 40, "the " * 4), ("the " * 40, "the " * 30)]
    examples = Examples("f", *map(list, zip(*texts)), None, [1, 2, 3])
    rows = windows.rows_of(examples, tokenizer, config(19, True, True))
    assert rows.cut == 1
    last = rows.encodings[-1]
    assert len(last.token_ids) == 19
    assert last.segment_ids.sum() == 9  # 8 tokens and [SEP]


# === Pooling ===


def softmax(x):
    return np.exp(x - x.max()) / np.exp(x - x.max()).sum()


@pytest.mark.parametrize("link", ["softmax", "sigmoid", None])
def test_pooled_outputs_are_those_of_the_mean_of_the_logits(link):
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(7, 4), scale=3).astype("float32")
    owners = np.array([0, 1, 1, 1, 2, 3, 3])
    function = {
        "softmax": lambda x: numpy_ops.softmax(x),
        "sigmoid": numpy_ops.sigmoid,
        None: lambda x: x,
    }[link]
    values = list(function(logits))
    found = windows.pooled(values, Rows([None] * 7, owners), link)
    inverse = {"softmax": softmax, "sigmoid": lambda x: 1 / (1 + np.exp(-x)), None: lambda x: x}
    for i in range(4):
        expected = inverse[link](logits[owners == i].astype("float64").mean(axis=0))
        np.testing.assert_allclose(found[i], expected, rtol=2e-5, atol=2e-6)
    # One row: its own outputs, to the bit.
    assert np.array_equal(found[0], values[0])
    assert np.array_equal(found[2], values[4])


def test_outputs_that_are_certain_stay_finite():
    values = [np.array([1.0, 0.0], "float32"), np.array([1.0, 0.0], "float32")]
    rows = Rows([None] * 2, np.array([0, 0]))
    for link in ("softmax", "sigmoid"):
        (found,) = windows.pooled(values, rows, link)
        np.testing.assert_allclose(found, [1, 0], atol=2e-7)


@pytest.mark.parametrize("kind", KINDS)
def test_a_long_text_is_answered_by_the_mean_of_its_windows(kind):
    """By hand: the tokens of each window, the network's logits, their mean."""
    bert = make(kind, windows=True)
    short, long = SENTENCES[0], " ".join(SENTENCES[1:8])
    answers = bert.predict([short, long])
    (pieces,) = bert.tokenizer.cut([long])
    logits = []
    for start in windows.starts(len(pieces), 22):
        ids = [bert.tokenizer.cls_id, *pieces.ids[start : start + 22], bert.tokenizer.sep_id]
        row = np.array([ids], "int32")
        inputs = {"token_ids": row, "segment_ids": 0 * row, "padding_mask": 0 * row + 1}
        logits.append(np.asarray(bert.model(inputs, training=False))[0])
    assert len(logits) > 3
    mean = np.mean(np.array(logits, "float64"), axis=0)
    if kind == "regression":
        assert answers[1]["value"] == pytest.approx(mean[0] * 1.5 + 2.5, abs=2e-5)
    else:
        expected = softmax(mean) if kind == "classification" else 1 / (1 + np.exp(-mean))
        found = list(answers[1]["probabilities"].values())
        np.testing.assert_allclose(found, expected, atol=2e-5)
    # A short text has the answer that it has without windows; and one can ask for either.
    plain = make(kind)
    with pytest.warns(Guess, match="1 of 2 texts is longer than 24 tokens and is cut: windows=Tr"):
        cut = plain.predict([short, long])
    assert close(cut[0], answers[0])
    assert not close(cut[1], answers[1])
    found = plain.predict([short, long], windows=True)
    assert all(map(close, found, answers))
    assert plain.config.windows is False
    with pytest.warns(Note, match="1 of 2 texts is longer than 24 tokens and is cut$"):
        assert all(map(close, bert.predict([short, long], windows=False), cut))


def close(answer, other):
    """Says whether two answers are the same up to rounding, which depends on the rows beside."""
    name = "value" if "value" in answer else "probabilities"
    return answer[name] == pytest.approx(other[name], abs=2e-6)


@pytest.mark.parametrize("kind", ["tagging", "question_answering", "multiple_choice"])
def test_other_tasks_have_no_windows(kind):
    bert = make_bert(kind)
    second = {"tagging": None, "question_answering": "a", "multiple_choice": ["a", "b", "c"]}[kind]
    with pytest.raises(InputError, match="windows is for classification, multi_label, regression"):
        bert.predict("good film", second, windows=True)
    with pytest.raises(InputError, match="windows must be true or false, and true only for tasks"):
        dataclasses.replace(bert.config, windows=True)


def test_questions_with_choices_that_are_cut_are_counted():
    bert = make_bert("multiple_choice")
    with pytest.warns(Guess, match="1 of 2 texts is longer than 48 tokens and is cut$"):
        bert.predict(["good", " ".join(SENTENCES)], [["a", "b", "c"]] * 2)


@pytest.mark.parametrize("kind", KINDS)
def test_each_window_is_trained_on_with_the_target_of_its_text(kind):
    bert = make(kind, windows=True)
    labels = {"regression": [1.0, 4.0], "classification": ["b", "c"], "multi_label": ["b", "a|c"]}
    x, y = bert.training_arrays(([SENTENCES[0], " ".join(SENTENCES[1:5])], labels[kind]))
    count = len(x["token_ids"])
    assert count > 3
    assert len(y) == count
    short, long = {
        "regression": ([-1.0], [1.0]), "classification": (1, 2),
        "multi_label": ([0, 1, 0], [1, 0, 1]),
    }[kind]  # fmt: skip
    np.testing.assert_allclose(y, [short] + [long] * (count - 1), atol=1e-6)


def test_a_config_keeps_windows_and_labels_of_files(tmp_path):
    bert = make("classification", windows=True, file_labels=("0", "1", "2"))
    text = bert.config.to_json()
    assert ModelConfig.from_dict(json.loads(text)) == bert.config
    older = json.loads(text)
    del older["windows"], older["file_labels"]
    assert ModelConfig.from_dict(older).windows is False
    for broken in (["0", "1"], ["0", "1", "1"], ["0", "1", 2], ["b", "a", "c"], "012"):
        with pytest.raises(InputError, match="file_labels"):
            dataclasses.replace(bert.config, file_labels=broken)
    examples = Examples("f", ["x"] * 2, None, ["2", "a"], [1, 2])
    assert bert.task.true_answers(examples, bert.config) == ["c", "a"]
