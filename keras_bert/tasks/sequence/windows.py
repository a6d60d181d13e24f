"""Texts that are longer than a row: cut to it, or read whole in overlapping windows.

The windows of a text have the model's length, neighbours share at least a quarter of it, and they
are spread evenly, so that none is a short rest. Their outputs are pooled into those of the text.
"""

import dataclasses

import numpy as np

from keras_bert import numpy_ops
from keras_bert.errors import InputError
from keras_bert.tasks.task import Rows
from keras_bert.text.encoding import truncated_lengths

_TEXTS_AT_ONCE = 512
# Neighbouring windows share one token in this many, or more.
SHARED = 4
# As `keras.config.epsilon()`, by which Keras's losses clip probabilities.
_LEAST = 1e-7


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class TextRow:
    """One row: [CLS] text [SEP], or [CLS] text [SEP] second text [SEP], or a part of that.

    Attributes:
        token_ids: int32 array of shape (length,).
        segment_ids: int8 array, 0 up to and with the first [SEP], then 1.
    """

    token_ids: np.ndarray
    segment_ids: np.ndarray


def rows_of(examples, tokenizer, config):
    """Returns the `Rows` of texts or pairs: one each, or with `config.windows` their windows.

    Without windows the end of the longer text of a pair is cut off first. With them the longer
    one, at a tie the second, is read in windows, and the other stands in each of them; at most
    half of a row, the rest of it is cut off.

    Args:
        examples: `texts.Examples`.
        tokenizer: `WordPieceTokenizer`.
        config: `ModelConfig`.

    Raises:
        InputError: the model's length leaves no room for windows.
    """
    rows, indices, cut = [], [], 0
    length, marks = config.max_length, (tokenizer.cls_id, tokenizer.sep_id)
    for start in range(0, len(examples), _TEXTS_AT_ONCE):  # the tokenizer's objects are large
        end = start + _TEXTS_AT_ONCE
        first = tokenizer.cut(examples.texts[start:end])
        second = [None] * len(first)
        if examples.texts_b is not None:
            second = tokenizer.cut(examples.texts_b[start:end])
        for index, (a, b) in enumerate(zip(first, second), start):
            sizes = len(a), None if b is None else len(b)
            parts = spans(*sizes, length) if config.windows else [_beginning(*sizes, length)]
            ends = [max(part[which][1] for part in parts) for which in (0, 1)]
            cut += ends[0] < sizes[0] or ends[1] < (sizes[1] or 0)
            rows += [_row(a, b, *part, *marks) for part in parts]
            indices += [index] * len(parts)
    return Rows(rows, np.array(indices, "int64"), cut=cut)


def spans(size_a, size_b, length):
    """Returns the parts of a text, or of a pair, that stand in each of its windows.

    Args:
        size_a: int, tokens of the text.
        size_b: int, tokens of the second text, or None.
        length: int, the most tokens of a window, special tokens included.

    Returns:
        A list of ((start, end), (start, end)), tokens of the text and of the second text.

    Raises:
        InputError: there is no room for a token of the longer text.
    """
    room = length - (2 if size_b is None else 3)
    if room < 1:
        reason = "leaves no room for windows of texts: give more tokens"
        raise InputError(reason, "length", length)
    sizes = size_a, size_b or 0
    if sum(sizes) <= room:
        return [((0, sizes[0]), (0, sizes[1]))]
    long = 0 if sizes[0] > sizes[1] else 1
    kept = min(sizes[1 - long], room // 2)
    room -= kept
    parts = [(start, start + room) for start in starts(sizes[long], room)]
    return [(part, (0, kept)) if long == 0 else ((0, kept), part) for part in parts]


def starts(tokens, room):
    """Returns the first token of each window.

    Args:
        tokens: int, those of the text, at least `room`.
        room: int, those of a window.
    """
    rest = tokens - room
    steps = -(-rest // (room - room // SHARED))
    return [i * rest // max(steps, 1) for i in range(steps + 1)]


def pooled(values, rows, link):
    """Returns the outputs of texts, from those of their windows.

    It is the mean of the windows' logits that is turned into probabilities: of windows that know
    nothing and one that is sure, the sure one decides, and the answer has the same form as that
    for a short text. Exported files return probabilities, so that the logits are taken from these,
    in every format; log p differs from a logit by a number that the softmax cancels.

    Args:
        values: sequence of arrays, one a row.
        rows: `Rows`, those of a text one after the other; None: one row a text.
        link: "softmax" or "sigmoid", what made probabilities of logits; None: numbers, of which
            the mean itself is taken.

    Returns:
        A list of float32 arrays, one a text; of a text in one row that row's own.
    """
    count = 0 if rows is None or not len(rows) else int(rows.example_indices[-1]) + 1
    if count == 0 or count == len(rows):
        return values
    firsts = np.searchsorted(rows.example_indices, np.arange(count + 1))
    found = []
    for first, end in zip(firsts, firsts[1:]):
        windows = np.array(values[first:end], "float32")
        if end - first > 1:
            logits = logits_of(windows.astype("float64"), link, numpy_ops)
            windows = [outputs_of(logits.mean(axis=0), link, numpy_ops).astype("float32")]
        found.append(windows[0])
    return found


def logits_of(outputs, link, ops):
    """Returns logits of outputs; see `pooled`. `ops` is `keras.ops` or `numpy_ops`."""
    if link is None:
        return outputs
    outputs = ops.clip(outputs, _LEAST, 1 - _LEAST)
    return ops.log(outputs) - (ops.log(1 - outputs) if link == "sigmoid" else 0)


def outputs_of(logits, link, ops):
    """Returns the outputs of mean logits; see `pooled`. `ops` is `keras.ops` or `numpy_ops`."""
    if link is None:
        return logits
    return ops.softmax(logits, axis=-1) if link == "softmax" else ops.sigmoid(logits)


def _beginning(size_a, size_b, length):
    kept_a, kept_b = truncated_lengths(size_a, size_b, length)
    return (0, kept_a), (0, kept_b)


def _row(a, b, part_a, part_b, cls_id, sep_id):
    ids = [cls_id, *a.ids[slice(*part_a)], sep_id]
    first = len(ids)
    if b is not None:
        ids += [*b.ids[slice(*part_b)], sep_id]
    segment_ids = np.zeros(len(ids), "int8")
    segment_ids[first:] = 1
    return TextRow(np.array(ids, "int32"), segment_ids)
