"""Variants of texts, some of whose words are what a masked language model proposes there.

Source: Jiao et al. 2019, TinyBERT (arXiv:1909.10351), algorithm 1. Here a row has several masks,
as in pretraining, so that a long text needs no more rows than a short one; and a word of several
pieces is one mask too, so that no word vectors are needed.
"""

import dataclasses
import types

import numpy as np

from keras_bert.errors import InputError
from keras_bert.progress import HALF_A_MINUTE, Progress
from keras_bert.tasks.fill_mask import SPECIAL_TOKENS
from keras_bert.training.proposals import proposals_for

# Of algorithm 1: p_t, the share of words that are replaced, and K, how many words are proposed.
REPLACED, PROPOSED = 0.4, 15
# One word in so many is masked in a row, about the 15 % of pretraining.
_STRIDE = 7
# Texts at once, to bound the memory that their rows take.
_TEXTS_AT_ONCE = 4096


@dataclasses.dataclass(frozen=True)
class Word:
    """A word that can be replaced.

    Attributes:
        start, end: its characters in the text.
        first, last: its tokens in the encoding of the text, the last one included.
    """

    start: int
    end: int
    first: int
    last: int


def variants_of(texts, bert, count, seed):
    """Returns variants of texts, a function of the seed and of the text's number.

    Args:
        texts: list of str.
        bert: `Bert` with a masked-LM head.
        count: int, variants of each text.
        seed: int.

    Returns:
        A list with a list of `count` str for each text. Some may be equal, or the text itself.
    """
    found = []
    progress = Progress(len(texts), every_seconds=HALF_A_MINUTE)
    for start in range(0, len(texts), _TEXTS_AT_ONCE):
        part = texts[start : start + _TEXTS_AT_ONCE]
        encodings = bert.tokenizer.encode_batch(part, length=bert.config.max_length)
        words = [words_of(text, each) for text, each in zip(part, encodings, strict=True)]
        for its, encoding in zip(words, encodings, strict=True):
            if its and len(encoding.token_ids) == bert.config.max_length:
                its.pop()  # the end of the text is cut off, perhaps within this word
        for number, (text, its, proposed) in enumerate(
            zip(part, words, _proposed(encodings, words, bert), strict=True), start=start
        ):
            found.append(_variants(text, its, proposed, count, [seed, number]))
        progress.done += len(part)
        if progress.is_due():
            progress.show(
                f"variants of texts {progress.done:,}/{len(texts):,}  {progress.speed('texts')}"
            )
    progress.clear()
    return found


def words_of(text, encoding):
    """Returns the `Word`s of a text that can be replaced: those with letters.

    A single Latin letter is not: it is the rest of "don't", or the name of a thing.
    """
    tokens = {}
    for position, word in enumerate(encoding.word_ids):
        if word is not None:
            tokens.setdefault(word, []).append(position)
    words = []
    for positions in tokens.values():
        first, last = positions[0], positions[-1]
        start, end = encoding.offsets[first][0], encoding.offsets[last][1]
        written = text[start:end]
        if any(map(str.isalpha, written)) and not (len(written) == 1 and written.isascii()):
            words.append(Word(start, end, first, last))
    return words


def _proposed(encodings, words, bert):
    """Yields, for each text, a list with the tokens that are proposed for each of its words."""
    rows, of_rows = [], []
    for number, (encoding, its) in enumerate(zip(encodings, words, strict=True)):
        for first in range(min(_STRIDE, len(its))):
            masked = range(first, len(its), _STRIDE)
            rows.append(_masked_row(encoding, [its[i] for i in masked], bert.tokenizer.mask_id))
            of_rows.append((number, masked))
    found = [[None] * len(its) for its in words]
    # One more: the word itself may be among them.
    for (number, masked), tokens in zip(of_rows, proposals_for(rows, bert, PROPOSED + 1)):
        for i, proposed in zip(masked, tokens, strict=True):
            found[number][i] = proposed
    vocabulary = bert.tokenizer.vocabulary
    for its in found:
        yield [[vocabulary[token] for token in proposed] for proposed in its]


def _masked_row(encoding, words, mask_id):
    """Returns an encoding in which each of some words is one [MASK], and the places of these."""
    token_ids, places, start = [], [], 0
    for word in words:
        token_ids += encoding.token_ids[start : word.first]
        places.append(len(token_ids))
        token_ids.append(mask_id)
        start = word.last + 1
    token_ids += encoding.token_ids[start:]
    return types.SimpleNamespace(
        token_ids=np.array(token_ids, "int32"),
        segment_ids=np.zeros(len(token_ids), "int8"),
        places=np.array(places, "int32"),
    )


def _variants(text, words, proposed, count, seed):
    generator = np.random.default_rng(seed)
    choices = []
    for word, tokens in zip(words, proposed, strict=True):
        written = text[word.start : word.end]
        others = [token for token in tokens if token.casefold() != written.casefold()]
        choices.append([_in_case_of(written, token) for token in others[:PROPOSED]])
    found = []
    for _ in range(count):
        parts, start = [], 0
        # As many numbers for each variant, whatever is replaced.
        is_replaced = generator.random(len(words)) < REPLACED
        numbers = generator.random(len(words))
        for word, its, replaces, number in zip(words, choices, is_replaced, numbers, strict=True):
            if replaces and its:
                parts += [text[start : word.start], its[int(number * len(its))]]
                start = word.end
        found.append("".join([*parts, text[start:]]))
    return found


def _in_case_of(written, token):
    if written.isupper() and len(written) > 1:
        return token.upper()
    return token.capitalize() if written.istitle() else token


def augmented(examples, bert, count, seed):
    """Returns variants of texts or pairs, without labels and each once, as examples.

    Args:
        examples: `Examples`.
        bert, count, seed: see `variants_of`.
    """
    columns = [examples.texts, *([] if examples.texts_b is None else [examples.texts_b])]
    flat = variants_of([text for column in columns for text in column], bert, count, seed)
    size = len(examples)
    by_column = [flat[i * size : (i + 1) * size] for i in range(len(columns))]
    seen = set(zip(*columns))
    kept, lines = [], []
    for line, *its in zip(examples.lines, *by_column, strict=True):
        for variant in zip(*its, strict=True):
            if variant not in seen:
                seen.add(variant)
                kept.append(variant)
                lines.append(line)
    texts, *texts_b = ([*column] for column in zip(*kept)) if kept else [[]] * len(columns)
    return variants_as_examples(examples, texts, texts_b[0] if texts_b else None, lines)


def variants_as_examples(examples, texts, texts_b, lines):
    """Returns variants of examples as `Examples` without labels; see `augmented`."""
    path = f"variants of {examples.path}"
    return type(examples)(path, texts, texts_b, None, lines)


def check_masked_lm(bert, name):
    """Raises InputError unless a model proposes words for masks from both sides.

    Args:
        bert: `Bert`.
        name: what the user calls it.
    """
    if bert.config.task != "pretraining":
        raise InputError("has no masked-LM head, which proposes words", "augment_model", name)
    if bert.config.encoder.left_to_right:
        raise InputError("reads from left to right only", "augment_model", name)
    if SPECIAL_TOKENS[-1] not in bert.tokenizer.vocabulary:
        raise InputError(f"has no token {SPECIAL_TOKENS[-1]}", "augment_model", name)
