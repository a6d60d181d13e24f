"""BERT that says which of several continuations or answers is the right one."""

import keras
from keras import ops

from keras_bert.layers.choices import FlattenChoices
from keras_bert.models.encoder import INPUT_NAMES
from keras_bert.models.network import TaskNetwork, head_dense


@keras.saving.register_keras_serializable(package="keras_bert")
class BertMultipleChoice(TaskNetwork):
    """An encoder, dropout and one score a choice (Devlin et al. 2018, section 4.4).

    Inputs have the encoder's names and are of shape (batch, num_choices, length): a row
    [CLS] question [SEP] choice [SEP] for each choice. The output is logits, of shape
    (batch, num_choices). `scorer` is the same network for single rows: inputs of shape
    (batch, length), logits of shape (batch, 1).

    Args:
        encoder: a `BertEncoder`.
        num_choices: choices a question.
        dropout: rate before the dense layer; None takes the encoder's `hidden_dropout_prob`.
    """

    head_kind = "choice"

    def __init__(self, encoder, num_choices, dropout=None, **kwargs):
        if dropout is None:
            dropout = encoder.bert_config.hidden_dropout_prob

        # === Layers ===
        dropout_layer = keras.layers.Dropout(dropout, name="choice_dropout")
        logits = head_dense(encoder, 1, name="logits")
        flatten = FlattenChoices(dtype="int32", name="flatten")

        # === Functional Model ===
        rows = encoder.input
        scorer = keras.Model(
            rows, logits(dropout_layer(encoder(rows)["pooled_output"])), name="scorer"
        )
        inputs = {
            name: keras.Input((num_choices, None), dtype="int32", name=name) for name in INPUT_NAMES
        }
        flat = {name: flatten(x) for name, x in inputs.items()}
        outputs = ops.reshape(scorer(flat), (-1, num_choices))
        super().__init__(inputs=inputs, outputs=outputs, **kwargs)

        # === Config ===
        self.set_config(encoder, num_choices=num_choices, dropout=dropout)
        self.scorer = scorer

    @property
    def head(self):
        return self.scorer.get_layer("logits")

    def rows_network(self):
        return self.scorer

    def default_settings(self):
        return {"num_choices": self.num_choices}

    def default_loss(self):
        return keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    def default_metrics(self):
        return [keras.metrics.SparseCategoricalAccuracy(name="accuracy")]

    @classmethod
    def outputs_from_logits(cls, logits, settings, ops):
        return {"score": logits}
