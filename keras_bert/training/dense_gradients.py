"""A defect of Keras 3.15 that concerns the gradients of embedding tables, kept out of ours."""

from keras import ops


class DenseGradients:
    """For an optimizer class, to the left of it: adds up the rows of a lookup's gradient first.

    On TensorFlow the gradient of a table that rows are looked up in lists a row as often as it was
    looked up. Keras squares these entries one by one, for Adam's second moment and for the norm,
    where the square of their sum is meant: with a token that stands in a batch 100 times, Adam's
    first step is 10 times too long.
    """

    def apply(self, grads, trainable_variables=None):
        """See `keras.optimizers.Optimizer.apply`."""
        # Keras's convert_to_tensor takes such a gradient for a tensor already and leaves it.
        grads = [
            ops.add(gradient, ops.zeros(gradient.shape, gradient.dtype))
            if hasattr(gradient, "indices")
            else gradient
            for gradient in grads
        ]
        return super().apply(grads, trainable_variables)
