"""Which devices a training on JAX runs on: what `strategy` is for TensorFlow."""

import contextlib

import keras

from keras_bert.errors import InputError, name_of
from keras_bert.training.pretrain_settings import STRATEGIES

# A sum over workers does not fail here, for there are none.
WORKER_LOST = ()


class Devices:
    """The devices of a training, in place of a `tf.distribute.Strategy`.

    Args:
        distribution: a `keras.distribution.DataParallel`, or None for one device.
    """

    def __init__(self, distribution=None):
        self.distribution = distribution

    @property
    def num_replicas_in_sync(self):
        """How many devices share a batch."""
        return 1 if self.distribution is None else self.distribution.num_model_replicas

    def scope(self):
        """Returns the block in which a model is made and trained."""
        if self.distribution is None:
            return contextlib.nullcontext()
        return self.distribution.scope()


def make_strategy(name):
    """Returns the `Devices` of a training.

    Args:
        name: "one" (the first GPU, or the CPU) or "mirrored" (all devices that JAX has in this
            process); or `Devices`, which are returned.

    Raises:
        InputError: there is no such strategy, or it needs TensorFlow.
    """
    if isinstance(name, Devices):
        return name
    if name not in STRATEGIES:
        raise InputError(f"expected {', '.join(STRATEGIES)}", "strategy", name)
    if name == "multi_worker":
        fix = f"set KERAS_BACKEND=tensorflow, or use {name_of('strategy', 'mirrored')}"
        raise InputError(f"needs TensorFlow: {fix}", "strategy", name)
    devices = keras.distribution.list_devices()
    if name == "one" or len(devices) == 1:
        return Devices()
    return Devices(keras.distribution.DataParallel(devices=devices, auto_shard_dataset=False))


def is_chief(strategy):
    """Says whether this process writes files: it is the only one."""
    return True


def wait_for_all(strategy):
    """Returns at once: there is no other process."""


def check_batch_size(batch_size, strategy, micro_batches=1):
    """Raises InputError unless a batch's rows can be shared evenly; JAX has no other way."""
    parts = strategy.num_replicas_in_sync * micro_batches
    if batch_size % parts:
        relation = "is less than" if batch_size < parts else "is no multiple of"
        raise InputError(
            f"{relation} {parts}, the number of devices times that of micro-batches",
            "batch_size",
            batch_size,
        )
