"""A student beside its teacher in each step, for losses between what they hold inside.

Hidden states of all tokens, kept as logits are, would be tens of gigabytes, so here the teacher
runs on the batch of the step, without dropout, up to the highest layer that is asked of it.
"""

import contextlib

import keras
import numpy as np
from keras import ops

from keras_bert.bert import Bert
from keras_bert.errors import InputError
from keras_bert.models.encoder import BertEncoder
from keras_bert.models.lora import merged_weights
from keras_bert.models.network import Network
from keras_bert.training.distillation import RowLoss
from keras_bert.training.relations import relation_divergence, relation_heads, state_difference
from keras_bert.training.teachers import reads_alike

# The output that is the sum of the losses of a row, and that of a network with one output.
INNER, _LOGITS = "inner", "logits"


def asks_for_inner(settings):
    """Returns whether `FinetuneSettings` ask for losses between what networks hold inside."""
    names = "relation_layer", "hidden_layers"
    return any(getattr(settings, name, None) is not None for name in names)


def check_inner(settings, teachers, config, tokenizer):
    """Raises InputError unless the first teacher has the layers that are asked for.

    Args:
        settings: `FinetuneSettings`.
        teachers: `Teachers`.
        config: `ModelConfig` of the student.
        tokenizer: its tokenizer.
    """
    (name, teacher), *_ = teachers.named()
    setting = "hidden_layers" if settings.relation_layer is None else "relation_layer"
    if not isinstance(teacher, Bert):
        raise InputError(
            f"{name} is an exported file, which shows no inner states: name the model folder that "
            f"it was exported from first",
            setting,
        )
    if not reads_alike(teacher, tokenizer):
        raise InputError(f"{name} has another vocabulary or another tokenizer", setting)
    positions = teacher.config.encoder.max_position_embeddings
    if positions < config.max_length:
        raise InputError(f"{name} reads {positions} tokens, fewer than a row has", setting)
    count, blocks = (c.encoder.num_hidden_layers for c in (teacher.config, config))
    layer, layers = settings.relation_layer, settings.hidden_layers
    if layer is not None and not -count <= layer < count:
        raise InputError(
            f"{name} has blocks from 0 to {count - 1}, or -1 for the last", "relation_layer", layer
        )
    if layers is not None and (len(layers) != blocks or not all(0 <= n < count for n in layers)):
        raise InputError(
            f"expected {blocks} numbers from 0 to {count - 1}: for each of the student's blocks, "
            f"a block of {name}",
            "hidden_layers",
            ",".join(map(str, layers)),
        )


def beside_teacher(student, loss, loss_weights, teachers, settings, policy, strategy=None):
    """Returns the model to fit, its losses and their weights.

    Args:
        student: the network in training.
        loss, loss_weights: see `fit.fine_tune`.
        teachers: `Teachers`, of which the first is asked.
        settings: `FinetuneSettings`.
        policy: number format to compute in.
        strategy: the `tf.distribute.Strategy` within whose scope the student was made, or None.
    """
    bert = teachers.models[0]
    with strategy.scope() if strategy else contextlib.nullcontext():
        teacher = BertEncoder.from_bert_config(bert.config.encoder, dtype=policy, name="teacher")
        teacher.set_weights(merged_weights(bert.encoder))
        layer, layers = settings.relation_layer, settings.hidden_layers
        if layer is not None:
            layer %= len(teacher.blocks)
        model = BesideTeacher(student, teacher, layer, layers)
    losses = loss if isinstance(loss, dict) else {_LOGITS: loss}
    weights = {name: (loss_weights or {}).get(name, 1.0) for name in losses}
    weights[INNER] = settings.inner_weight
    return model, {**losses, INNER: RowLoss()}, weights


class BesideTeacher(Network):
    """A student beside its teacher: outputs are the student's logits, by name, and "inner".

    It shares the student's layers; the teacher's weights are not trained and no part of `weights`.

    Args:
        student: a `TaskNetwork`.
        teacher: a `BertEncoder` of the same inputs.
        relation_layer: the teacher's block, from 0, whose relations the student's last block is to
            have; or None.
        hidden_layers: for each of the student's blocks the block of the teacher whose output its
            own is to be; or None.
    """

    def __init__(self, student, teacher, relation_layer=None, hidden_layers=None):
        teacher.trainable = False
        layer = _Both(student, teacher, relation_layer, hidden_layers, name="both")
        super().__init__(student.input, layer(student.input), name="beside_teacher")
        self.unused_layers = getattr(student, "unused_layers", ())
        self.asked_layers = (teacher,)


