"""Multi-head self-attention and the one mask it uses (Vaswani et al. 2017, section 3.2)."""

import keras
from keras import ops

from keras_bert.layers import attention_kernel, fused
from keras_bert.layers.dense import dense, length_of, over_tokens

# Added to the scores of padding. Finite, so that a row of padding only has finite results; within
# float16's range (65504), where -1e9 would become -inf; and far below any score, so that its exp()
# is exactly zero in float32. Google's code uses the same number.
ATTENTION_MASK_VALUE = -10000.0


@keras.saving.register_keras_serializable(package="keras_bert")
class AttentionMask(keras.layers.Layer):
    """Turns a padding mask into the bias that attention adds to its scores.

    It is a layer, computed once for all blocks, so that an exporter that needs a smaller constant
    (full-integer quantization does) changes `value` here and nowhere else.

    Args:
        value: added to the scores of masked positions.
        packed: whether a row holds several examples, numbered 1, 2, … in its mask; a token then
            attends to its own example only.
        left_to_right: whether a token attends only to itself and to earlier tokens.

    Call arguments:
        padding_mask: int32, shape (batch, length), 1 for tokens and 0 for padding; packed: the
            number of the example that the token belongs to, and 0 for padding.

    Returns:
        Float tensor, 0 where attention is allowed and `value` where not, of shape
        (batch, 1, 1, length); packed or left to right: (batch, 1, length, length).
    """

    def __init__(self, value=ATTENTION_MASK_VALUE, packed=False, left_to_right=False, **kwargs):
        super().__init__(**kwargs)
        self.value = value
        self.packed = packed
        self.left_to_right = left_to_right

    def call(self, padding_mask):
        if not self.packed and not self.left_to_right:
            is_padding = 1.0 - ops.cast(padding_mask, self.compute_dtype)
            return ops.expand_dims(ops.expand_dims(is_padding * self.value, 1), 1)
        key = ops.expand_dims(padding_mask, 1)
        allowed = ops.not_equal(key, 0)
        if self.packed:
            allowed = ops.logical_and(allowed, ops.equal(ops.expand_dims(padding_mask, 2), key))
        if self.left_to_right:
            position = ops.arange(length_of(padding_mask))
            seen = ops.expand_dims(position, 0) <= ops.expand_dims(position, 1)
            allowed = ops.logical_and(allowed, ops.expand_dims(seen, 0))
        is_masked = 1.0 - ops.cast(allowed, self.compute_dtype)
        return ops.expand_dims(is_masked * self.value, 1)

    def compute_output_shape(self, padding_mask_shape):
        batch, length = padding_mask_shape
        return (batch, 1, length if self.packed or self.left_to_right else 1, length)

    def get_config(self):
        return {
            **super().get_config(),
            "value": self.value,
            "packed": self.packed,
            "left_to_right": self.left_to_right,
        }


@keras.saving.register_keras_serializable(package="keras_bert")
class SelfAttention(keras.layers.Layer):
    """Scaled dot-product self-attention over several heads, with its output projection.

    Args:
        num_heads: number of heads; divides the width of the input.
        dropout: rate of the dropout on the attention weights.
        initializer_range: standard deviation of the kernels' initializer.

    Call arguments:
        x: float tensor of shape (batch, length, hidden_size).
        mask_bias: float tensor that broadcasts to (batch, num_heads, length, length).

    Returns:
        Float tensor of shape (batch, length, hidden_size).
    """

    use_fused = False  # see `fused.enable`

    def __init__(self, num_heads, dropout=0.1, initializer_range=0.02, **kwargs):
        super().__init__(**kwargs)
        self.num_heads = num_heads
        self.dropout = dropout
        self.initializer_range = initializer_range
        self.dropout_layer = keras.layers.Dropout(dropout, dtype=self.dtype_policy, name="dropout")

    def build(self, x_shape, mask_bias_shape=None):
        hidden_size = x_shape[-1]
        self.head_size = hidden_size // self.num_heads
        for name in ("query", "key", "value", "output"):
            layer = dense(hidden_size, self.initializer_range, self.dtype_policy, name)
            layer.build((None, hidden_size))
            setattr(self, f"{name}_dense", layer)

    def _split_heads(self, x, length):
        x = ops.reshape(x, (-1, length, self.num_heads, self.head_size))
        return ops.transpose(x, (0, 2, 1, 3))

    def _query_and_key(self, x, length):
        """Returns the scaled queries, and the keys, each (batch, heads, length, head_size)."""
        # The query is scaled before the product: this needs fewer multiplications than to scale the
        # scores, and the product does not overflow in float16.
        query = over_tokens(self.query_dense, x, length) * self.head_size**-0.5
        query = self._split_heads(query, length)
        key = self._split_heads(over_tokens(self.key_dense, x, length), length)
        return query, key

    def probabilities(self, x, mask_bias):
        """Returns how much each token attends to each other one, without dropout.

        Args:
            x, mask_bias: see the call arguments.

        Returns:
            Float tensor of shape (batch, num_heads, length, length), of which the rows, one a
            token that attends, sum to 1.
        """
        query, key = self._query_and_key(x, length_of(mask_bias))
        scores = ops.matmul(query, ops.transpose(key, (0, 1, 3, 2)))
        return fused.attention_weights(scores, mask_bias, self.dropout_layer, False, False)

    def call(self, x, mask_bias, training=None):
        length = length_of(mask_bias)
        query, key = self._query_and_key(x, length)
        value = self._split_heads(over_tokens(self.value_dense, x, length), length)
        if attention_kernel.available(query, self.dropout, training):
            context = attention_kernel.attend(query, key, value, mask_bias)
            context = ops.reshape(context, (-1, length, self.num_heads * self.head_size))
            return over_tokens(self.output_dense, context, length)
        scores = ops.matmul(query, ops.transpose(key, (0, 1, 3, 2)))
        weights = fused.attention_weights(
            scores, mask_bias, self.dropout_layer, training, self.use_fused
        )
        context = ops.transpose(ops.matmul(weights, value), (0, 2, 1, 3))
        context = ops.reshape(context, (-1, length, self.num_heads * self.head_size))
        return over_tokens(self.output_dense, context, length)

    def compute_output_shape(self, x_shape, mask_bias_shape=None):
        return x_shape

    def get_config(self):
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "dropout": self.dropout,
            "initializer_range": self.initializer_range,
        }
