"""Hides tokens of a batch for a model to predict: by token, by whole word, or by span.

It uses numpy only and has no loop over rows or tokens, because new masks are drawn at every step.
The module `choosing` decides which tokens are hidden.
"""

import dataclasses
import math

import numpy as np

from keras_bert.errors import InputError
from keras_bert.pretraining.choosing import choose_targets

SPAN_DISTRIBUTIONS = ("albert", "spanbert")
# SpanBERT's geometric distribution, section 3.1 of Joshi et al. 2020.
_GEOMETRIC = 0.2


@dataclasses.dataclass(frozen=True)
class Masking:
    """How tokens are chosen, and what replaces them.

    Args:
        rate: share of a row's tokens to predict, special tokens counted as Google counts them.
        whole_word: whether a word's tokens are hidden together or not at all.
        span: the most consecutive units that are hidden as one span; 0 draws single units.
        span_distribution: "albert" (p(n) ~ 1/n) or "spanbert" (p(n) ~ 0.8 ** (n - 1)), both cut
            off at `span` and normalized, as their authors do.
        mask_share: share of the chosen tokens that become [MASK].
        random_share: share that becomes a random token; the rest is not changed.
        left_to_right: predict every next token instead, and hide nothing.

    Raises:
        InputError: a value is out of its range, or two contradict each other.
    """

    rate: float = 0.15
    whole_word: bool = False
    span: int = 0
    span_distribution: str = "albert"
    mask_share: float = 0.8
    random_share: float = 0.1
    left_to_right: bool = False

    def __post_init__(self):
        if not 0 < self.rate <= 1:
            raise InputError(f"masking rate {self.rate}: give a share above 0 and up to 1")
        if self.span < 0 or self.span != int(self.span):
            raise InputError(f"masking span {self.span}: give a whole number, 0 for no spans")
        if self.span_distribution not in SPAN_DISTRIBUTIONS:
            raise InputError(
                f"masking span_distribution {self.span_distribution!r}: "
                f"give one of {', '.join(SPAN_DISTRIBUTIONS)}"
            )
        shares = self.mask_share, self.random_share
        # Rounding may bring 0.9 + 0.1 just above 1.
        if not all(0 <= share <= 1 for share in shares) or sum(shares) > 1 + 1e-9:
            raise InputError(
                f"masking mask_share {self.mask_share} and random_share {self.random_share}: "
                "give shares from 0 to 1 that are together at most 1"
            )
        if self.left_to_right and (self.whole_word or self.span):
            raise InputError(
                "masking left_to_right predicts every token: drop whole_word and span with it"
            )

    def max_predictions(self, length):
        """Returns the most tokens that are predicted in a row of `length` tokens."""
        if self.left_to_right:
            return max(length - 1, 1)
        return max(math.ceil(self.rate * length - 1e-9), 1)  # 0.15 * 20 must stay 3

    def span_shares(self):
        """Returns the probability of a span of 1, 2, ... `span` units, float64 of shape (span,)."""
        sizes = np.arange(1, self.span + 1)
        if self.span_distribution == "albert":
            shares = 1.0 / sizes
        else:
            shares = _GEOMETRIC * (1 - _GEOMETRIC) ** (sizes - 1.0)
        return shares / shares.sum()


@dataclasses.dataclass(frozen=True)
class MaskingVocabulary:
    """What masking needs to know of a vocabulary.

    Args:
        vocabulary_size: number of tokens.
        mask_id: the id of [MASK].
        special_ids: ids that are never predicted and never a random replacement: [PAD], [UNK],
            [CLS], [SEP] and so on. [MASK] is always one of them.

    Raises:
        InputError: an id is outside the vocabulary, or no token is left to replace others.
    """

    vocabulary_size: int
    mask_id: int
    special_ids: tuple

    def __post_init__(self):
        special = sorted({int(self.mask_id), *map(int, self.special_ids)})
        if special[0] < 0 or special[-1] >= self.vocabulary_size:
            raise InputError(
                f"special token ids {special}: a vocabulary of {self.vocabulary_size} tokens "
                f"has the ids 0 to {self.vocabulary_size - 1}"
            )
        is_special = np.zeros(self.vocabulary_size, bool)
        is_special[special] = True
        if is_special.all():
            raise InputError(
                f"a vocabulary of {self.vocabulary_size} tokens, all of them special: "
                "masking needs others to replace tokens with"
            )
        object.__setattr__(self, "special_ids", tuple(special))
        object.__setattr__(self, "is_special", is_special)
        object.__setattr__(self, "ordinary_ids", np.flatnonzero(~is_special).astype("int32"))


