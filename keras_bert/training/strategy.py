"""Which devices a training runs on: one, those of this machine, or those of several."""

import functools
import os

import tensorflow as tf

from keras_bert.errors import InputError

STRATEGIES = ("one", "mirrored", "multi_worker")
# What a sum over workers ends in when one of them is gone.
WORKER_LOST = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.InternalError,
)


def make_strategy(name):
    """Returns a strategy; "multi_worker" must be made before TensorFlow does anything else.

    Args:
        name: "one" (the first GPU, or the CPU), "mirrored" (all GPUs of this machine, or else its
            logical CPU devices) or "multi_worker" (the machines that TF_CONFIG lists); or a
            strategy, which is returned.

    Raises:
        InputError: there is no such strategy, or TF_CONFIG is not set.
    """
    if isinstance(name, tf.distribute.Strategy):
        return name
    if name not in STRATEGIES:
        raise InputError(f"expected {', '.join(STRATEGIES)}", "strategy", name)
    if name == "one":
        return tf.distribute.get_strategy()
    if name == "mirrored":
        return _mirrored()
    if not os.environ.get("TF_CONFIG"):
        raise InputError(
            "set TF_CONFIG on every machine, "
            '{"cluster": {"worker": ["host:port", …]}, "task": {"type": "worker", "index": 0}}',
            "strategy",
            name,
        )
    try:
        return tf.distribute.MultiWorkerMirroredStrategy()
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"TF_CONFIG: {error}") from None
    except RuntimeError:
        raise InputError(
            "has to come before anything else that TensorFlow does: start from a path, or call "
            "make_strategy first",
            "strategy",
            name,
        ) from None


@functools.cache
def _mirrored():
    """Returns the strategy over all devices; one object, however many models are trained.

    TensorFlow numbers the sums over replicas anew in each strategy, and mixes up those of two
    strategies that have the same number.
    """
    if tf.config.list_logical_devices("GPU"):
        return tf.distribute.MirroredStrategy()
    devices = [device.name for device in tf.config.list_logical_devices("CPU")]
    return tf.distribute.MirroredStrategy(devices)


def is_chief(strategy):
    """Says whether this process writes files: the only one, or the first of several."""
    resolver = strategy.cluster_resolver
    if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        return True
    return resolver.task_type in (None, "chief") or (
        resolver.task_type == "worker"
        and resolver.task_id == 0
        and "chief" not in resolver.cluster_spec().jobs
    )


def wait_for_all(strategy):
    """Returns when every worker has come here: one that ends early would take the rest with it."""
    if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        return

    @tf.function
    def meet():
        arrived = strategy.run(lambda: tf.constant(1.0))
        return strategy.reduce(tf.distribute.ReduceOp.SUM, arrived, axis=None)

    meet()


def check_batch_size(batch_size, strategy, micro_batches=1):
    """Raises InputError if a batch has fewer rows than there are parts to share it."""
    parts = strategy.num_replicas_in_sync * micro_batches
    if batch_size < parts:
        raise InputError(
            f"is less than {parts}, the number of replicas times that of micro-batches",
            "batch_size",
            batch_size,
        )
