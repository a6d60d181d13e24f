"""BERT that chooses one of several classes for a text or a pair of texts."""

import keras

from keras_bert.models.text_network import TextNetwork


@keras.saving.register_keras_serializable(package="keras_bert")
class BertClassifier(TextNetwork):
    """A `TextNetwork` with one logit for each class, of which one is right.

    Args:
        encoder: a `BertEncoder`.
        num_classes: number of classes.
        dropout, pooling: see `TextNetwork`.

    Example:
        encoder = BertEncoder.from_preset("bert_tiny_en_uncased", load_weights=False)
        model = BertClassifier(encoder, num_classes=2)
        model.compile()
        model.fit(tokenizer(texts, length=64), labels)
    """

    def __init__(self, encoder, num_classes, dropout=None, pooling="cls", **kwargs):
        super().__init__(encoder, num_classes, dropout, pooling, **kwargs)

        # === Config ===
        self.set_config(encoder, num_classes=num_classes, dropout=self.dropout, pooling=pooling)

    def default_loss(self):
        return keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    def default_metrics(self):
        return [keras.metrics.SparseCategoricalAccuracy(name="accuracy")]

    @classmethod
    def outputs_from_logits(cls, logits, settings, ops):
        return {"probability": ops.softmax(logits, axis=-1)}

    @classmethod
    def chosen_labels(cls, outputs, settings, ops):
        probability = outputs["probability"]
        best = ops.argmax(probability, axis=-1)
        return ops.one_hot(best, ops.shape(probability)[-1]) > 0
