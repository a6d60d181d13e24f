"""What all networks share: they are functional models whose constructor arguments are their config.

`Network` is that; `TaskNetwork` is an encoder with a head, and says how it learns and what its
logits mean.
"""

import dataclasses
import os

import keras

from keras_bert.files import replacing_file
from keras_bert.in_memory import NamedBytes
from keras_bert.layers import fused
from keras_bert.layers.dense import Dense
from keras_bert.models import compiling
from keras_bert.models.targets import as_array


class Network(keras.Model):
    """A functional Keras model that is rebuilt by its constructor.

    `keras.Model.from_config` would rebuild a functional graph from a list of layers. A subclass
    makes its layers, calls them, and at its end calls `set_config`.

    A network that a `keras_bert.Bert` has been made of keeps its tokenizer and labels: a `.keras`
    file holds them beside the weights, and `keras.saving.load_model` brings them back.
    """

    # Layers that no output depends on, which are therefore no part of what is trained.
    unused_layers = ()
    # Layers that are only asked, as a teacher is: what they know is no part of this network.
    asked_layers = ()
    _description = None

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

    # === Description ===

    def describe(self, config, tokenizer):
        """Keeps what the outputs mean.

        Args:
            config: `ModelConfig` of this network.
            tokenizer: `WordPieceTokenizer`.
        """
        self._description = config, tokenizer

    @property
    def task_config(self):
        """The `ModelConfig`: task, labels, settings, length; None where it is not known."""
        return self._description and self._description[0]

    @property
    def tokenizer(self):
        """The `WordPieceTokenizer`; None where it is not known."""
        return self._description and self._description[1]

    @property
    def labels(self):
        """The names of the classes or tags, a tuple in the order of the logits; None likewise."""
        return self._description and self._description[0].labels

    def save(self, filepath, overwrite=True, zipped=None, **options):
        """Saves the model as Keras does; a `.keras` file is written completely or not at all.

        Args:
            filepath, overwrite, zipped, **options: see `keras.Model.save`.

        Raises:
            InputError: the file cannot be written, or the disk is full.
        """
        is_path = isinstance(filepath, (str, os.PathLike))
        # Keras writes to buckets and asks on a terminal whether a file is to be overwritten.
        if (
            not is_path
            or zipped is False
            or not str(filepath).endswith(".keras")
            or "://" in str(filepath)
            or (os.path.exists(filepath) and not overwrite)
        ):
            super().save(filepath, overwrite=overwrite, zipped=zipped, **options)
            return
        file = NamedBytes("model.keras")
        super().save(file, **options)
        with replacing_file(filepath) as temporary, open(temporary, "wb") as target:
            target.write(file.getbuffer())

    def save_assets(self, dir_path):
        """Writes the description into a folder of a `.keras` file; Keras calls it."""
        from keras_bert import description

        if self._description is not None:
            folder = os.path.join(dir_path, description.FOLDER)
            os.makedirs(folder)
            config, tokenizer = self._description
            # The factors of a quantized file are in a model folder only.
            config = dataclasses.replace(config, quantize_aware={})
            description.write_description(folder, config, tokenizer)

    def load_assets(self, dir_path):
        """Reads the description if there is one; Keras calls it, with None for older files.

        Raises:
            InputError: it is broken, or of another network.
        """
        from keras_bert import description

        folder = dir_path and os.path.join(dir_path, description.FOLDER)
        if folder and os.path.isdir(folder):
            config, tokenizer = description.read_description(folder)
            description.check_fits(config, self)
            self.describe(config, tokenizer)

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
        unused = self._unused(super().trainable_variables)
        return [*super().non_trainable_variables, *unused, *self._asked()]

    @property
    def non_trainable_weights(self):
        unused = self._unused(super().trainable_weights)
        return [*super().non_trainable_weights, *unused, *self._asked()]

    @property
    def variables(self):
        return self._without_asked(super().variables)

    @property
    def weights(self):
        return self._without_asked(super().weights)

    def _without_asked(self, variables):
        asked = {id(variable) for variable in self._asked()}
        return [variable for variable in variables if id(variable) not in asked]

    def _asked(self):
        return [variable for layer in self.asked_layers for variable in layer.variables]

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

    def default_settings(self):
        """Returns the settings of the task that the network itself knows, a dict."""
        return {}

    def default_loss(self):
        """Returns the Keras loss on the logits, or a dict of them by the names of the logits."""
        raise NotImplementedError

    def default_loss_weights(self):
        """Returns the weights of several losses, a dict; None where there is one loss."""
        return

    def default_metrics(self):
        """Returns a list of Keras metrics on the logits, or a dict of lists by their names."""
        return []

    def compile(
        self,
        optimizer="auto",
        loss="auto",
        loss_weights="auto",
        metrics="auto",
        weighted_metrics=None,
        run_eagerly=False,
        steps_per_execution=1,
        jit_compile="auto",
        auto_scale_loss=True,
    ):
        """Sets up training, as `keras.Model.compile`; what is "auto" is what suits the network.

        Args:
            optimizer: "auto" is AdamW at a constant rate of 5e-5, clipped to a gradient of norm 1,
                with a decay of 0.01 for all but biases and LayerNorm's variables (Devlin et al.
                2018, appendix A); a float is another rate of the same.
            loss: "auto" is `default_loss()`, from logits.
            loss_weights, metrics: "auto" is `default_loss_weights()` and `default_metrics()` with
                the default loss, and none with another.
            jit_compile: "auto" is False on TensorFlow's CPU, where XLA compiles anew for each
                length and loses to oneDNN's products, and elsewhere what Keras chooses.
            weighted_metrics, run_eagerly, steps_per_execution, auto_scale_loss: see
                `keras.Model.compile`.
        """
        if _is_auto(loss):
            loss = self.default_loss()
            loss_weights = self.default_loss_weights() if _is_auto(loss_weights) else loss_weights
            metrics = self.default_metrics() if _is_auto(metrics) else metrics
        super().compile(
            optimizer=compiling.optimizer_of(optimizer),
            loss=loss,
            loss_weights=None if _is_auto(loss_weights) else loss_weights,
            metrics=None if _is_auto(metrics) else metrics,
            weighted_metrics=weighted_metrics,
            run_eagerly=run_eagerly,
            steps_per_execution=steps_per_execution,
            jit_compile=False if _is_auto(jit_compile) and fused.available() else jit_compile,
            auto_scale_loss=auto_scale_loss,
        )

    def fit(self, x=None, y=None, *args, validation_data=None, **kwargs):
        """Trains the network, as `keras.Model.fit`; `y` may be a list, of `labels` too."""
        if isinstance(validation_data, tuple) and len(validation_data) > 1:
            held_out, targets, *weights = validation_data
            validation_data = (held_out, as_array(targets, self.labels), *weights)
        y = as_array(y, self.labels)
        return super().fit(x, y, *args, validation_data=validation_data, **kwargs)

    def evaluate(self, x=None, y=None, *args, **kwargs):
        """Returns loss and metrics, as `keras.Model.evaluate`; `y` may be a list."""
        return super().evaluate(x, as_array(y, self.labels), *args, **kwargs)

    def compile_from_config(self, config):
        """Compiles the model as the saved one was; Keras calls it."""
        # Keras's own does it too, but not for a class that has a `compile` of its own.
        self.compile(**keras.saving.deserialize_keras_object(config))
        self.optimizer.build(self.trainable_variables)

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


def _is_auto(choice):
    return isinstance(choice, str) and choice == "auto"


def head_dense(encoder, units, name):
    """Returns the last dense layer of a task's network.

    Args:
        encoder: the `BertEncoder` below it, for its initializer's range.
        units: number of outputs.
        name: the layer's name.
    """
    return Dense(
        units,
        kernel_initializer=keras.initializers.TruncatedNormal(
            stddev=encoder.bert_config.initializer_range
        ),
        dtype="float32",  # whatever the encoder's policy: logits feed a loss
        name=name,
    )
