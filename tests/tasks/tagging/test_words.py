"""Words of running text: slices of it, nothing lost, parted as the treebanks part them."""

import random

import pytest

from keras_bert.tasks.tagging.words import join_words, words_of
from keras_bert.text.cleaning import is_control


def words(text):
    return [text[start:end] for start, end in words_of(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The cat sat.", "The|cat|sat|."),
        ("(a, b)", "(|a|,|b|)"),
        ("I don't know; it's John's, I'd've", "I|do|n't|know|;|it|'s|John|'s|,|I|'d|'ve"),
        ("DON’T we’ll", "DO|N’T|we|’ll"),
        ("O'Brien l'homme rock'n'roll dogs' 'quoted'",
         "O'Brien|l'homme|rock'n'roll|dogs|'|'|quoted|'"),
        ("it 's n't", "it|'s|n't"),
        ("U.S. e.g. Mr. X.", "U.S.|e.g.|Mr|.|X|."),
        ("3.14, 1,000.5 10:30 8/16/2000 5.", "3.14|,|1,000.5|10:30|8/16/2000|5|."),
        ("see http://t.co/x?y=1, www.a.org. a.b+c@d.co.uk!",
         "see|http://t.co/x?y=1|,|www.a.org|.|a.b+c@d.co.uk|!"),
        ("@me #tag # 5 #5", "@me|#tag|#|5|#|5"),
        ("Wait... what?! -- yes!!!", "Wait|...|what|?|!|--|yes|!!!"),
        ("state-of-the-art", "state|-|of|-|the|-|art"),
        ("他在北京3月。", "他|在|北|京|3|月|。"),
        ("看http://t.cn/abc，好", "看|http://t.cn/abc|，|好"),
        ("한국어 ひらがな カタカナ", "한국어|ひらがな|カタカナ"),
        ("हिन्दी भाषा।", "हिन्दी|भाषा|।"),
        ("nai\u0308ve cafe\u0301!", "nai\u0308ve|cafe\u0301|!"),
        ("👨‍👩‍👧 ❤️ ‼️ 1️⃣", "👨‍👩‍👧|❤️|‼️|1️⃣"),
        ("\ufeffx\u200b \u200b a\u00adb", "x|a\u00adb"),
        ("a\tb\n c\u3000d\u00a0e", "a|b|c|d|e"),
        (" \n\u200b", ""),
        ("", ""),
    ],
)  # fmt: skip
def test_words_by_hand(text, expected):
    assert "|".join(words(text)) == expected


def test_words_are_in_order_and_only_spaces_and_controls_are_left_out():
    rng = random.Random(0)
    alphabet = "ab1I. ,'’n't@#:/-_!\t\n\u200b\u0301\ufe0f漢字ひé🙂\u3000\ud800\u00ad"
    for _ in range(4000):
        text = "".join(rng.choice(alphabet) for _ in range(rng.randint(0, 25)))
        position = 0
        for start, end in [*words_of(text), (len(text), len(text))]:
            assert position <= start <= end
            assert all(c.isspace() or is_control(c) for c in text[position:start]), repr(text)
            assert not any(c.isspace() for c in text[start:end])
            position = end


@pytest.mark.parametrize(
    "part", ["a.b", "a'd", "1.", "x", ".", "a-", "@", "a@", "'", "\u200b", "好"]
)
def test_long_texts_without_spaces_take_no_quadratic_time(part):
    text = part * 60_000
    found = sum(end - start for start, end in words_of(text))
    assert found == (0 if part == "\u200b" else len(text))


def test_joined_words_have_spaces_but_not_in_chinese():
    assert join_words(["New", "York", "city"]) == "New York city"
    assert join_words(["北", "京", "3", "月"]) == "北京 3 月"
