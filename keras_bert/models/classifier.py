"""BERT with a linear head on the pooled output: classes of texts and of pairs of texts."""

import keras


@keras.saving.register_keras_serializable(package="keras_bert")
class BertClassifier(keras.Model):
    """An encoder, dropout and one dense layer (Devlin et al. 2018, section 4.1).

    Inputs are those of the encoder; the output is logits, of shape (batch, num_classes).

    Args:
        encoder: a `BertEncoder`.
        num_classes: number of classes; 1 makes a regressor.
        dropout: rate before the dense layer; None takes the encoder's `hidden_dropout_prob`.

    Example:
        model = BertClassifier(BertEncoder.from_preset("bert_tiny_en_uncased"), num_classes=2)
        model.compile("adamw", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        model.fit(tokenizer(texts, length=64), labels)
    """

    def __init__(self, encoder, num_classes, dropout=None, **kwargs):
        if dropout is None:
            dropout = encoder.bert_config.hidden_dropout_prob

        # === Layers ===
        dropout_layer = keras.layers.Dropout(dropout, name="classifier_dropout")
        # float32 whatever the encoder's policy: logits feed a loss.
        logits = keras.layers.Dense(
            num_classes,
            kernel_initializer=keras.initializers.TruncatedNormal(
                stddev=encoder.bert_config.initializer_range
            ),
            dtype="float32",
            name="logits",
        )

        # === Functional Model ===
        inputs = encoder.input
        pooled_output = encoder(inputs)["pooled_output"]
        super().__init__(inputs=inputs, outputs=logits(dropout_layer(pooled_output)), **kwargs)

        if not self.trainable:
            # Keras has set it before the layers were attached, so that they stayed trainable.
            for layer in self.layers:
                layer.trainable = False

        # === Config ===
        self.encoder = encoder
        self.num_classes = num_classes
        self.dropout = dropout

    def get_config(self):
        return {
            "encoder": keras.saving.serialize_keras_object(self.encoder),
            "num_classes": self.num_classes,
            "dropout": self.dropout,
            "name": self.name,
            "trainable": self.trainable,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        config = dict(config)
        config["encoder"] = keras.saving.deserialize_keras_object(
            config["encoder"], custom_objects=custom_objects
        )
        return cls(**config)
