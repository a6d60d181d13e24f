"""BERT with a linear head on every token: parts of speech, named entities."""

import keras

from keras_bert.models.heads import EncoderWithHead, head_dense


@keras.saving.register_keras_serializable(package="keras_bert")
class BertTagger(EncoderWithHead):
    """An encoder, dropout and one dense layer on each token (Devlin et al. 2018, section 5.3).

    Inputs are those of the encoder; the output is logits, of shape (batch, length, num_classes).

    Args:
        encoder: a `BertEncoder`.
        num_classes: number of tags.
        dropout: rate before the dense layer; None takes the encoder's `hidden_dropout_prob`.

    Example:
        model = BertTagger(BertEncoder.from_preset("bert_tiny_en_uncased"), num_classes=17)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=-1)
        model.compile("adamw", loss)  # -1: tokens that continue a word, and padding
    """

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
        self.set_config(encoder, num_classes=num_classes, dropout=dropout)
        encoder.get_layer("pooler").trainable = False  # nothing is asked of it
