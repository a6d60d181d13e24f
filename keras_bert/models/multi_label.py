"""BERT that says of each label whether it holds for a text or a pair of texts."""

import keras

from keras_bert.models.compiling import LabelF1
from keras_bert.models.text_network import TextNetwork


@keras.saving.register_keras_serializable(package="keras_bert")
class BertMultiLabelClassifier(TextNetwork):
    """A `TextNetwork` with one logit for each label; any number of labels hold together.

    Args:
        encoder: a `BertEncoder`.
        num_classes: number of labels.
        dropout, pooling: see `TextNetwork`.
    """

    def __init__(self, encoder, num_classes, dropout=None, pooling="cls", **kwargs):
        super().__init__(encoder, num_classes, dropout, pooling, **kwargs)

        # === Config ===
        self.set_config(encoder, num_classes=num_classes, dropout=self.dropout, pooling=pooling)

    def default_loss(self):
        # The mean over the labels, as transformers' BCEWithLogitsLoss.
        return keras.losses.BinaryCrossentropy(from_logits=True)

    def default_metrics(self):
        return [keras.metrics.BinaryAccuracy(threshold=0.0, name="accuracy"), LabelF1()]

    @classmethod
    def outputs_from_logits(cls, logits, settings, ops):
        return {"probability": ops.sigmoid(logits)}

    @classmethod
    def chosen_labels(cls, outputs, settings, ops):
        thresholds = ops.convert_to_tensor(settings["thresholds"], dtype="float32")
        return outputs["probability"] >= thresholds
