"""Windows over passages and answers in a TensorFlow graph, against the Python modules."""

import random

import numpy as np
import pytest
import tensorflow as tf
import tokenizer_golden as golden
from marks import slow_but
from passages import EMPTY, NASTY

from keras_bert.export.graph_passages import make_windows
from keras_bert.export.graph_spans import SpanDecoder, Spans, null_scores, span_scores, with_marks
from keras_bert.tasks.question_answering import windows as python
from keras_bert.tasks.question_answering.settings import Settings
from keras_bert.tasks.question_answering.spans import answer_of
from keras_bert.tasks.question_answering.word_bounds import belongs_to_word
from keras_bert.text.graph_characters import CharacterFlags, decoded
from keras_bert.text.graph_pieces import PieceCutterInGraph

ARTICLES = (
    "The cat, a dog and THE catalogue: an Äpfel, the\u00a0a_b the-é an an the. A ΘΗΣ the ΘΗΣ!"
)
PASSAGES = [
    *NASTY, *EMPTY, ARTICLES, f"{' '.join(NASTY)} {ARTICLES}", "the", "a the an", "İ. the i\u0307",
]  # fmt: skip


@pytest.fixture(scope="module")
def cutter():
    flags = CharacterFlags(of_word=belongs_to_word)
    return PieceCutterInGraph(golden.tokenizer("uncased"), flags), flags


@pytest.mark.parametrize(("length", "stride", "most"), [(24, 9, 6), (24, 15, 6), (20, 1, 12)])
def test_windows_are_those_of_python(cutter, length, stride, most):
    tokenizer = golden.tokenizer("uncased")
    questions = [("who is it, and why? " * 9)[: 7 * i] for i in range(len(PASSAGES))]
    expected, indices = python.make_windows(tokenizer, questions, PASSAGES, length, stride, most)
    found = make_windows(
        cutter[0](questions).ids, cutter[0](PASSAGES).ids, length, stride, most,
        tokenizer.cls_id, tokenizer.sep_id,
    )  # fmt: skip
    number = np.diff(found.splits.numpy())
    assert np.repeat(np.arange(len(number)), number).tolist() == indices.tolist()
    assert found.token_ids.to_list() == [window.token_ids.tolist() for window in expected]
    assert found.segment_ids.to_list() == [window.segment_ids.tolist() for window in expected]
    for name in ("first", "count", "position"):
        values = getattr(found, f"{name}s").numpy().tolist()
        assert values == [getattr(window, name) for window in expected]
    owned = [window.owned[0] for window in expected]
    assert found.owned.numpy().tolist() == owned
    assert max(number) > 5


CASES = [(seed, null) for seed in range(4) for null in (False, True)]


@pytest.mark.parametrize("case", slow_but(CASES, (2, True)), ids=str)
def test_answers_are_those_of_python(cutter, case):
    """Also where many spans are one answer, and where few or none are whole words."""
    (cutter, flags), (seed, null) = cutter, case
    settings = Settings(
        doc_stride=9, max_question_length=6, max_answer_length=4 + seed, n_best=1 + 5 * (seed % 3),
        null_answers=null, null_threshold=-0.5, whole_words=seed != 1,
    )  # fmt: skip
    tokenizer, rng = golden.tokenizer("uncased"), np.random.default_rng(seed)
    questions = random.Random(seed).choices(
        ["why", "who is it?", "a b c d e f g h"], k=len(PASSAGES)
    )
    codes = decoded(tf.constant(PASSAGES))
    pieces = cutter.cut(codes)
    windows = make_windows(
        cutter(questions).ids, pieces.ids, 24, 9, 6, tokenizer.cls_id, tokenizer.sep_id
    )
    # Rounded, so that scores are equal now and then.
    logits = rng.normal(size=(2, len(windows.token_ids.values))).round(2 - seed % 2)
    logits = logits.astype("float32")
    scores = span_scores(*logits, windows, pieces.ids, settings.max_answer_length)
    nulls = null_scores(*logits, windows)
    ends = with_marks(pieces.ends, codes, flags)
    decoder = SpanDecoder(settings, flags)

    @tf.function(reduce_retracing=True, autograph=False)
    def answer(scores, starts, ends, codes, null):
        return decoder.answer(Spans(scores, starts, ends, codes), null)

    expected, indices = python.make_windows(tokenizer, questions, PASSAGES, 24, 9, 6)
    row_splits = windows.token_ids.row_splits.numpy()
    answered = 0
    for number, passage in enumerate(PASSAGES):
        rows = np.flatnonzero(indices == number)
        parts = [[each[row_splits[r] : row_splits[r + 1]] for r in rows] for each in logits]
        wanted = answer_of([expected[r] for r in rows], *parts, passage, settings)
        part = slice(*pieces.ids.row_splits[number : number + 2].numpy())
        start, end, _, probability, odds = answer(
            scores[part], pieces.starts[number], ends[number], codes[number], nulls[number]
        )
        assert (int(start), int(end)) == (wanted["start"], wanted["end"]), passage
        assert passage[int(start) : int(end)] == wanted["text"]
        assert float(probability) == pytest.approx(wanted["probability"], abs=1e-6)
        if null:
            assert float(odds) == pytest.approx(wanted["null_odds"], abs=1e-6)
        answered += bool(wanted["text"])
    assert answered > len(PASSAGES) // 3
