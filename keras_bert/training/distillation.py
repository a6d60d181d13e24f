"""Learning from another network's logits beside the labels (Hinton et al. 2015, arXiv:1503.02531).

The teacher runs in the training step, in inference mode, on the batch that the student gets, so
nothing is stored and no row is tied to a shuffled order. Teacher and student are one Keras model
whose outputs hold both logits, and the loss of each output is a `DistillationLoss`; so `fit`,
gradient sums over several devices, weights of rows and uncounted targets work as without a teacher.

Keras's own `keras.distillation.Distiller` (3.15) does not do here: it takes no weights of rows and
no weights of several losses, counts tokens without a target, has a softmax only where labels are
independent, keeps the teacher among the variables that a checkpoint saves, and has a step of its
own, which `distributed.DistributedTask` replaces.
"""

import contextlib
import dataclasses

import keras
from keras import ops

from keras_bert.bert import build_model
from keras_bert.errors import InputError, name_of
from keras_bert.keras_internals import loss_mask, with_loss_mask
from keras_bert.loading import load
from keras_bert.models.lora import merged_weights
from keras_bert.models.network import Network
from keras_bert.training.settings import NO_TEACHER


def softmax_divergence(teacher, student, temperature):
    """Returns T² KL(teacher || student) of the last axis, of softmaxes at temperature T.

    The square keeps the gradient's size whatever the temperature (Hinton et al. 2015, section 2.1).

    Args:
        teacher, student: float32 logits of shape (..., classes).
        temperature: float above 0.

    Returns:
        Float32 tensor of shape (...).
    """
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
    """(1 - weight) times the loss on the labels, plus weight times that on the teacher's logits.

    Call arguments:
        y_true: targets, as `loss` takes them.
        y_pred: float tensor of the shape of the logits and a last axis of 2: student, teacher.

    Args:
        loss: Keras loss on labels and logits, of a class of `_DIVERGENCES`.
        weight: share of the teacher, from 0 to 1.
        temperature: see `softmax_divergence`.
        ignore_class: taken from `loss`; here for `from_config`.
    """

    def __init__(self, loss, weight=0.5, temperature=1.0, ignore_class=None, **kwargs):
        super().__init__(**kwargs)
        self.loss = keras.losses.get(loss)
        self.weight = weight
        self.temperature = temperature
        self.divergence = _DIVERGENCES[type(self.loss)]

    def call(self, y_true, y_pred):
        student, teacher = y_pred[..., 0], y_pred[..., 1]
        of_labels = self.loss.call(y_true, student)
        counted = loss_mask(of_labels)
        of_teacher = self.divergence(ops.stop_gradient(teacher), student, self.temperature)
        if counted is not None:
            of_teacher = ops.where(counted, of_teacher, 0.0)
        losses = (1 - self.weight) * of_labels + self.weight * of_teacher
        return losses if counted is None else with_loss_mask(losses, counted)

    def get_config(self):
        return {
            **super().get_config(),
            "loss": keras.losses.serialize(self.loss),
            "weight": self.weight,
            "temperature": self.temperature,
            "ignore_class": self.loss.get_config().get("ignore_class"),
        }


class _Inference(keras.layers.Layer):
    """A network that computes without dropout, in training too.

    In a functional model `network(inputs, training=False)` would not do: when that model is called
    with `training=True`, Keras hands it to each of its operations in place of what they were
    called with.
    """

    def __init__(self, network):
        super().__init__(name="inference")
        self.network = network

    def call(self, inputs):
        return self.network(inputs, training=False)

    def compute_output_spec(self, inputs):
        # By calling it JAX would compare lengths that are not known yet.
        return keras.tree.map_structure(
            lambda output: keras.KerasTensor(output.shape, output.dtype), self.network.output
        )


class WithTeacher(Network):
    """A network beside its teacher, for training: outputs are both logits, stacked.

    It shares the student's layers; the teacher's weights are not trained and no part of `weights`.

    Args:
        student: a functional Keras model.
        teacher: such a model of the same inputs and outputs, whatever its size.
        in_unit_of: tuple (scale, shift), the teacher's logits times scale plus shift are in the
            student's unit; for regression, where each has a mean and deviation of its own.
    """

    def __init__(self, student, teacher, in_unit_of=(1.0, 0.0)):
        teacher.trainable = False
        scale, shift = in_unit_of

        def stacked(mine, its):
            its = ops.cast(its, "float32") * scale + shift
            return ops.stack([ops.cast(mine, "float32"), ops.stop_gradient(its)], axis=-1)

        outputs = keras.tree.map_structure(
            stacked, student.output, _Inference(teacher)(student.input)
        )
        super().__init__(inputs=student.input, outputs=outputs, name="with_teacher")
        self.unused_layers = getattr(student, "unused_layers", ())
        self.asked_layers = (teacher,)


