"""Sentence ends, on cases collected by hand: `|` marks where one sentence ends."""

import time

import pytest

from keras_bert.pretraining.sentences import split_sentences

ENGLISH = [
    "One. | Two! | Three? | Four",
    "He came at 3.14 p.m. and left. | Nobody saw him.",
    "Mr. Smith met Dr. Jones in St. Louis. | They talked.",
    "J. R. R. Tolkien wrote it. | C. S. Lewis did not.",
    "George W. Bush won. | Then he lost.",
    "It costs $3.50. | That is cheap.",
    "Version 2.0 is out. | See example.com for it.",
    "He paused... then went on.",
    "He paused... | Then he went on.",
    "He paused… | Then he went on.",
    "Wait... 5 more minutes.",
    '"Go away," he said. | "Why?" she asked. | "Because."',
    '"I see." | He turned.',
    "“I see.” | He turned. | “Well?” | She left.",
    "“What?” he cried. | “Nothing!” said she.",
    "(He was late.) | She was not.",
    "He left (at last). | She stayed [for now]. | All was well.",
    "Really?! | Yes!!! | No.",
    "He works for Apple Inc. in California.",
    "He works for Apple Inc. | He likes it.",
    "the U.S. Army and the U.S. government",
    "He lives in the U.S. | She lives in the U.K. | They met once.",
    "We met at 5 p.m. | The room was empty.",
    "It was 5 p.m. Greenwich time.",
    "See Fig. 3 and No. 7 on pp. 10–12. | They differ.",
    "On Jan. 5 it rained. | On Feb. 6 it snowed.",
    "It happened in 1990. | The year was good.",
    "It happened in 1990. | 1991 was worse.",
    "Some fruit, e.g. apples, i.e. the red ones, etc. are good.",
    "Smith et al. (2010) showed it. | Others, cf. Jones vs. Brown, did not.",
    "1. The first point. | The second.",
    "So did I. | The others did not.",
    "Vitamin C. | The best of all.",
    "It was A. A. Milne who came. | He smiled.",
    "She has a Ph.D. in physics. | Her brother has an M.D. | They are happy.",
    "He said yes.And then no.",
    "¿Qué? | ¡No! | Él se fue. | Después volvió.",
    "Er kam. | Über allem war Ruhe.",
    "Он пришёл. | Она ушла.",
    "That was it. | --And then?",
    "It was _there._ | He saw it.",
    "No end here",
    "...",
    "Wow!  |  Two spaces.",
    "He said 'no.' | She said 'yes.' | Good.",
    "Gov. Brown and Gen. Lee left. | Lt. Col. Jones stayed.",
    "Jr. Walker sang. | Sammy Davis Jr. danced.",
    "The end.* | A note.",
]

CHINESE = [
    "你好。|我很好！|你呢？",
    "他说：“好。”|然后走了。",
    "「你去哪裡？」|他問。|我不知道……|算了。",
    "他来了；|她走了。",
    "你好吗?|我很好!|再见",
    "圆周率是3.14。|对吗？！|对。",
    "（他不在。）|我走了。",
    "《妄想女友》（）是2015年5月23日開始毎週六23:40 - 24:05播放。|第二部作品。",
    "这是Mr. Smith的书。|很好。",
    "这是。。。|好吧。",
]

JAPANESE = [
    "今日は。|元気ですか？|はい！",
    "「行こう。」と彼は言った。|彼女は黙った。",
    "「行こう！」って言った。|終わり｡|本当",
    "（そうだ。）|彼は来た。",
]


@pytest.mark.parametrize("case", [*ENGLISH, *CHINESE, *JAPANESE])
def test_sentence_ends(case):
    parts = [part.strip() for part in case.split("|")]
    assert split_sentences(case.replace("|", "")) == parts


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r", "\u2028", "\n\n"])
def test_newline_ends_a_sentence(newline):
    assert split_sentences(f"a title{newline}The text. It goes on") == [
        "a title", "The text.", "It goes on",
    ]  # fmt: skip


def test_nothing_is_lost():
    text = " ".join(case.replace("|", "") for case in [*ENGLISH, *CHINESE, *JAPANESE])
    assert "".join("".join(split_sentences(text)).split()) == "".join(text.split())


@pytest.mark.parametrize("text", ["", " ", "\n \t\n", "\u3000"])
def test_no_sentence(text):
    assert split_sentences(text) == []


@pytest.mark.parametrize("unit", '. !" a. a.\n 。 。」 「 A. - (" 1.'.split(" "))
@pytest.mark.parametrize("space", ["", " ", "  "])
def test_time_is_linear(unit, space):
    start = time.perf_counter()
    split_sentences((unit + space) * (200_000 // len(unit + space)))
    assert time.perf_counter() - start < 5
