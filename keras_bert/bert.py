"""A model with its tokenizer and labels: what `load` gives, and what every command works on."""

import dataclasses
import os

import numpy as np

from keras_bert import numpy_ops
from keras_bert.card import model_card
from keras_bert.config import PRESETS, BertConfig
from keras_bert.errors import InputError, name_of
from keras_bert.extras import naming_extras
from keras_bert.files import replacing_folder
from keras_bert.model_folder import (
    CARD_FILE,
    CONFIG_FILE,
    VOCABULARY_FILE,
    WEIGHTS_FILE,
    ModelConfig,
    is_model_folder,
    is_replaceable,
    read_config,
)
from keras_bert.predictor import Predictor
from keras_bert.tasks import fill_mask
from keras_bert.tasks.registry import network_class, task_of
from keras_bert.text.tokenizer import WordPieceTokenizer, guess_lower_case, load_vocabulary


class Bert(Predictor):
    """A Keras model, the tokenizer it was trained with, and what its outputs mean.

    Attributes:
        config: `ModelConfig`.
        model: a `keras.Model`: a `BertEncoder`, or what a task puts on it.
        tokenizer: `WordPieceTokenizer`.
        notes: list of str, what a user should know of how it was loaded.
        card: str, the text of its model card; None writes one of what is known.
    """

    batch_size = 64

    def __init__(self, config, model, tokenizer):
        if tokenizer.vocabulary_size != config.encoder.vocab_size:
            raise InputError(
                f"the vocabulary has {tokenizer.vocabulary_size} tokens but the embedding "
                f"{config.encoder.vocab_size} rows: they are not of the same model"
            )
        self.config = config
        self.model = model
        self.tokenizer = tokenizer
        self.notes = []
        self.card = None

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
        logits = self.network.predict_on_batch(inputs)
        return self.model.outputs_from_logits(logits, self.config.settings, numpy_ops)

    def predict(self, texts, texts_b=None, batch_size=None):
        """Answers for texts; see `Predictor.predict`.

        A model without a task gives the pooled output, float32 of shape (count, hidden_size), for
        a single str of shape (hidden_size,).
        """
        if self.task is None:
            return self.embed(texts, texts_b, pooling="pooler")
        return super().predict(texts, texts_b, batch_size)

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
        with replacing_folder(folder, is_replaceable) as temporary:
            config = dataclasses.replace(
                self.config, tokenizer=self.tokenizer.get_config(), versions=_versions()
            )
            _write(os.path.join(temporary, CONFIG_FILE), config.to_json())
            _write(
                os.path.join(temporary, VOCABULARY_FILE),
                "".join(f"{token}\n" for token in self.tokenizer.vocabulary),
            )
            _write(os.path.join(temporary, CARD_FILE), card or self.card or model_card(self))
            self.model.save_weights(os.path.join(temporary, WEIGHTS_FILE))


@naming_extras()
def load(path, vocabulary=None, lower_case=None, pretraining=False):
    """Loads a model folder, or a checkpoint in any of the formats that `convert` reads.

    Args:
        path: our model folder, a Hugging Face folder, a Google checkpoint, a keras-hub preset
            folder; or the name of a preset, for random weights.
        vocabulary: path of a vocabulary, for checkpoints that come without one and for presets.
        lower_case: bool, for checkpoints that do not say; None guesses from the vocabulary.
        pretraining: whether to load a checkpoint of another format with the masked-LM head, and
            the pair head if it has one, that it was pretrained with. Our folders say it themselves.

    Returns:
        A `Bert`.

    Raises:
        InputError: something is missing, broken, or does not fit together; names file and fix.
    """
    path = os.fspath(path)
    if path in PRESETS and not os.path.exists(path):
        return _from_preset(path, vocabulary, lower_case)
    if not os.path.exists(path) and not os.path.exists(path + ".index"):
        raise InputError(f"{path}: no such file or folder, and no preset of that name")
    if is_model_folder(path):
        if vocabulary is not None or lower_case is not None:
            raise InputError(
                f"{path}: a model folder has a vocabulary and its case: leave out "
                f"{name_of('vocab')} and {name_of('lower_case')}"
            )
        return _from_model_folder(path)
    return _from_checkpoint(path, vocabulary, lower_case, pretraining)


