"""What the networks of all tasks share: an encoder, a head on it, and their config."""

import keras


class EncoderWithHead(keras.Model):
    """A functional model of an encoder and a head, which round-trips through its config.

    Attributes:
        encoder: the `BertEncoder`.
        features: what the head is applied to, a symbolic output of the encoder; None where the
            network is more than that.
    """

    features = None

    def set_config(self, encoder, **arguments):
        """Keeps the constructor's arguments, as attributes and for `get_config`."""
        if not self.trainable:
            # Keras has set it before the layers were attached, so that they stayed trainable.
            for layer in self.layers:
                layer.trainable = False
        self.encoder = encoder
        self._argument_names = tuple(arguments)
        for name, value in arguments.items():
            setattr(self, name, value)

    def get_config(self):
        return {
            "encoder": keras.saving.serialize_keras_object(self.encoder),
            **{name: getattr(self, name) for name in self._argument_names},
            "name": self.name,
            "trainable": self.trainable,
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
        encoder: the `BertEncoder` that it stands on, for its initializer's range.
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
