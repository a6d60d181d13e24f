"""Batches of tokenized texts, where a batch is a pure function of (data, seed, step).

Texts of like length share a batch, so that short texts do not pay for long ones, and any step can
be made without making those before it, which is what lets a killed run go on exactly.
"""

import numpy as np

# Batches are padded to a multiple of this: a few distinct shapes instead of one for each length.
_LENGTH_MULTIPLE = 8
# Texts are sorted by length only inside windows of this many batches: wide enough that a batch
# holds like lengths, narrow enough that which texts meet in a batch is still left to chance.
_WINDOW_BATCHES = 64


class TokenizedTexts:
    """Token ids and segment ids of many texts, stored end to end.

    Args:
        encodings: iterable of `Encoding`, with `token_ids` and `segment_ids`.
        max_length: the most tokens that a text has or a batch is padded to.
        pad_id: the id of [PAD].
    """

    def __init__(self, encodings, max_length, pad_id=0):
        token_ids, segment_ids, lengths = [], [], []
        for encoding in encodings:
            token_ids.append(np.asarray(encoding.token_ids, "int32"))
            segment_ids.append(np.asarray(encoding.segment_ids, "int8"))
            lengths.append(len(encoding.token_ids))
        self.max_length = max_length
        self.pad_id = pad_id
        self.lengths = np.array(lengths, "int64")
        self._starts = np.concatenate([[0], np.cumsum(self.lengths)])
        self._token_ids = np.concatenate(token_ids)
        self._segment_ids = np.concatenate(segment_ids)

    def __len__(self):
        return len(self.lengths)

    def batch(self, indices):
        """Returns the model's inputs for the texts at `indices`, padded to the longest of them.

        Args:
            indices: int array of shape (batch,).

        Returns:
            A dict of int32 arrays of shape (batch, length): token_ids, segment_ids, padding_mask.
        """
        longest = int(self.lengths[indices].max())
        length = min(-(-longest // _LENGTH_MULTIPLE) * _LENGTH_MULTIPLE, self.max_length)
        token_ids = np.full((len(indices), length), self.pad_id, "int32")
        segment_ids = np.zeros((len(indices), length), "int32")
        padding_mask = np.zeros((len(indices), length), "int32")
        for row, index in enumerate(indices):
            start, size = self._starts[index], self.lengths[index]
            token_ids[row, :size] = self._token_ids[start : start + size]
            segment_ids[row, :size] = self._segment_ids[start : start + size]
            padding_mask[row, :size] = 1
        return {
            "token_ids": token_ids,
            "segment_ids": segment_ids,
            "padding_mask": padding_mask,
        }


class TrainingBatches:
    """The shuffled, length-bucketed batches of a whole run.

    Args:
        texts: `TokenizedTexts`.
        targets: array of shape (count, ...), what the model learns.
        batch_size: texts a batch; the last batch of an epoch may be smaller.
        seed: int; the order is a function of it and of the epoch.
    """

    def __init__(self, texts, targets, batch_size, seed):
        self.texts = texts
        self.targets = np.asarray(targets)
        self.batch_size = batch_size
        self.seed = seed
        self.steps_per_epoch = -(-len(texts) // batch_size)
        self._planned_epoch, self._plan = None, None

    def indices(self, step):
        """Returns the indices of the texts of batch number `step`, counted from the run's start."""
        epoch, position = divmod(step, self.steps_per_epoch)
        if epoch != self._planned_epoch:
            self._planned_epoch, self._plan = epoch, self._make_plan(epoch)
        return self._plan[position]

    def _make_plan(self, epoch):
        generator = np.random.default_rng([self.seed, epoch])
        order = generator.permutation(len(self.texts))
        window = self.batch_size * _WINDOW_BATCHES
        plan = []
        for start in range(0, len(order), window):
            part = order[start : start + window]
            part = part[np.argsort(self.texts.lengths[part], kind="stable")]
            plan += [part[i : i + self.batch_size] for i in range(0, len(part), self.batch_size)]
        return [plan[i] for i in generator.permutation(len(plan))]

    def __getitem__(self, step):
        indices = self.indices(step)
        return self.texts.batch(indices), self.targets[indices]

    def stream(self, first_step, last_step):
        """Returns what `model.fit` takes: batches first_step to last_step - 1, in order."""
        return fit_input(lambda: (self[step] for step in range(first_step, last_step)), self[0])


def predict(model, texts, batch_size=64):
    """Runs a model over texts, those of like length together, and restores their order.

    Args:
        model: a compiled or uncompiled Keras model with one output.
        texts: `TokenizedTexts`.
        batch_size: texts a batch.

    Returns:
        The outputs, float32, of shape (count, ...).
    """
    order = np.argsort(texts.lengths, kind="stable")
    parts = [order[i : i + batch_size] for i in range(0, len(order), batch_size)]

    def batches():
        return ((texts.batch(part),) for part in parts)

    outputs = model.predict(fit_input(batches, next(batches())), steps=len(parts), verbose=0)
    restored = np.empty_like(outputs)
    restored[order] = outputs
    return restored


def fit_input(make_generator, example):
    """Wraps a generator of numpy batches for Keras.

    On TensorFlow Keras would read the shapes off the first two batches and refuse a third of
    another length, so the signature is given here, with batch and length left open.
    """
    import keras

    if keras.backend.backend() != "tensorflow":
        return make_generator()
    import tensorflow as tf

    signature = tf.nest.map_structure(
        lambda a: tf.TensorSpec([None] * min(a.ndim, 2) + list(a.shape[2:]), a.dtype), example
    )
    dataset = tf.data.Dataset.from_generator(make_generator, output_signature=signature)
    return dataset.prefetch(2)
