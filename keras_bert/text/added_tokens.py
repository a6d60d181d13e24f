"""Tokens that a tokenizer's files declare beside its word pieces: a text is cut at them first.

Source: the library `tokenizers`, tokenizer/added_vocabulary.rs. Tokens with `normalized` false are
looked for in the text as it is; then those with `normalized` true, in the normalized text between
them. Of several at one place the longest counts.
"""

import dataclasses
import re
import unicodedata

from keras_bert.errors import InputError
from keras_bert.text import cleaning

# What Rust's regular expressions call \s; Python's has four control characters more.
SPACES = "\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_LEADING_SPACES = re.compile(f"[{SPACES}]*")
_TRAILING_SPACES = re.compile(f"[{SPACES}]*\\Z")


@dataclasses.dataclass(frozen=True, kw_only=True)
class AddedToken:
    """One token, as transformers declares it.

    Args:
        content: str, what is written in the text, and the token in the vocabulary.
        special: whether it is a marker and no word.
        normalized: whether it is looked for in the normalized text, and is normalized itself.
        single_word: whether it counts only where no letter or digit touches it.
        lstrip, rstrip: whether the spaces before or after it belong to it.
        word_piece: whether words may be cut into it, too: the vocabulary had it already.
    """

    content: str
    special: bool = True
    normalized: bool = False
    single_word: bool = False
    lstrip: bool = False
    rstrip: bool = False
    word_piece: bool = True


FLAGS = tuple(field.name for field in dataclasses.fields(AddedToken))[1:]


def checked(tokens, vocabulary):
    """Makes `AddedToken`s of dicts that may be a stranger's.

    Args:
        tokens: list of dicts with `content` and any of the flags, or of `AddedToken`s.
        vocabulary: collection of str, the tokens that have an id.

    Returns:
        A tuple of `AddedToken`.

    Raises:
        InputError: one is not such a dict, is there twice, or is not in the vocabulary.
    """
    if not isinstance(tokens, (list, tuple)):
        raise InputError(f"added_tokens must be a list, not {tokens!r:.60}")
    found = {}
    for token in tokens:
        if isinstance(token, dict) and isinstance(token.get("content"), str):
            flags = {name: value for name, value in token.items() if name != "content"}
            if not flags.keys() <= set(FLAGS) or not all(type(v) is bool for v in flags.values()):
                raise InputError(
                    f"added token {token['content']!r}: has {flags!r:.200}; the known flags are "
                    f"{', '.join(FLAGS)}, true or false"
                )
            token = AddedToken(content=token["content"], **flags)
        if not isinstance(token, AddedToken):
            raise InputError(f"an added token must have a content, found {token!r:.60}")
        if token.content in found:
            raise InputError(f"the added token {token.content!r} is there twice")
        if not token.content.strip() or "\n" in token.content or token.content.endswith("\r"):
            raise InputError(f"the added token {token.content!r} is blank or of several lines")
        if token.content not in vocabulary:
            raise InputError(f"the added token {token.content!r} is not in the vocabulary")
        found[token.content] = token
    return tuple(found.values())


def to_dicts(tokens):
    """Returns `AddedToken`s as dicts that `checked` takes."""
    return [dataclasses.asdict(token) for token in tokens]


class Splitter:
    """Finds added tokens in texts.

    Args:
        tokens: sequence of `AddedToken`.
        lower_case, strip_accents, tokenize_chinese_chars: those of the tokenizer.

    Raises:
        InputError: nothing is left of a token when it is normalized.
    """

    def __init__(self, tokens, lower_case, strip_accents, tokenize_chinese_chars):
        self._switches = lower_case, strip_accents
        self._raw = _Matcher({t.content: t for t in tokens if not t.normalized})
        by_normalized = {}
        for token in tokens:
            if token.normalized:
                by_normalized.setdefault(self.normalized(token.content), token)
        # Normalized text has spaces around ideographs.
        self._normalized = _Matcher(by_normalized, tokenize_chinese_chars)

    def normalized(self, content):
        """Returns the normalized form of a token.

        Raises:
            InputError: nothing is left of it.
        """
        found, _ = cleaning.normalize(content, *self._switches)
        if not found.strip():
            raise InputError(f"nothing is left of the added token {content!r} in normalized text")
        return found

    def split(self, text):
        """Splits a text at the tokens.

        Args:
            text: str.

        Returns:
            A list of (start, end, token): stretches of characters in order, with their
            `AddedToken`, or None for text between them.
        """
        found = []
        for start, end, token in self._raw.split(text):
            if token is not None or not self._normalized:
                found.append((start, end, token))
                continue
            chars, origins = cleaning.normalize(text[start:end], *self._switches)
            place = start
            for first, last, inner in self._normalized.split(chars):
                if inner is None:
                    continue
                at, until = start + origins[first], start + origins[last - 1] + 1
                if place < at:
                    found.append((place, at, None))
                found.append((at, until, inner))
                place = until
            if place < end:
                found.append((place, end, None))
        return found


class _Matcher:
    """Looks for any of some strings.

    Args:
        by_content: dict from each to its `AddedToken`.
        cjk_apart: whether ideographs are no letters of words.
    """

    def __init__(self, by_content, cjk_apart=False):
        self._by_content = by_content
        self._cjk_apart = cjk_apart
        self._pattern = re.compile("|".join(map(re.escape, longest_first(by_content))))

    def __bool__(self):
        return bool(self._by_content)

    def split(self, text):
        """Returns the (start, end, token or None) that a text consists of."""
        if not self or not self._pattern.search(text):
            return [(0, len(text), None)] if text else []
        parts, place = [], 0
        for match in self._pattern.finditer(text):
            token, start, end = self._by_content[match.group()], match.start(), match.end()
            if token.single_word and (self._touches(text, start - 1) or self._touches(text, end)):
                continue
            if token.lstrip:
                start = max(_TRAILING_SPACES.search(text, place, start).start(), place)
            if token.rstrip:
                end = _LEADING_SPACES.match(text, end).end()
            if place < start:
                parts.append((place, start, None))
            parts.append((start, end, token))
            place = end
        if place < len(text):
            parts.append((place, len(text), None))
        return parts

    def _touches(self, text, index):
        """Returns whether the character at an index is one of words, as Rust's \\w has it."""
        if not 0 <= index < len(text):
            return False
        char = text[index]
        if self._cjk_apart and cleaning.is_cjk(char):
            return False
        kind = unicodedata.category(char)
        of_words = char.isalnum() or kind[0] == "M" or kind in ("Nd", "Nl", "Pc")
        return of_words or char in "\u200c\u200d"


def longest_first(contents):
    """Returns strings in the order in which a regular expression's `|` finds the longest."""
    return sorted(contents, key=len, reverse=True)
