"""AdamW and LAMB, as BERT is pretrained and fine-tuned with."""

import keras
from keras import ops

from keras_bert.keras_internals import variable_index
from keras_bert.training.adam_kernel import adam_step
from keras_bert.training.dense_gradients import DenseGradients
from keras_bert.training.lamb import Lamb

# A saved optimizer names this module, and its schedule has to be known by then.
from keras_bert.training.schedule import WarmupLinearDecay, WarmupPolynomialDecay  # noqa: F401
from keras_bert.training.summed_clipping import ClipsSummedGradient
from keras_bert.training.variable_groups import (
    NO_WEIGHT_DECAY,
    check_layer_decay,
    decays,
    rate_factors,
)


@keras.saving.register_keras_serializable(package="keras_bert")
class AdamW(DenseGradients, ClipsSummedGradient, keras.optimizers.AdamW):
    """`keras.optimizers.AdamW`, with the gradients of tables summed first, in fewer passes.

    Args:
        summed_clipnorm: see `ClipsSummedGradient`.
        **kwargs: see `keras.optimizers.AdamW`.
    """

    def build(self, variables):
        """Makes the moments; biases and LayerNorm's variables do not decay."""
        if not self.built:
            # Here, for Keras saves no exclusions. On TensorFlow it matches the pattern against the
            # tf.Variable's name, "bias:0".
            names = "|".join(NO_WEIGHT_DECAY)
            self.exclude_from_weight_decay(var_names=[rf"(^|/)({names})(:\d+)?$"])
        super().build(variables)

    def update_step(self, gradient, variable, learning_rate):
        """Moves one variable; see `adam_step`."""
        if not adam_step(self, gradient, variable, learning_rate):
            super().update_step(gradient, variable, learning_rate)


@keras.saving.register_keras_serializable(package="keras_bert")
class LayerwiseAdamW(DenseGradients, ClipsSummedGradient, keras.optimizers.Adam):
    """AdamW whose learning rate is smaller the lower a block is; decay follows the same rate.

    Args:
        learning_rate: float or schedule, of the head.
        weight_decay: decoupled decay a step, times the variable's learning rate. Biases and
            LayerNorm's variables do not decay.
        layer_decay: factor of the learning rate from each block to the one below it; see
            `variable_groups.rate_factors`.
        name: of the optimizer.
        **kwargs: `summed_clipnorm`, see `ClipsSummedGradient`; the rest, see
            `keras.optimizers.Adam`.

    Raises:
        InputError: `layer_decay` is out of its range.
    """

    def __init__(
        self, learning_rate=0.001, weight_decay=0.01, layer_decay=1.0, name="adamw", **kwargs
    ):
        check_layer_decay(layer_decay)
        # Not given to the base class, which decays all variables at one rate.
        super().__init__(learning_rate=learning_rate, name=name, **kwargs)
        self.decay = weight_decay or 0.0
        self.layer_decay = layer_decay

    def build(self, variables):
        """Makes the moments of every variable and tells its learning rate by its path."""
        if self.built:
            return
        super().build(variables)
        paths = [variable.path for variable in variables]
        self._decays = tuple(decays(path) for path in paths)
        self._rate_factors = tuple(rate_factors(paths, self.layer_decay))

    def update_step(self, gradient, variable, learning_rate):
        """Moves one variable; see `Lamb.update_step`."""
        index = variable_index(self, variable)
        rate = ops.cast(learning_rate, variable.dtype)
        if self._rate_factors[index] != 1.0:
            rate = rate * self._rate_factors[index]
        if self.decay and self._decays[index]:
            self.assign_sub(variable, variable * ops.cast(self.decay, variable.dtype) * rate)
        if not adam_step(self, gradient, variable, rate):
            super().update_step(gradient, variable, rate)

    def get_config(self):
        return {
            **super().get_config(),
            "weight_decay": self.decay,
            "layer_decay": self.layer_decay,
        }


def adamw(learning_rate, weight_decay=0.01, clipnorm=1.0, layer_decay=1.0, summed_clipnorm=None):
    """Returns AdamW as BERT uses it.

    Adam's bias correction is kept: Google's original optimizer left it out, which makes
    fine-tuning on small sets unstable (Mosbach et al. 2020, section 5.1).

    Args:
        learning_rate: float or schedule.
        weight_decay: decoupled decay a step, times the learning rate.
        clipnorm: largest global norm of the gradient; None does not clip.
        layer_decay: factor of the learning rate from each block to the one below it; 1 gives all
            the same.
        summed_clipnorm: in place of `clipnorm`, for several replicas; see `ClipsSummedGradient`.

    Raises:
        InputError: `layer_decay` is out of its range.
    """
    settings = {
        "beta_1": 0.9,
        "beta_2": 0.999,
        "epsilon": 1e-6,
        "global_clipnorm": clipnorm,
        "summed_clipnorm": summed_clipnorm,
    }
    if layer_decay != 1.0:
        return LayerwiseAdamW(
            learning_rate, weight_decay=weight_decay, layer_decay=layer_decay, **settings
        )
    return AdamW(learning_rate, weight_decay=weight_decay, **settings)


def lamb(learning_rate, weight_decay=0.01, clipnorm=1.0, layer_decay=1.0, summed_clipnorm=None):
    """Returns LAMB, for batches of thousands.

    Args:
        learning_rate: float or schedule.
        weight_decay: the decay's weight beside Adam's direction.
        clipnorm: largest global norm of the gradient; None does not clip.
        layer_decay: factor of the learning rate from each block to the one below it; 1 gives all
            the same.
        summed_clipnorm: in place of `clipnorm`, for several replicas; see `ClipsSummedGradient`.

    Raises:
        InputError: `layer_decay` is out of its range.
    """
    return Lamb(
        learning_rate,
        weight_decay,
        layer_decay=layer_decay,
        global_clipnorm=clipnorm,
        summed_clipnorm=summed_clipnorm,
    )
