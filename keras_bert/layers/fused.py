"""Fused parts of the training step: one pass over memory each, on TensorFlow's CPU.

Between its matrix products a training step waits for memory: residual, dropout and LayerNorm are
twenty ops, each of which reads and writes the whole activation. XLA compiles such a part to one
loop. The products stay outside, with oneDNN, because XLA's bfloat16 products on a CPU run at half
of oneDNN's speed or less; so to compile the whole step (`jit_compile=True`) is slower.

Of the layers only this module, and a lookup in `deployed.py`, name TensorFlow. Every function here
has a plain form in `keras.ops` and a compiled form. The compiled form is used where the layer has
`use_fused` and is training; inference, export, other backends and GPUs use the plain form.

XLA compiles each part anew for every shape, which takes about a second for a whole model. That is
worth it with few batch shapes and many steps, as in pretraining; so a model is plain until
`enable(model)`.
"""

import functools

import keras
from keras import ops

from keras_bert.keras_internals import all_layers

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf


def available():
    """Returns whether fused parts work in this process: TensorFlow, and no accelerator."""
    if keras.backend.backend() != "tensorflow":
        return False
    return not any(device.device_type != "CPU" for device in tf.config.list_logical_devices())


def enable(model):
    """Makes the layers of a model use fused parts in training, where available.

    It changes no weight, no config and nothing that is saved; a copy or a reloaded model is plain
    again. Call it before the model is compiled: it does not change a traced training function.

    Args:
        model: a `keras.Model` or layer.

    Returns:
        Whether fused parts are available.
    """
    if not available():
        return False
    for layer in all_layers(model):
        if hasattr(layer, "use_fused"):
            layer.use_fused = True
    return True


def activation(function, x, training, use_fused):
    """Applies an activation.

    Args:
        function: one of `keras_bert.layers.activations`.
        x: float tensor; the compiled form computes in float32.
        training, use_fused: the compiled form is used if both are true.

    Returns:
        Tensor like `x`.
    """
    return _activation(function)(x) if use_fused and training else function(x)


@functools.cache
def _activation(function):
    return _fused(lambda x: ops.cast(function(ops.cast(x, "float32")), x.dtype), 1)


def residual_norm(x, y, dropout, norm, training, use_fused):
    """Returns `norm(x + dropout(y))`.

    Args:
        x: float tensor of shape (batch, length, width), the residual.
        y: float tensor of the same shape and dtype.
        dropout: a `keras.layers.Dropout`; its seed generator advances as in a call, in both forms.
        norm: a `LayerNormalization`.
        training: whether dropout is active.
        use_fused: whether a training step uses the compiled form.

    Returns:
        Float tensor of the same shape and dtype.
    """
    if not (use_fused and training):
        return norm(x + dropout(y, training=training))
    return _residual_norm(dropout.rate, norm.formula, norm.epsilon)(
        x, y, norm.gamma.value, norm.beta.value, _seed(dropout)
    )


@functools.cache
def _residual_norm(rate, formula, epsilon):
    def function(x, y, gamma, beta, seed):
        total = ops.cast(x, "float32") + _dropped(ops.cast(y, "float32"), rate, seed)
        gamma, beta = ops.cast(gamma, "float32"), ops.cast(beta, "float32")
        return ops.cast(formula(total, gamma, beta, epsilon), x.dtype)

    return _fused(function, 4)


def normalize(x, norm, training, use_fused):
    """Returns `x` normalized by a `LayerNormalization`, in the layer's compute dtype.

    Args:
        x: float tensor; computed in float32, because squares of bfloat16 or float16 activations
            lose the variance.
        norm: the layer.
        training, use_fused: the compiled form is used if both are true.
    """
    function = _normalize(norm.formula, norm.epsilon, norm.compute_dtype)
    if use_fused and training:
        return _fused(function, 3)(x, norm.gamma.value, norm.beta.value)
    return function(x, norm.gamma, norm.beta)


@functools.cache
def _normalize(formula, epsilon, dtype):
    def function(x, gamma, beta):
        gamma, beta, x = (ops.cast(value, "float32") for value in (gamma, beta, x))
        return ops.cast(formula(x, gamma, beta, epsilon), dtype)

    return function


def attention_weights(scores, mask_bias, dropout, training, use_fused):
    """Returns `dropout(softmax(scores + mask_bias))`.

    Args:
        scores: float tensor of shape (batch, heads, length, length).
        mask_bias: float tensor that broadcasts to it; it gets no gradient in the compiled form.
        dropout: a `keras.layers.Dropout`; its seed generator advances as in a call, in both forms.
        training: whether dropout is active.
        use_fused: whether a training step uses the compiled form.

    Returns:
        Float tensor like `scores`.
    """
    if use_fused and training:
        return _attention_weights(dropout.rate)(scores, mask_bias, _seed(dropout))
    # bfloat16 has three digits for a probability; float32 costs little and has seven.
    weights = ops.softmax(ops.cast(scores + mask_bias, "float32"), axis=-1)
    return dropout(ops.cast(weights, scores.dtype), training=training)


@functools.cache
def _attention_weights(rate):
    def function(scores, mask_bias, seed):
        total = ops.cast(scores, "float32") + ops.cast(mask_bias, "float32")
        return ops.cast(_dropped(ops.softmax(total, axis=-1), rate, seed), scores.dtype)

    return _fused(function, 1)


