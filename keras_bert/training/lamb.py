"""LAMB (You et al. 2020), Adam for large batches: each layer's step is in proportion to it."""

import math

import keras
from keras import ops

from keras_bert.keras_internals import variable_index
from keras_bert.training.dense_gradients import DenseGradients
from keras_bert.training.summed_clipping import ClipsSummedGradient
from keras_bert.training.variable_groups import check_layer_decay, decays, rate_factors


@keras.saving.register_keras_serializable(package="keras_bert")
class Lamb(DenseGradients, ClipsSummedGradient, keras.optimizers.Optimizer):
    """LAMB as algorithm 2 of You et al. 2020 has it, with phi(x) = x and bias correction.

    A variable x moves by rate * |x| / |u| * u, where u = Adam's direction + weight_decay * x.
    Biases and LayerNorm's variables do not decay and move by rate * u, as in Google's LAMB.

    `keras.optimizers.Lamb` is not this: it leaves weight decay to the base class, which takes
    rate * weight_decay * x off before and beside the step. The decay is then outside of u, where
    the trust ratio |x| / |u| neither sees nor scales it; and every bias gets a trust ratio.

    Args:
        learning_rate: float or schedule.
        weight_decay: the decay's weight in u.
        beta_1: how much of the mean gradient is kept a step.
        beta_2: how much of the mean squared gradient is kept a step.
        epsilon: is added to the root of the mean squared gradient.
        layer_decay: factor of the learning rate from each block to the one below it; see
            `variable_groups.rate_factors`.
        name: of the optimizer.
        **kwargs: `summed_clipnorm`, see `ClipsSummedGradient`; `global_clipnorm` and the like,
            see `keras.optimizers.Optimizer`.

    Raises:
        InputError: `layer_decay` is out of its range.
    """

    def __init__(
        self,
        learning_rate=0.001,
        weight_decay=0.01,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-6,
        layer_decay=1.0,
        name="lamb",
        **kwargs,
    ):
        check_layer_decay(layer_decay)
        # Not given to the base class, whose decay is outside of the trust ratio.
        super().__init__(learning_rate=learning_rate, name=name, **kwargs)
        self.decay = weight_decay or 0.0
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.layer_decay = layer_decay

    def build(self, variables):
        """Makes the two moments of every variable."""
        if self.built:
            return
        super().build(variables)
        self._momentums, self._velocities = self.add_optimizer_variables(
            variables, ["momentum", "velocity"]
        )
        paths = [variable.path for variable in variables]
        self._adapted = tuple(decays(path) for path in paths)
        self._rate_factors = tuple(rate_factors(paths, self.layer_decay))

    def update_step(self, gradient, variable, learning_rate):
        """Moves one variable.

        Args:
            gradient: tensor of the variable's shape.
            variable: a Keras variable; on TensorFlow a tf.Variable, under a strategy one
                replica's.
            learning_rate: float or scalar tensor.
        """
        dtype = variable.dtype
        # Looked up here: a tf.Variable knows its place among the variables but not its path.
        index = variable_index(self, variable)
        m, v = self._momentums[index], self._velocities[index]
        gradient = ops.cast(gradient, dtype)
        step = ops.cast(self.iterations + 1, dtype)

        self.assign_add(m, (gradient - m) * (1.0 - self.beta_1))
        self.assign_add(v, (ops.square(gradient) - v) * (1.0 - self.beta_2))
        mean = m / _one_minus_power(self.beta_1, step)
        root = ops.sqrt(v / _one_minus_power(self.beta_2, step))
        update = mean / (root + self.epsilon)

        rate = ops.cast(learning_rate, dtype) * self._rate_factors[index]
        if self._adapted[index]:
            update = update + self.decay * ops.convert_to_tensor(variable)
            weight_norm = ops.sqrt(ops.sum(ops.square(variable)))
            update_norm = ops.sqrt(ops.sum(ops.square(update)))
            both = ops.logical_and(weight_norm > 0, update_norm > 0)
            # The inner where: a division by 0 in the branch not taken is 0 / 0 all the same.
            ratio = weight_norm / ops.where(both, update_norm, ops.ones_like(update_norm))
            rate = rate * ops.where(both, ratio, ops.ones_like(ratio))
        self.assign_sub(variable, rate * update)

    def get_config(self):
        return {
            **super().get_config(),
            "weight_decay": self.decay,
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
            "layer_decay": self.layer_decay,
        }


def _one_minus_power(beta, step):
    """Returns 1 - beta ** step; written so, float32 would lose four of its seven digits."""
    if beta == 0:
        return ops.ones_like(step)
    return -ops.expm1(step * math.log(beta))
