"""BERT with a linear head on the pooled output: classes of texts and of pairs of texts."""

import keras

from keras_bert.config import POOLINGS
from keras_bert.errors import InputError
from keras_bert.layers.pooling import MeanOfTokens
from keras_bert.models.heads import EncoderWithHead, head_dense


@keras.saving.register_keras_serializable(package="keras_bert")
class BertClassifier(EncoderWithHead):
    """An encoder, dropout and one dense layer (Devlin et al. 2018, section 4.1).

    Inputs are those of the encoder; the output is logits, of shape (batch, num_classes).

    Args:
        encoder: a `BertEncoder`.
        num_classes: number of classes; 1 makes a regressor.
        dropout: rate before the dense layer; None takes the encoder's `hidden_dropout_prob`.
        pooling: what stands for the text: "cls", the pooled output, as in the paper; or "mean" of
            all tokens, for checkpoints that were trained so, as sentence-transformers' are.

    Raises:
        InputError: `pooling` is neither.

    Example:
        model = BertClassifier(BertEncoder.from_preset("bert_tiny_en_uncased"), num_classes=2)
        model.compile("adamw", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        model.fit(tokenizer(texts, length=64), labels)
    """

    def __init__(self, encoder, num_classes, dropout=None, pooling="cls", **kwargs):
        if pooling not in POOLINGS:
            raise InputError(f"pooling must be one of {', '.join(POOLINGS)}, not {pooling!r}")
        if dropout is None:
            dropout = encoder.bert_config.hidden_dropout_prob

        # === Layers ===
        dropout_layer = keras.layers.Dropout(dropout, name="classifier_dropout")
        logits = head_dense(encoder, num_classes, name="logits")

        # === Functional Model ===
        inputs = encoder.input
        encoded = encoder(inputs)
        if pooling == "cls":
            features = encoded["pooled_output"]
        else:
            mean = MeanOfTokens(name="mean_of_tokens")
            features = mean(encoded["sequence_output"], inputs["padding_mask"])
            encoder.get_layer("pooler").trainable = False  # nothing is asked of it
        super().__init__(inputs=inputs, outputs=logits(dropout_layer(features)), **kwargs)

        # === Config ===
        self.features = features
        self.set_config(encoder, num_classes=num_classes, dropout=dropout, pooling=pooling)
