"""Finds a word in texts, and the tokens that are its pieces. Needs no Keras."""

import dataclasses

from keras_bert.embedding.token_sources import with_marks
from keras_bert.errors import InputError
from keras_bert.text.cleaning import split_words

_MOST_CONTEXT = 32
_MOST_SHOWN = 60  # characters of a text in a message


@dataclasses.dataclass(frozen=True)
class Occurrence:
    """One place where the word occurs.

    Attributes:
        text_index: int, which of the texts.
        start, end: int, its first character and one past its last.
        tokens: list of int, the positions of its pieces among the tokens of the text, [CLS]
            included.
    """

    text_index: int
    start: int
    end: int
    tokens: list


def find_occurrences(word, texts, names, tokenizer, length):
    """Finds a word in texts: whole words only, compared as the tokenizer normalizes them.

    Case matters if the model is cased, and accents matter if it keeps them. The word may be
    several, such as "river bank"; in Chinese, where each character is a word, any string is.

    Args:
        word: str.
        texts: list of str.
        names: list of str, the name of each text in messages.
        tokenizer: `WordPieceTokenizer`.
        length: int, the most tokens of a text that the model reads.

    Returns:
        A list of `Occurrence`, in order; each text has at least one.

    Raises:
        InputError: a text does not have the word, or only beyond `length`.
    """
    wanted = [normalized for normalized, _ in _words(word, tokenizer)]
    if not wanted:
        raise InputError(f"the word {word!r} has no letter that the tokenizer keeps")
    occurrences = []
    for index, (text, pieces) in enumerate(zip(texts, tokenizer.cut(texts), strict=True)):
        spans = _spans(wanted, text, tokenizer)
        if not spans:
            raise InputError(
                f"{names[index]}: the word {word!r} does not appear in it"
                f"{'' if tokenizer.lower_case else ', in that case'}: {_shortened(text)}"
            )
        # [CLS] comes before them, and [SEP] takes the last place.
        inside = [
            Occurrence(index, start, end, tokens)
            for start, end in spans
            if (tokens := _tokens_of(pieces, start, end))[-1] < length - 1
        ]
        if not inside:
            raise InputError(
                f"{names[index]}: the word {word!r} comes after the {length} tokens that the "
                f"model reads: shorten the text: {_shortened(text)}"
            )
        occurrences += inside
    return occurrences


def in_context(text, start, end, most=_MOST_CONTEXT):
    """Returns a part of a text on one line, with [brackets] around characters start to end.

    Args:
        text: str.
        start, end: int.
        most: the most characters on either side.
    """
    before = " ".join(text[:start].split())
    after = " ".join(text[end:].split())
    if len(before) > most:
        # Whole words, in languages with spaces.
        kept = before[-most:]
        before = "…" + (kept if before[-most - 1] == " " else kept.partition(" ")[2] or kept)
    if len(after) > most:
        kept = after[:most]
        after = (kept if after[most] == " " else kept.rpartition(" ")[0] or kept) + "…"
    left = " " if text[:start][-1:].isspace() else ""
    right = " " if text[end:][:1].isspace() else ""
    return f"{before}{left}[{' '.join(text[start:end].split())}]{right}{after}".strip()


def _words(text, tokenizer):
    words = split_words(
        text, tokenizer.lower_case, tokenizer.strip_accents, tokenizer.tokenize_chinese_chars
    )
    if not tokenizer.lower_case:
        return words
    # A capital sigma has two small forms, and the characters around the word decide which.
    return [(word.replace("ς", "σ"), origins) for word, origins in words]


def _spans(wanted, text, tokenizer):
    """Returns (first character, one past the last) of each place, none of which overlap."""
    words = _words(text, tokenizer)
    spans, index = [], 0
    while index + len(wanted) <= len(words):
        part = words[index : index + len(wanted)]
        if [word for word, _ in part] == wanted:
            index += len(wanted)
            limit = words[index][1][0] if index < len(words) else len(text)
            spans.append((part[0][1][0], with_marks(text, part[-1][1][-1] + 1, limit)))
        else:
            index += 1
    return spans


def _tokens_of(pieces, start, end):
    return [
        number
        for number, (first, last) in enumerate(pieces.offsets, start=1)
        if first < end and last > start
    ]


def _shortened(text):
    return repr(text if len(text) <= _MOST_SHOWN else text[: _MOST_SHOWN - 1] + "…")
