"""Runs exported files on texts: one class for each format, all with the same methods.

A runner needs only its own runtime (`ai-edge-litert`, TensorFlow, `onnxruntime`): vocabulary,
labels and tokenizer switches are read out of the file.
"""

import abc
import contextlib
import json
import os

import numpy as np

from keras_bert import numpy_ops
from keras_bert.errors import InputError
from keras_bert.export import contents, metadata
from keras_bert.model_folder import ModelConfig
from keras_bert.predictor import Predictor
from keras_bert.quiet import import_tensorflow_quietly, stderr_hidden
from keras_bert.text.tokenizer import WordPieceTokenizer

# As in `keras_bert.models.encoder`, which needs Keras.
_INPUT_NAMES = ("token_ids", "segment_ids", "padding_mask")


class Runner(Predictor):
    """The parts that all formats share: the description inside the file, and checks of outputs.

    A subclass adds `_run(inputs)`, which returns a dict of all outputs of the file, and calls
    `_check_names` when the file is open.
    """

    def __init__(self, path, files):
        self.path = path
        try:
            self.config = ModelConfig.from_dict(json.loads(files[contents.CONFIG_FILE]))
            if self.task is None:
                raise InputError(f"task {self.config.task!r} has no answers")
            vocabulary = files[contents.VOCABULARY_FILE].decode().removesuffix("\n").split("\n")
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

    @abc.abstractmethod
    def _run(self, inputs):
        """Runs the file's runtime; see `Predictor.run`."""

    def _check_names(self, inputs, expected_inputs, outputs):
        """Raises InputError if a file's inputs or outputs are not those of its task.

        Args:
            inputs, outputs: names that the file has.
            expected_inputs: names of the inputs in this format.
        """
        missing = [*sorted(set(expected_inputs) - set(inputs))]
        missing += [name for name in self.task.outputs if name not in outputs]
        if missing:
            raise InputError(
                f"{self.path}: has no {', '.join(missing)}: it is not the model for "
                f"{self.config.task} that its description says"
            )

    def _checked(self, outputs, rows, length):
        """Returns the task's outputs; raises InputError if they are not of the task's shape."""
        labels = len(self.config.labels)
        shape = self.task.output_shape(self.config, rows, length)
        outputs = {name: outputs[name] for name in self.task.outputs}
        for name, values in outputs.items():
            if labels and len(values.shape) == len(shape) and values.shape[-1] != labels:
                raise InputError(f"{self.path}: {values.shape[-1]} outputs for {labels} labels")
            if values.shape != shape:
                raise InputError(
                    f"{self.path}: {name} is of shape {values.shape}, for {self.config.task} it "
                    f"must be {shape}"
                )
            if not np.isfinite(values).all():
                raise InputError(
                    f"{self.path}: {name} is not finite: the file's weights are broken"
                )
        return outputs


class TFLiteRunner(Runner):
    """A .tflite file on LiteRT.

    Args:
        path: the file.
        threads: number of threads of the interpreter.
    """

    def __init__(self, path, threads=1):
        from ai_edge_litert.interpreter import Interpreter

        super().__init__(path, metadata.read_files(path))
        self._prepared = None
        try:
            with stderr_hidden():
                self._interpreter = Interpreter(model_path=os.fspath(path), num_threads=threads)
                self._signature = self._interpreter.get_signature_runner("serving_default")
        except (ValueError, RuntimeError) as error:
            raise InputError(f"{path}: not a TFLite file that LiteRT runs: {error}") from None
        # By name, never by position: the converter chooses the order of the tensors.
        inputs = self._signature.get_input_details()
        self._check_names(inputs, contents.TFLITE_INPUTS, self._signature.get_output_details())
        shape = inputs["ids"]["shape_signature"]
        self.fixed_length = int(shape[1]) if shape[1] > 0 else None
        if self.fixed_length is not None and self.fixed_length < self.config.max_length:
            raise InputError(
                f"{path}: takes {self.fixed_length} tokens, its description says "
                f"{self.config.max_length}"
            )

    def _run(self, inputs):
        shape = inputs["token_ids"].shape
        # With each new shape LiteRT prepares the graph anew, and prints a note on its delegate.
        quiet = contextlib.nullcontext() if shape == self._prepared else stderr_hidden()
        self._prepared = shape
        try:
            with quiet:
                return self._signature(
                    ids=inputs["token_ids"],
                    segment_ids=inputs["segment_ids"],
                    mask=inputs["padding_mask"],
                )
        except (RuntimeError, ValueError) as error:
            raise InputError(f"{self.path}: LiteRT cannot run it: {error}") from None


