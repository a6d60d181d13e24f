"""Pretraining on JAX: one compiled program a step; while it runs, the host prepares the next.

The program is that of the whole batch, so several devices and micro-batches change no number but
for the order of additions; XLA shares out the rows where they are sharded.
"""

import jax
import keras

from keras_bert.models.pretrainer import BertPretrainer


class JaxPretrainer(BertPretrainer):
    """A `BertPretrainer` for `fit` on JAX, on one device or several, in micro-batches if asked to.

    Args:
        encoder, pair: see `BertPretrainer`.
        strategy: `jax_strategy.Devices`.
        micro_batches: how many parts a step does the rows of a batch in, one after the other;
            memory is that of one part.
    """

    def __init__(self, encoder, pair, strategy, micro_batches=1, **kwargs):
        super().__init__(encoder, pair, **kwargs)
        self.strategy = strategy
        self.micro_batches = micro_batches

    def fit(self, *args, **kwargs):
        with self.strategy.scope():
            return super().fit(*args, **kwargs)

    def evaluate(self, *args, **kwargs):
        with self.strategy.scope():
            return super().evaluate(*args, **kwargs)

    def make_train_function(self, force=False):
        if self.train_function is not None and not force:
            return
        super().make_train_function(force)
        step, before = self.train_function, {}

        def train_function(state, iterator):
            nonlocal before
            logs, state = step(state, iterator)
            # One step ahead of the device, and not more: a signal would be answered late.
            jax.block_until_ready(before)
            before = logs
            return {name: Pending(value) for name, value in logs.items()}, state

        self.train_function = train_function

    def train_step(self, state, data):
        """Returns (logs, state) after one step; see Keras's `JAXTrainer.train_step`."""
        trainable, fixed, optimizer_values, metric_values = state

        def loss_of(trainable, fixed, part):
            inputs, targets, weights = part
            outputs, fixed = self.stateless_call(trainable, fixed, inputs, training=True)
            sums = self.sums(targets, outputs, weights)
            loss = sum(value for name, value in sums.items() if name.endswith("_loss"))
            with _values(self.optimizer.variables, optimizer_values):
                return self.optimizer.scale_loss(loss), (sums, fixed)

        gradients_of = jax.grad(loss_of, has_aux=True)
        if self.micro_batches == 1:
            gradients, (sums, fixed) = gradients_of(trainable, fixed, data)
        else:

            def add_part(so_far, part):
                gradients, sums, fixed = so_far
                more, (more_sums, fixed) = gradients_of(trainable, fixed, part)
                added = jax.tree.map(jax.numpy.add, (gradients, sums), (more, more_sums))
                return (*added, fixed), None

            parts = jax.tree.map(self._split, data)
            one = jax.tree.map(lambda array: array[0], parts)
            shapes, (sum_shapes, _) = jax.eval_shape(gradients_of, trainable, fixed, one)
            zeros = jax.tree.map(
                lambda each: jax.numpy.zeros(each.shape, each.dtype), (shapes, sum_shapes)
            )
            (gradients, sums, fixed), _ = jax.lax.scan(add_part, (*zeros, fixed), parts)
        trainable, optimizer_values = self.optimizer.stateless_apply(
            optimizer_values, gradients, trainable
        )
        with _values(self.metrics_variables, metric_values) as scope:
            logs = self.track(sums)
        metric_values = [scope.get_current_value(each) for each in self.metrics_variables]
        return logs, (trainable, fixed, optimizer_values, metric_values)

    def _split(self, array):
        """Returns an array's rows as (parts, rows, …); each device keeps its rows."""
        parts = array.reshape(-1, self.micro_batches, *array.shape[1:])
        return jax.numpy.moveaxis(parts, 1, 0)


class Pending:
    """A number of a step that the device may not have finished yet.

    Keras makes a float of every number of the logs after each step, and so waits for the device;
    what has no `float()` it leaves as it is.
    """

    def __init__(self, value):
        self._value = value

    def read(self):
        """Returns the number, when it is there."""
        return float(self._value)

    def __format__(self, spec):
        return format(self.read(), spec)


def _values(variables, values):
    """Returns a block in which variables have values, without being assigned."""
    return keras.StatelessScope(state_mapping=list(zip(variables, values, strict=True)))
