"""Learning rates that rise and then fall, as BERT is pretrained and fine-tuned with."""

import keras
from keras import ops

from keras_bert.errors import InputError


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
