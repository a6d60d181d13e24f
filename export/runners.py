"""Runs TFLite files on texts, and opens exported files of any format."""

import contextlib
import functools
import os

from keras_bert import numpy_ops
from keras_bert.errors import InputError, one_line
from keras_bert.export import contents, metadata, tensors
from keras_bert.export.runner import INPUT_NAMES, Runner
from keras_bert.export.text_input import takes_text
from keras_bert.predictor import Predictor
from keras_bert.quiet import import_tensorflow_quietly, stderr_hidden
from keras_bert.trial import check_harmless

# Of the trial of a TFLite file: BERT-Large takes some seconds; weights may be unpacked to float32.
_TRIAL_SECONDS, _TRIAL_BYTES, _TRIAL_SHARE = 60, 3 * 2**28, 10


class TFLiteRunner(Runner):
    """A .tflite file on LiteRT.

    Args:
        path: the file.
        threads: number of threads of the interpreter.
        is_tried: whether another process has opened and run the file, so that it is harmless.

    Attributes:
        is_tried: the same, of the trial that opening it here may have been, too.
    """

    def __init__(self, path, threads=1, is_tried=False):
        super().__init__(path, metadata.read_files(path))
        self._prepared, self.is_tried = None, is_tried
        interpreter = self._interpreter_class()
        if not is_tried:
            memory = _TRIAL_BYTES + _TRIAL_SHARE * os.path.getsize(path)
            trial = functools.partial(self._run_once, interpreter)
            self.is_tried = check_harmless(path, "LiteRT", trial, _TRIAL_SECONDS, memory)
        with stderr_hidden():
            details = self._open(interpreter, threads)
        self._set_length(details)

    def _interpreter_class(self):
        from ai_edge_litert.interpreter import Interpreter

        return Interpreter

    def _set_length(self, details):
        # By name, never by position: the converter chooses the order of the tensors.
        shape = details["ids"]["shape_signature"]
        self.fixed_length = int(shape[1]) if shape[1] > 0 else None
        if self.fixed_length is not None and self.fixed_length < self.config.max_length:
            raise InputError(
                f"{self.path}: takes {self.fixed_length} tokens, its description says "
                f"{self.config.max_length}"
            )

    def _open(self, interpreter, threads):
        """Opens the file and returns the details of its inputs."""
        try:
            self._interpreter = interpreter(model_path=os.fspath(self.path), num_threads=threads)
            self._signature = self._interpreter.get_signature_runner("serving_default")
            details = self._signature.get_input_details()
            outputs = tensors.of_tflite(self._signature.get_output_details())
        except Exception as error:  # LiteRT raises whatever its C++ code throws
            raise InputError(
                f"{self.path}: not a TFLite file that LiteRT runs: {one_line(error)}"
            ) from None
        self._check(tensors.of_tflite(details), outputs)
        return details

    def _check(self, inputs, outputs):
        tensors.check(self, inputs, contents.TFLITE_INPUTS, outputs)

    def _run_once(self, interpreter):
        """Opens the file and runs it on zeros."""
        self._call(tensors.zeros(self._open(interpreter, 1)))

    def _call(self, inputs):
        try:
            return self._signature(**inputs)
        except Exception as error:  # as above
            raise InputError(f"{self.path}: LiteRT cannot run it: {one_line(error)}") from None

    def _run(self, inputs):
        shape = inputs["token_ids"].shape
        # With each new shape LiteRT prepares the graph anew, and prints a note on its delegate.
        quiet = contextlib.nullcontext() if shape == self._prepared else stderr_hidden()
        self._prepared = shape
        names = zip(contents.TFLITE_INPUTS, INPUT_NAMES, strict=True)
        with quiet:
            return self._call({theirs: inputs[ours] for theirs, ours in names})


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


def open_tflite(path, threads=1, is_tried=False):
    """Returns the runner for a .tflite file, which takes token ids or raw text."""
    if takes_text(path):
        from keras_bert.export.text_runner import TextTFLiteRunner

        return TextTFLiteRunner(path, threads, is_tried)
    return TFLiteRunner(path, threads, is_tried)


def open_exported(path, threads=1, is_tried=False):
    """Returns the runner for an exported file.

    Args:
        path: a .tflite file, an .onnx file or a SavedModel folder.
        threads: number of threads, where the runtime has this option.
        is_tried: see `TFLiteRunner`.

    Raises:
        InputError: it is none of these, or broken.
    """
    path = os.fspath(path)
    if not os.path.exists(path):
        raise InputError(f"{path}: no such file or folder")
    if path.endswith(".tflite"):
        return open_tflite(path, threads, is_tried)
    if path.endswith(".onnx"):
        from keras_bert.export.onnx_runner import OnnxRunner

        return OnnxRunner(path, threads)
    if is_exported(path):
        import_tensorflow_quietly()
        from keras_bert.export.saved_model_runner import SavedModelRunner

        return SavedModelRunner(path)
    raise InputError(f"{path}: not a .tflite file, an .onnx file or a SavedModel folder")
