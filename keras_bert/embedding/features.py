"""Features: vectors of texts and of tokens, from any layers of an encoder.

    vectors = embed(bert, ["a text", "another"], pooling="mean", layers=(-1,))

Layers above the highest requested one are not computed.
"""

import math

import keras
import numpy as np

from keras_bert.embedding.token_sources import TokenSources, TokenVectors
from keras_bert.embedding.vectors import POOLINGS, check_layers, pool, unit
from keras_bert.errors import InputError
from keras_bert.text.encoding import assemble, truncated_lengths
from keras_bert.text.padding import TokenizedTexts

# Texts that are tokenized at once; their Python objects are freed before the next.
_TOKENIZED_AT_ONCE = 1024
# The most values (floats; 64 MiB) of a batch's hidden states, and of the vectors between two
# writes: `--pooling=tokens` of all layers is 40 KB a token in BERT-Base.
_VALUES_AT_ONCE = 2**24
# Within the texts of so many batches, texts of similar length share a batch.
_WINDOW_BATCHES = 64


def embed(
    bert,
    texts,
    texts_b=None,
    pooling="mean",
    layers=(-1,),
    normalize=False,
    length=None,
    batch_size=32,
):
    """Returns vectors of texts, or of pairs of texts.

    Args:
        bert: `Bert`, of any task: its encoder is used.
        texts: a str or a sequence of str.
        texts_b: the second text of each pair, likewise, or None.
        pooling: "mean" over all tokens, [CLS] and [SEP] included, as sentence-transformers does;
            "cls", the vector of [CLS]; "pooler", the encoder's pooled output, which has no
            layers; or "tokens", each token's own.
        layers: int or sequence of int: 0 is the embeddings' output, 1, 2, … are the blocks,
            -1 is the last.
        normalize: whether vectors are brought to length 1.
        length: int, the most tokens of a text, special tokens included; None uses the model's.
        batch_size: the most texts in a batch.

    Returns:
        float32 of shape (count, hidden_size); for several layers (count, layers, hidden_size), in
        the order of `layers`. With "tokens", `TokenVectors`. For a single str, its vectors alone.

    Raises:
        InputError: no such layer or pooling, or a text is not a str.
    """
    single = isinstance(texts, str)
    if single:
        texts, texts_b = [texts], None if texts_b is None else [texts_b]
    features = Features(bert, texts, texts_b, pooling, layers, normalize, length, batch_size)
    vectors = np.empty(features.shape, "float32")
    done = 0
    for block in features.blocks():
        vectors[done : done + len(block)] = block
        done += len(block)
    if pooling == "tokens":
        strings = {
            name: np.concatenate([np.empty(0, dtype), *blocks()])
            for name, (dtype, blocks) in features.sources.strings().items()
        }
        vectors = TokenVectors(vectors, **features.sources.arrays(), **strings)
    return vectors[0] if single else vectors


