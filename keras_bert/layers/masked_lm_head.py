"""The head that predicts masked tokens, usually with the word-piece table as its output matrix."""

import keras
from keras import ops

from keras_bert.layers import activations
from keras_bert.layers.dense import dense
from keras_bert.layers.normalization import LayerNormalization


@keras.saving.register_keras_serializable(package="keras_bert")
class GatherPositions(keras.layers.Layer):
    """Takes the vectors at some positions of each row.

    The head runs on the masked 15 % only: its product with the word-piece table is most of a small
    model's work.

    Call arguments:
        x: float tensor of shape (batch, length, width).
        positions: int32, shape (batch, count).

    Returns:
        Float tensor of shape (batch, count, width).
    """

    def call(self, x, positions):
        batch, length, width = ops.shape(x)
        # As one lookup in a flat table: its gradient is a plain scatter.
        flat = positions + ops.expand_dims(ops.arange(batch) * length, 1)
        return ops.take(ops.reshape(x, (-1, width)), flat, axis=0)

    def compute_output_shape(self, x_shape, positions_shape):
        return (*positions_shape, x_shape[-1])


@keras.saving.register_keras_serializable(package="keras_bert")
class MaskedLMHead(keras.layers.Layer):
    """Dense, activation, LayerNorm, then the product with the word-piece table, and a bias.

    As in google-research/bert run_pretraining.py, `get_masked_lm_output`; the output matrix is
    the input table (Press and Wolf 2017), so only the bias is new.

    Args:
        embeddings: the encoder's `BertEmbeddings`, whose table is used.
        hidden_act: activation, see `BertConfig`.
        layer_norm_eps: epsilon of the LayerNorm.
        initializer_range: standard deviation of the dense kernel's initializer.
        tied: whether the output matrix is the encoder's table; else it is a weight of its own.

    Call arguments:
        x: float tensor of shape (batch, count, hidden_size).

    Returns:
        Logits, float32, of shape (batch, count, vocab_size).
    """

    def __init__(
        self,
        embeddings,
        hidden_act="gelu",
        layer_norm_eps=1e-12,
        initializer_range=0.02,
        tied=True,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.tied = tied
        self.embeddings = embeddings
        self.hidden_act = hidden_act
        self.activation = activations.get(hidden_act)
        self.layer_norm_eps = layer_norm_eps
        self.initializer_range = initializer_range

    def build(self, x_shape):
        width = x_shape[-1]
        self.transform = dense(width, self.initializer_range, self.dtype_policy, "transform")
        self.transform.build((None, width))
        self.norm = LayerNormalization(self.layer_norm_eps, dtype=self.dtype_policy, name="norm")
        self.norm.build((None, width))
        self.output_bias = self.add_weight(
            name="bias", shape=(self.embeddings.vocab_size,), initializer="zeros"
        )
        if not self.tied:
            self.output_table = self.add_weight(
                name="output_table",
                shape=(self.embeddings.vocab_size, width),
                initializer=keras.initializers.TruncatedNormal(stddev=self.initializer_range),
            )

    def call(self, x):
        batch, count, width = ops.shape(x)
        x = self.norm(self.activation(self.transform(ops.reshape(x, (-1, width)))))
        table = self.embeddings.word_embeddings if self.tied else self.output_table
        table = ops.cast(table, x.dtype)
        logits = ops.matmul(x, ops.transpose(table))
        # A loss needs more digits than bfloat16 has.
        logits = ops.cast(logits, "float32") + ops.cast(self.output_bias, "float32")
        return ops.reshape(logits, (batch, count, self.embeddings.vocab_size))

    def compute_output_shape(self, x_shape):
        return (*x_shape[:-1], self.embeddings.vocab_size)

    def compute_output_spec(self, x):
        return keras.KerasTensor(self.compute_output_shape(x.shape), dtype="float32")

    def get_config(self):
        return {
            **super().get_config(),
            "embeddings": keras.saving.serialize_keras_object(self.embeddings),
            "hidden_act": self.hidden_act,
            "layer_norm_eps": self.layer_norm_eps,
            "initializer_range": self.initializer_range,
            "tied": self.tied,
        }

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        config["embeddings"] = keras.saving.deserialize_keras_object(config["embeddings"])
        return cls(**config)
