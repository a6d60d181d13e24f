"""Runs any exported file on texts: one class a format, all with the same methods.

A runner needs only its own runtime (`ai-edge-litert`, TensorFlow, `onnxruntime`): vocabulary,
labels and tokenizer switches are read out of the file.
"""

import json
import os

import numpy as np

from export import contents, metadata
from keras_bert.errors import InputError
from keras_bert.model_folder import ModelConfig
from keras_bert.tasks import classification
from keras_bert.tokenization import WordPieceTokenizer

_SAVED_MODEL_EXTRA = "assets.extra"


class Runner:
    """What all formats share: from texts to the runtime's inputs, from its outputs to answers.

    A subclass adds `run(inputs)`: from a dict of token_ids, segment_ids, padding_mask, int32 of
    shape (batch, length), to probabilities, float32 of shape (batch, num_classes).

    Attributes:
        config: `ModelConfig`.
        tokenizer: `WordPieceTokenizer`.
        fixed_length: int where the file takes sequences of one length only, else None.
    """

    fixed_length = None

    def __init__(self, path, files):
        self.path = path
        try:
            self.config = ModelConfig.from_dict(json.loads(files[contents.CONFIG_FILE]))
            vocabulary = files[contents.VOCABULARY_FILE].decode().removesuffix("\n").split("\n")
            self.tokenizer = WordPieceTokenizer(vocabulary, **self.config.tokenizer)
            if len(vocabulary) != self.config.encoder.vocab_size:
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

    def inputs(self, text, text_b=None):
        """Returns the model's inputs for one text or pair, int32 arrays of shape (1, length)."""
        length = self.fixed_length or len(
            self.tokenizer.encode(text, text_b, self.config.max_length).token_ids
        )
        return self.tokenizer([text], None if text_b is None else [text_b], length)

    def probabilities(self, texts, texts_b=None):
        """Returns the probabilities for texts, one at a time as a device would.

        Args:
            texts: sequence of str.
            texts_b: sequence of str, or None.

        Returns:
            float32 array of shape (count, num_classes).
        """
        texts, texts_b = self._checked(texts, texts_b)
        pairs = zip(texts, texts_b or [None] * len(texts), strict=True)
        return self._joined([self.run(self.inputs(a, b)) for a, b in pairs])

    def _checked(self, texts, texts_b):
        """Returns both as lists; raises InputError if they are not what the model takes."""
        texts, texts_b = list(texts), None if texts_b is None else list(texts_b)
        self.config.check_pair(texts_b is not None)
        if texts_b is not None and len(texts_b) != len(texts):
            raise InputError(f"{len(texts)} first texts but {len(texts_b)} second ones")
        return texts, texts_b

    def _joined(self, parts):
        """Returns the probabilities of all parts in one array, which may be empty."""
        count = len(self.config.labels)
        for part in parts:
            if part.shape[-1] != count:
                raise InputError(f"{self.path}: {part.shape[-1]} outputs for {count} labels")
        return np.concatenate([np.empty((0, count), "float32"), *parts])

    def predict(self, texts, texts_b=None):
        """Returns a list of answers, as `Bert.predict`; for a single str, its answer alone."""
        if isinstance(texts, str):
            return self.predict([texts], None if texts_b is None else [texts_b])[0]
        return classification.decode(self.probabilities(texts, texts_b), self.config.labels)


class TFLiteRunner(Runner):
    """A .tflite file on LiteRT.

    Args:
        path: the file.
        threads: number of threads of the interpreter.
    """

    def __init__(self, path, threads=1):
        from ai_edge_litert.interpreter import Interpreter

        super().__init__(path, metadata.read_files(path))
        try:
            self._interpreter = Interpreter(model_path=os.fspath(path), num_threads=threads)
            self._signature = self._interpreter.get_signature_runner("serving_default")
        except (ValueError, RuntimeError) as error:
            raise InputError(f"{path}: not a TFLite file that LiteRT runs: {error}") from None
        # By name, never by position: the order of the tensors is the converter's.
        shape = self._signature.get_input_details()["ids"]["shape_signature"]
        self.fixed_length = int(shape[1]) if shape[1] > 0 else None

    def run(self, inputs):
        try:
            outputs = self._signature(
                ids=inputs["token_ids"],
                segment_ids=inputs["segment_ids"],
                mask=inputs["padding_mask"],
            )
        except RuntimeError as error:
            raise InputError(f"{self.path}: LiteRT cannot run it: {error}") from None
        return outputs["probability"]


