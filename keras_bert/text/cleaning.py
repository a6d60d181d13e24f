"""Basic tokenization exactly as the original BERT does it: text to words, before word pieces.

The fast carriers (the Rust library `tokenizers`, TensorFlow Text) each bring Unicode tables of
their own. This module holds what the original takes from Python's `unicodedata`, so that both
can be held to it: `split_words` is the algorithm itself, `DIFFERENT` finds the texts on which
`tokenizers` would answer differently, and the `is_...` functions define the character classes.
"""

import re
import unicodedata

_CJK_RANGES = (
    (0x4E00, 0x9FFF),
    (0x3400, 0x4DBF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B73F),
    (0x2B740, 0x2B81F),
    (0x2B820, 0x2CEAF),
    (0xF900, 0xFAFF),
    (0x2F800, 0x2FA1F),
)

# Where `tokenizers` 0.2x departs from the original, character by character. It takes marks and
# punctuation from Unicode 8, drops private-use characters, misses 256 ideographs, knows no final
# sigma and refuses lone surrogates. Beyond the basic plane only symbols, emoji, ideographs and
# tags are trusted; a character listed here without need costs time, never a different answer.
DIFFERENT = re.compile(
    "[\u03a3"
    "\u061d\u07fd\u0890-\u089f\u08ca-\u08e2\u09fd-\u09fe\u0a76\u0afa-\u0aff\u0b55\u0c04\u0c3c"
    "\u0c5c\u0c77\u0c84\u0cdc\u0cf3\u0d00\u0d3b-\u0d3c\u0d81\u0eba\u0ece\u166d\u1734\u180f"
    "\u1885-\u1886\u1abf-\u1aff\u1b4e-\u1b4f\u1b7d-\u1b7f\u1c89-\u1c8a\u1df6-\u1dfb"
    "\u2e43-\u2e7f\ua7cb-\ua7dc\ua82c\ua8c5\ua8ff\ua9bd"
    "\ud800-\uf8ff"
    "\U00010000-\U0001cfff\U0001df00-\U0001efff"
    "\U0002b820-\U0002f7ff\U0002fa20-\U000dffff\U000e1000-\U0010ffff]"
)


def is_cjk(char):
    """Whether a character lies in the CJK ideograph blocks (kana and hangul do not)."""
    code = ord(char)
    return any(first <= code <= last for first, last in _CJK_RANGES)


def is_control(char):
    """Whether a character is dropped before anything else: control and format, NUL, U+FFFD."""
    if char in "\t\n\r":
        return False
    return char in "\0\ufffd" or unicodedata.category(char) in ("Cc", "Cf")


def is_whitespace(char):
    """Whether a character ends a word and is itself dropped."""
    # The original maps Zs to a space and then calls str.split(), which also splits at Zl and Zp.
    return char in "\t\n\r" or unicodedata.category(char) in ("Zs", "Zl", "Zp")


def is_punctuation(char):
    """Whether a character is a word by itself: Unicode P*, and every ASCII sign."""
    if char < "\x80":
        return "!" <= char <= "~" and not char.isalnum()
    return unicodedata.category(char).startswith("P")


def is_accent(char):
    """Whether a character is a non-spacing mark."""
    return unicodedata.category(char) == "Mn"


def split_words(text, lower_case=True, strip_accents=True, tokenize_chinese_chars=True):
    """Splits a text into the words that word pieces are then cut from.

    Args:
        text: str.
        lower_case: whether to lower the case.
        strip_accents: whether to decompose (NFD) and drop non-spacing marks.
        tokenize_chinese_chars: whether each CJK ideograph is a word by itself.

    Returns:
        A list of (word, origins): the normalized word and, for each of its characters, the
        index in `text` of the character that it comes from.

    Source: google-research/bert tokenization.py, BasicTokenizer.
    """
    words = []
    for chunk in _split_whitespace(text, tokenize_chinese_chars):
        chars, origins = _normalize(chunk, lower_case, strip_accents)
        start = 0
        for index, char in enumerate(chars):
            if is_punctuation(char):
                words.append((chars[start:index], origins[start:index]))
                words.append((char, origins[index : index + 1]))
                start = index + 1
        words.append((chars[start:], origins[start:]))
    return [(word, origins) for word, origins in words if word]


def normalize(text, lower_case=True, strip_accents=True):
    """Normalizes a text without splitting it into words.

    Args:
        text, lower_case, strip_accents: as for `split_words`.

    Returns:
        A tuple: the normalized text, with a space for each whitespace character; and for each of
        its characters the index in `text` of the character that it comes from.
    """
    kept = [(char, index) for index, char in enumerate(text) if not is_control(char)]
    spaced = [(" " if is_whitespace(char) else char, index) for char, index in kept]
    return _normalize(spaced, lower_case, strip_accents)


def _split_whitespace(text, tokenize_chinese_chars):
    """Yields lists of (character, index) without control characters and whitespace."""
    chunk = []
    for index, char in enumerate(text):
        if is_control(char):
            continue
        alone = tokenize_chinese_chars and is_cjk(char)
        if chunk and (alone or is_whitespace(char)):
            yield chunk
            chunk = []
        if alone:
            yield [(char, index)]
        elif not is_whitespace(char):
            chunk.append((char, index))
    if chunk:
        yield chunk


def _normalize(chunk, lower_case, strip_accents):
    """Returns the normalized characters of a chunk (a str) and their indices in the text."""
    chars = "".join(char for char, _ in chunk)
    origins = [index for _, index in chunk]
    if lower_case:
        # Lowered as a whole, for a sigma looks at its neighbours; only U+0130 changes length.
        origins = [index for char, index in chunk for _ in char.lower()]
        chars = chars.lower()
    if strip_accents:
        origins = [
            index
            for char, index in zip(chars, origins, strict=True)
            for part in unicodedata.normalize("NFD", char)
            if not is_accent(part)
        ]
        decomposed = unicodedata.normalize("NFD", chars)
        chars = "".join(char for char in decomposed if not is_accent(char))
    return chars, origins
