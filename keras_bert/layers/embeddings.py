"""Word-piece, position and segment embeddings (Devlin et al. 2018, figure 2)."""

import keras
from keras import ops

from keras_bert.layers import lookup


@keras.saving.register_keras_serializable(package="keras_bert")
class BertEmbeddings(keras.layers.Layer):
    """Sum of word-piece, position and segment vectors; LayerNorm and dropout come after it.

    Args:
        vocab_size: rows of the word-piece table.
        hidden_size: width of the vectors.
        max_position_embeddings: rows of the position table, the longest sequence.
        type_vocab_size: rows of the segment table.
        initializer_range: standard deviation of the initializer.

    Call arguments:
        token_ids: int32, shape (batch, length).
        segment_ids: int32, shape (batch, length).
        position_ids: int32, shape (batch, length), or None for 0, 1, 2, … in every row.

    Returns:
        Float tensor of shape (batch, length, hidden_size).
    """

    lookup = None  # a function of the looked-up rows of the word table; see `quantization.fake`

    def __init__(
        self,
        vocab_size,
        hidden_size,
        max_position_embeddings=512,
        type_vocab_size=2,
        initializer_range=0.02,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.vocab_size = vocab_size
        self.hidden_size = hidden_size
        self.max_position_embeddings = max_position_embeddings
        self.type_vocab_size = type_vocab_size
        self.initializer_range = initializer_range

    def build(self, token_ids_shape, segment_ids_shape, position_ids_shape=None):
        def table(name, rows):
            return self.add_weight(
                name=name,
                shape=(rows, self.hidden_size),
                autocast=False,
                initializer=keras.initializers.TruncatedNormal(stddev=self.initializer_range),
            )

        self.word_embeddings = table("word_embeddings", self.vocab_size)
        self.position_embeddings = table("position_embeddings", self.max_position_embeddings)
        self.token_type_embeddings = table("token_type_embeddings", self.type_vocab_size)

    def call(self, token_ids, segment_ids, position_ids=None):
        length = token_ids.shape[1]
        if length is None:
            length = ops.shape(token_ids)[1]
        elif length > self.max_position_embeddings:
            raise ValueError(
                f"length {length} is over the position table's {self.max_position_embeddings} rows"
            )
        # Rows are looked up first and cast afterwards: casting a whole table of 30,522 rows to
        # bfloat16 at every step costs more than the lookup, and a GPU has no addition in place for
        # the gradients of equal ids in bfloat16, as it has for float32.
        words = ops.take(self.word_embeddings.value, token_ids, axis=0)
        if self.lookup is not None:
            words = self.lookup(words)
        if position_ids is None:
            positions = self.position_embeddings.value[:length]
        else:
            positions = ops.take(self.position_embeddings.value, position_ids, axis=0)
        segments = lookup.small_lookup(self.token_type_embeddings.value, segment_ids)
        return ops.cast(words + positions + segments, self.compute_dtype)

    def compute_output_shape(self, token_ids_shape, segment_ids_shape, position_ids_shape=None):
        return (*token_ids_shape, self.hidden_size)

    def get_config(self):
        return {
            **super().get_config(),
            "vocab_size": self.vocab_size,
            "hidden_size": self.hidden_size,
            "max_position_embeddings": self.max_position_embeddings,
            "type_vocab_size": self.type_vocab_size,
            "initializer_range": self.initializer_range,
        }


@keras.saving.register_keras_serializable(package="keras_bert")
class PackedPositions(keras.layers.Layer):
    """Positions that start again at 0 with every example of a packed row.

    Call arguments:
        padding_mask: int32, shape (batch, length), the number of the example that the token
            belongs to, and 0 for padding.

    Returns:
        int32, shape (batch, length): the number of earlier tokens of the same example.
    """

    def call(self, padding_mask):
        length = padding_mask.shape[1]
        if length is None:
            length = ops.shape(padding_mask)[1]
        same = ops.equal(ops.expand_dims(padding_mask, 2), ops.expand_dims(padding_mask, 1))
        index = ops.arange(length)
        before = ops.expand_dims(ops.expand_dims(index, 0) < ops.expand_dims(index, 1), 0)
        return ops.sum(ops.cast(ops.logical_and(same, before), "int32"), axis=-1)

    def compute_output_shape(self, padding_mask_shape):
        return padding_mask_shape

    def compute_output_spec(self, padding_mask):
        return keras.KerasTensor(padding_mask.shape, dtype="int32")
