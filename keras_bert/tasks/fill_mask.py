"""Filling [MASK]: from the logits of the masked-LM head to words. Needs numpy only."""

import numpy as np

from keras_bert.errors import InputError

SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def mask_positions(encoding, mask_id, text):
    """Returns the positions of [MASK] in an encoding's tokens, int32 array of shape (masks,).

    Raises:
        InputError: the text has no [MASK], or one beyond the length that the text was cut to.
    """
    positions = np.flatnonzero(np.asarray(encoding.token_ids) == mask_id).astype("int32")
    written = text.count("[MASK]")
    if not written:
        raise InputError(f"the text has no [MASK] to fill: {_shortened(text)}")
    if len(positions) < written:
        raise InputError(
            f"the text has {written} [MASK] of which {len(positions)} are within the model's "
            f"{len(encoding.token_ids)} tokens: shorten it"
        )
    return positions


def decode(logits, vocabulary, top):
    """Returns the likeliest tokens of each mask.

    Args:
        logits: float array of shape (masks, vocab_size).
        vocabulary: list of str, at most vocab_size; the rows beyond it are of no token.
        top: int, how many tokens to return.

    Returns:
        A list, one entry a mask, of lists of dicts with `token` and `probability`, the likeliest
        first. Special tokens are left out, and the other probabilities are not scaled up for it.
    """
    logits = np.asarray(logits, "float64")
    exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
    probabilities = exponentials / exponentials.sum(axis=-1, keepdims=True)
    special = [index for index, token in enumerate(vocabulary) if token in SPECIAL_TOKENS]
    ranked = probabilities.copy()
    ranked[:, special] = -1.0
    ranked[:, len(vocabulary) :] = -1.0
    order = np.argsort(-ranked, axis=-1, kind="stable")[:, : min(top, len(vocabulary))]
    return [
        [
            {"token": vocabulary[index], "probability": float(row[index])}
            for index in best
            if index < len(vocabulary) and vocabulary[index] not in SPECIAL_TOKENS
        ]
        for row, best in zip(probabilities, order, strict=True)
    ]


def fill(text, words):
    """Returns a text with its masks replaced; a piece like "##ing" joins the text before it.

    Args:
        text: str with as many "[MASK]" as there are words.
        words: list of str, pieces of the vocabulary.
    """
    for word in words:
        before, _, after = text.partition("[MASK]")
        if word.startswith("##"):
            before, word = before.rstrip(), word[2:]
        text = before + word + after
    return text


def _shortened(text):
    return repr(text if len(text) <= 60 else text[:57] + "…")
