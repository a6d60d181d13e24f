"""Targets of rows that have a label, a teacher's logits and a share of the label in the loss.

The three are one float32 array, in the last axis one behind the other, which Keras hands to the
loss as any target (`distillation.DistillationLoss`).
"""

import numpy as np

from keras_bert.text.targets import IGNORED

# The teacher's logit of an answer that begins or ends with padding, which no answer does.
NOWHERE = -1e4


class TaughtTargets:
    """The targets of many rows, or groups of rows; gives batches.

    Args:
        labels: as `TrainingBatches` takes targets.
        logits: the teacher's, a dict of float arrays by the names of the network's outputs
            ("logits" where there is one), of shape (rows, classes); for tasks per token of all
            tokens of all rows, one row behind the other, (tokens,) or (tokens, classes).
        shares: float32 array of shape (rows,), the share of each row's label in the loss.
        sizes: int array of shape (rows,), the tokens of each row; None where a row has one answer.
    """

    def __init__(self, labels, logits, shares, sizes=None):
        self.labels = labels
        self.logits = logits
        self.shares = np.asarray(shares, "float32")
        self.starts = None if sizes is None else np.concatenate([[0], np.cumsum(sizes)])

    def batch(self, indices, length, count=None):
        """Returns the targets of rows, float32, or a dict of them.

        Args:
            indices: int array of shape (batch,).
            length: tokens to which the batch is padded.
            count: how many of the rows are no fill; None: all. Tokens of fill have no target.
        """
        if isinstance(self.labels, list):
            return self._of_tokens(indices, length, self.logits["logits"], count)
        if isinstance(self.labels, dict):
            return {
                name: self._of_rows(labels, indices, self._padded(name, indices, length))
                for name, labels in self.labels.items()
            }
        return self._of_rows(self.labels, indices, self.logits["logits"][indices])

    def _of_rows(self, labels, indices, logits):
        labels = labels[indices].reshape(len(indices), -1)
        parts = self.shares[indices, None], labels, logits
        return np.concatenate([np.asarray(part, "float32") for part in parts], axis=1)

    def _padded(self, name, indices, length):
        found = np.full((len(indices), length), NOWHERE, "float32")
        for row, index in enumerate(indices):
            part = self.logits[name][self.starts[index] : self.starts[index + 1]]
            found[row, : len(part)] = part
        return found

    def _of_tokens(self, indices, length, logits, count):
        found = np.zeros((len(indices), length, 2 + logits.shape[-1]), "float32")
        found[..., 0], found[..., 1] = self.shares[indices, None], IGNORED
        for row, index in enumerate(indices[:count]):
            labels = self.labels[index]
            found[row, : len(labels), 1] = labels
            found[row, : len(labels), 2:] = logits[self.starts[index] : self.starts[index + 1]]
        return found
