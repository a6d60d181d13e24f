"""BERT that marks the first and the last token of the answer in a passage."""

import keras

from keras_bert.models.network import TaskNetwork, head_dense


@keras.saving.register_keras_serializable(package="keras_bert")
class BertQuestionAnswerer(TaskNetwork):
    """An encoder and one dense layer of two outputs a token (Devlin et al. 2018, section 4.2).

    Inputs are those of the encoder, on [CLS] question [SEP] passage [SEP]; the outputs are a dict
    of `start_logits` and `end_logits`, of shape (batch, length): how well the answer starts, or
    ends, with each token. Both at [CLS] mean that the passage holds no answer.

    Args:
        encoder: a `BertEncoder`.

    Example:
        encoder = BertEncoder.from_preset("bert_tiny_en_uncased", load_weights=False)
        model = BertQuestionAnswerer(encoder)
        model.compile()
    """

    head_kind = "answerer"

    def __init__(self, encoder, **kwargs):
        # === Layers ===
        # No dropout before it, as in Google's run_squad.py.
        logits = head_dense(encoder, 2, name="logits")

        # === Functional Model ===
        inputs = encoder.input
        features = encoder(inputs)["sequence_output"]
        start_and_end = logits(features)
        outputs = {"start_logits": start_and_end[..., 0], "end_logits": start_and_end[..., 1]}
        super().__init__(inputs=inputs, outputs=outputs, **kwargs)

        # === Config ===
        self.features = features
        self.unused_layers = (encoder.pooler,)
        self.set_config(encoder)

    def default_loss(self):
        return {
            name: keras.losses.SparseCategoricalCrossentropy(from_logits=True)
            for name in ("start_logits", "end_logits")
        }

    def default_loss_weights(self):
        return {"start_logits": 0.5, "end_logits": 0.5}  # their mean, as in Google's run_squad.py

    def default_metrics(self):
        return {
            name: [keras.metrics.SparseCategoricalAccuracy(name="accuracy")]
            for name in ("start_logits", "end_logits")
        }

    @classmethod
    def outputs_from_logits(cls, logits, settings, ops):
        return {name: logits[name] for name in ("start_logits", "end_logits")}