def beside_teacher(model, loss, teacher, config, policy, strategy=None):
    """Returns the model to fit and its loss, of a network in training and its `Teacher`.

    Args:
        model: the network in training.
        loss: see `with_teacher`.
        teacher: `Teacher`.
        config: `ModelConfig` of the network.
        policy: number format to compute in, as the network does.
        strategy: the `tf.distribute.Strategy` within whose scope the network was made, or None.
    """
    with strategy.scope() if strategy else contextlib.nullcontext():
        network = build_model(teacher.bert.config, dtype=policy)
    network.set_weights(merged_weights(teacher.bert.model))
    unit = _unit_between(teacher.bert.config, config)
    return with_teacher(model, network, loss, teacher.weight, teacher.temperature, unit)


def with_teacher(student, teacher, loss, weight, temperature, in_unit_of=(1.0, 0.0)):
    """Returns the model to fit, and its loss.

    Args:
        student, teacher, in_unit_of: see `WithTeacher`.
        loss: the student's Keras loss on labels, or a dict of them by its outputs' names.
        weight, temperature: see `DistillationLoss`.
    """
    losses = {
        name: DistillationLoss(each, weight, temperature)
        for name, each in (loss if isinstance(loss, dict) else {"": loss}).items()
    }
    model = WithTeacher(student, teacher, in_unit_of)
    return model, losses if isinstance(loss, dict) else losses[""]


@dataclasses.dataclass(frozen=True)
class Teacher:
    """A model to learn from.

    Attributes:
        bert: `Bert`.
        weight, temperature: see `DistillationLoss`.
        name: str, what the user calls it.
    """

    bert: object
    weight: float = 0.5
    temperature: float = 1.0
    name: str | None = None


def named_teacher(settings):
    """Returns the `Bert` that `FinetuneSettings` name as the teacher, or None."""
    if settings.teacher in (None, NO_TEACHER):
        return None
    try:
        return load(settings.teacher)
    except InputError as error:
        raise InputError(str(error), "teacher") from None


def teacher_of(named, start, settings, say):
    """Returns the `Teacher` of a run, or None; in a run for a quantized file the start is one.

    Args:
        named: what `named_teacher` returned.
        start: `Bert`, the start of the run.
        settings: `FinetuneSettings`.
        say: function that takes a line for the user.
    """
    if named is None and (settings.quantize_aware is None or settings.teacher == NO_TEACHER):
        return None
    if named is None:
        say(
            f"learns from the logits of the start too, in float: {name_of('teacher', NO_TEACHER)} "
            f"learns from labels alone"
        )
    name = settings.teacher or "the start"
    return Teacher(named or start, settings.teacher_weight, settings.temperature, name)


def check_teacher(teacher, config, tokenizer):
    """Raises InputError unless a model's logits mean what those of the network in training mean.

    Args:
        teacher: `Teacher`.
        config: `ModelConfig` of the network in training.
        tokenizer: its tokenizer.
    """
    other, its, reason = teacher.bert.config, teacher.bert.tokenizer, None
    if other.task != config.task:
        kind = other.task or "an encoder without a task"
        reason = f"answers {kind}, not {config.task}: name a model of the same task"
    elif other.labels != config.labels:
        reason = (
            f"has the labels {_shown(other.labels)} and the data {_shown(config.labels)}: they "
            f"must be the same in the same order"
        )
    elif other.settings.get("num_choices") != config.settings.get("num_choices"):
        reason = f"has {other.settings.get('num_choices')} choices a question"
    elif other.settings.get("mark_capitals") != config.settings.get("mark_capitals"):
        reason = f"differs in {name_of('mark_capitals')}"
    elif (its.vocabulary, its.get_config()) != (
        tokenizer.vocabulary, tokenizer.get_config(),
    ):  # fmt: skip
        reason = "has another vocabulary or another tokenizer: token ids mean other words to it"
    elif other.encoder.max_position_embeddings < config.max_length:
        reason = f"reads {other.encoder.max_position_embeddings} tokens, fewer than a row has"
    if reason is not None:
        raise InputError(reason, "teacher", teacher.name)


def _unit_between(teacher, config):
    """Returns `in_unit_of` of `WithTeacher` for two `ModelConfig`s."""
    if config.task != "regression":
        return 1.0, 0.0
    its, mine = teacher.settings, config.settings
    return its["scale"] / mine["scale"], (its["mean"] - mine["mean"]) / mine["scale"]


def _shown(labels):
    shown = ", ".join(labels)
    return shown if len(shown) < 60 else f"{shown[:60]}…"
