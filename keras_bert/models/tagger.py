"""BERT with a linear head on every token: parts of speech, named entities."""

import keras

from keras_bert.models.compiling import TagAccuracy
from keras_bert.models.network import TaskNetwork, head_dense


@keras.saving.register_keras_serializable(package="keras_bert")
class BertTagger(TaskNetwork):
    """An encoder, dropout and one dense layer on each token (Devlin et al. 2018, section 5.3).

    Inputs are those of the encoder; the output is logits, of shape (batch, length, num_classes).

    Args:
        encoder: a `BertEncoder`.
        num_classes: number of tags.
        dropout: rate before the dense layer; None takes the encoder's `hidden_dropout_prob`.

    Example:
        encoder = BertEncoder.from_preset("bert_tiny_en_uncased", load_weights=False)
        model = BertTagger(encoder, num_classes=17)
        model.compile()
    """

    head_kind = "tagger"

    def __init__(self, encoder, num_classes, dropout=None, **kwargs):
        if dropout is None:
            dropout = encoder.bert_config.hidden_dropout_prob

        # === Layers ===
        dropout_layer = keras.layers.Dropout(dropout, name="tagger_dropout")
        logits = head_dense(encoder, num_classes, name="logits")

        # === Functional Model ===
        inputs = encoder.input
        features = encoder(inputs)["sequence_output"]
        super().__init__(inputs=inputs, outputs=logits(dropout_layer(features)), **kwargs)

        # === Config ===
        self.features = features
        self.unused_layers = (encoder.pooler,)
        self.set_config(encoder, num_classes=num_classes, dropout=dropout)

    def default_loss(self):
        # The mean over the first pieces of words; all other tokens have the target -1.
        return keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=-1)

    def default_metrics(self):
        return [TagAccuracy()]

    @classmethod
    def outputs_from_logits(cls, logits, settings, ops):
        return {"probability": ops.softmax(logits, axis=-1)}
