"""From tags of words and answers in passages to targets at tokens, for `model.fit`."""

import numpy as np

from keras_bert.errors import InputError
from keras_bert.text.encoding import overlapping_tokens

IGNORED = -1  # what the loss of a `BertTagger` leaves out


def tag_targets(encodings, sentences, tags, labels=None, length=None):
    """Returns tags at the first piece of each word; see `WordPieceTokenizer.tag_targets`.

    Args:
        encodings: list of `Encoding` of the sentences.
        sentences, tags, labels, length: as there.
    """
    if len(encodings) != len(tags):
        raise InputError(f"{len(encodings)} sentences but {len(tags)} lists of tags")
    longest = max((len(encoding.token_ids) for encoding in encodings), default=0)
    found = np.full((len(encodings), longest if length is None else length), IGNORED, "int32")
    ids = None if labels is None else {label: index for index, label in enumerate(labels)}
    for row, (encoding, words, row_tags) in enumerate(zip(encodings, sentences, tags)):
        if len(words) != len(row_tags):
            raise InputError(f"sentence {row + 1}: {len(words)} words but {len(row_tags)} tags")
        numbers = [_number(tag, ids, row) for tag in row_tags]
        before = None
        for position, word in enumerate(encoding.word_ids):
            if word is not None and word != before:
                found[row, position] = numbers[word]
            before = word
    return found


def span_targets(rows, passages, answers):
    """Returns first and last tokens of answers; see `WordPieceTokenizer.span_targets`.

    Args:
        rows: list of (pieces of the question, of the passage, how many are kept of each).
        passages, answers: as there.
    """
    if len(rows) != len(answers):
        raise InputError(f"{len(rows)} passages but {len(answers)} answers")
    found = np.zeros((2, len(rows)), "int32")
    for row, (passage, answer) in enumerate(zip(passages, answers)):
        if not answer:
            continue
        text, start = (answer, passage.find(answer)) if isinstance(answer, str) else answer
        if not text or start < 0 or passage[start : start + len(text)] != text:
            raise InputError(
                f"answer {row + 1}: {text!r:.40} is not at character {start} of the passage"
            )
        _, pieces, kept_question, kept = rows[row]
        starts, ends = np.array(pieces.offsets, "int64").reshape(-1, 2).T
        tokens = overlapping_tokens(starts, ends, start, start + len(text))
        if tokens and tokens[1] < kept:
            found[:, row] = [kept_question + 2 + token for token in tokens]
    return {"start_logits": found[0], "end_logits": found[1]}


def _number(tag, ids, row):
    if ids is None:
        if isinstance(tag, str):
            raise InputError(f"sentence {row + 1}: tag {tag!r} is a name: give labels, too")
        return tag
    if tag not in ids:
        raise InputError(f"sentence {row + 1}: tag {tag!r} is not one of {', '.join(ids)}")
    return ids[tag]
