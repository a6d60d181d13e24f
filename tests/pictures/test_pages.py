"""Pages: one file, nothing from elsewhere, and a text stays a text whatever is in it."""

import html.parser
import json
import re

import pytest

from keras_bert.pictures.answers_page import answers_page
from keras_bert.pictures.attention_page import attention_page
from keras_bert.pictures.page import escaped, json_in_page
from keras_bert.tasks.marked import Marked, Passage, Span, marked_texts, sorted_bars, word_offsets

HOSTILE = [
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "<!-- &lt; &amp; --> \u2028 {style}",
    "</style></title></body>",
]


class Reader(html.parser.HTMLParser):
    """What a browser makes of a page: its elements, marks and texts."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.marks, self.texts, self.attributes = [], [], {}, []
        self.open = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += [(tag, *pair) for pair in attributes]
        if tag not in ("meta", "img", "link"):
            self.open.append((tag, dict(attributes).get("class")))
        if tag == "mark":
            self.marks.append("")

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, data):
        if self.open:
            self.texts.setdefault(self.open[-1], []).append(data)
        if [tag for tag, _ in self.open[-1:]] == ["mark"]:
            self.marks[-1] += data


def check_closed_to_the_world(reader, scripts):
    assert reader.tags.count("script") == scripts
    assert not {"img", "link", "iframe", "object", "embed"} & set(reader.tags)
    names = {name for _, name, _ in reader.attributes}
    assert not {name for name in names if name.startswith("on")} | ({"src", "href"} & names)
    policies = [
        value for tag, _, value in reader.attributes if tag == "meta" and "default" in value
    ]
    assert policies == [policy for policy in policies if policy.startswith("default-src 'none'; ")]
    assert len(policies) == 1
    assert not reader.open


@pytest.mark.parametrize("hostile", HOSTILE)
def test_every_text_of_an_answer_is_escaped(hostile):
    marked = Marked(
        [Passage(hostile, f"before {hostile} after", [Span(7, 7 + len(hostile), hostile, 0.5)]),
         Passage("second", hostile)],
        hostile,
        [(hostile, 0.75)],
    )  # fmt: skip
    reader = Reader(answers_page([marked], hostile, hostile))
    check_closed_to_the_world(reader, scripts=0)
    assert reader.marks == [hostile]
    assert reader.texts["h1", None] == reader.texts["title", None] == [hostile]
    assert "".join(reader.texts["p", "answer"]) == hostile
    assert reader.texts["small", None] == [hostile]
    assert reader.texts["td", None][0] == hostile
    assert "".join(reader.texts["p", "text"]) == f"before  after{hostile}"


@pytest.mark.parametrize("hostile", HOSTILE)
def test_tokens_of_attention_are_data(hostile):
    data = {
        "tokens": [hostile, "[SEP]"], "segment_ids": [0, 0], "layers": [1], "heads": [2],
        "attention": [[[[0.25, 0.75], [1, 0]]]],
    }  # fmt: skip
    page = attention_page(data, hostile)
    reader = Reader(page)
    check_closed_to_the_world(reader, scripts=2)
    assert hostile not in page or "<" not in hostile  # a quote alone ends no element
    # A script's text is not unescaped by a browser.
    scripts = reader.texts["script", None]
    assert json.loads(scripts[0]) == data
    assert "alert" not in scripts[1]


def test_escaping():
    assert escaped("a\0<b>&\"'") == "a\ufffd&lt;b&gt;&amp;&quot;&#x27;"
    assert json_in_page({"a": "</script>\u2028"}) == '{"a":"\\u003c/script\\u003e\\u2028"}'
    assert json.loads(json_in_page(HOSTILE)) == HOSTILE


def test_marks_are_slices_of_the_text_with_hue_by_label():
    text = "Ada  Lovelace\nmet <Babbage> in London."
    spans = [
        Span(0, 13, "PER", 0.9), Span(18, 27, "PER", 0.8), Span(31, 37, "LOC"), Span(37, 38),
    ]  # fmt: skip
    page = answers_page([Marked([Passage("text", text, spans)], "")], "t")
    reader = Reader(page)
    assert reader.marks == ["Ada  Lovelace", "<Babbage>", "London", "."]
    assert reader.texts["small", None] == ["PER", "PER", "LOC"]
    styles = [value for tag, name, value in reader.attributes if (tag, name) == ("mark", "style")]
    hues = [int(re.search(r"hsl\((\d+),", style)[1]) for style in styles]
    assert hues[0] == hues[1]
    assert hues[3] == 48
    # As far from each other as a person can tell.
    assert 90 < abs(hues[0] - hues[2]) < 270
    hints = [value for tag, name, value in reader.attributes if (tag, name) == ("mark", "title")]
    assert hints == ["0.9000", "0.8000"]


def test_bars_are_as_long_as_the_probabilities_and_the_rest_is_counted():
    bars = sorted_bars((f"label {i}", (i + 1) / 78) for i in range(12))
    reader = Reader(answers_page([Marked([Passage("text", "x")], "label 11", bars)], "t"))
    widths = [value for tag, name, value in reader.attributes if (tag, name) == ("div", "style")]
    assert widths == [f"width:{100 * (12 - i) / 78:.1f}%" for i in range(10)]
    assert reader.texts["td", None][:2] == ["label 11", f"{12 / 78:.4f}"]
    assert reader.texts["p", "note"] == ["and 2 less probable"]


def test_marked_texts_and_offsets_of_words():
    (found,) = marked_texts(
        [{"text": "a", "text_b": "b"}],
        [{"label": "x", "probabilities": {"y": 0.25, "x": 0.75}}],
        lambda answer: f"{answer['label']}\t0.75",
    )
    assert [(p.name, p.text) for p in found.passages] == [("text", "a"), ("text_b", "b")]
    assert (found.answer, found.bars) == ("x", [("x", 0.75), ("y", 0.25)])
    assert word_offsets(["a", "aa", "a"], "a aa a") == [(0, 1), (2, 4), (5, 6)]
    assert word_offsets(["銀", "行"], "銀行") == [(0, 1), (1, 2)]
