"""Adam's update of one variable by TensorFlow's own kernel: one pass over memory, in place."""

import keras

from keras_bert.keras_internals import adam_moments, variable_index
from keras_bert.layers import fused


def adam_step(optimizer, gradient, variable, learning_rate):
    """Makes Adam's update of one variable in one pass, in place, where this is available.

    The kernel has the formula of `keras.optimizers.Adam`, which makes ten passes and is a tenth of
    a large model's step. For an `update_step`.

    Args:
        optimizer: a built `keras.optimizers.Adam` or a subclass.
        gradient: float tensor of the variable's shape, or `tf.IndexedSlices`.
        variable: as `update_step` gets it.
        learning_rate: float scalar.

    Returns:
        Whether it is done; if not, nothing has been done.
    """
    if not fused.available() or optimizer.amsgrad:
        return False
    import tensorflow as tf

    moments = adam_moments(optimizer, variable_index(optimizer, variable))
    target = variable.value if isinstance(variable, keras.Variable) else variable
    step = tf.cast(optimizer.iterations + 1, target.dtype)
    tf.raw_ops.ResourceApplyAdam(
        var=target.handle,
        m=moments[0].handle,
        v=moments[1].handle,
        beta1_power=tf.cast(optimizer.beta_1, target.dtype) ** step,
        beta2_power=tf.cast(optimizer.beta_2, target.dtype) ** step,
        lr=tf.cast(learning_rate, target.dtype),
        beta1=tf.cast(optimizer.beta_1, target.dtype),
        beta2=tf.cast(optimizer.beta_2, target.dtype),
        epsilon=tf.cast(optimizer.epsilon, target.dtype),
        grad=tf.cast(tf.convert_to_tensor(gradient), target.dtype),
    )
    return True
