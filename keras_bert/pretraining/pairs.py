"""Makes examples from documents: pairs of segments, or whole sentences.

An example is two ranges of a flat array of tokens, so no token is copied here. The method is that
of Google's create_pretraining_data.py, with these differences:

* A random second segment never comes from a document with the same text.
* "next" and "random", and "in order" and "swapped", are equally frequent. Google's rule that a
  lone sentence gets a random second segment makes too many random pairs. Here the other examples
  are balanced against it; where that is not enough, a lone sentence is joined with the next one.
* A segment that is cut at its front begins with a whole word.
"""

import dataclasses

import numpy as np

SPECIAL_TOKENS = {"nsp": 3, "sop": 3, "none": 2}
_SHORTEST = 2
# How far one label may lead before the next is certain to be the other.
_LEAD = 4


@dataclasses.dataclass(frozen=True)
class Document:
    """One document.

    Args:
        bounds: list of int, where each sentence begins in the flat array of tokens, and at last
            where the last sentence ends.
        key: equal for documents of the same text.
    """

    bounds: list
    key: int


def make_examples(documents, word_starts, pair, length, short_probability, rng):
    """Makes examples of all documents of a block.

    Args:
        documents: list of Document, none without a sentence.
        word_starts: bool (tokens,), of the flat array.
        pair: "nsp", "sop" or "none".
        length: int, the most tokens of an example, special tokens included.
        short_probability: float, the share of examples with a random shorter target length.
        rng: random.Random.

    Returns:
        (list of (a_start, a_end, b_start, b_end, label), int): the examples, b_start = b_end = 0
        and label = 0 where there is no pair, and the number of sentences that are in no example:
        they are alone in their document, and there is no partner for them.
    """
    maker = _Maker(documents, word_starts, pair, length, short_probability, rng)
    make = maker.whole_sentences if pair == "none" else maker.pairs
    for document in documents:
        make(document)
    return maker.examples, maker.left_out


class _Maker:
    def __init__(self, documents, word_starts, pair, length, short_probability, rng):
        self.documents = documents
        self.word_starts = word_starts
        self.pair = pair
        self.room = length - SPECIAL_TOKENS[pair]
        self.short_probability = short_probability
        self.rng = rng
        self.examples = []
        self.left_out = 0
        self.lead = 0  # examples with label 1 less those with label 0
        first = documents[0].key if documents else None
        self.has_others = any(document.key != first for document in documents)

    def whole_sentences(self, document):
        """Adds examples of as many whole sentences as fit."""
        bounds, begin = document.bounds, 0
        while begin < len(bounds) - 1:
            target, end = self._target(), begin + 1
            while end < len(bounds) - 1 and bounds[end + 1] - bounds[begin] <= target:
                end += 1
            self.examples.append((bounds[begin], bounds[end], 0, 0, 0))
            begin = end

    def pairs(self, document):
        """Adds pairs of segments; a segment is one or more sentences."""
        bounds, begin = document.bounds, 0
        last = len(bounds) - 1
        while begin < last:
            target, end = self._target(), begin + 1
            while end < last and bounds[end] - bounds[begin] < target:
                end += 1
            label = self._draw_label()
            if end - begin == 1:
                if end < last and not (self.pair == "nsp" and self.has_others and label):
                    end += 1
                elif self.pair == "nsp" and self.has_others:
                    label = 1
                else:
                    self.left_out += 1
                    begin = end
                    continue
            elif not self.has_others and self.pair == "nsp":
                label = 0
            middle = begin + 1
            if end - begin > 1:
                middle = begin + self.rng.randint(1, end - begin - 1)
            a = bounds[begin], bounds[middle]
            if self.pair == "nsp" and label:
                b = self._other_segment(document, target - (a[1] - a[0]))
                end = middle  # the unused sentences are put back
            else:
                b = bounds[middle], bounds[end]
            a, b = self._truncated(a, b)
            if self.pair == "sop" and label:
                a, b = b, a
            self.examples.append((*a, *b, label))
            self.lead += 1 if label else -1
            begin = end

    def _target(self):
        if self.rng.random() < self.short_probability:
            return self.rng.randint(min(_SHORTEST, self.room), self.room)
        return self.room

    def _draw_label(self):
        """Returns 0 or 1, at random but so that neither gets far ahead."""
        return int(self.rng.random() < 0.5 - self.lead / (2 * _LEAD))

    def _other_segment(self, document, wanted):
        """Returns a range of sentences, from a random one on, of a document with another text."""
        while True:
            other = self.documents[self.rng.randrange(len(self.documents))]
            if other.key != document.key:
                break
        bounds = other.bounds
        begin = self.rng.randrange(len(bounds) - 1)
        end = begin + 1
        while end < len(bounds) - 1 and bounds[end] - bounds[begin] < wanted:
            end += 1
        return bounds[begin], bounds[end]

    def _truncated(self, a, b):
        """Cuts the longer of two ranges until both fit, each token from a random end."""
        size_a, size_b = a[1] - a[0], b[1] - b[0]
        half = self.room // 2
        kept_a = min(size_a, max(self.room - size_b, self.room - half))
        kept_b = min(size_b, max(self.room - size_a, half))
        return self._cut(a, size_a - kept_a), self._cut(b, size_b - kept_b)

    def _cut(self, segment, surplus):
        if not surplus:
            return segment
        # One toss of a coin for each token to remove: from the front or from the back.
        front = self.rng.getrandbits(surplus).bit_count()
        start, end = segment[0] + front, segment[1] - (surplus - front)
        whole = np.flatnonzero(self.word_starts[start:end])
        return (start + int(whole[0]) if len(whole) else start), end
