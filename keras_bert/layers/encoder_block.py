"""One encoder block: attention, then feed-forward, each with residual and LayerNorm."""

import keras

from keras_bert.layers import activations, fused
from keras_bert.layers.attention import SelfAttention
from keras_bert.layers.dense import dense, length_of, over_tokens
from keras_bert.layers.normalization import LayerNormalization


@keras.saving.register_keras_serializable(package="keras_bert")
class EncoderBlock(keras.layers.Layer):
    """Post-norm transformer block, as in BERT (Devlin et al. 2018, section 3).

    Args:
        num_attention_heads: heads of the attention.
        intermediate_size: width inside the feed-forward part.
        hidden_act: activation there, see `BertConfig`.
        hidden_dropout_prob: dropout on what each part adds to the residual.
        attention_probs_dropout_prob: dropout on the attention weights.
        layer_norm_eps: epsilon of both LayerNorms.
        initializer_range: standard deviation of the kernels' initializer.

    Call arguments:
        x: float tensor of shape (batch, length, hidden_size).
        mask_bias: float tensor that broadcasts to (batch, heads, length, length).

    Returns:
        Float tensor of shape (batch, length, hidden_size).
    """

    use_fused = False  # see `fused.enable`

    def __init__(
        self,
        num_attention_heads,
        intermediate_size,
        hidden_act="gelu",
        hidden_dropout_prob=0.1,
        attention_probs_dropout_prob=0.1,
        layer_norm_eps=1e-12,
        initializer_range=0.02,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.num_attention_heads = num_attention_heads
        self.intermediate_size = intermediate_size
        self.hidden_act = hidden_act
        self.hidden_dropout_prob = hidden_dropout_prob
        self.attention_probs_dropout_prob = attention_probs_dropout_prob
        self.layer_norm_eps = layer_norm_eps
        self.initializer_range = initializer_range

        dtype = self.dtype_policy
        self.attention = SelfAttention(
            num_attention_heads,
            dropout=attention_probs_dropout_prob,
            initializer_range=initializer_range,
            dtype=dtype,
            name="attention",
        )
        self.attention_norm = LayerNormalization(layer_norm_eps, dtype=dtype, name="attention_norm")
        self.intermediate = dense(intermediate_size, initializer_range, dtype, "intermediate")
        self.activation = activations.get(hidden_act)
        self.output_norm = LayerNormalization(layer_norm_eps, dtype=dtype, name="output_norm")
        self.dropout = keras.layers.Dropout(hidden_dropout_prob, dtype=dtype, name="dropout")

    def build(self, x_shape, mask_bias_shape=None):
        self.attention.build(x_shape, mask_bias_shape)
        self.attention_norm.build(x_shape)
        self.intermediate.build((None, x_shape[-1]))
        self.feed_forward_output = dense(
            x_shape[-1], self.initializer_range, self.dtype_policy, "output"
        )
        self.feed_forward_output.build((None, self.intermediate_size))
        self.output_norm.build(x_shape)

    def call(self, x, mask_bias, training=None):
        attended = self.attention(x, mask_bias, training=training)
        x = self._residual_norm(x, attended, self.attention_norm, training)
        length = length_of(mask_bias)
        inner = over_tokens(self.intermediate, x, length)
        inner = fused.activation(self.activation, inner, training, self.use_fused)
        inner = over_tokens(self.feed_forward_output, inner, length)
        return self._residual_norm(x, inner, self.output_norm, training)

    def _residual_norm(self, x, y, norm, training):
        return fused.residual_norm(x, y, self.dropout, norm, training, self.use_fused)

    def compute_output_shape(self, x_shape, mask_bias_shape=None):
        return x_shape

    def get_config(self):
        return {
            **super().get_config(),
            "num_attention_heads": self.num_attention_heads,
            "intermediate_size": self.intermediate_size,
            "hidden_act": self.hidden_act,
            "hidden_dropout_prob": self.hidden_dropout_prob,
            "attention_probs_dropout_prob": self.attention_probs_dropout_prob,
            "layer_norm_eps": self.layer_norm_eps,
            "initializer_range": self.initializer_range,
        }
