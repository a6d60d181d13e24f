"""Splits documents into sentences and sentences into tokens, and marks where words begin."""

import dataclasses
import hashlib

import numpy as np

from keras_bert.pretraining.pairs import Document
from keras_bert.pretraining.sentences import split_sentences

_SENTENCES_AT_ONCE = 1000


@dataclasses.dataclass(frozen=True)
class Tokens:
    """The tokens of many documents in one array.

    Args:
        token_ids: int32 (tokens,).
        word_starts: bool (tokens,).
        documents: list of Document.
        sentences: int, the number of sentences.
    """

    token_ids: np.ndarray
    word_starts: np.ndarray
    documents: list
    sentences: int


def segmenter_named(name):
    """Returns a function from a str to its list of words, or None without a name."""
    if name is None:
        return None
    import jieba

    jieba.setLogLevel("ERROR")  # it prints notes on its dictionary to stderr
    return jieba.lcut


def tokenize(texts, tokenizer, longest, segmenter=None):
    """Splits documents into sentences and sentences into tokens.

    Args:
        texts: iterable of str.
        tokenizer: WordPieceTokenizer.
        longest: int, the most tokens of a sentence; a longer one is cut into parts, at the
            beginnings of words.
        segmenter: function from a str to its list of words, or None. A token inside one of these
            words does not begin a word.

    Returns:
        Tokens; documents without a token are left out.
    """
    begins_word = np.array([not token.startswith("##") for token in tokenizer.vocabulary])
    id_parts, start_parts, documents, sentences = [], [], [], 0
    position = 0
    for text in texts:
        bounds = [position]
        key = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        split = split_sentences(text)
        for first in range(0, len(split), _SENTENCES_AT_ONCE):
            part = split[first : first + _SENTENCES_AT_ONCE]
            for sentence, pieces in zip(part, tokenizer.cut(part), strict=True):
                ids = np.array(pieces.ids, np.int32)
                if not len(ids):
                    continue
                starts = begins_word[ids]
                if segmenter is not None:
                    starts &= _begins_segment(sentence, pieces.offsets, segmenter)
                starts[0] = True
                sentences += 1
                bounds += (position + end for end in _ends(starts, longest))
                position += len(ids)
                id_parts.append(ids)
                start_parts.append(starts)
        if len(bounds) > 1:
            documents.append(Document(bounds, int.from_bytes(key, "little")))
    return Tokens(
        np.concatenate([np.zeros(0, np.int32), *id_parts]),
        np.concatenate([np.zeros(0, bool), *start_parts]),
        documents,
        sentences,
    )


def _begins_segment(sentence, offsets, segmenter):
    """Returns for each token whether it is the first in its word of the segmenter."""
    segment_of = np.repeat(*_numbered_lengths(segmenter(sentence)))
    segments = segment_of[np.array([start for start, _ in offsets])]
    return np.concatenate([[True], segments[1:] != segments[:-1]])


def _numbered_lengths(words):
    return np.arange(len(words)), np.array([len(word) for word in words])


def _ends(starts, longest):
    """Returns where the parts of a sentence end: at beginnings of words, at most `longest` each."""
    if len(starts) <= longest:
        return [len(starts)]
    ends, begin = [], 0
    while len(starts) - begin > longest:
        whole = np.flatnonzero(starts[begin + 1 : begin + longest + 1])
        begin += int(whole[-1]) + 1 if len(whole) else longest
        ends.append(begin)
    return [*ends, len(starts)]
