"""The windows of long passages: Google's rules as loops, and round trips of alignments."""

import itertools
import types

import numpy as np
import pytest
import tokenizer_golden as golden
from passages import NASTY

from keras_bert.errors import InputError
from keras_bert.tasks.question_answering.task import QuestionAnsweringTask
from keras_bert.tasks.question_answering.windows import Passage, answer_tokens, layout, make_windows


def google_windows(tokens, room, stride):
    """doc_spans and _check_is_max_context as loops over one token and one window at a time."""
    spans, start = [], 0
    while start < tokens:
        length = min(tokens - start, room)
        spans.append((start, length))
        if start + length == tokens:
            break
        start += min(length, stride)
    best_of = []
    for token in range(tokens):
        best, best_score = None, None
        for i, (start, length) in enumerate(spans):
            if start <= token < start + length:
                left, right = token - start, start + length - 1 - token
                score = min(left, right) + 0.01 * length
                if best is None or score > best_score:
                    best, best_score = i, score
        best_of.append(best)
    return spans, best_of


@pytest.mark.parametrize("room", [1, 2, 3, 7, 10, 61, 130, 317])
def test_layout_is_google_s(room):
    strides = {1, 2, 3, room // 3, room // 2, room - 1, room} - {0, -1}
    for stride in sorted(s for s in strides if s <= room):
        for tokens in {*range(1, 25), 128, 316, 317, 318, 445, 446, 500, room + 1, 2 * room}:
            spans, best_of = google_windows(tokens, room, stride)
            parts = layout(tokens, room, stride)
            assert [part[:2] for part in parts] == spans
            owners = [
                [i for i, (*_, (first, end)) in enumerate(parts) if first <= token < end]
                for token in range(tokens)
            ]
            assert owners == [[best] for best in best_of], (tokens, room, stride)


def test_a_passage_without_tokens_has_one_window():
    assert layout(0, 10, 5) == ((0, 0, (0, 0)),)


def test_windows_are_rows_of_the_model():
    tokenizer = golden.tokenizer("uncased")
    context = "the quick brown fox jumps over the lazy dog"
    windows, indices = make_windows(
        tokenizer, ["who jumps over the dog?", "x"], [context] * 2, 14, 3, 4
    )
    assert windows[0].passage is windows[-1].passage
    assert indices.tolist() == sorted(indices.tolist())
    whole = tokenizer.encode("who jumps over the", context)
    for window, index in zip(windows, indices):
        assert len(window) == len(window.token_ids) == len(window.segment_ids) <= 14
        assert window.token_ids.dtype == window.segment_ids.dtype == np.int32
        tokens = [tokenizer.vocabulary[i] for i in window.token_ids]
        assert tokens[0] == "[CLS]"
        assert tokens[-1] == "[SEP]"
        assert tokens[1 : window.position - 1] == [["who", "jumps", "over", "the"], ["x"]][index]
        passage = whole.tokens[6:-1][window.first : window.first + window.count]
        assert tokens[window.position : -1] == passage
        expected = [0] * window.position + [1] * (window.count + 1)
        assert window.segment_ids.tolist() == expected
    shown = {t for w in windows[:3] for t in range(w.first, w.first + w.count)}
    assert shown == set(range(9))


def test_a_short_passage_is_one_pair_as_the_tokenizer_encodes_it():
    tokenizer = golden.tokenizer("uncased")
    for context in NASTY:
        windows, _ = make_windows(tokenizer, ["Who?"], [context], 500, 128, 64)
        encoding = tokenizer.encode("Who?", context)
        assert len(windows) == 1
        assert windows[0].token_ids.tolist() == encoding.token_ids
        assert windows[0].segment_ids.tolist() == encoding.segment_ids
        offsets = list(zip(windows[0].passage.starts, windows[0].passage.ends))
        assert offsets == encoding.offsets[windows[0].position : -1]
        assert (np.diff(windows[0].passage.starts) >= 0).all()
        assert (np.diff(windows[0].passage.ends) >= 0).all()


def test_each_passage_is_tokenized_once():
    tokenizer = golden.tokenizer("uncased")
    calls = []
    counting = types.SimpleNamespace(
        cut=lambda texts: calls.extend(texts) or tokenizer.cut(texts), cls_id=1, sep_id=2
    )
    contexts = ["first passage", "second passage"] * 500
    make_windows(counting, ["who?"] * 1000, contexts, 30, 5, 10)
    assert [calls.count(text) for text in contexts[:2]] == [1, 1]


@pytest.mark.parametrize(
    ("lengths", "message"),
    [
        ((32, 8, 64), "length 32 leaves no room for a passage beside a question of 64"),
        ((67, 1, 64), "length 67 leaves no room"),
        ((128, 128, 64), "doc_stride 128 would skip tokens: .* leaves 61 .* at most 61"),
    ],
)
def test_lengths_that_cannot_cover_a_passage_are_refused(lengths, message):
    with pytest.raises(InputError, match=message):
        make_windows(golden.tokenizer("uncased"), ["a"], ["b"], *lengths)
    max_length, stride, most = lengths
    settings = {"doc_stride": stride, "max_question_length": most}
    config = types.SimpleNamespace(max_length=max_length, settings=settings)
    with pytest.raises(InputError, match=message):
        QuestionAnsweringTask().check(None, config)


def test_alignment_takes_all_tokens_that_overlap():
    passage = Passage(*np.array([[1, 2, 3, 4], [0, 3, 5, 5], [3, 5, 9, 9]], "int32"))
    assert passage.align(0, 3) == (0, 0)
    assert passage.align(1, 4) == (0, 1)
    assert passage.align(4, 5) == (1, 1)
    assert passage.align(5, 6) == (2, 3)  # two tokens of the same characters
    assert passage.align(0, 100) == (0, 3)
    assert passage.align(9, 12) is None
    gap = Passage(*np.array([[1, 2], [0, 6], [3, 9]], "int32"))
    assert gap.align(3, 6) is None
    assert gap.align(4, 7) == (1, 1)


@pytest.mark.parametrize(
    ("vocabulary", "context"),
    [
        ("uncased", "In 1891, Zoë (née Müller) sold 1,200 naïve café-goers a $5.50 crème brûlée."),
        ("cased", "The Danube rises in Germany and ends in the Black Sea; Vienna lies between."),
        ("chinese", "北京是中国的首都，上海（Shanghai）有二千四百万人，1949年后发展很快。"),
        ("multilingual", "Αθήνα, Москва и 東京: 東京都 has 14 million people."),
    ],
)
def test_alignments_of_whole_words_round_trip(vocabulary, context):
    tokenizer = golden.tokenizer(vocabulary)
    passage = make_windows(tokenizer, ["x"], [context], 384, 128, 64)[0][0].passage
    tokens = len(passage)
    for first, last in itertools.combinations_with_replacement(range(tokens), 2):
        start, end = int(passage.starts[first]), int(passage.ends[last])
        assert passage.align(start, end) == (first, last)
        answer = context[start:end]
        assert answer_tokens(passage, [(answer, start)]) == (first, last)
        # Spaces around an answer change nothing.
        assert passage.align(start, end + (end < len(context) and context[end] == " ")) == (
            first,
            last,
        )
