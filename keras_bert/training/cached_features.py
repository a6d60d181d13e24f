"""What a frozen encoder says of each text, computed once, for a head that trains on it alone."""

import keras
import numpy as np

# Beyond this the encoder runs anew for each batch: as slow as training it, but in little memory.
_MOST_BYTES = 4 * 2**30


class CachedFeatures:
    """A frozen encoder's outputs for many texts; gives batches as `TokenizedTexts` does.

    Args:
        model: an `TaskNetwork`; see `head_of`.
        texts: `TokenizedTexts`.
        batch_size: texts that go through the encoder together.
    """

    def __init__(self, model, texts, batch_size=64):
        encoder = keras.Model(model.input, model.features)
        self.lengths = texts.lengths
        self.padded_length = texts.padded_length
        per_token = len(model.features.shape) == 3
        width = model.features.shape[-1]
        sizes = self.lengths if per_token else np.ones_like(self.lengths)
        self._starts = np.concatenate([[0], np.cumsum(sizes)])
        self._values = np.empty((int(self._starts[-1]), width), "float32")
        self._per_token = per_token
        order = np.argsort(self.lengths, kind="stable")
        for start in range(0, len(order), batch_size):
            part = order[start : start + batch_size]
            found = np.asarray(encoder.predict_on_batch(texts.batch(part)), "float32")
            for index, value in zip(part, found):
                size = sizes[index]
                self._values[self._starts[index] :][:size] = value[:size] if per_token else value

    def __len__(self):
        return len(self.lengths)

    def batch(self, indices, length=None):
        """Returns features, float32 of shape (batch, width) or (batch, length, width)."""
        if not self._per_token:
            return self._values[np.asarray(indices)]
        length = length or self.padded_length(indices)
        values = np.zeros((len(indices), length, self._values.shape[-1]), "float32")
        for row, index in enumerate(indices):
            part = self._values[self._starts[index] : self._starts[index + 1]]
            values[row, : len(part)] = part
        return values


def can_cache(model, *texts):
    """Says whether the features of these texts are to be had once and fit into memory.

    Args:
        model: a Keras model of a task.
        *texts: `TokenizedTexts`.
    """
    features = getattr(model, "features", None)
    if features is None:
        return False
    per_token = len(features.shape) == 3
    count = sum(int(each.lengths.sum()) if per_token else len(each) for each in texts)
    return 4 * count * features.shape[-1] <= _MOST_BYTES


def head_of(model):
    """Returns the part of a model after its encoder, as a Keras model with the same layers."""
    return keras.Model(model.features, model.output, name="head")
