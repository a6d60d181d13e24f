"""Learning from another network's logits beside the labels (Hinton et al. 2015, arXiv:1503.02531).

The teacher's logits are computed once, before training (`teachers`), and are a part of the targets
(`taught_targets`). So a step costs what it costs without a teacher, and `fit`, gradient sums over
several devices, weights of rows and uncounted targets work as without one.

Keras's own `keras.distillation.Distiller` (3.15) does not do here: it runs the teacher in each
step, takes no weights of rows and no weights of several losses, counts tokens without a target,
has a softmax only where labels are independent, keeps the teacher among the variables that a
checkpoint saves, and has a step of its own, which `distributed.DistributedTask` replaces.
"""

import keras
from keras import ops

from keras_bert.keras_internals import loss_mask, with_loss_mask
from keras_bert.training.taught_targets import NOWHERE


def softmax_divergence(teacher, student, temperature):
    """Returns T² KL(teacher || student) of the last axis, of softmaxes at temperature T.

    The square keeps the gradient's size whatever the temperature (Hinton et al. 2015, section 2.1).

    Args:
        teacher, student: float32 logits of shape (..., classes). Where the teacher's is `NOWHERE`
            both softmaxes leave the class out, so that nothing is learned of it.
        temperature: float above 0.

    Returns:
        Float32 tensor of shape (...).
    """
    student = ops.where(teacher > NOWHERE, student, NOWHERE)
    targets = ops.log_softmax(teacher / temperature, axis=-1)
    found = ops.log_softmax(student / temperature, axis=-1)
    return temperature**2 * ops.sum(ops.exp(targets) * (targets - found), axis=-1)


def sigmoid_divergence(teacher, student, temperature):
    """Returns the mean over the last axis of T² KL(teacher || student) of single labels.

    Args:
        teacher, student, temperature: see `softmax_divergence`; each logit is of a sigmoid.
    """
    teacher, student = teacher / temperature, student / temperature
    # softplus(x) = -log(1 - sigmoid(x)), so this is p log(p / q) + (1 - p) log((1 - p) / (1 - q)).
    targets = ops.sigmoid(teacher)
    divergence = targets * (teacher - student) + ops.softplus(student) - ops.softplus(teacher)
    return temperature**2 * ops.mean(divergence, axis=-1)


def squared_difference(teacher, student, temperature):
    """Returns the mean over the last axis of the squared differences; numbers have no softness."""
    return ops.mean(ops.square(teacher - student), axis=-1)


# By the loss on the labels.
_DIVERGENCES = {
    keras.losses.SparseCategoricalCrossentropy: softmax_divergence,
    keras.losses.BinaryCrossentropy: sigmoid_divergence,
    keras.losses.MeanSquaredError: squared_difference,
}


@keras.saving.register_keras_serializable(package="keras_bert")
class DistillationLoss(keras.losses.Loss):
    """The share of the labels times the loss on them, plus the rest times that on the teacher.

    Call arguments:
        y_true: float32 tensor, see `taught_targets`: in the last axis the share of the label, from
            0 to 1; the label, or for losses on several labels each of them; the teacher's logits.
        y_pred: float tensor, the student's logits.

    Args:
        loss: Keras loss on labels and logits, of a class of `_DIVERGENCES`.
        temperature: see `softmax_divergence`.
        ignore_class: taken from `loss`; here for `from_config`.
    """

    def __init__(self, loss, temperature=1.0, ignore_class=None, **kwargs):
        super().__init__(**kwargs)
        self.loss = keras.losses.get(loss)
        self.temperature = temperature
        self.divergence = _DIVERGENCES[type(self.loss)]
        self.one_label = self.divergence is softmax_divergence

    def call(self, y_true, y_pred):
        # Of the targets' own last axis TensorFlow knows no size.
        end = 2 if self.one_label else 1 + y_pred.shape[-1]
        shares, labels, teacher = y_true[..., 0], y_true[..., 1:end], y_true[..., end:]
        of_labels = self.loss.call(labels[..., 0] if self.one_label else labels, y_pred)
        counted = loss_mask(of_labels)
        of_teacher = self.divergence(teacher, y_pred, self.temperature)
        if counted is not None:
            of_teacher = ops.where(counted, of_teacher, 0.0)
        losses = shares * of_labels + (1 - shares) * of_teacher
        return losses if counted is None else with_loss_mask(losses, counted)

    def classes_in(self, y_true):
        """Returns the labels of targets that have one label each, some of them `ignore_class`."""
        return y_true[..., 1]

    def get_config(self):
        return {
            **super().get_config(),
            "loss": keras.losses.serialize(self.loss),
            "temperature": self.temperature,
            "ignore_class": self.loss.get_config().get("ignore_class"),
        }


@keras.saving.register_keras_serializable(package="keras_bert")
class RowLoss(keras.losses.Loss):
    """The loss that an output is, times what counts of the row: the target, 1 as a rule."""

    def call(self, y_true, y_pred):
        return y_true * y_pred


def with_teacher(loss, temperature):
    """Returns the loss on labels and a teacher's logits in place of that on labels.

    Args:
        loss: a Keras loss, or a dict of them by the network's outputs' names.
        temperature: see `softmax_divergence`.
    """
    if isinstance(loss, dict):
        return {name: DistillationLoss(each, temperature) for name, each in loss.items()}
    return DistillationLoss(loss, temperature)
