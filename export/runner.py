"""What the runners of all exported formats share.

A runner needs only its own runtime (`ai-edge-litert`, TensorFlow, `onnxruntime`): vocabulary,
labels and tokenizer switches are read out of the file.
"""

import abc
import json

import numpy as np

from keras_bert.errors import InputError
from keras_bert.export import contents
from keras_bert.model_folder import ModelConfig
from keras_bert.predictor import Predictor
from keras_bert.text.tokenizer import WordPieceTokenizer

# As in `keras_bert.models.encoder`, which needs Keras.
INPUT_NAMES = ("token_ids", "segment_ids", "padding_mask")


class Runner(Predictor):
    """The parts that all formats share: the description inside the file, and checks of outputs.

    A subclass adds `_run(inputs)`, which returns a dict of all outputs of the file, and calls
    `tensors.check` when the file is open.

    Attributes:
        proof: the dict of `proof.prove` that `export` put into the file, or None.
    """

    def __init__(self, path, files):
        self.path = path
        try:
            self.config = ModelConfig.from_dict(json.loads(files[contents.CONFIG_FILE]))
            self.proof = contents.proof_of(files)
            if self.task is None:
                raise InputError(f"task {self.config.task!r} has no answers")
            vocabulary = files[contents.VOCABULARY_FILE].decode()
            if not vocabulary.endswith("\n"):  # fewer tokens than rows are no error in themselves
                raise InputError(
                    f"{contents.VOCABULARY_FILE} is cut short: its last line has no end"
                )
            vocabulary = vocabulary.removesuffix("\n").split("\n")
            self.tokenizer = WordPieceTokenizer(vocabulary, **self.config.tokenizer)
            if len(vocabulary) > self.config.encoder.vocab_size:
                raise InputError(
                    f"{len(vocabulary)} tokens for an embedding of "
                    f"{self.config.encoder.vocab_size} rows"
                )
        except KeyError as error:
            raise InputError(
                f"{path}: holds no {error.args[0]}: it was not written by `keras-bert export`"
            ) from None
        except (InputError, ValueError, TypeError, RecursionError) as error:
            raise InputError(f"{path}: the model's description is broken: {error}") from None

    def run(self, inputs):
        return self._checked(self._run(inputs), *inputs["token_ids"].shape)

    def embed(self, texts, texts_b=None):
        """Returns the vectors of texts, or of pairs, with a sentence embedder.

        Args:
            texts: a str or a sequence of str.
            texts_b: the second text of each pair, likewise, or None.

        Returns:
            float32 of shape (count, hidden_size); for a single str of shape (hidden_size,).

        Raises:
            InputError: the file is another kind of model.
        """
        if self.config.task != "embedding":
            raise InputError(f"{self.path}: is a model for {self.config.task}, without vectors")
        if isinstance(texts, str):
            return self.embed([texts], None if texts_b is None else [texts_b])[0]
        examples = self.task.examples_from(list(texts), None if texts_b is None else list(texts_b))
        self.task.check(examples, self.config)
        _, outputs = self.rows_and_outputs(examples)
        width = self.config.encoder.hidden_size
        return np.array(outputs["embedding"], "float32").reshape(len(examples), width)

    @abc.abstractmethod
    def _run(self, inputs):
        """Runs the file's runtime; see `Predictor.run`."""

    def _checked(self, outputs, rows, length):
        """Returns the task's outputs; raises InputError if they are not of the task's shape."""
        labels = len(self.config.labels)
        shape = self.task.output_shape(self.config, rows, length)
        outputs = {name: outputs[name] for name in self.task.outputs}
        for name, values in outputs.items():
            if labels and len(values.shape) == len(shape) and values.shape[-1] != labels:
                raise InputError(f"{self.path}: {values.shape[-1]} outputs for {labels} labels")
            if values.shape != shape or values.dtype != np.float32:
                raise InputError(
                    f"{self.path}: {name} is of shape {values.shape} and {values.dtype}, for "
                    f"{self.config.task} it must be {shape} and float32"
                )
            if not np.isfinite(values).all():
                raise InputError(
                    f"{self.path}: {name} is not finite: the file's weights are broken"
                )
        return outputs
