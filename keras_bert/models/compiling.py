"""What `compile` takes where a user leaves the choice to the network: optimizer and metrics."""

import keras
from keras import ops

_LEARNING_RATE = 5e-5  # one of the three that Devlin et al. 2018, appendix A.3, recommend


def optimizer_of(choice):
    """Returns the optimizer that `compile` shall use.

    Args:
        choice: "auto", a float (the learning rate of the same), or what Keras takes.
    """
    if isinstance(choice, str) and choice == "auto":
        choice = _LEARNING_RATE
    if isinstance(choice, bool) or not isinstance(choice, (int, float)):
        return choice
    import keras_bert  # networks import nothing of `training`

    return keras_bert.adamw(float(choice))


@keras.saving.register_keras_serializable(package="keras_bert")
class TagAccuracy(keras.metrics.SparseCategoricalAccuracy):
    """The share of tags that are right, of the tokens that have one: whose target is not -1.

    Args:
        name, dtype: see `keras.metrics.Metric`.
    """

    def __init__(self, name="accuracy", dtype=None):
        super().__init__(name=name, dtype=dtype)

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Counts a batch.

        Args:
            y_true: int tensor of shape (batch, length), -1 where there is nothing to learn.
            y_pred: logits of shape (batch, length, num_classes).
            sample_weight: float tensor of shape (batch,) or (batch, length), or None.
        """
        counts = ops.cast(ops.not_equal(y_true, -1), self.dtype)
        if sample_weight is not None:
            weight = ops.cast(sample_weight, self.dtype)
            counts = counts * (weight if len(weight.shape) > 1 else ops.expand_dims(weight, -1))
        return super().update_state(y_true, y_pred, sample_weight=counts)


@keras.saving.register_keras_serializable(package="keras_bert")
class LabelF1(keras.metrics.F1Score):
    """F1 of logits over all pairs of text and label (micro average), at a probability of 0.5.

    Args:
        name, dtype: see `keras.metrics.Metric`.
    """

    def __init__(self, name="micro_f1", dtype=None):
        super().__init__(average="micro", threshold=0.5, name=name, dtype=dtype)

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Counts a batch of logits; see `keras.metrics.F1Score`."""
        return super().update_state(y_true, ops.sigmoid(y_pred), sample_weight)

    def get_config(self):
        return {"name": self.name, "dtype": self.dtype}
