"""BERT's encoder as a functional Keras model: the whole network, top to bottom."""

import dataclasses
import os
import warnings

import keras

from keras_bert.config import PRESETS, BertConfig
from keras_bert.errors import InputError
from keras_bert.guesses import not_said
from keras_bert.layers.attention import AttentionMask
from keras_bert.layers.dense import Dense
from keras_bert.layers.embeddings import BertEmbeddings, PackedPositions
from keras_bert.layers.encoder_block import EncoderBlock
from keras_bert.layers.normalization import LayerNormalization
from keras_bert.models import lora
from keras_bert.models.network import Network

INPUT_NAMES = ("token_ids", "segment_ids", "padding_mask")


@keras.saving.register_keras_serializable(package="keras_bert")
class BertEncoder(Network):
    """BERT (Devlin et al. 2018): token ids in, a vector for each token and one for the text out.

    Its inputs are `token_ids`, `segment_ids` and `padding_mask` (1 token, 0 padding), a dict of
    int32 tensors of shape (batch, length). Its outputs are `sequence_output`, of shape
    (batch, length, hidden_size), and `pooled_output`, of shape (batch, hidden_size).

    Args:
        vocab_size, hidden_size, …: the fields of `BertConfig`, where they are explained.
        packed: whether a row holds several examples end to end. `padding_mask` then numbers them,
            1, 2, … and 0 for padding; no token sees another example and positions start again with
            each. The weights are the same; `pooled_output` is the first example's.
        dtype: Keras dtype or dtype policy, for example "mixed_bfloat16".

    Example:
        encoder = BertEncoder.from_preset("path/of/a/checkpoint")
        vectors = encoder({"token_ids": ids, "segment_ids": segments, "padding_mask": mask})
    """

    deployed = None  # see `layers.deployed.form`

    def __init__(
        self,
        vocab_size,
        hidden_size=768,
        num_hidden_layers=12,
        num_attention_heads=12,
        intermediate_size=3072,
        hidden_act="gelu",
        hidden_dropout_prob=0.1,
        attention_probs_dropout_prob=0.1,
        max_position_embeddings=512,
        type_vocab_size=2,
        initializer_range=0.02,
        layer_norm_eps=1e-12,
        left_to_right=False,
        packed=False,
        dtype=None,
        **kwargs,
    ):
        bert_config = BertConfig(
            vocab_size=vocab_size,
            hidden_size=hidden_size,
            num_hidden_layers=num_hidden_layers,
            num_attention_heads=num_attention_heads,
            intermediate_size=intermediate_size,
            hidden_act=hidden_act,
            hidden_dropout_prob=hidden_dropout_prob,
            attention_probs_dropout_prob=attention_probs_dropout_prob,
            max_position_embeddings=max_position_embeddings,
            type_vocab_size=type_vocab_size,
            initializer_range=initializer_range,
            layer_norm_eps=layer_norm_eps,
            left_to_right=left_to_right,
        )

        # === Layers ===
        embeddings = BertEmbeddings(
            vocab_size,
            hidden_size,
            max_position_embeddings=max_position_embeddings,
            type_vocab_size=type_vocab_size,
            initializer_range=initializer_range,
            dtype=dtype,
            name="embeddings",
        )
        embeddings_norm = LayerNormalization(layer_norm_eps, dtype=dtype, name="embeddings_norm")
        embeddings_dropout = keras.layers.Dropout(
            hidden_dropout_prob, dtype=dtype, name="embeddings_dropout"
        )
        attention_mask = AttentionMask(
            packed=packed, left_to_right=left_to_right, dtype=dtype, name="attention_mask"
        )
        blocks = [
            EncoderBlock(
                num_attention_heads,
                intermediate_size,
                hidden_act=bert_config.hidden_act,
                hidden_dropout_prob=hidden_dropout_prob,
                attention_probs_dropout_prob=attention_probs_dropout_prob,
                layer_norm_eps=layer_norm_eps,
                initializer_range=initializer_range,
                dtype=dtype,
                name=f"layer_{i}",
            )
            for i in range(num_hidden_layers)
        ]
        pooler = Dense(
            hidden_size,
            activation="tanh",
            kernel_initializer=keras.initializers.TruncatedNormal(stddev=initializer_range),
            dtype=dtype,
            name="pooler",
        )

        # === Functional Model ===
        inputs = {
            name: keras.Input(shape=(None,), dtype="int32", name=name) for name in INPUT_NAMES
        }
        if packed:
            position_ids = PackedPositions(name="position_ids")(inputs["padding_mask"])
            x = embeddings(inputs["token_ids"], inputs["segment_ids"], position_ids)
        else:
            x = embeddings(inputs["token_ids"], inputs["segment_ids"])
        x = embeddings_dropout(embeddings_norm(x))
        mask_bias = attention_mask(inputs["padding_mask"])
        hidden_states = [x]
        for block in blocks:
            x = block(x, mask_bias)
            hidden_states.append(x)
        super().__init__(
            inputs=inputs,
            outputs={"sequence_output": x, "pooled_output": pooler(x[:, 0, :])},
            **kwargs,
        )

        # === Parts ===
        self.embeddings = embeddings
        self.embeddings_norm = embeddings_norm
        self.attention_mask = attention_mask
        self.blocks = blocks
        self.pooler = pooler
        self.hidden_states = hidden_states

        # === Config ===
        self.bert_config = bert_config
        self.set_config(**dataclasses.asdict(bert_config), packed=packed)

    @classmethod
    def from_preset(cls, preset, load_weights=True, **kwargs):
        """Returns the encoder of a checkpoint, or one of a named size with random weights.

        Args:
            preset: path of a checkpoint in any format that `keras_bert.load` takes; or, with
                `load_weights=False`, one of `keras_bert.config.PRESETS`, which are sizes, named as
                keras-hub names them.
            load_weights: whether to load the weights; False returns random ones.
            **kwargs: fields of `BertConfig` to change, `packed`, `dtype`, `name`.

        Raises:
            InputError: weights are asked for where there are none, or the checkpoint is broken or
                has no vocabulary beside it.
        """
        if preset in PRESETS and not os.path.exists(preset):
            if load_weights:
                raise InputError(
                    f"{preset} is a size, which has no weights: load a checkpoint with "
                    f"keras_bert.load(path).encoder or from_preset(path), or ask for random "
                    f"weights with from_preset({preset!r}, load_weights=False)"
                )
            return cls.from_bert_config(PRESETS[preset], **kwargs)
        import keras_bert

        bert = keras_bert.load(preset)
        encoder = cls.from_bert_config(bert.config.encoder, **{"name": "encoder", **kwargs})
        if load_weights:
            for note in not_said(bert.notes):
                warnings.warn(note, stacklevel=2)  # as that the checkpoint has no pooler
            encoder.set_weights(bert.encoder.get_weights())
        return encoder

    @classmethod
    def from_bert_config(cls, bert_config, **kwargs):
        """Returns an encoder with random weights and the sizes of a `BertConfig`."""
        return cls(**{**bert_config.to_dict(), **kwargs})

    def call(self, inputs, training=None, mask=None, **kwargs):
        if self.deployed is not None:
            return self.deployed(inputs)
        return super().call(inputs, training=training, mask=mask, **kwargs)

    def enable_lora(self, rank):
        """Freezes the encoder and gives each block's query and value a low-rank adapter.

        Nothing changes until they are trained. `compile` comes after it. What is saved, as a
        model folder or with `model.save`, has the adapters added to the kernels.

        Args:
            rank: int, the adapters' inner width (Hu et al. 2021, section 4.1).

        Raises:
            InputError: `rank` is below 1, or the encoder has adapters already.
        """
        lora.enable_lora(self, rank)

    def all_hidden_states(self):
        """Returns a `keras.Model` that gives the embeddings' output and that of every block."""
        return keras.Model(self.inputs, self.hidden_states)

    def attention_probabilities(self, inputs):
        """Returns how much each token attends to each other one, in every block and head.

        Args:
            inputs: dict of int arrays of shape (batch, length), as the encoder takes them.

        Returns:
            A list with a float tensor for each block, of shape (batch, heads, length, length): the
            row of a token sums to 1, and padding gets 0. The rows of padding mean nothing.
        """
        inputs = {name: keras.ops.convert_to_tensor(inputs[name], "int32") for name in INPUT_NAMES}
        states = keras.Model(self.input, self.hidden_states)(inputs, training=False)
        bias = self.attention_mask(inputs["padding_mask"])
        return [
            block.attention.probabilities(state, bias) for block, state in zip(self.blocks, states)
        ]

    def get_config(self):
        dtype = keras.dtype_policies.serialize(self.pooler.dtype_policy)
        return {**super().get_config(), "dtype": dtype}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        config = dict(config)
        if isinstance(config.get("dtype"), dict):
            config["dtype"] = keras.dtype_policies.deserialize(config["dtype"])
        return cls(**config)
