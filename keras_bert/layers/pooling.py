"""One vector for a text: the mean of its tokens' vectors."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_bert")
class MeanOfTokens(keras.layers.Layer):
    """The mean over the tokens of each row, [CLS] and [SEP] included, padding left out.

    sentence-transformers' models are trained on this vector (Reimers and Gurevych 2019, section 3),
    so it is a better start than [CLS] for heads on them.

    Call arguments:
        sequence_output: float, shape (batch, length, hidden).
        padding_mask: int32, shape (batch, length), 1 for tokens and 0 for padding.

    Returns:
        float32 tensor of shape (batch, hidden).
    """

    def __init__(self, **kwargs):
        # A sum over hundreds of tokens does not keep its digits in bfloat16.
        super().__init__(**{**kwargs, "dtype": "float32"})

    def call(self, sequence_output, padding_mask):
        weights = ops.expand_dims(ops.cast(padding_mask, "float32"), -1)
        sums = ops.sum(ops.cast(sequence_output, "float32") * weights, axis=1)
        return sums / ops.maximum(ops.sum(weights, axis=1), 1.0)

    def compute_output_shape(self, sequence_output_shape, padding_mask_shape):
        return (sequence_output_shape[0], sequence_output_shape[-1])