class SavedModelRunner(Runner):
    """A SavedModel folder on TensorFlow: texts go through its in-graph tokenizer if it has one."""

    def __init__(self, path):
        import tensorflow as tf

        super().__init__(path, _saved_model_files(path))
        self._takes_text = self.task.of_texts
        if self._takes_text:
            import tensorflow_text  # noqa: F401  registers the tokenizer's ops
        try:
            self._module = tf.saved_model.load(os.fspath(path))
            self._from_text = self._module.signatures["serving_default"]
            self._from_tokens = self._module.signatures["tokens"]
        except Exception as error:  # a damaged folder raises nearly anything in TensorFlow
            raise InputError(f"{path}: not a SavedModel of ours: {error}") from None
        inputs = self._from_tokens.structured_input_signature[1]
        self._check_names(inputs, _INPUT_NAMES, self._from_tokens.structured_outputs)
        self._takes_pairs = False
        if self._takes_text:
            texts = ("text", "text_b") if self.config.pair else ("text",)
            inputs = self._from_text.structured_input_signature[1]
            self._check_names(inputs, texts, self._from_text.structured_outputs)
            self._takes_pairs = "text_b" in inputs

    def rows_and_outputs(self, examples, batch_size=None, windows=None):
        # A model that takes single texts and pairs alike has a signature for single texts only. And
        # with windows all those of a batch of texts would go through the model together.
        takes_text = self._takes_text and (examples.texts_b is not None) == self._takes_pairs
        if not takes_text or windows or self.config.windows:
            return super().rows_and_outputs(examples, batch_size, windows)
        import tensorflow as tf

        self._rows(examples, windows)  # says of how many a part is cut off

        (name,) = self.task.outputs
        values = []
        for start in range(0, len(examples), 32):
            texts = {"text": tf.constant(examples.texts[start : start + 32])}
            if examples.texts_b is not None:
                texts["text_b"] = tf.constant(examples.texts_b[start : start + 32])
            outputs = {name: self._from_text(**texts)[name].numpy()}
            values.extend(self._checked(outputs, len(texts["text"]), None)[name])
        return None, {name: values}

    def _run(self, inputs):
        import tensorflow as tf

        outputs = self._from_tokens(**{k: tf.constant(v) for k, v in inputs.items()})
        return {name: value.numpy() for name, value in outputs.items()}


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
        except Exception as error:  # onnxruntime's exceptions have no other common base
            raise InputError(f"{path}: not an ONNX file that onnxruntime runs: {error}") from None
        properties = self._session.get_modelmeta().custom_metadata_map
        super().__init__(path, {name: text.encode() for name, text in properties.items()})
        inputs, outputs = (
            [tensor.name for tensor in tensors]
            for tensors in (self._session.get_inputs(), self._session.get_outputs())
        )
        self._check_names(inputs, _INPUT_NAMES, outputs)

    def _run(self, inputs):
        names = self.task.outputs
        return dict(zip(names, self._session.run(list(names), inputs)))


class KerasRunner(Predictor):
    """A `Bert` as a server would run it without an export: one compiled function, in float32."""

    def __init__(self, bert):
        import tensorflow as tf

        self.config, self.tokenizer, self._model = bert.config, bert.tokenizer, bert.model
        network = bert.network
        self._function = tf.function(lambda inputs: network(inputs, training=False))

    def run(self, inputs):
        import tensorflow as tf

        logits = self._function({name: tf.constant(value) for name, value in inputs.items()})
        logits = tf.nest.map_structure(lambda x: x.numpy(), logits)
        return self._model.outputs_from_logits(logits, self.config.settings, numpy_ops)


def is_exported(path):
    """Returns whether a path looks like an exported file and not like a model folder."""
    path = os.fspath(path)
    return path.endswith((".tflite", ".onnx")) or os.path.exists(
        os.path.join(path, "saved_model.pb")
    )


def open_exported(path, threads=1):
    """Returns the runner for an exported file.

    Args:
        path: a .tflite file, an .onnx file or a SavedModel folder.
        threads: number of threads, where the runtime has this option.

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
        import_tensorflow_quietly()
        return SavedModelRunner(path)
    raise InputError(f"{path}: not a .tflite file, an .onnx file or a SavedModel folder")


def _saved_model_files(path):
    folder = os.path.join(path, contents.EXTRA_FOLDER)
    if not os.path.isdir(folder):
        return {}
    files = {}
    for name in os.listdir(folder):
        with open(os.path.join(folder, name), "rb") as file:
            files[name] = file.read()
    return files
