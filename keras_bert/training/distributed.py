"""Training under `tf.distribute` with `compile` and `fit`, on any number of replicas.

Keras's own step falls short of that in four places (Keras 3.15, TensorFlow 2.21): `fit` fails under
MultiWorkerMirroredStrategy, gradient accumulation fails under MirroredStrategy, gradients are
clipped before they are summed over replicas, and means over unequal parts of a batch are averaged
as if they were equal. Here every replica is given the whole batch, takes its own rows, in several
parts if asked to, and hands weighted sums on; the one sum over replicas comes before the clipping,
which is the optimizer's `summed_clipnorm`. So the weights after a step are those of one replica, up
to the order of additions.
"""

import keras
import tensorflow as tf

from keras_bert.keras_internals import add_metrics
from keras_bert.models.network import Network
from keras_bert.models.pretrainer import BertPretrainer


class TakesWholeBatches:
    """For a `keras.Model` class, to the left of it: `fit` takes whole batches under any strategy.

    Make the model, and its optimizer, within `strategy.scope()`. Call `fit` and `evaluate` outside
    of it, on every worker with the same batches: tuples (inputs, targets, weights) whose arrays all
    have a row for each row of the batch. The class needs `sums(targets, outputs, weights)`, which
    returns what adds up over the parts of a batch, a dict of scalars of which those ending in
    "_loss" add up to the loss, and `track(sums)`, which takes them into the running means.

    Attributes:
        strategy: a `tf.distribute.Strategy`.
        micro_batches: how many parts a replica does its share of a batch in, one after the other;
            memory is that of one part.
        shapes_vary: whether batches come in many shapes; the step is then compiled once for all.
    """

    strategy = None
    micro_batches = 1
    shapes_vary = False

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

    def with_weights(self, batch):
        """Returns a batch of `fit` with the weights of its rows, which here it has already."""
        return batch

    def _make_step_function(self, replica_step):
        def step(batch):
            results = self.strategy.run(replica_step, args=(self.with_weights(batch),))
            # They are the same on every replica.
            return tf.nest.map_structure(
                lambda value: self.strategy.experimental_local_results(value)[0], results
            )

        compiled = None

        def next_step(iterator):
            nonlocal compiled
            if compiled is None:
                # Traced for the shapes that come first, a run would round otherwise than the same
                # run that is resumed.
                shapes = [iterator.element_spec] if self.shapes_vary else None
                compiled = tf.function(
                    step, shapes, reduce_retracing=not self.shapes_vary, autograph=False
                )
            batch = iterator.get_next_as_optional()
            if not batch.has_value():
                raise StopIteration
            return compiled(batch.get_value())

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
            gradients = tape.gradient(loss, variables)
            return sums, [g if g is None else tf.convert_to_tensor(g) for g in gradients]

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


class DistributedPretrainer(TakesWholeBatches, BertPretrainer):
    """A `BertPretrainer` whose `fit` takes whole batches under any strategy.

    Args:
        encoder, pair: see `BertPretrainer`.
        strategy, micro_batches: see `TakesWholeBatches`.
    """

    def __init__(self, encoder, pair, strategy, micro_batches=1, **kwargs):
        super().__init__(encoder, pair, **kwargs)
        self.strategy = strategy
        self.micro_batches = micro_batches


class DistributedTask(TakesWholeBatches, Network):
    """The network of a task, for training under any strategy; it shares the network's layers.

    `fit` takes (inputs, targets), or (inputs, targets, weights of the rows). The loss is the mean
    over the whole batch that the network's own `fit` has on one device, so what is learned does not
    depend on the number of replicas, whether they divide the batch evenly or there are fewer rows
    than replicas.

    Args:
        network: a functional Keras model, made within `strategy.scope()`.
        loss: a Keras loss on its outputs, or a dict of them by the outputs' names.
        strategy: a `tf.distribute.Strategy`.
        loss_weights: dict by the outputs' names, or None for 1 each.
    """

    shapes_vary = True

    def __init__(self, network, loss, strategy, loss_weights=None, **kwargs):
        super().__init__(inputs=network.input, outputs=network.output, **kwargs)
        self.strategy = strategy
        self.unused_layers = getattr(network, "unused_layers", ())
        self.asked_layers = getattr(network, "asked_layers", ())
        losses = loss if isinstance(loss, dict) else {"": loss}
        self.losses_by_name = {
            name: type(each).from_config({**each.get_config(), "reduction": "none"})
            for name, each in losses.items()
        }
        self.factors = {name: (loss_weights or {}).get(name, 1.0) for name in losses}
        names = ["loss", *(f"{name}_loss" for name in losses if name)]
        add_metrics(self, [keras.metrics.Mean(name=name) for name in names])

    def with_weights(self, batch):
        """Returns (inputs, targets, weights), weights being one over what the mean is taken of.

        That is the number of rows, or of the targets that a loss with `ignore_class` counts.
        """
        inputs, targets, *of_rows = batch
        by_name = targets if isinstance(targets, dict) else {"": targets}
        weights = {}
        for name, each in by_name.items():
            ignored = self._ignored(name)
            rows = tf.shape(each)[:1]
            count = rows[0]
            if ignored is not None:
                labels = getattr(self.losses_by_name[name], "classes_in", tf.identity)(each)
                count = tf.math.count_nonzero(labels != ignored, dtype="int32")
            weights[name] = tf.fill(rows, 1.0 / tf.cast(tf.maximum(count, 1), "float32"))
            if of_rows:
                weights[name] *= of_rows[0]
        # Each row's share of the batch, for the running means.
        weights["rows"] = tf.ones_like(next(iter(weights.values())))
        return inputs, targets, weights

    def sums(self, targets, outputs, weights):
        if not isinstance(targets, dict):
            targets, outputs = {"": targets}, {"": outputs}
        found = {}
        for name, loss in self.losses_by_name.items():
            values = loss(targets[name], outputs[name])
            per_row = tf.reduce_sum(values, axis=list(range(1, values.shape.rank)))
            if self._ignored(name) is None:
                per_row /= tf.cast(tf.reduce_prod(tf.shape(values)[1:]), per_row.dtype)
            found[f"{name}_loss"] = self.factors[name] * tf.reduce_sum(per_row * weights[name])
        return {**found, "rows": tf.reduce_sum(weights["rows"])}

    def track(self, sums):
        """Takes one step's `sums` into the running means and returns these, by name."""
        rows = sums["rows"]
        shares = {name: sums[f"{name}_loss"] for name in self.losses_by_name}
        values = {f"{name}_loss": share / self.factors[name] for name, share in shares.items()}
        values["loss"] = sum(shares.values())
        for metric in self.metrics:
            if metric.name in values:
                # As Keras has it: the loss is the mean over rows, each part of it over batches.
                weight = rows if metric.name == "loss" else None
                metric.update_state(values[metric.name], sample_weight=weight)
        return self.get_metrics_result()

    def get_metrics_result(self):
        return {metric.name: metric.result() for metric in self.metrics}

    def _ignored(self, name):
        return self.losses_by_name[name].get_config().get("ignore_class")