def cross_entropy(logits, labels):
    """Returns the cross-entropy of each position; see `cross_entropy_and_hits`."""
    return cross_entropy_and_hits(logits, labels)[0]


def cross_entropy_and_hits(logits, labels):
    """Returns the cross-entropy of each position, and whether its label has the highest logit.

    On TensorFlow's CPU it reads the logits three times and writes their gradient once, where the
    plain ops make a dozen passes and keep several float32 copies of them. The hits are computed
    in the same pass, where an argmax of the logits would be one more.

    Args:
        logits: float tensor of shape (..., classes), in any float dtype; computed in float32.
        labels: int32, shape (...).

    Returns:
        A tuple of float32 tensors of the shape of `labels`: the cross-entropy, and 1.0 where no
        other class has a higher logit, else 0.0.
    """
    if available():
        flat = tf.reshape(logits, (-1, logits.shape[-1]))
        loss, hit = _fused_cross_entropy(flat, tf.reshape(labels, (-1,)))
        return tf.reshape(loss, tf.shape(labels)), tf.reshape(hit, tf.shape(labels))
    total, chosen, highest = _log_sum_exp(logits, labels)
    return total - chosen, ops.cast(chosen >= highest, "float32")


def _log_sum_exp(logits, labels):
    logits = ops.cast(logits, "float32")
    highest = ops.stop_gradient(ops.max(logits, axis=-1))
    exponentials = ops.exp(logits - ops.expand_dims(highest, -1))
    total = ops.log(ops.sum(exponentials, axis=-1)) + highest
    chosen = ops.take_along_axis(logits, ops.expand_dims(labels, -1), axis=-1)[..., 0]
    return total, chosen, highest


def _seed(dropout):
    """Draws from a Dropout layer's generator, whose state is saved with the model's variables."""
    return dropout.seed_generator.next() if dropout.rate > 0 else tf.zeros((2,), "int64")


def _dropped(x, rate, seed):
    """Applies dropout inside a fused part.

    The mask is a hash of each element's index and the seed, so it is computed where it is used and
    never stored. XLA's own generator takes a hundred times as long on a CPU, and TensorFlow's
    writes the random numbers to memory.

    Args:
        x: float tensor.
        rate: share of elements that become 0, exact to 2**-32; the others are scaled up.
        seed: int64, shape (2,), the result of `keras.random.SeedGenerator.next`.
    """
    if not rate:
        return x
    low_bits = tf.cast(tf.bitwise.bitwise_and(seed, 0xFFFFFFFF), "uint32")
    # Both keys depend on both numbers, so no other step or layer has a shifted copy of this mask.
    first = _mix(low_bits[0] + _mix(low_bits[1]))
    second = _mix(low_bits[1] + _mix(low_bits[0] + 0x9E3779B9))
    index = tf.cast(tf.reshape(tf.range(tf.size(x)), tf.shape(x)), "uint32")
    keep = _mix(_mix(index + first) + second) >= tf.constant(int(rate * 2**32), "uint32")
    return tf.where(keep, x * (1.0 / (1.0 - rate)), tf.zeros_like(x))


def _mix(x):
    """Scrambles uint32 numbers one to one ("lowbias32", Wellons 2018)."""
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        x = tf.bitwise.bitwise_xor(x, tf.bitwise.right_shift(x, tf.constant(shift, "uint32")))
        x = x * tf.constant(factor, "uint32")
    return tf.bitwise.bitwise_xor(x, tf.bitwise.right_shift(x, tf.constant(16, "uint32")))


def _compiled(function):
    return tf.function(function, jit_compile=True, autograph=False)


@functools.cache
def _fused(function, differentiable):
    """Compiles a function and its gradient, each to one XLA program.

    The gradient starts from the inputs again: to recompute inside one loop is cheaper than to
    store the values of the forward pass.

    Args:
        function: takes tensors and returns one tensor.
        differentiable: number of leading arguments that get gradients.
    """

    def gradient(upstream, *arguments):
        sources = arguments[:differentiable]
        with tf.GradientTape() as tape:
            tape.watch(sources)
            result = function(*arguments)
        return tape.gradient(result, sources, output_gradients=upstream)

    forward, backward = _compiled(function), _compiled(gradient)

    @tf.custom_gradient
    def call(*arguments):
        constants = [None] * (len(arguments) - differentiable)
        return forward(*arguments), lambda upstream: [*backward(upstream, *arguments), *constants]

    return call


def _cross_entropy_forward(logits, labels):
    total, chosen, highest = _log_sum_exp(logits, labels)
    return total - chosen, ops.cast(chosen >= highest, "float32"), total


def _cross_entropy_backward(upstream, logits, labels, total):
    probabilities = tf.exp(tf.cast(logits, "float32") - total[:, None])
    is_label = tf.range(tf.shape(logits)[1])[None] == tf.cast(labels, "int32")[:, None]
    return tf.cast((probabilities - tf.cast(is_label, "float32")) * upstream[:, None], logits.dtype)


if keras.backend.backend() == "tensorflow":
    _cross_entropy_forward = _compiled(_cross_entropy_forward)
    _cross_entropy_backward = _compiled(_cross_entropy_backward)

    @tf.custom_gradient
    def _fused_cross_entropy(logits, labels):
        loss, hit, total = _cross_entropy_forward(logits, labels)

        def gradient(upstream, _):
            return _cross_entropy_backward(upstream, logits, labels, total), None

        return (loss, hit), gradient
