"""A model with its tokenizer and labels: what `load` returns, and what every command works on."""

import dataclasses
import os

import numpy as np

from keras_bert import numpy_ops
from keras_bert.card import model_card
from keras_bert.config import RESCALING_FILE
from keras_bert.description import (
    changed_config,
    check_vocabulary_size,
    config_of,
    say_free_rows,
    write_description,
)
from keras_bert.errors import InputError
from keras_bert.files import replacing_folder, write_bytes
from keras_bert.in_memory import weights_bytes
from keras_bert.model_folder import (
    CARD_FILE,
    WEIGHTS_FILE,
    is_replaceable,
)
from keras_bert.predictor import Predictor
from keras_bert.quiet import quiet_about_retracing
from keras_bert.tasks import fill_mask
from keras_bert.tasks.file_layout import FileLayout
from keras_bert.tasks.in_hand import examples_of
from keras_bert.tasks.registry import network_class, task_of
from keras_bert.text.padding import TokenizedTexts
from keras_bert.text.targets import IGNORED

# A script that predicts for texts of several lengths would see them too.
quiet_about_retracing()


class Bert(Predictor):
    """A Keras model, the tokenizer it was trained with, and what its outputs mean.

    Args:
        model: a network of this package, such as a `BertClassifier` or a bare `BertEncoder`.
        tokenizer: `WordPieceTokenizer`; None takes the one that the model came with, from a
            `.keras` file or another `Bert`; labels, settings and lengths that are None likewise.
        labels: list of str, the names of the classes or tags in the order of the logits; None
            numbers them, "0", "1", ….
        settings: dict, settings of the task that differ from the usual ones.
        max_length: int, the most tokens of a row; None takes what the position table allows.
        pair: bool, whether the model takes pairs of texts; None: the texts decide.

    Attributes:
        config: `ModelConfig`.
        model: a `keras.Model`: a `BertEncoder`, or what a task puts on it.
        tokenizer: `WordPieceTokenizer`.
        notes: list of str, what a user should know of how it was loaded.
        card: str, the text of its model card; None writes one of what is known.
        rescaling: `Rescaling` that it was trained with for a quantized file; None of any other.

    Raises:
        InputError: the parts do not fit together, or there is no tokenizer.

    Example:
        bert = keras_bert.load("path/of/a/checkpoint")
        model = keras_bert.BertClassifier(bert.encoder, num_classes=2)
        model.compile()
        model.fit(bert.tokenizer(texts, length=64), labels)
        keras_bert.Bert(model, bert.tokenizer, labels=["bad", "good"]).save("my_model")
    """

    batch_size = 64

    def __init__(
        self, model, tokenizer=None, labels=None, *, settings=None, max_length=None, pair=None
    ):
        own = getattr(model, "tokenizer", None)
        tokenizer = tokenizer or own
        if tokenizer is None:
            raise InputError(
                "the model came with no tokenizer: Bert(model, tokenizer, labels=...) takes one"
            )
        known, asked = getattr(model, "task_config", None), (labels, settings, max_length, pair)
        config = changed_config(known, model, *asked) if known else config_of(model, *asked)
        self._set_up(config, model, tokenizer)
        if tokenizer is not own:
            self.notes += say_free_rows(config, tokenizer)

    @classmethod
    def from_config(cls, config, model, tokenizer):
        """Returns a `Bert` of a `ModelConfig` and the model that it describes."""
        bert = cls.__new__(cls)
        bert._set_up(config, model, tokenizer)
        return bert

    def _set_up(self, config, model, tokenizer):
        check_vocabulary_size(config, tokenizer)
        self._model, self._config = None, config
        self.tokenizer = tokenizer
        self.model = model
        self.notes = []
        self.card = None
        self.rescaling = None

    @property
    def model(self):
        return self._model

    @model.setter
    def model(self, model):
        self._model = model
        self._describe()

    @property
    def config(self):
        return self._config

    @config.setter
    def config(self, config):
        self._config = config
        self._describe()

    def __repr__(self):
        encoder, task = self.config.encoder, self.config.task or "no task"
        parts = [task, f"{encoder.num_hidden_layers} layers", f"{encoder.hidden_size} wide"]
        if self.config.labels:
            parts.append(f"{len(self.config.labels)} labels")
        parts += [f"{len(self.tokenizer.vocabulary):,} tokens"]
        return f"<Bert: {', '.join(parts)}>"

    def _describe(self):
        # So that `model.save` keeps them.
        if self._model is not None:
            self._model.describe(self._config, self.tokenizer)

    @property
    def encoder(self):
        """The `BertEncoder` inside the model, or the model itself."""
        return getattr(self.model, "encoder", self.model)

    @property
    def network(self):
        """The Keras model that takes rows of tokens; of several choices each is a row."""
        return self.model.rows_network()

    def run(self, inputs):
        """Runs the model on one batch; see `Predictor`."""
        logits = predict_batch(self.network, inputs, self.config)
        return self.model.outputs_from_logits(logits, self.config.settings, numpy_ops)

    def predict(self, texts, texts_b=None, batch_size=None, **named):
        """Answers for texts; see `Predictor.predict`.

        A model without a task gives the pooled output, float32 of shape (count, hidden_size), for
        a single str of shape (hidden_size,).
        """
        if self.task is None:
            return self.embed(texts, self._second_texts(texts_b, named), pooling="pooler")
        return super().predict(texts, texts_b, batch_size, **named)

    def export(self, path, format="tflite", **settings):
        """Writes the model for where it will run; see `keras_bert.export.export.export`.

        Args:
            path: the file to write, for a SavedModel the folder.
            format: "tflite", "saved_model" or "onnx".
            **settings: of `export.ExportSettings`: `quantize`, `calibration`, `length` (tokens, or
                "dynamic"; None is the model's) and so on.

        Returns:
            A dict: `path`, `bytes`, and for TFLite `ops`.
        """
        from keras_bert.export.export import export

        # Without an optimizer, and with low-rank adapters merged.
        plain = Bert.from_config(self.config, self.plain_model(), self.tokenizer)
        return export(plain, output=path, format=format, **settings)

    def training_arrays(self, data):
        """Returns what `model.fit` takes, for any task: rows of long texts are split as it needs.

        Args:
            data: labelled examples: a path, (texts, labels), ((texts, texts_b), labels), a pandas
                DataFrame or a `tf.data.Dataset`; see `keras_bert.tasks.in_hand.examples_of`.

        Returns:
            A tuple (x, y): a dict of int32 arrays of shape (rows, length), for choices (rows,
            num_choices, length); the targets, an array or a dict of arrays.

        Raises:
            InputError: something in the data is wrong, or the model has no task.
        """
        if self.task is None:
            raise InputError("the model is an encoder without a task")
        examples = examples_of(self.task, data, FileLayout())
        self.task.check(examples, self.config)
        rows = self.task.training_rows(examples, self.tokenizer, self.config)
        y = self.task.targets(examples, rows, self.config)
        limit, pad_id = self.config.max_length, self.tokenizer.pad_id
        x = TokenizedTexts(rows.encodings, limit, pad_id, rows.group)
        x = x.batch(np.arange(len(rows) // rows.group))
        if isinstance(y, list):
            padded = np.full(x["token_ids"].shape, IGNORED, "int32")
            for row, values in enumerate(y):
                padded[row, : len(values)] = values
            y = padded
        return x, y

    def embed(self, texts, texts_b=None, **options):
        """Returns vectors of texts; see `keras_bert.embedding.features.embed`."""
        from keras_bert.embedding.features import embed

        return embed(self, texts, texts_b, **options)

    def fill_mask(self, text, top=5):
        """Says what the [MASK] of a text stands for.

        Args:
            text: str with "[MASK]" once or more.
            top: how many tokens to give for each.

        Returns:
            A list, one entry a mask; see `fill_mask.decode`.

        Raises:
            InputError: the model has no masked-LM head, or the text no [MASK] that it reads.
        """
        if self.config.task != "pretraining":
            raise InputError("the model has no masked-LM head")
        encoding = self.tokenizer.encode_with_mask(text, self.config.max_length)
        positions = fill_mask.mask_positions(encoding, self.tokenizer.mask_id, text)
        inputs = {
            "token_ids": np.array([encoding.token_ids], "int32"),
            "segment_ids": np.array([encoding.segment_ids], "int32"),
            "padding_mask": np.ones((1, len(encoding.token_ids)), "int32"),
            "masked_positions": positions[None],
        }
        if self.config.encoder.left_to_right:
            # It predicts the token after the one that it looks at.
            inputs["masked_positions"] = positions[None] - 1
        logits = self.model(inputs, training=False)["masked_lm"]
        return fill_mask.decode(np.asarray(logits)[0], self.tokenizer.vocabulary, top)

    def save(self, folder, card=None):
        """Writes the model folder, whole or not at all.

        Args:
            folder: where; an existing model folder is replaced, unless it holds other files too;
                any other is refused.
            card: the text of its README.md; None takes `card`.
        """
        model, config = self.plain_model(), self.config
        if self.rescaling is None:
            config = dataclasses.replace(config, quantize_aware={})
        with replacing_folder(folder, is_replaceable) as temporary:
            write_description(temporary, config, self.tokenizer)
            with open(os.path.join(temporary, CARD_FILE), "w", encoding="utf-8") as file:
                file.write(card or self.card or model_card(self))
            write_bytes(os.path.join(temporary, WEIGHTS_FILE), weights_bytes(model))
            if self.rescaling is not None:
                self.rescaling.to_file(os.path.join(temporary, RESCALING_FILE))

    def plain_model(self):
        """Returns a copy of the model as `load` would build it, in float32.

        It has no optimizer, no precision policy and no low-rank adapters, which are merged.
        """
        from keras_bert.models.lora import merged_weights

        model = build_model(self.config, dtype="float32")
        model.set_weights(merged_weights(self.model))
        return model


def predict_batch(network, inputs, config):
    """Returns the logits of one batch, an array or a dict of them.

    Args:
        network: the Keras model that takes rows of tokens.
        inputs: what `Predictor.run` takes; or an array of features, for a head alone.
        config: `ModelConfig` of the whole model.
    """
    from keras_bert import shapes

    if not shapes.are_compiled() or not isinstance(inputs, dict):
        return network.predict_on_batch(inputs)
    count, length = inputs["token_ids"].shape
    padded = shapes.padded_inputs(inputs, config.encoder.max_position_embeddings)
    logits = network.predict_on_batch(padded)
    cut = (slice(count), slice(length)) if task_of(config).per_token else slice(count)
    if isinstance(logits, dict):
        return {name: values[cut] for name, values in logits.items()}
    return logits[cut]


def build_model(config, dtype=None):
    """Returns the Keras model, with random weights, that a `ModelConfig` describes."""
    from keras_bert import models

    encoder = models.BertEncoder.from_bert_config(config.encoder, dtype=dtype, name="encoder")
    if config.task is None:
        return encoder
    if config.task == "pretraining":
        tied = config.settings.get("tied", True)
        return models.BertPretrainer(encoder, pair=config.pair_head, tied=tied, name="pretrainer")
    arguments = task_of(config).network_arguments(config)
    return network_class(config.task)(encoder, **arguments, name=config.task)
