"""BERT with a linear head on one vector of the text: what classifiers and regressors share."""

import keras

from keras_bert.config import POOLINGS
from keras_bert.errors import InputError
from keras_bert.layers.pooling import MeanOfTokens
from keras_bert.models.network import TaskNetwork, head_dense


class TextNetwork(TaskNetwork):
    """An encoder, dropout and one dense layer (Devlin et al. 2018, section 4.1).

    Inputs are those of the encoder; the output is logits, of shape (batch, num_outputs). A
    subclass says what they mean, and keeps its own constructor's arguments with `set_config`.

    Args:
        encoder: a `BertEncoder`.
        num_outputs: numbers for each text.
        dropout: rate before the dense layer; None takes the encoder's `hidden_dropout_prob`.
        pooling: the vector of the text: "cls", the pooled output, as in the paper; or "mean" of
            all tokens, for checkpoints that were trained so, as sentence-transformers' are.

    Raises:
        InputError: `pooling` is neither.
    """

    head_kind = "classifier"

    def __init__(self, encoder, num_outputs, dropout=None, pooling="cls", **kwargs):
        if pooling not in POOLINGS:
            raise InputError(f"pooling must be one of {', '.join(POOLINGS)}, not {pooling!r}")
        if dropout is None:
            dropout = encoder.bert_config.hidden_dropout_prob

        # === Layers ===
        dropout_layer = keras.layers.Dropout(dropout, name="classifier_dropout")
        logits = head_dense(encoder, num_outputs, name="logits")

        # === Functional Model ===
        inputs = encoder.input
        encoded = encoder(inputs)
        if pooling == "cls":
            features = encoded["pooled_output"]
        else:
            mean = MeanOfTokens(name="mean_of_tokens")
            features = mean(encoded["sequence_output"], inputs["padding_mask"])
        super().__init__(inputs=inputs, outputs=logits(dropout_layer(features)), **kwargs)

        # === Config ===
        self.features = features
        self.unused_layers = () if pooling == "cls" else (encoder.pooler,)
        self.set_config(encoder, dropout=dropout, pooling=pooling)
