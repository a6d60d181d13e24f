"""Clipping of the whole batch's gradient, whatever the number of replicas."""

import keras

from keras_bert.keras_internals import SummedGradients


class ClipsSummedGradient(SummedGradients):
    """For an optimizer class, to the left of it: clips the gradient's sum over all replicas.

    Keras's `global_clipnorm` clips each replica's share before the sum, so that what is learned
    depends on the number of replicas. On one replica the two are the same.

    Args:
        summed_clipnorm: largest global norm of the summed gradient; None or 0 does not clip.

    Raises:
        ValueError: there is another backend than TensorFlow, which would not clip.
    """

    def __init__(self, *args, summed_clipnorm=None, **kwargs):
        super().__init__(*args, **kwargs)
        if summed_clipnorm and keras.backend.backend() != "tensorflow":
            raise ValueError("summed_clipnorm needs TensorFlow: use global_clipnorm")
        self.summed_clipnorm = summed_clipnorm

    def change_summed_gradients(self, gradients):
        """Returns the gradients, scaled down together where their norm is too large."""
        if not self.summed_clipnorm:
            return gradients
        import tensorflow as tf

        return tf.clip_by_global_norm(gradients, self.summed_clipnorm)[0]

    def get_config(self):
        return {**super().get_config(), "summed_clipnorm": self.summed_clipnorm}
