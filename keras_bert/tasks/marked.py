"""Answers as a page shows them: texts with marked places, and bars. A task says which."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Span:
    """A marked place of a text.

    Attributes:
        start, end: characters of the text, the end not included.
        label: str, "" for none.
        probability: float, or None.
    """

    start: int
    end: int
    label: str = ""
    probability: float | None = None


@dataclasses.dataclass(frozen=True)
class Passage:
    """A text of an example.

    Attributes:
        name: str, what it is: "text", "question".
        text: str.
        spans: list of `Span`, in order, none of which overlap.
    """

    name: str
    text: str
    spans: list = dataclasses.field(default_factory=list)


@dataclasses.dataclass(frozen=True)
class Marked:
    """One example with its answer.

    Attributes:
        passages: list of `Passage`.
        answer: str, the answer in short.
        bars: list of (name, probability), the most probable first.
    """

    passages: list
    answer: str
    bars: list = dataclasses.field(default_factory=list)


def marked_texts(asked, answers, answer_line):
    """Returns a list of `Marked`, for answers about whole texts.

    Args:
        asked: list of dicts of str, the texts of each example.
        answers: list of dicts; `probabilities`, a dict by label, becomes bars.
        answer_line: function from an answer to a str.
    """
    return [
        Marked(
            [Passage(name, text) for name, text in texts.items()],
            answer_line(answer).split("\t")[0],
            sorted_bars(answer.get("probabilities", {}).items()),
        )
        for texts, answer in zip(asked, answers, strict=True)
    ]


def sorted_bars(pairs):
    """Returns (name, probability) pairs, the most probable first."""
    return sorted(pairs, key=lambda pair: -pair[1])


def word_offsets(words, joined):
    """Returns the (start, end) of words in a text that has them in order.

    Args:
        words: list of str.
        joined: str, the words with spaces or nothing between them.
    """
    offsets, place = [], 0
    for word in words:
        start = joined.index(word, place)
        place = start + len(word)
        offsets.append((start, place))
    return offsets
