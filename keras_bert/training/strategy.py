"""Pretraining under `tf.distribute` with `compile` and `fit`, on any number of replicas.

Keras's own step falls short of that in four places (Keras 3.15, TensorFlow 2.21): `fit` fails under
MultiWorkerMirroredStrategy, gradient accumulation fails under MirroredStrategy, gradients are
clipped before they are summed over replicas, and means over unequal parts of a batch are averaged
as if they were equal. Here every replica is given the whole batch, takes its own rows, in several
parts if asked to, and hands weighted sums on; the one sum over replicas comes before the clipping.
So the weights after a step are those of one replica, up to the order of additions.
"""

import os

import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.models.pretrainer import BertPretrainer

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
            logical CPU devices) or "multi_worker" (the machines that TF_CONFIG lists).

    Raises:
        InputError: TF_CONFIG is not set.
    """
    if name == "one":
        return tf.distribute.get_strategy()
    if name == "mirrored":
        if tf.config.list_logical_devices("GPU"):
            return tf.distribute.MirroredStrategy()
        devices = [device.name for device in tf.config.list_logical_devices("CPU")]
        return tf.distribute.MirroredStrategy(devices)
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


class DistributedPretrainer(BertPretrainer):
    """A `BertPretrainer` whose `fit` takes whole batches under any strategy.

    Make it, and its optimizer, within `strategy.scope()`. Call `fit` and `evaluate` outside of it,
    on every worker with the same batches.

    Args:
        encoder, pair: see `BertPretrainer`.
        strategy: a `tf.distribute.Strategy`.
        micro_batches: how many parts a replica does its share of a batch in, one after the other;
            memory is that of one part.
    """

    def __init__(self, encoder, pair, strategy, micro_batches=1, **kwargs):
        super().__init__(encoder, pair, **kwargs)
        self.strategy = strategy
        self.micro_batches = micro_batches

    @property
    def distribute_strategy(self):
        # What Keras would split batches by; here every replica takes its rows itself.
        return tf.distribute.get_strategy()

    def make_train_function(self, force=False):
        if self.train_function is None or force:
            self.train_function = self._make_step_function(self._train_replica)
        return self.train_function

    def make_test_function(self, force=False):
        if self.test_function is None or force:
            self.test_function = self._make_step_function(self._test_replica)
        return self.test_function

    def _make_step_function(self, replica_step):
        @tf.function(reduce_retracing=True, autograph=False)
        def step(batch):
            results = self.strategy.run(replica_step, args=(batch,))
            # They are the same on every replica.
            return tf.nest.map_structure(
                lambda value: self.strategy.experimental_local_results(value)[0], results
            )

        def next_step(iterator):
            batch = iterator.get_next_as_optional()
            if not batch.has_value():
                raise StopIteration
            return step(batch.get_value())

        return next_step

    def _train_replica(self, batch):
        variables = self.trainable_variables

        def gradients_of(part):
            inputs, targets, weights = self._rows(batch, part)
            with tf.GradientTape() as tape:
                sums = self.sums(targets, self(inputs, training=True), weights)
                loss = sum(value for name, value in sums.items() if name.endswith("_loss"))
                loss = self.optimizer.scale_loss(loss)
            # Dense: TensorFlow takes the norm of a lookup's sparse gradient without adding up the
            # rows that stand in it several times.
            return sums, [tf.convert_to_tensor(g) for g in tape.gradient(loss, variables)]

        def add_part(part, *so_far):
            return part + 1, *tf.nest.map_structure(tf.add, so_far, gradients_of(part))

        sums, gradients = gradients_of(0)
        if self.micro_batches > 1:
            _, sums, gradients = tf.while_loop(
                lambda part, *_: part < self.micro_batches,
                add_part,
                (tf.constant(1), sums, gradients),
                parallel_iterations=1,
            )
        self.optimizer.apply(gradients, variables)
        return self._track_all(sums)

    def _test_replica(self, batch):
        sums = None
        for part in range(self.micro_batches):
            inputs, targets, weights = self._rows(batch, part)
            more = self.sums(targets, self(inputs, training=False), weights)
            sums = more if sums is None else {name: sums[name] + more[name] for name in sums}
        return self._track_all(sums)

    def _rows(self, batch, part):
        """Returns the rows of a batch that are one part of this replica's share."""
        context = tf.distribute.get_replica_context()
        parts = context.num_replicas_in_sync * self.micro_batches
        index = tf.cast(context.replica_id_in_sync_group, tf.int32) * self.micro_batches + part
        count = tf.shape(tf.nest.flatten(batch)[0])[0]
        first, last = count * index // parts, count * (index + 1) // parts
        return tf.nest.map_structure(lambda array: array[first:last], batch)

    def _track_all(self, sums):
        """Adds the sums of all replicas and takes them into the running means."""
        context = tf.distribute.get_replica_context()
        names = list(sums)
        total = context.all_reduce(tf.distribute.ReduceOp.SUM, tf.stack(list(sums.values())))
        return self.track(dict(zip(names, tf.unstack(total, num=len(names)), strict=True)))


def wait_for_all(strategy):
    """Returns when every worker has come here: one that ends early would take the rest with it."""
    if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        return

    @tf.function
    def meet():
        arrived = strategy.run(lambda: tf.constant(1.0))
        return strategy.reduce(tf.distribute.ReduceOp.SUM, arrived, axis=None)

    meet()
