"""AdamW and LAMB with warmup, as BERT is pretrained and fine-tuned."""

import keras
from keras import ops

from keras_bert.errors import InputError
from keras_bert.layers import fused
from keras_bert.training.dense_gradients import DenseGradients
from keras_bert.training.lamb import Lamb
from keras_bert.training.variable_groups import (
    NO_WEIGHT_DECAY,
    check_layer_decay,
    decays,
    rate_factors,
)


@keras.saving.register_keras_serializable(package="keras_bert")
class WarmupPolynomialDecay(keras.optimizers.schedules.LearningRateSchedule):
    """Rises linearly from 0 to `peak` over `warmup_steps`, then falls to `end` at `steps`.

    With progress p from 0 to 1 after the rise, it falls as end + (peak - end) * (1 - p) ** power.

    Args:
        peak: the highest learning rate.
        steps: number of steps of the whole run.
        warmup_steps: number of steps of the rise.
        power: 1 falls in a straight line, above 1 faster at first, below 1 faster at last.
        end: the learning rate at `steps` and after.

    Raises:
        InputError: `power` is not above 0, or `end` is below 0 or above `peak`.
    """

    def __init__(self, peak, steps, warmup_steps=0, power=1.0, end=0.0):
        if not power > 0:
            raise InputError(f"learning rate's power {power}: give a number above 0")
        if not 0 <= end <= peak:
            raise InputError(f"learning rate's end {end}: give a number from 0 to the peak, {peak}")
        self.peak = float(peak)
        self.steps = int(steps)
        self.warmup_steps = int(warmup_steps)
        self.power = float(power)
        self.end = float(end)

    def __call__(self, step):
        step = ops.cast(step, "float32")
        rise = (step + 1.0) / max(self.warmup_steps, 1)
        fall = (self.steps - step) / max(self.steps - self.warmup_steps, 1)
        share = ops.clip(ops.minimum(rise, fall), 0.0, 1.0)
        # Only where they are asked for: a straight fall to 0 stays the plain formula, to the bit.
        if self.power != 1.0:
            share = ops.where(rise < 1.0, share, ops.power(share, self.power))
        if self.end:
            lowest = self.end / self.peak
            share = ops.where(rise < 1.0, share, lowest + (1.0 - lowest) * share)
        return self.peak * share

    def get_config(self):
        return {
            "peak": self.peak,
            "steps": self.steps,
            "warmup_steps": self.warmup_steps,
            "power": self.power,
            "end": self.end,
        }


@keras.saving.register_keras_serializable(package="keras_bert")
class WarmupLinearDecay(WarmupPolynomialDecay):
    """Rises linearly from 0 to `peak` over `warmup_steps`, then falls linearly to 0 at `steps`.

    Args:
        peak: the highest learning rate.
        steps: number of steps of the whole run.
        warmup_steps: number of steps of the rise.
    """

    def __init__(self, peak, steps, warmup_steps=0):
        super().__init__(peak, steps, warmup_steps)

    def get_config(self):
        return {"peak": self.peak, "steps": self.steps, "warmup_steps": self.warmup_steps}


@keras.saving.register_keras_serializable(package="keras_bert")
class AdamW(DenseGradients, keras.optimizers.AdamW):
    """`keras.optimizers.AdamW`, with the gradients of tables summed first, in fewer passes."""

    def build(self, variables):
        """Makes the moments; biases and LayerNorm's variables do not decay."""
        if not self.built:
            # Here, for Keras saves no exclusions. On TensorFlow it matches the pattern against the
            # tf.Variable's name, "bias:0".
            names = "|".join(NO_WEIGHT_DECAY)
            self.exclude_from_weight_decay(var_names=[rf"(^|/)({names})(:\d+)?$"])
        super().build(variables)

    def update_step(self, gradient, variable, learning_rate):
        """Moves one variable; see `fused.adam_step`."""
        if not fused.adam_step(self, gradient, variable, learning_rate):
            super().update_step(gradient, variable, learning_rate)


@keras.saving.register_keras_serializable(package="keras_bert")
class LayerwiseAdamW(DenseGradients, keras.optimizers.Adam):
    """AdamW whose learning rate is smaller the lower a block is; decay follows the same rate.

    Args:
        learning_rate: float or schedule, of the head.
        weight_decay: decoupled decay a step, times the variable's learning rate. Biases and
            LayerNorm's variables do not decay.
        layer_decay: factor of the learning rate from each block to the one below it; see
            `variable_groups.rate_factors`.
        name: of the optimizer.
        **kwargs: see `keras.optimizers.Adam`.

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
        index = self._get_variable_index(variable)
        rate = ops.cast(learning_rate, variable.dtype)
        if self._rate_factors[index] != 1.0:
            rate = rate * self._rate_factors[index]
        if self.decay and self._decays[index]:
            self.assign_sub(variable, variable * ops.cast(self.decay, variable.dtype) * rate)
        if not fused.adam_step(self, gradient, variable, rate):
            super().update_step(gradient, variable, rate)

    def get_config(self):
        return {
            **super().get_config(),
            "weight_decay": self.decay,
            "layer_decay": self.layer_decay,
        }


def adamw(learning_rate, weight_decay=0.01, clipnorm=1.0, layer_decay=1.0):
    """Returns AdamW as BERT uses it.

    Adam's bias correction is kept: Google's original optimizer left it out, which makes
    fine-tuning on small sets unstable (Mosbach et al. 2020, section 5.1).

    Args:
        learning_rate: float or schedule.
        weight_decay: decoupled decay a step, times the learning rate.
        clipnorm: largest global norm of the gradient; None does not clip.
        layer_decay: factor of the learning rate from each block to the one below it; 1 gives all
            the same.

    Raises:
        InputError: `layer_decay` is out of its range.
    """
    settings = {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-6, "global_clipnorm": clipnorm}
    if layer_decay != 1.0:
        return LayerwiseAdamW(
            learning_rate, weight_decay=weight_decay, layer_decay=layer_decay, **settings
        )
    return AdamW(learning_rate, weight_decay=weight_decay, **settings)


def lamb(learning_rate, weight_decay=0.01, clipnorm=1.0, layer_decay=1.0):
    """Returns LAMB, for batches of thousands.

    Args:
        learning_rate: float or schedule.
        weight_decay: the decay's weight beside Adam's direction.
        clipnorm: largest global norm of the gradient; None does not clip.
        layer_decay: factor of the learning rate from each block to the one below it; 1 gives all
            the same.

    Raises:
        InputError: `layer_decay` is out of its range.
    """
    return Lamb(learning_rate, weight_decay, layer_decay=layer_decay, global_clipnorm=clipnorm)
