"""BERT that returns one vector for a text: what an encoder without a task is exported as."""

import keras

from keras_bert.config import POOLINGS
from keras_bert.errors import InputError
from keras_bert.layers.pooling import MeanOfTokens
from keras_bert.models.network import TaskNetwork

# The least length that a vector is divided by: torch.nn.functional.normalize's default.
_MIN_NORM = 1e-12


@keras.saving.register_keras_serializable(package="keras_bert")
class BertEmbedder(TaskNetwork):
    """An encoder and the pooling of its last layer, as sentence-transformers' models have it.

    Inputs are those of the encoder; the output is of shape (batch, hidden_size).

    Args:
        encoder: a `BertEncoder`.
        pooling: "mean" of all tokens, [CLS] and [SEP] included; or "cls", the vector of [CLS],
            without the pooler that classifiers have on it.

    Raises:
        InputError: `pooling` is neither.

    Source: Reimers and Gurevych 2019, section 3.
    """

    def __init__(self, encoder, pooling="mean", **kwargs):
        if pooling not in POOLINGS:
            raise InputError(f"pooling must be one of {', '.join(POOLINGS)}, not {pooling!r}")

        # === Functional Model ===
        inputs = encoder.input
        states = encoder(inputs)["sequence_output"]
        if pooling == "cls":
            vectors = states[:, 0, :]
        else:
            vectors = MeanOfTokens(name="mean_of_tokens")(states, inputs["padding_mask"])
        super().__init__(inputs=inputs, outputs=vectors, **kwargs)

        # === Config ===
        self.features = vectors
        self.unused_layers = (encoder.pooler,)
        self.set_config(encoder, pooling=pooling)

    @classmethod
    def outputs_from_logits(cls, logits, settings, ops):
        if not settings["normalize"]:
            return {"embedding": logits}
        norms = ops.sqrt(ops.sum(ops.square(logits), axis=-1, keepdims=True))
        return {"embedding": logits / ops.maximum(norms, _MIN_NORM)}
