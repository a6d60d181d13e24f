"""Splits running text into the words that a tagger labels, much as the treebanks do.

The rules are the same for all languages; English endings are the one exception, since English data
sets separate them. Each word is a slice of the text.
"""

import re
import unicodedata

from keras_bert.text.cleaning import is_cjk, is_control, is_punctuation

# Words with punctuation inside, tried in this order: addresses, names and
# topics of messages, abbreviations such as U.S., numbers such as 1,000.5, and a sign repeated.
# RFC 5321, section 4.5.3.1.1, allows 64 characters before the @; the limit also bounds the time.
_WHOLE = re.compile(
    r"(?:https?://|www\.)[!-~]*[A-Za-z0-9/]"
    r"|[A-Za-z0-9._+-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"
    r"|[@#][A-Za-z_][A-Za-z0-9_]*"
    r"|(?:[A-Za-z]\.){2,}"
    r"|\d+(?:[.,:/]\d+)+"
    r"|([.!?*=_-])\1+"
    r"|(?<!\S)['’](?:s|m|d|re|ve|ll)(?!\S)"  # separated from its word already
)
# don't -> do n't, John's -> John 's: the convention of the Penn Treebank and its successors.
_ENDING = re.compile(r"(?:n['’]t|['’](?:s|m|d|re|ve|ll))\Z", re.IGNORECASE | re.ASCII)
_LONGEST_ENDING = 3
_APOSTROPHES = "'’"


def words_of(text):
    """Returns the words of a text.

    Whitespace separates words; a punctuation mark and a Chinese character are words by themselves.
    Addresses, @names, #topics, abbreviations with several full stops, numbers, and signs repeated
    stay whole, as does an apostrophe between letters, unless an English ending begins there.

    Args:
        text: str.

    Returns:
        A list of (start, end), characters of the text, in order and without overlap. Nothing but
        whitespace and control characters lies outside of them.
    """
    spans = []
    for chunk in re.finditer(r"\S+", text):
        position, end = chunk.span()
        while position < end:
            whole = _WHOLE.match(text, position, end)
            if whole:
                spans.append((position, _with_marks(text, whole.end(), end)))
            elif _is_alone(text[position]):
                spans.append((position, _with_marks(text, position + 1, end)))
            else:
                run_end = _run_end(text, position, end)
                spans += _parts(text, position, run_end)
                position = run_end
                continue
            position = spans[-1][1]
    return spans


def join_words(words):
    """Returns words as a text: with spaces, but not between two Chinese characters."""
    text = ""
    for word in words:
        together = not text or (is_cjk(text[-1]) and is_cjk(word[0]))
        text += word if together else " " + word
    return text


def _parts(text, start, end):
    """Returns the spans of a run of letters, digits and symbols, without and then its endings."""
    while start < end and is_control(text[start]):
        start += 1
    while start < end and is_control(text[end - 1]):
        end -= 1
    spans = []
    while start < end:
        ending = _ENDING.search(text, max(start + 1, end - _LONGEST_ENDING), end)
        begin = ending.start() if ending else start
        spans.append((begin, end))
        end = begin
    return spans[::-1]


def _run_end(text, start, limit):
    position = start + 1
    while position < limit:
        char = text[position]
        inner = (
            char in _APOSTROPHES
            and text[position - 1].isalpha()
            and position + 1 < limit
            and text[position + 1].isalpha()
        )
        if _is_alone(char) and not inner:
            break
        position += 1
    return position


def _with_marks(text, position, limit):
    """Returns where the combining marks and control characters from `position` end."""
    while position < limit and (
        is_control(text[position]) or unicodedata.category(text[position]).startswith("M")
    ):
        position += 1
    return position


def _is_alone(char):
    return is_punctuation(char) or is_cjk(char)
