"""The words that a masked language model proposes for the masks of many rows."""

import keras
import numpy as np
from keras import ops

from keras_bert import shapes
from keras_bert.tasks.fill_mask import SPECIAL_TOKENS
from keras_bert.text.padding import TokenizedTexts

# Of a batch: tokens, and logits, of which each mask has one for each token of the vocabulary.
_TOKENS_AT_ONCE, _LOGITS_AT_ONCE = 2**14, 2**25
# Added to the logits of what is no word.
_NEVER = -1e9


def proposals_for(rows, bert, count):
    """Returns the likeliest whole words for masks.

    Args:
        rows: list of objects with `token_ids`, `segment_ids` and `places`, int arrays; `places` are
            those of the masks.
        bert: `Bert` with a masked-LM head.
        count: int, words for each mask.

    Returns:
        A list with an int32 array of shape (masks, count) for each row, of token ids, the
        likeliest first.
    """
    if not rows:
        return []
    vocabulary, size = bert.tokenizer.vocabulary, bert.config.encoder.vocab_size
    never = np.full(size, _NEVER, "float32")
    words = [i for i, token in enumerate(vocabulary) if is_word(token)]
    never[words] = 0.0
    count = min(count, len(words))
    logits = bert.model.output["masked_lm"] + never
    network = keras.Model(bert.model.input, ops.top_k(logits, max(count, 1))[1])
    limit = bert.config.max_length
    texts = TokenizedTexts(
        rows, limit, bert.tokenizer.pad_id, padded_lengths=shapes.padded_lengths()
    )
    found = [None] * len(rows)
    order = np.argsort(texts.lengths, kind="stable")
    # The most masks of a row and those behind it.
    most = np.maximum.accumulate([len(rows[i].places) for i in order[::-1]])[::-1]
    start = 0
    while start < len(order):
        # The lengths rise, so those of a batch are about that of its first row.
        length, masks = int(texts.lengths[order[start]]), _power_of_two(int(most[start]))
        at_once = min(_TOKENS_AT_ONCE // length, _LOGITS_AT_ONCE // (masks * size))
        part = order[start : start + (1 << max(0, at_once.bit_length() - 1))]
        for i, values in zip(part, _of_batch(network, texts, rows, part, limit)):
            found[i] = values[: len(rows[i].places), :count]
        start += len(part)
    return found


def is_word(token):
    """Returns whether a token is a whole word, with a letter."""
    if token.startswith("##") or token in SPECIAL_TOKENS or (token[0] + token[-1]) == "[]":
        return False
    return any(map(str.isalpha, token))


def _of_batch(network, texts, rows, part, limit):
    inputs = shapes.padded_inputs(texts.batch(part), limit)
    masks = _power_of_two(max(len(rows[i].places) for i in part))
    places = np.zeros((len(inputs["token_ids"]), masks), "int32")
    for row, i in enumerate(part):
        places[row, : len(rows[i].places)] = rows[i].places
    return np.asarray(network.predict_on_batch({**inputs, "masked_positions": places}))


def _power_of_two(number):
    return 1 << (number - 1).bit_length()
