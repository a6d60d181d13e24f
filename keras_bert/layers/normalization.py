"""LayerNorm over the last axis."""

import keras
from keras import ops

from keras_bert.layers import fused


@keras.saving.register_keras_serializable(package="keras_bert")
class LayerNormalization(keras.layers.Layer):
    """LayerNorm (Ba et al. 2016) over the last axis, always computed in float32.

    `keras.layers.LayerNormalization` is not used because it becomes ten TFLite ops where this
    becomes seven, and because its epsilon is added in the compute dtype.

    Args:
        epsilon: added to the variance; BERT's is 1e-12.
    """

    use_fused = False  # see `fused.enable`

    def __init__(self, epsilon=1e-12, **kwargs):
        super().__init__(**kwargs)
        self.epsilon = epsilon

    def build(self, input_shape):
        width = (input_shape[-1],)
        # autocast would round them to bfloat16 before the float32 arithmetic.
        self.gamma = self.add_weight(name="gamma", shape=width, initializer="ones", autocast=False)
        self.beta = self.add_weight(name="beta", shape=width, initializer="zeros", autocast=False)

    @staticmethod
    def formula(x, gamma, beta, epsilon):
        """Returns the normalization of float32 tensors."""
        centered = x - ops.mean(x, axis=-1, keepdims=True)
        variance = ops.mean(ops.square(centered), axis=-1, keepdims=True)
        return centered * ops.rsqrt(variance + epsilon) * gamma + beta

    def call(self, x, training=None):
        return fused.normalize(x, self, training, self.use_fused)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "epsilon": self.epsilon}