def mask_batch(token_ids, padding_mask, word_starts, masking, tokens, max_predictions, generator):
    """Hides tokens of a batch and returns which; the same generator state returns the same.

    Args:
        token_ids: int32 array of shape (batch, length).
        padding_mask: int32 array of shape (batch, length): 0 at padding, else the number, from 1,
            of the packed example that the token belongs to.
        word_starts: bool array of shape (batch, length), whether a token begins a word; may be
            None without `masking.whole_word`.
        masking: `Masking`.
        tokens: `MaskingVocabulary`.
        max_predictions: the most tokens that are predicted in a row.
        generator: `numpy.random.Generator`.

    Returns:
        A dict: `token_ids` int32 of shape (batch, length) with the replacements; and of shape
        (batch, max_predictions), in rising order and padded with zeros, `masked_positions` int32,
        `masked_token_ids` int32 (the true tokens) and `masked_weights` float32 (1,
        or 0 at padding). In a row of special tokens only, all weights are 0.

    Raises:
        InputError: the arrays do not fit together or hold an id outside the vocabulary.
    """
    token_ids = np.asarray(token_ids)
    padding_mask = np.asarray(padding_mask)
    _check(token_ids, padding_mask, word_starts, masking, tokens, max_predictions)
    if masking.left_to_right:
        followed = np.zeros(token_ids.shape, bool)
        followed[:, :-1] = (padding_mask[:, :-1] > 0) & (
            padding_mask[:, :-1] == padding_mask[:, 1:]
        )
        labels = np.roll(token_ids, -1, axis=1)
        return _gather(token_ids.astype("int32"), followed, labels, max_predictions)

    chosen = choose_targets(
        token_ids, padding_mask, word_starts, masking, tokens, max_predictions, generator
    )
    targets = chosen > 0
    masked = token_ids.astype("int32")
    originals = masked[targets]
    draws = generator.random(len(originals))
    others = tokens.ordinary_ids[generator.integers(len(tokens.ordinary_ids), size=len(originals))]
    replaced = draws < masking.mask_share + masking.random_share
    masked[targets] = np.where(
        draws < masking.mask_share, tokens.mask_id, np.where(replaced, others, originals)
    )
    return _gather(masked, targets, token_ids, max_predictions)


def _check(token_ids, padding_mask, word_starts, masking, tokens, max_predictions):
    if token_ids.ndim != 2 or padding_mask.shape != token_ids.shape:
        raise InputError(
            f"token_ids of shape {token_ids.shape} and padding_mask of shape "
            f"{padding_mask.shape}: both must be (batch, length)"
        )
    if word_starts is not None and np.shape(word_starts) != token_ids.shape:
        raise InputError(
            f"word_starts of shape {np.shape(word_starts)}: token_ids' is {token_ids.shape}"
        )
    if masking.whole_word and word_starts is None:
        raise InputError("whole-word masking needs word_starts, which token begins a word")
    if max_predictions < 1:
        raise InputError(f"max_predictions {max_predictions}: give 1 or more")
    if token_ids.size and not 0 <= token_ids.min() <= token_ids.max() < tokens.vocabulary_size:
        raise InputError(
            f"token ids from {token_ids.min()} to {token_ids.max()}: the vocabulary's are 0 to "
            f"{tokens.vocabulary_size - 1}"
        )


def _gather(token_ids, targets, labels, max_predictions):
    """Lists each row's targets, at most `max_predictions`, in arrays of equal width."""
    row, position = np.nonzero(targets)
    counts = np.count_nonzero(targets, axis=1)
    column = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
    kept = column < max_predictions
    row, position, column = row[kept], position[kept], column[kept]
    shape = len(token_ids), max_predictions
    positions = np.zeros(shape, "int32")
    ids = np.zeros(shape, "int32")
    weights = np.zeros(shape, "float32")
    positions[row, column] = position
    ids[row, column] = labels[row, position]
    weights[row, column] = 1.0
    return {
        "token_ids": token_ids,
        "masked_positions": positions,
        "masked_token_ids": ids,
        "masked_weights": weights,
    }