class Features:
    """The vectors of some texts: the shape is known, the values are computed in blocks.

    Args:
        see `embed`.

    Attributes:
        shape: tuple of int, of all vectors together.
        layers: tuple of int, the layers counted from the bottom; () for the pooler.
        cut_count: int, texts or pairs that were longer than `length`.
        sources: `TokenSources` with the pooling "tokens", else None.
    """

    def __init__(
        self,
        bert,
        texts,
        texts_b=None,
        pooling="mean",
        layers=(-1,),
        normalize=False,
        length=None,
        batch_size=32,
    ):
        config = bert.config.encoder
        if isinstance(texts, str) or isinstance(texts_b, str):
            raise InputError("expected two sequences of texts, or two texts")
        if pooling not in POOLINGS:
            raise InputError(f"pooling {pooling!r} is not one of {', '.join(POOLINGS)}")
        if pooling in ("cls", "pooler") and config.left_to_right:
            raise InputError(
                f"pooling {pooling}: in a left-to-right model [CLS] sees no other token, so all "
                f"texts would have one vector: take mean"
            )
        self.layers = check_layers(layers, config.num_hidden_layers)
        if pooling == "pooler":
            if self.layers != (config.num_hidden_layers,):
                raise InputError("pooling pooler always uses the last layer: leave out the layers")
            self.layers = ()
        length = bert.config.max_length if length is None else length
        if not 3 <= length <= config.max_position_embeddings:
            raise InputError(
                f"length {length} is outside 3 to {config.max_position_embeddings}, the rows of "
                f"the position table"
            )
        if batch_size < 1:
            raise InputError(f"batch_size {batch_size} must be at least 1")
        if texts_b is not None and config.type_vocab_size < 2:
            raise InputError("the model takes single texts only: it has one segment")
        self.pooling = pooling
        self.normalize = normalize
        self.batch_size = batch_size
        self.cut_count = 0
        self._bert = bert
        self._texts = list(texts)
        self._texts_b = None if texts_b is None else list(texts_b)
        counts = [len(self._texts), len(self._texts if texts_b is None else self._texts_b)]
        if counts[0] != counts[1]:
            raise InputError(f"{counts[0]} first texts but {counts[1]} second texts")
        self.sources = None
        if pooling == "tokens":
            self.sources = TokenSources(self._texts, self._texts_b, bert.tokenizer.vocabulary)
        encodings = self._encodings(length)
        self._tokenized = TokenizedTexts(encodings, length, bert.tokenizer.pad_id)
        self._lengths = self._tokenized.lengths.tolist()
        rows = sum(self._lengths) if pooling == "tokens" else len(self._texts)
        several = (len(self.layers),) if len(self.layers) > 1 else ()
        self.shape = (rows, *several, config.hidden_size)

    def _encodings(self, length):
        """Yields the texts' encodings, and counts those that are cut."""
        tokenizer = self._bert.tokenizer
        texts, texts_b = self._texts, self._texts_b
        for start in range(0, len(texts), _TOKENIZED_AT_ONCE):
            part = slice(start, start + _TOKENIZED_AT_ONCE)
            pieces = tokenizer.cut(texts[part])
            pieces_b = [None] * len(pieces) if texts_b is None else tokenizer.cut(texts_b[part])
            for a, b in zip(pieces, pieces_b, strict=True):
                of_b = None if b is None else len(b)
                kept_a, kept_b = truncated_lengths(len(a), of_b, length)
                self.cut_count += kept_a + kept_b < len(a) + (of_b or 0)
                row = assemble(a, b, kept_a, kept_b, tokenizer.cls_id, tokenizer.sep_id)
                if self.sources is not None:
                    self.sources.add(row)
                yield row

    def blocks(self, on_batch=None):
        """Yields the vectors, in the order of the texts, as float32 arrays.

        Args:
            on_batch: function that is called with the number of texts of each batch, or None.
        """
        if not self._texts:
            return
        model = self._model()
        for window in self._windows():
            vectors = [None] * len(window)
            order = np.argsort(self._tokenized.lengths[window], kind="stable")
            for batch in self._batches(window[order]):
                for index, value in zip(batch, self._vectors(model, batch)):
                    vectors[index - window[0]] = value
                if on_batch is not None:
                    on_batch(len(batch))
            join = np.concatenate if self.pooling == "tokens" else np.stack
            block = join(vectors)
            yield unit(block) if self.normalize else block

    def _model(self):
        """Returns the Keras model from the encoder's inputs to the requested hidden states."""
        encoder = self._bert.encoder
        # Kept, because for a few texts the model's first call takes most of the time.
        kept = vars(self._bert).setdefault("_feature_models", {})
        of_encoder, model = kept.get(self.layers, (None, None))
        if of_encoder is encoder:
            return model
        if self.pooling == "pooler":
            outputs = {"pooler": encoder.output["pooled_output"]}
        else:
            outputs = {str(layer): encoder.hidden_states[layer] for layer in self.layers}
        model = keras.Model(encoder.input, outputs)
        if keras.backend.backend() == "tensorflow":
            # XLA would compile the network anew for each length.
            model.jit_compile = False
        kept[self.layers] = encoder, model
        return model

    def _windows(self):
        """Yields arrays of the indices of consecutive texts whose vectors fit into memory."""
        wide = math.prod(self.shape[1:])
        start = size = 0
        for index, length in enumerate(self._lengths):
            values = wide * (length if self.pooling == "tokens" else 1)
            full = index - start == self.batch_size * _WINDOW_BATCHES
            if index > start and (full or size + values > _VALUES_AT_ONCE):
                yield np.arange(start, index)
                start, size = index, 0
            size += values
        yield np.arange(start, len(self._lengths))

    def _batches(self, indices):
        """Yields the batches of indices that are sorted by length."""
        wide = math.prod(self.shape[1:])
        while len(indices):
            # The longest text of a full batch decides how many fit.
            count = min(self.batch_size, len(indices))
            longest = self._lengths[indices[count - 1]]
            count = max(1, min(count, _VALUES_AT_ONCE // (longest * wide)))
            yield indices[:count]
            indices = indices[count:]

    def _vectors(self, model, batch):
        """Returns the vectors of a batch, an array for each text."""
        inputs = self._tokenized.batch(batch)
        outputs = model.predict_on_batch(inputs)
        names = map(str, self.layers or ("pooler",))
        layers = [np.asarray(outputs[name], "float32") for name in names]
        if self.pooling in ("mean", "cls"):
            layers = [pool(layer, inputs["padding_mask"], self.pooling) for layer in layers]
        # The axis of layers comes after that of texts, or of tokens.
        axis = 2 if self.pooling == "tokens" else 1
        stacked = layers[0] if len(layers) == 1 else np.stack(layers, axis=axis)
        if self.pooling != "tokens":
            return stacked
        return [row[: self._lengths[index]] for row, index in zip(stacked, batch)]
