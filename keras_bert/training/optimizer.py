"""AdamW with warmup, as BERT is fine-tuned."""

import keras
from keras import ops

# LayerNorm's scale and shift and all biases: decaying them towards zero has no regularizing
# reason (google-research/bert optimization.py excludes the same ones).
NO_WEIGHT_DECAY = ("bias", "gamma", "beta")


@keras.saving.register_keras_serializable(package="keras_bert")
class WarmupLinearDecay(keras.optimizers.schedules.LearningRateSchedule):
    """Rises linearly from 0 to `peak` over `warmup_steps`, then falls linearly to 0 at `steps`.

    Args:
        peak: the highest learning rate.
        steps: number of steps of the whole run.
        warmup_steps: number of steps of the rise.
    """

    def __init__(self, peak, steps, warmup_steps=0):
        self.peak = float(peak)
        self.steps = int(steps)
        self.warmup_steps = int(warmup_steps)

    def __call__(self, step):
        step = ops.cast(step, "float32")
        rise = (step + 1.0) / max(self.warmup_steps, 1)
        fall = (self.steps - step) / max(self.steps - self.warmup_steps, 1)
        return self.peak * ops.clip(ops.minimum(rise, fall), 0.0, 1.0)

    def get_config(self):
        return {"peak": self.peak, "steps": self.steps, "warmup_steps": self.warmup_steps}


def adamw(learning_rate, weight_decay=0.01, clipnorm=1.0):
    """Returns AdamW as BERT uses it.

    Adam's bias correction is kept: Google's original optimizer left it out, which makes
    fine-tuning on small sets unstable (Mosbach et al. 2020, section 5.1).

    Args:
        learning_rate: float or schedule.
        weight_decay: decoupled decay a step, times the learning rate.
        clipnorm: largest global norm of the gradient; None does not clip.
    """
    optimizer = keras.optimizers.AdamW(
        learning_rate,
        weight_decay=weight_decay,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-6,
        global_clipnorm=clipnorm,
    )
    # On TensorFlow Keras matches the pattern against the tf.Variable's name, "bias:0".
    names = "|".join(NO_WEIGHT_DECAY)
    optimizer.exclude_from_weight_decay(var_names=[rf"(^|/)({names})(:\d+)?$"])
    return optimizer
