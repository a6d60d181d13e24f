"""What all networks share: they are functional models whose constructor arguments are their config.

`Network` is that; `TaskNetwork` is an encoder with a head, and says how it learns and what its
logits mean.
"""

import keras


class Network(keras.Model):
    """A functional Keras model that is rebuilt by its constructor.

    `keras.Model.from_config` would rebuild a functional graph from a list of layers. A subclass
    makes its layers, calls them, and at its end calls `set_config`.
    """

    # Layers that no output depends on, which are therefore no part of what is trained.
    unused_layers = ()

    def set_config(self, **arguments):
        """Keeps the constructor's arguments, as attributes and for `get_config`."""
        if not self.trainable:
            # Keras has set it before the layers were attached, so that they stayed trainable.
            for layer in self.layers:
                layer.trainable = False
        self._argument_names = tuple(arguments)
        for name, value in arguments.items():
            setattr(self, name, value)

    def get_config(self):
        arguments = {name: getattr(self, name) for name in self._argument_names}
        return {**arguments, "name": self.name, "trainable": self.trainable}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        return cls(**config)

    # A layer that is shared with another network is frozen in this one only: `layer.trainable` is
    # the layer's own and would freeze it in all of them.

    @property
    def trainable_variables(self):
        return self._without_unused(super().trainable_variables)

    @property
    def trainable_weights(self):
        return self._without_unused(super().trainable_weights)

    @property
    def non_trainable_variables(self):
        return [*super().non_trainable_variables, *self._unused(super().trainable_variables)]

    @property
    def non_trainable_weights(self):
        return [*super().non_trainable_weights, *self._unused(super().trainable_weights)]

    def _unused(self, variables):
        unused = {id(v) for layer in self.unused_layers for v in layer.variables}
        return [variable for variable in variables if id(variable) in unused]

    def _without_unused(self, variables):
        unused = {id(v) for layer in self.unused_layers for v in layer.variables}
        return [variable for variable in variables if id(variable) not in unused]


class TaskNetwork(Network):
    """An encoder and the head of a task.

    A subclass says in `default_loss` what it learns from, and in `outputs_from_logits` what its
    logits mean.

    Attributes:
        encoder: the `BertEncoder`.
        features: what the head is applied to, a symbolic output of the encoder; None where the
            network is more than that.
        head: the last dense layer, which checkpoints of other formats have too.
        head_kind: which of the heads of other formats it is: a key of `checkpoints.names.HEADS`.
    """

    features = None
    head_kind = None

    def set_config(self, encoder, **arguments):
        super().set_config(encoder=encoder, **arguments)

    @property
    def head(self):
        return self.get_layer("logits")

    def rows_network(self):
        """Returns the Keras model that takes rows of tokens; of several choices each is a row."""
        return self

    def default_loss(self):
        """Returns the Keras loss on the logits, or a dict of them by the names of the logits."""
        raise NotImplementedError

    def default_loss_weights(self):
        """Returns the weights of several losses, a dict; None where there is one loss."""
        return

    @classmethod
    def outputs_from_logits(cls, logits, settings, ops):
        """Turns logits into the task's outputs, in a graph and on arrays alike.

        Args:
            logits: float32 tensor or array, or dict of them, of a batch.
            settings: dict, those of the model's config.
            ops: `keras.ops`, or `keras_bert.numpy_ops` for NumPy arrays.

        Returns:
            A dict by the names of the task's outputs.
        """
        raise NotImplementedError

    @classmethod
    def chosen_labels(cls, outputs, settings, ops):
        """Returns which labels hold for each text: bool, shape (batch, num_classes).

        Args:
            outputs: what `outputs_from_logits` returned.
            settings, ops: likewise.

        Returns:
            None for networks whose answers are not labels of a whole text.
        """
        return

    def get_config(self):
        return {
            **super().get_config(),
            "encoder": keras.saving.serialize_keras_object(self.encoder),
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        config = dict(config)
        config["encoder"] = keras.saving.deserialize_keras_object(
            config["encoder"], custom_objects=custom_objects
        )
        return cls(**config)


def head_dense(encoder, units, name):
    """Returns the last dense layer of a task's network.

    Args:
        encoder: the `BertEncoder` below it, for its initializer's range.
        units: number of outputs.
        name: the layer's name.
    """
    return keras.layers.Dense(
        units,
        kernel_initializer=keras.initializers.TruncatedNormal(
            stddev=encoder.bert_config.initializer_range
        ),
        dtype="float32",  # whatever the encoder's policy: logits feed a loss
        name=name,
    )