def build_model(config, dtype=None):
    """Returns the Keras model, with random weights, that a `ModelConfig` describes."""
    from keras_bert import models

    encoder = models.BertEncoder.from_bert_config(config.encoder, dtype=dtype, name="encoder")
    if config.task is None:
        return encoder
    if config.task == "pretraining":
        return models.BertPretrainer(encoder, pair=config.pair_head, name="pretrainer")
    arguments = task_of(config).network_arguments(config)
    return network_class(config.task)(encoder, **arguments, name=config.task)


def _from_model_folder(path):
    from keras_bert.checkpoints.weights_file import check_size, load_weights

    config = read_config(path)
    vocabulary = load_vocabulary(os.path.join(path, VOCABULARY_FILE))
    try:
        tokenizer = WordPieceTokenizer(vocabulary, **config.tokenizer)
        bert = Bert(config, None, tokenizer)
    except (TypeError, InputError) as error:
        raise InputError(f"{path}: {error}") from None
    weights = os.path.join(path, WEIGHTS_FILE)
    check_size(weights, config.encoder)
    bert.model = build_model(config)
    load_weights(bert.model, weights)
    return bert


def _from_preset(name, vocabulary, lower_case):
    if vocabulary is None:
        raise InputError(
            f"preset {name} has no vocabulary of its own: give one ({name_of('vocab', 'FILE')}), "
            f"or make one from your texts with `keras-bert vocab`"
        )
    tokens = load_vocabulary(vocabulary)
    # A preset is a size; its table has as many rows as the vocabulary that is given.
    encoder = dataclasses.replace(BertConfig.from_preset(name), vocab_size=len(tokens))
    config = ModelConfig(encoder=encoder, max_length=encoder.max_position_embeddings)
    bert = Bert(config, build_model(config), _tokenizer(tokens, {}, lower_case))
    bert.notes.append(f"{name} is a size, not a checkpoint: it starts from random weights")
    return bert


def _from_checkpoint(path, vocabulary, lower_case, pretraining):
    from keras_bert.checkpoints import names, open_checkpoint
    from keras_bert.checkpoints.checkpoint import assign
    from keras_bert.checkpoints.tasks import model_fields

    checkpoint = open_checkpoint(path)
    tokens = load_vocabulary(vocabulary) if vocabulary else checkpoint.read_vocabulary()
    if tokens is None:
        fix = f"give one with {name_of('vocab', 'FILE')}"
        raise InputError(f"{path}: no vocabulary beside the weights: {fix}")
    try:
        fields, notes = model_fields(checkpoint, pretraining)
        config = ModelConfig(encoder=checkpoint.config, **fields)
        bert = Bert(config, None, _tokenizer(tokens, checkpoint.tokenizer_switches, lower_case))
    except InputError as error:
        raise error.within(path) from None
    bert.notes += notes
    bert.model = build_model(config)
    without_pooler = assign(names.variables_of(bert.model), checkpoint)
    # What answers for each token has no use for one, and is often saved without.
    if without_pooler and not (bert.task and bert.task.per_token):
        bert.notes.append(f"{path} has no pooler: it starts from random weights")
    return bert


def _tokenizer(tokens, switches, lower_case):
    switches = dict(switches)
    if lower_case is not None:
        switches["lower_case"] = lower_case
    switches.setdefault("lower_case", guess_lower_case(tokens))
    return WordPieceTokenizer(tokens, **switches)


def _versions():
    import keras

    import keras_bert

    return {"keras_bert": keras_bert.__version__, "keras": keras.__version__}


def _write(path, text):
    with open(path, "w", encoding="utf-8", newline="") as file:
        file.write(text)
