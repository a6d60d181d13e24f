"""Vectors of texts from an exported sentence embedder: its runtime is all that is needed."""

import dataclasses

import numpy as np

from keras_bert.embedding.vectors import unit
from keras_bert.errors import InputError, name_of
from keras_bert.tasks.task import Rows

# Vectors that are in memory between two writes.
_TEXTS_AT_ONCE = 1024


class ExportedFeatures:
    """As `features.Features`, of a file that has one vector for a text and nothing else.

    Args:
        runner: the `Predictor` of an exported file.
        texts, texts_b: see `features.embed`.
        pooling: None, or the file's own.
        layers: (-1,), the only one there is.
        normalize: whether vectors are brought to length 1; None: as the file has them.
        length: int, the most tokens of a text; None: the file's.

    Attributes:
        shape, layers, cut_count, sources, pooling, normalize: see `features.Features`.

    Raises:
        InputError: it is another kind of model, or is asked for what it has not.
    """

    sources = None
    layers = ()

    def __init__(
        self, runner, texts, texts_b=None, pooling=None, layers=(-1,), normalize=None, length=None
    ):
        config = runner.config
        if config.task != "embedding":
            raise InputError(
                f"{runner.path}: is a model for {config.task}: vectors are those of a model "
                f"folder, or of an encoder without a task that was exported"
            )
        if pooling not in (None, config.pooling):
            raise InputError(
                f"{runner.path} has {config.pooling}: export it with the other one",
                "pooling",
                pooling,
            )
        if tuple(layers) != (-1,):
            raise InputError(f"{runner.path} has the last layer only", "layers", list(layers))
        is_unit = config.settings["normalize"]
        if is_unit and normalize is False:
            reason = f"{runner.path} has vectors of length 1: export it with "
            raise InputError(reason + name_of("normalize", False), "normalize", False)
        if length is not None and not 3 <= length <= config.max_length:
            raise InputError(
                f"{runner.path} takes 3 to {config.max_length} tokens", "length", length
            )
        self.pooling = config.pooling
        self.normalize = bool(is_unit or normalize)
        self._scale = self.normalize and not is_unit
        self._runner = runner
        examples = runner.task.examples_from(
            list(texts), None if texts_b is None else list(texts_b)
        )
        runner.task.check(examples, config)
        if length is not None:
            config = dataclasses.replace(config, max_length=length)
        self._rows = runner.task.rows(examples, runner.tokenizer, config)
        self.cut_count = self._rows.cut
        self.shape = (len(examples), config.encoder.hidden_size)

    def blocks(self, on_batch=None):
        """Yields the vectors, in the order of the texts; see `Features.blocks`."""
        encodings = self._rows.encodings
        for start in range(0, len(encodings), _TEXTS_AT_ONCE):
            part = encodings[start : start + _TEXTS_AT_ONCE]
            vectors = self._runner.outputs(Rows(part, np.arange(len(part))))["embedding"]
            block = np.stack(vectors)
            if on_batch is not None:
                on_batch(len(part))
            yield unit(block) if self._scale else block
