"""Chooses which tokens of a vocabulary stay when it is made smaller.

WordPiece takes the longest piece that fits, again and again. So a word whose pieces all stay is cut
as before: at each place the longest of all pieces is the longest of those that are left. A word of
which a piece goes is cut into shorter ones, down to single characters, which all stay.
"""

import collections
import dataclasses
import re

import numpy as np

from keras_bert.errors import InputError
from keras_bert.text.tokenizer import WordPieceTokenizer
from keras_bert.text.vocabulary import SPECIAL_TOKENS

_UNUSED = re.compile(r"\[unused\d+\]")


@dataclasses.dataclass(frozen=True)
class Pruned:
    """A smaller vocabulary, and what it does to the corpus that it was chosen on.

    Attributes:
        tokenizer: `WordPieceTokenizer` of the tokens that stay, in their old order.
        ids: int64 array, the old id of each.
        words: int, the words of the corpus, each time that it occurs.
        unchanged: float, the share of them that are cut as before.
        unknown_before, unknown: float, the shares of them that are [UNK].
        pieces_before, pieces: float, mean pieces of a word.
    """

    tokenizer: WordPieceTokenizer
    ids: np.ndarray
    words: int
    unchanged: float
    unknown_before: float
    unknown: float
    pieces_before: float
    pieces: float


def prune(tokenizer, size, texts):
    """Chooses the tokens of a vocabulary that texts use most.

    Special and added tokens stay, and all single characters, at the start of a word and within.
    Where a word of the texts has a character that is not by itself in the vocabulary, its pieces
    stay, so that no word becomes [UNK]. Tokens such as [unused7] go.

    Args:
        tokenizer: `WordPieceTokenizer`.
        size: int, the number of tokens that stay; fewer where only [unused…] and doubled tokens
            are left to fill it.
        texts: iterable of str, read once.

    Returns:
        `Pruned`.

    Raises:
        InputError: the texts hold no words, or `size` is too small for what has to stay, or not
            smaller than the vocabulary.
    """
    vocabulary = tokenizer.vocabulary
    if size >= len(vocabulary):
        raise InputError(
            f"expected fewer than the {len(vocabulary)} tokens of the vocabulary",
            "prune_vocabulary",
            size,
        )
    words = tokenizer.count_words(texts)
    if not words:
        raise InputError("the texts hold no words: the most used tokens cannot be counted")
    cut = {word: tokenizer.pieces_of_word(word) for word in words}
    # Of a token that is there twice, the last id is the one that texts have.
    ids = {token: i for i, token in enumerate(vocabulary)}
    kept = _needed(tokenizer, ids, cut)
    if len(kept) > size:
        raise InputError(
            f"at least {len(kept)} tokens have to stay: special tokens, single characters, and "
            f"pieces of words that these cannot spell",
            "prune_vocabulary",
            size,
        )
    uses = collections.Counter()
    for word, pieces in cut.items():
        for piece in pieces:
            uses[piece] += words[word]
    others = [token for token in ids if token and token not in kept and not _UNUSED.match(token)]
    others.sort(key=lambda token: (-uses[token], ids[token]))
    kept.update(others[: size - len(kept)])
    rows = np.array(sorted(ids[token] for token in kept), "int64")
    smaller = WordPieceTokenizer([vocabulary[row] for row in rows], **tokenizer.get_config())
    return _measured(smaller, rows, words, cut)


def _needed(tokenizer, ids, cut):
    """Returns the set of tokens that stay whatever the texts are."""
    special = {token for token in SPECIAL_TOKENS if token in ids}
    added = {token.content for token in tokenizer.added_tokens}
    characters = {token for token in ids if len(token.removeprefix("##")) == 1}
    spelling = set()
    for word, pieces in cut.items():
        alone = [word[0], *(f"##{char}" for char in word[1:])]
        if pieces != ["[UNK]"] and not characters.issuperset(alone):
            spelling.update(pieces)
    return special | added | characters | spelling


def _measured(tokenizer, rows, words, cut):
    """Returns the `Pruned` of a smaller tokenizer; `cut` is what the old one makes of words."""
    total = words.total()
    unchanged = unknown_before = unknown = pieces_before = pieces = 0
    for word, before in cut.items():
        count, after = words[word], tokenizer.pieces_of_word(word)
        unchanged += count * (before == after)
        unknown_before += count * (before == ["[UNK]"])
        unknown += count * (after == ["[UNK]"])
        pieces_before += count * len(before)
        pieces += count * len(after)
    numbers = (unchanged, unknown_before, unknown, pieces_before, pieces)
    return Pruned(tokenizer, rows, total, *(number / total for number in numbers))