class _Both(keras.layers.Layer):
    """Calls the student and the teacher once, and compares what their blocks hold."""

    def __init__(self, student, teacher, relation_layer, hidden_layers, **kwargs):
        super().__init__(**kwargs)
        encoder = student.encoder
        self.student = student
        self.relation_layer, self.hidden_layers = relation_layer, hidden_layers
        # The output of a block is the state behind it; state 0 is that of the embeddings.
        asked = [] if hidden_layers is None else [number + 1 for number in hidden_layers]
        asked += [] if relation_layer is None else [relation_layer]
        self.teacher = teacher
        self.teacher_states = keras.Model(teacher.input, [teacher.hidden_states[i] for i in asked])
        self.student_states = keras.Model(
            encoder.input, {"outputs": encoder.output, "states": encoder.hidden_states}
        )
        self.projections = []
        widths = [each.bert_config.hidden_size for each in (encoder, teacher)]
        self.heads = relation_heads(*widths)
        if hidden_layers is not None and widths[0] != widths[1]:
            # Of unequal widths, the student's states are compared through a matrix that is trained
            # beside it (Jiao et al. 2019, equation 8).
            for number in range(len(hidden_layers)):
                dense = keras.layers.Dense(widths[1], use_bias=False, name=f"projection_{number}")
                dense.build((None, None, widths[0]))
                self.projections.append(dense)

    def call(self, inputs, training=None):
        logits, states = self._logits_and_states(inputs, training)
        # Of several choices each is a row.
        rows = {n: ops.reshape(x, (-1, ops.shape(x)[-1])) for n, x in inputs.items()}
        its = self.teacher_states(rows, training=False)
        its = [ops.stop_gradient(each) for each in (its if isinstance(its, list) else [its])]
        mask = ops.cast(rows["padding_mask"] > 0, "float32")
        losses = self._of_states(states, its, mask) + self._of_relations(states, its, mask)
        total = sum(losses[1:], losses[0])
        groups = ops.reshape(total, (ops.shape(inputs["token_ids"])[0], -1))
        outputs = logits if isinstance(logits, dict) else {_LOGITS: logits}
        return {**outputs, INNER: ops.mean(groups, axis=-1)}

    def _logits_and_states(self, inputs, training):
        """Calls the student once, and returns its logits and the states of its encoder."""
        encoder, found = self.student.encoder, []

        def record(its_inputs):
            both = self.student_states(its_inputs, training=training)
            found.extend(both["states"])
            return both["outputs"]

        # In place of the encoder's own way, for this call: a second call would draw other dropout.
        before, encoder.deployed = encoder.deployed, record
        try:
            return self.student(inputs, training=training), found
        finally:
            encoder.deployed = before

    def _of_states(self, states, its, mask):
        losses = []
        for number in range(len(self.hidden_layers or ())):
            mine = states[number + 1]
            if self.projections:
                mine = self.projections[number](mine)
            losses.append(state_difference(its[number], mine, mask))
        return losses

    def _of_relations(self, states, its, mask):
        if self.relation_layer is None:
            return []
        mine = self.student.encoder.blocks[-1].attention
        other = self.teacher.blocks[self.relation_layer].attention
        return [
            relation_divergence(
                ops.stop_gradient(getattr(other, name)(its[-1])),
                getattr(mine, name)(states[-2]),
                mask,
                self.heads,
            )
            for name in ("query_dense", "key_dense", "value_dense")
        ]

    def compute_output_spec(self, inputs, training=None):
        # By calling it JAX would compare lengths that are not known yet.
        outputs = self.student.output
        outputs = outputs if isinstance(outputs, dict) else {_LOGITS: outputs}
        spec = {n: keras.KerasTensor(each.shape, each.dtype) for n, each in outputs.items()}
        return {**spec, INNER: keras.KerasTensor((None,), "float32")}


class InnerTargets:
    """Targets of a network beside its teacher; gives batches as `TaughtTargets` does.

    Args:
        targets: `TaughtTargets`.
    """

    def __init__(self, targets):
        self.targets = targets
        self.labels = targets.labels

    def batch(self, indices, length, count=None):
        found = self.targets.batch(indices, length, count)
        found = found if isinstance(found, dict) else {_LOGITS: found}
        counts = np.ones(len(indices), "float32")
        if isinstance(self.labels, list) and count is not None:
            # Rows of tokens have no weights that leave out the fill of a batch.
            counts = np.where(np.arange(len(indices)) < count, len(indices) / count, 0.0)
        return {**found, INNER: counts.astype("float32")}
