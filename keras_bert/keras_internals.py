"""Everything of Keras that this package uses and Keras does not promise: its private names.

Each function says why the public API does not do. `tests/test_keras_internals.py` checks them
against the installed Keras, and that no other module uses a private name of Keras.
"""


def all_layers(model):
    """Returns a model or layer and every layer inside it, at any depth.

    `Model.layers` lists one level only, and a `Layer` has no public list of the layers that are
    its attributes.
    """
    return model._flatten_layers()


def add_metrics(model, metrics):
    """Adds metrics that the model itself updates; `model.metrics` lists them.

    An attribute that holds a metric would be listed too, but its variables would be saved with the
    model's weights. Keras's own list of metrics is not saved.
    """
    model._metrics.extend(metrics)


def variable_index(optimizer, variable):
    """Returns the place of a variable among those that the optimizer was built with.

    `update_step` gets a backend's variable, on TensorFlow one replica's, that has no public link
    to the Keras variable it belongs to.

    Args:
        optimizer: a built Keras optimizer.
        variable: what `update_step` gets.
    """
    return optimizer._get_variable_index(variable)


def adam_moments(optimizer, index):
    """Returns the mean gradient and the mean squared gradient of one variable, backend variables.

    `optimizer.variables` has them too, but in an order that is not documented.

    Args:
        optimizer: a built `keras.optimizers.Adam` or a subclass.
        index: see `variable_index`.
    """
    return optimizer._momentums[index].value, optimizer._velocities[index].value


def loss_mask(losses):
    """Returns which of the values that `keras.losses.Loss.call` returned count; None: all.

    A loss with `ignore_class` says it so; its `__call__` returns the mean over those that count.
    """
    from keras.src.backend import get_keras_mask

    return get_keras_mask(losses)


def with_loss_mask(losses, counted):
    """Returns values of a `keras.losses.Loss.call`, of which some count; see `loss_mask`."""
    from keras.src.backend import set_keras_mask

    set_keras_mask(losses, counted)
    return losses


class SummedGradients:
    """For an optimizer class, to the left of it: a look at the gradients summed over replicas.

    The public `apply` sees the gradients of one replica before the sum, `update_step` sees them
    after it but one at a time. TensorFlow only: other backends never call the hook.
    """

    def change_summed_gradients(self, gradients):
        """Returns what is used in place of the sums; a subclass overrides it.

        Args:
            gradients: list of tensors, the gradients summed over all replicas.
        """
        return gradients

    def _all_reduce_sum_gradients(self, grads_and_vars):
        summed = super()._all_reduce_sum_gradients(grads_and_vars)
        gradients, variables = zip(*summed, strict=True)
        return list(zip(self.change_summed_gradients(gradients), variables, strict=True))