class SavedModelRunner(Runner):
    """A SavedModel folder on TensorFlow: texts go through its own in-graph tokenizer."""

    def __init__(self, path):
        import tensorflow as tf
        import tensorflow_text  # noqa: F401  registers the tokenizer's ops

        super().__init__(path, _saved_model_files(path))
        try:
            self._module = tf.saved_model.load(os.fspath(path))
            self._from_text = self._module.signatures["serving_default"]
            self._from_tokens = self._module.signatures["tokens"]
        except Exception as error:  # a damaged folder raises nearly anything in TensorFlow
            raise InputError(f"{path}: not a SavedModel of ours: {error}") from None

    def probabilities(self, texts, texts_b=None):
        import tensorflow as tf

        texts, texts_b = self._checked(texts, texts_b)
        outputs = []
        for start in range(0, len(texts), 32):
            batch = {"text": tf.constant(texts[start : start + 32])}
            if texts_b is not None:
                batch["text_b"] = tf.constant(texts_b[start : start + 32])
            outputs.append(self._from_text(**batch)["probability"].numpy())
        return self._joined(outputs)

    def run(self, inputs):
        import tensorflow as tf

        outputs = self._from_tokens(**{k: tf.constant(v) for k, v in inputs.items()})
        return outputs["probability"].numpy()


class OnnxRunner(Runner):
    """An .onnx file on onnxruntime.

    Args:
        path: the file.
        threads: number of threads within an op.
    """

    def __init__(self, path, threads=1):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        try:
            self._session = onnxruntime.InferenceSession(
                os.fspath(path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime's exceptions have no common base but this
            raise InputError(f"{path}: not an ONNX file that onnxruntime runs: {error}") from None
        properties = self._session.get_modelmeta().custom_metadata_map
        super().__init__(path, {name: text.encode() for name, text in properties.items()})

    def run(self, inputs):
        return self._session.run(["probability"], inputs)[0]


class KerasRunner(Runner):
    """A `Bert`, run as a server without an exporter would: one compiled function, in float32."""

    def __init__(self, bert):
        import tensorflow as tf

        self.config, self.tokenizer = bert.config, bert.tokenizer
        self._function = tf.function(lambda inputs: bert.model(inputs, training=False))

    def run(self, inputs):
        import tensorflow as tf

        inputs = {name: tf.constant(value) for name, value in inputs.items()}
        return classification.probabilities(self._function(inputs).numpy())


def is_exported(path):
    """Says whether a path looks like an exported file rather than a model folder."""
    path = os.fspath(path)
    return path.endswith((".tflite", ".onnx")) or os.path.exists(
        os.path.join(path, "saved_model.pb")
    )


def open_exported(path, threads=1):
    """Returns the runner for an exported file.

    Args:
        path: a .tflite file, an .onnx file or a SavedModel folder.
        threads: number of threads, where the runtime lets one choose.

    Raises:
        InputError: it is none of these, or broken.
    """
    path = os.fspath(path)
    if not os.path.exists(path):
        raise InputError(f"{path}: no such file or folder")
    if path.endswith(".tflite"):
        return TFLiteRunner(path, threads)
    if path.endswith(".onnx"):
        return OnnxRunner(path, threads)
    if is_exported(path):
        return SavedModelRunner(path)
    raise InputError(f"{path}: not a .tflite file, an .onnx file or a SavedModel folder")


def _saved_model_files(path):
    folder = os.path.join(path, _SAVED_MODEL_EXTRA)
    if not os.path.isdir(folder):
        return {}
    files = {}
    for name in os.listdir(folder):
        with open(os.path.join(folder, name), "rb") as file:
            files[name] = file.read()
    return files
