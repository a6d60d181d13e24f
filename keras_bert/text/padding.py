"""Token ids of many texts, stored end to end, and the padded batches made of them."""

import numpy as np

# Batches are padded to a multiple of this: a few distinct shapes instead of one for each length.
_LENGTH_MULTIPLE = 8


class TokenizedTexts:
    """Token ids and segment ids of many texts.

    Args:
        encodings: iterable of `Encoding`, with `token_ids` and `segment_ids`.
        max_length: the most tokens that a text has or a batch is padded to.
        pad_id: the id of [PAD].
        group: how many texts, one after the other, go through the model together; `len` and
            `lengths` then count groups, a group being as long as the longest in it.
        padded_lengths: ints that rise, the lengths that batches are padded to, up to `max_length`;
            None: the multiples of 8.
    """

    def __init__(self, encodings, max_length, pad_id=0, group=1, padded_lengths=None):
        token_ids, segment_ids, lengths = [], [], []
        for encoding in encodings:
            token_ids.append(np.asarray(encoding.token_ids, "int32"))
            segment_ids.append(np.asarray(encoding.segment_ids, "int8"))
            lengths.append(len(encoding.token_ids))
        self.max_length = max_length
        self.pad_id = pad_id
        self.group = group
        self._padded_lengths = padded_lengths
        self._sizes = np.array(lengths, "int64")
        self.lengths = self._sizes.reshape(-1, group).max(axis=1) if lengths else self._sizes
        self._starts = np.concatenate([[0], np.cumsum(self._sizes)])
        self._token_ids = np.concatenate([np.empty(0, "int32"), *token_ids])
        self._segment_ids = np.concatenate([np.empty(0, "int8"), *segment_ids])

    def __len__(self):
        return len(self.lengths)

    def batch(self, indices, length=None):
        """Returns the model's inputs for the texts at `indices`.

        Args:
            indices: int array of shape (batch,).
            length: tokens to pad to; None takes the longest text's, rounded up.

        Returns:
            A dict of int32 arrays of shape (batch, length), for groups (batch, group, length):
            token_ids, segment_ids, padding_mask.
        """
        length = length or self.padded_length(indices)
        texts = np.asarray(indices)[:, None] * self.group + np.arange(self.group)
        token_ids = np.full((texts.size, length), self.pad_id, "int32")
        segment_ids = np.zeros((texts.size, length), "int32")
        padding_mask = np.zeros((texts.size, length), "int32")
        for row, index in enumerate(texts.flat):
            start, size = self._starts[index], self._sizes[index]
            token_ids[row, :size] = self._token_ids[start : start + size]
            segment_ids[row, :size] = self._segment_ids[start : start + size]
            padding_mask[row, :size] = 1
        shape = (*texts.shape, length) if self.group > 1 else (len(texts), length)
        return {
            "token_ids": token_ids.reshape(shape),
            "segment_ids": segment_ids.reshape(shape),
            "padding_mask": padding_mask.reshape(shape),
        }

    def padded_length(self, indices):
        """Returns the length that a batch of these texts has."""
        longest = int(self.lengths[indices].max())
        return min(rounded_length(longest, self._padded_lengths), self.max_length)


def rounded_length(length, padded_lengths=None):
    """Returns the length that a batch is padded to whose longest text has `length` tokens.

    Args:
        length: int.
        padded_lengths: see `TokenizedTexts`; beyond the last of them it is the multiple of 8.
    """
    for padded in padded_lengths or ():
        if length <= padded:
            return padded
    return -(-length // _LENGTH_MULTIPLE) * _LENGTH_MULTIPLE
