"""BERT that reports a number for a text or a pair of texts."""

import keras

from keras_bert.models.text_network import TextNetwork


@keras.saving.register_keras_serializable(package="keras_bert")
class BertRegressor(TextNetwork):
    """A `TextNetwork` with one output: the number less its mean, over its standard deviation.

    Args:
        encoder: a `BertEncoder`.
        dropout, pooling: see `TextNetwork`.
    """

    def __init__(self, encoder, dropout=None, pooling="cls", **kwargs):
        super().__init__(encoder, 1, dropout, pooling, **kwargs)

    def default_loss(self):
        return keras.losses.MeanSquaredError()

    def default_metrics(self):
        return [keras.metrics.MeanAbsoluteError()]

    @classmethod
    def outputs_from_logits(cls, logits, settings, ops):
        return {"value": logits * settings["scale"] + settings["mean"]}
