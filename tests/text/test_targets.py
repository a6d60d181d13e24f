"""Word numbers of encodings; targets of taggers and answerers from words and characters."""

import numpy as np
import pytest
import tokenizer_golden as golden

from keras_bert.errors import InputError
from keras_bert.tasks.question_answering.windows import answer_tokens, make_windows
from keras_bert.tasks.tagging.word_rows import rows_of_words
from keras_bert.text.tokenizer import WordPieceTokenizer

VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b", "##a", "##b", ".", "é"]
TOKENIZER = WordPieceTokenizer(VOCABULARY, lower_case=False)
SENTENCES = [["ab", "a", "bab"], ["b"], ["a", "\u200b", "b."]]
NAMES = ("O", "PER", "LOC")
TAGS = [["PER", "O", "LOC"], ["O"], ["LOC", "PER", "O"]]


def test_word_ids():
    assert TOKENIZER.encode("ab a. ba", "b").word_ids == [
        None, 0, 0, 1, 2, 3, 3, None, 0, None,
    ]  # fmt: skip
    assert TOKENIZER.encode_with_mask("ab [MASK] a").word_ids == [None, 0, 0, 1, 2, None]
    encoding = TOKENIZER.encode(["ab", "b.", "a"], ["b"], is_split_into_words=True)
    assert encoding.tokens[1:-1] == ["a", "##b", "b", ".", "a", "[SEP]", "b"]
    assert encoding.word_ids == [None, 0, 0, 1, 1, 2, None, 0, None]
    assert encoding.offsets[1:6] == [(0, 1), (1, 2), (0, 1), (1, 2), (0, 1)]


@pytest.mark.parametrize("name", golden.LOWER_CASE)
def test_word_ids_number_the_words_without_gaps(name):
    for encoding in golden.tokenizer(name).encode_batch(golden.texts()):
        words = encoding.word_ids[1:-1]
        starts = [not token.startswith("##") for token in encoding.tokens[1:-1]]
        # A token that is no continuation begins a word; "##" of the text is its own words.
        steps = np.diff([-1, *words])
        assert set(steps) <= {0, 1}
        assert all(starts[i] for i in np.flatnonzero(steps))


def test_split_words_give_the_inputs_and_targets_of_tagging():
    inputs = TOKENIZER(SENTENCES, is_split_into_words=True, length=9)
    found = TOKENIZER.tag_targets(SENTENCES, TAGS, labels=NAMES, length=9)
    assert found.dtype == np.int32
    # The rows of the task itself, made by other code.
    rows = rows_of_words(SENTENCES, TOKENIZER, 9, overlap=0)
    for i, (row, read) in enumerate(zip(rows.encodings, rows.details, strict=True)):
        count = len(row.token_ids)
        assert inputs["token_ids"][i, :count].tolist() == row.token_ids
        assert inputs["padding_mask"][i].tolist() == [1] * count + [0] * (9 - count)
        expected = np.full(9, -1)
        expected[read.positions] = [NAMES.index(tag) for tag in TAGS[i]]
        assert found[i].tolist() == expected.tolist()
    numbers = [[NAMES.index(tag) for tag in tags] for tags in TAGS]
    np.testing.assert_array_equal(TOKENIZER.tag_targets(SENTENCES, numbers, length=9), found)
    short = TOKENIZER.tag_targets(SENTENCES, numbers, length=5)
    assert short.tolist() == [[-1, 1, -1, 0, -1], [-1, 0, -1, -1, -1], [-1, 2, 1, 0, -1]]
    assert TOKENIZER(SENTENCES, length=5, is_split_into_words=True)["token_ids"].shape == (3, 5)


def test_spans_are_those_of_the_task():
    passages = ["ab a. bab", "b a", "ab ab ab ab ab", "\u200bab"]
    questions = ["a", "b", "ab", "a"]
    answers = [("a. b", 3), None, ("ab", 12), ("\u200bab", 0)]
    found = TOKENIZER.span_targets(questions, passages, answers)
    windows, indices = make_windows(TOKENIZER, questions, passages, 40, 8, 8)
    assert indices.tolist() == [0, 1, 2, 3]
    for row, (window, answer) in enumerate(zip(windows, answers, strict=True)):
        tokens = answer_tokens(window.passage, [answer] if answer else [])
        expected = [window.position_of(token) for token in tokens] if tokens else [0, 0]
        assert [int(found[name][row]) for name in ("start_logits", "end_logits")] == expected
    inputs = TOKENIZER(questions, passages, length=10)
    found = TOKENIZER.span_targets(questions, passages, answers, length=10)
    start, end = found["start_logits"][0], found["end_logits"][0]
    span = [VOCABULARY[i] for i in inputs["token_ids"][0, start : end + 1]]
    assert span == ["a", ".", "b"]  # the first piece of the third word
    assert found["end_logits"][2] == 0  # cut off
    by_text = TOKENIZER.span_targets(questions, passages, ["a. b", "", "ab", "ab"])
    assert [by_text["start_logits"][i] for i in (0, 1, 2)] == [start, 0, 4]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: TOKENIZER(["a b"], is_split_into_words=True), "sentence 1: .* lists of words"),
        (lambda: TOKENIZER([["a", 3]], is_split_into_words=True), "must be a string"),
        (lambda: TOKENIZER.tag_targets([["a"]], [["O", "O"]], NAMES), "1 words but 2 tags"),
        (lambda: TOKENIZER.tag_targets([["a"]], [], NAMES), "1 sentences but 0 lists"),
        (lambda: TOKENIZER.tag_targets([["a"]], [["X"]], NAMES), "'X' is not one of O, PER"),
        (lambda: TOKENIZER.tag_targets([["a"]], [["O"]]), "is a name: give labels"),
        (lambda: TOKENIZER.span_targets(["a"], ["ab a"], [("b", 0)]), "'b' is not at character 0"),
        (lambda: TOKENIZER.span_targets(["a"], ["ab a"], ["c"]), "is not at character -1"),
        (lambda: TOKENIZER.span_targets(["a"], ["ab a"], []), "1 passages but 0 answers"),
    ],
)
def test_bad_input_gets_one_line(call, message):
    with pytest.raises(InputError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)
