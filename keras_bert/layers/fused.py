"""Islands: stretches of the training step that make one pass over memory, on TensorFlow's CPU.

Between its matrix products a training step waits for memory: residual, dropout and LayerNorm are
twenty ops, each of which reads and writes the whole activation. XLA compiles such a stretch to
one loop. The products stay outside, with oneDNN, because XLA's bfloat16 products on a CPU run at
half of oneDNN's speed or less; compiling the whole step (`jit_compile=True`) therefore loses.

This is the only module of the layers that names TensorFlow. Layers ask `used(self, training)` and
have the plain ops of `keras.ops` as the other branch, and an island compiles those very functions,
so the mathematics exists once. Inference, export, other backends and GPUs take the plain branch.

XLA compiles an island anew for every shape, which takes about a second for all islands of a
model. That pays where the shapes of the batches are few and the steps many, as in pretraining;
so a model has no islands until `enable(model)`.
"""

import functools

import keras
from keras import ops

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf


def available():
    """Returns whether this process can use islands: TensorFlow, and no accelerator."""
    if keras.backend.backend() != "tensorflow":
        return False
    return not any(device.device_type != "CPU" for device in tf.config.list_logical_devices())


def enable(model):
    """Makes the layers of a model use islands when they train, where islands are available.

    It changes no weight, no config and nothing that is saved; a copy or a reloaded model has no
    islands. Call it before the model is compiled: a training function that is traced stays.

    Args:
        model: a `keras.Model` or layer.

    Returns:
        Whether islands are available.
    """
    if not available():
        return False
    for layer in model._flatten_layers():
        if hasattr(layer, "use_islands"):
            layer.use_islands = True
    return True


def used(layer, training):
    """Returns whether a layer is to take its island: it was enabled, and it trains."""
    return bool(layer.use_islands and training)


def activation(function, x):
    """Applies an activation.

    Args:
        function: one of `keras_bert.layers.activations`.
        x: float tensor.

    Returns:
        Tensor like `x`, computed in float32.
    """
    return _activation(function)(x)


@functools.cache
def _activation(function):
    return _island(lambda x: ops.cast(function(ops.cast(x, "float32")), x.dtype), 1)


def residual_norm(x, y, dropout, norm):
    """Returns `norm(x + dropout(y))` of a training step.

    Args:
        x: float tensor of shape (batch, length, width), the residual.
        y: float tensor of the same shape and dtype.
        dropout: a `keras.layers.Dropout`; its seed generator advances as by a call.
        norm: a `LayerNormalization`.

    Returns:
        Float tensor of the same shape and dtype.
    """
    return _residual_norm(dropout.rate, norm.formula, norm.epsilon)(
        x, y, norm.gamma.value, norm.beta.value, _seed(dropout)
    )


@functools.cache
def _residual_norm(rate, formula, epsilon):
    def function(x, y, gamma, beta, seed):
        total = ops.cast(x, "float32") + _dropped(ops.cast(y, "float32"), rate, seed)
        gamma, beta = ops.cast(gamma, "float32"), ops.cast(beta, "float32")
        return ops.cast(formula(total, gamma, beta, epsilon), x.dtype)

    return _island(function, 4)


def norm(x, layer):
    """Returns what a `LayerNormalization` makes of `x`, in the layer's compute dtype."""
    return _norm(layer.formula, layer.epsilon, layer.compute_dtype)(
        x, layer.gamma.value, layer.beta.value
    )


@functools.cache
def _norm(formula, epsilon, dtype):
    def function(x, gamma, beta):
        x, gamma, beta = (ops.cast(value, "float32") for value in (x, gamma, beta))
        return ops.cast(formula(x, gamma, beta, epsilon), dtype)

    return _island(function, 3)


def attention_weights(scores, mask_bias, dropout):
    """Returns `dropout(softmax(scores + mask_bias))` of a training step.

    Args:
        scores: float tensor of shape (batch, heads, length, length).
        mask_bias: float tensor that broadcasts to it; no gradient flows into it.
        dropout: a `keras.layers.Dropout`; its seed generator advances as by a call.

    Returns:
        Float tensor like `scores`.
    """
    return _attention_weights(dropout.rate)(scores, mask_bias, _seed(dropout))


@functools.cache
def _attention_weights(rate):
    def function(scores, mask_bias, seed):
        total = ops.cast(scores, "float32") + ops.cast(mask_bias, "float32")
        return ops.cast(_dropped(ops.softmax(total, axis=-1), rate, seed), scores.dtype)

    return _island(function, 1)


def cross_entropy(logits, labels):
    """Returns the cross-entropy of each position; see `cross_entropy_and_hits`."""
    return cross_entropy_and_hits(logits, labels)[0]


def cross_entropy_and_hits(logits, labels):
    """Returns the cross-entropy of each position, and whether its label has the highest logit.

    On TensorFlow's CPU it reads the logits three times and writes their gradient once, where the
    plain ops make a dozen passes and keep several float32 copies of them. The hits come with it,
    where an argmax of the logits would be one more pass.

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


def adam_step(optimizer, gradient, variable, learning_rate):
    """Makes Adam's update of one variable in one pass, in place, where this is available.

    Not XLA but TensorFlow's own kernel, with the formula of `keras.optimizers.Adam`, which makes
    ten passes and is a tenth of a large model's step. For an `update_step`.

    Args:
        optimizer: a built `keras.optimizers.Adam` or a subclass.
        gradient: float tensor of the variable's shape, or `tf.IndexedSlices`.
        variable: as `update_step` gets it.
        learning_rate: float scalar.

    Returns:
        Whether it is done; if not, nothing has been done.
    """
    if not available() or optimizer.amsgrad:
        return False
    index = optimizer._get_variable_index(variable)
    moments = (optimizer._momentums[index].value, optimizer._velocities[index].value)
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
    """Dropout inside an island.

    The mask is a hash of each element's index and the seed, so that it is computed where it is
    used and never stored. XLA's own generator takes a hundred times as long on a CPU, and
    TensorFlow's writes the random numbers to memory.

    Args:
        x: float tensor.
        rate: share of elements that become 0, exact to 2**-32; the others are scaled up.
        seed: int64, shape (2,), what a `keras.random.SeedGenerator` gives.
    """
    if not rate:
        return x
    low_bits = tf.cast(tf.bitwise.bitwise_and(seed, 0xFFFFFFFF), "uint32")
    # Both keys depend on both numbers: neither the next step nor another layer has a shifted mask.
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


def _island(function, differentiable):
    """Compiles a function and its gradient, each to one XLA program.

    The gradient starts from the inputs again: recomputing inside one loop is cheaper than storing
    what the forward pass knew.

    Args:
        function: of tensors, giving one tensor.
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
