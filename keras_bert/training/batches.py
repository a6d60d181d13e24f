"""Batches of tokenized texts, where a batch is a pure function of (data, seed, step).

Texts of like length share a batch, so that short texts do not pay for long ones, and any step can
be made without making those before it, which is what lets a killed run go on exactly.
"""

import numpy as np

# Texts are sorted by length only inside windows of this many batches: wide enough that a batch
# holds like lengths, narrow enough that which texts meet in a batch is still left to chance.
_WINDOW_BATCHES = 64


class TrainingBatches:
    """The shuffled, length-bucketed batches of a whole run.

    Args:
        texts: `TokenizedTexts`.
        targets: what the model learns: an array of shape (count, ...), a dict of such, or a list
            of int arrays with one value a token, which batches fill up with -1; or what has a
            `batch(indices, length)` of its own, as `TaughtTargets`.
        batch_size: texts a batch; the last batch of an epoch may be smaller.
        seed: int; the order is a function of it and of the epoch.
        weights: float32 array of shape (count,), the weight of each text in the loss; or None.
        filled: whether an epoch's last batch is filled up to `batch_size` with texts that count
            nothing in the loss, for a backend that compiles anew for each shape.
    """

    def __init__(self, texts, targets, batch_size, seed, weights=None, filled=False):
        self.texts = texts
        self.targets = targets
        self.batch_size = batch_size
        self.seed = seed
        self.weights = weights
        self.filled = filled
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

    def count_shapes(self):
        """Returns how many shapes the batches of the first epoch have."""
        steps = map(self.indices, range(self.steps_per_epoch))
        return len({(len(each), self.texts.padded_length(each)) for each in steps})

    def __getitem__(self, step):
        indices = self.indices(step)
        count = len(indices)
        if self.filled:
            indices = np.concatenate([indices, np.repeat(indices[:1], self.batch_size - count)])
        return (
            self.texts.batch(indices),
            self._targets(indices, count),
            *self._weights(indices, count),
        )

    def _weights(self, indices, count):
        """Yields the weights of a batch, where there are any; `count` of its texts are no fill."""
        # A filled row of tokens has no target: it counts nothing without weights.
        labels = getattr(self.targets, "labels", self.targets)
        if self.weights is None and (not self.filled or isinstance(labels, list)):
            return
        weights = np.ones(len(indices), "float32")
        if self.weights is not None:
            weights = self.weights[indices]
        if self.filled:
            # Keras divides by the rows of the batch, the fill too.
            weights = np.where(np.arange(len(indices)) < count, weights * len(indices) / count, 0.0)
        yield weights.astype("float32")

    def _targets(self, indices, count):
        if hasattr(self.targets, "batch"):
            return self.targets.batch(indices, self.texts.padded_length(indices), count)
        if isinstance(self.targets, dict):
            return {name: values[indices] for name, values in self.targets.items()}
        if isinstance(self.targets, np.ndarray):
            return self.targets[indices]
        values = np.full((len(indices), self.texts.padded_length(indices)), -1, "int32")
        for row, index in enumerate(indices[:count]):
            values[row, : len(self.targets[index])] = self.targets[index]
        return values

    def stream(self, first_step, last_step):
        """Returns what `model.fit` takes: batches first_step to last_step - 1, in order."""
        return fit_input(lambda: (self[step] for step in range(first_step, last_step)), self[0])


def fit_input(make_generator, example):
    """Wraps a generator of numpy batches for Keras.

    On TensorFlow Keras would read the shapes off the first two batches and refuse a third of
    another length, so the signature is given here, with batch and length left open.
    """
    import keras

    if keras.backend.backend() != "tensorflow":
        return make_generator()
    import tensorflow as tf

    signature = tf.nest.map_structure(lambda a: tf.TensorSpec([None] * a.ndim, a.dtype), example)
    dataset = tf.data.Dataset.from_generator(make_generator, output_signature=signature)
    return dataset.prefetch(2)
