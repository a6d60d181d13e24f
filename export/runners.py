"""Runs exported files on texts: one class for each format, all with the same methods.

A runner needs only its own runtime (`ai-edge-litert`, TensorFlow, `onnxruntime`): vocabulary,
labels and tokenizer switches are read out of the file.
"""

import abc
import contextlib
import functools
import json
import os

import numpy as np

from keras_bert import numpy_ops
from keras_bert.checkpoints.tensor_bundle import TensorBundle
from keras_bert.errors import InputError, one_line
from keras_bert.export import contents, metadata, tensors
from keras_bert.export.onnx_names import HUGGINGFACE_INPUTS
from keras_bert.export.text_input import takes_text
from keras_bert.model_folder import ModelConfig
from keras_bert.predictor import Predictor
from keras_bert.progress import HALF_A_MINUTE, Progress
from keras_bert.quiet import import_tensorflow_quietly, stderr_hidden
from keras_bert.reading import VOCABULARY_LIMIT, check_file, read_bytes
from keras_bert.text.tokenizer import WordPieceTokenizer
from keras_bert.trial import check_harmless

# As in `keras_bert.models.encoder`, which needs Keras.
_INPUT_NAMES = ("token_ids", "segment_ids", "padding_mask")
# Of the trial of a TFLite file: BERT-Large takes some seconds; weights may be unpacked to float32.
_TRIAL_SECONDS, _TRIAL_BYTES, _TRIAL_SHARE = 60, 3 * 2**28, 10
# Protocol buffers' own limit; larger weights are in files beside it.
_LARGEST_ONNX = 2**31 - 1


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


class TFLiteRunner(Runner):
    """A .tflite file on LiteRT.

    Args:
        path: the file.
        threads: number of threads of the interpreter.
        is_tried: whether another process has opened and run the file, so that it is harmless.
    """

    def __init__(self, path, threads=1, is_tried=False):
        super().__init__(path, metadata.read_files(path))
        self._prepared = None
        interpreter = self._interpreter_class()
        if not is_tried:
            memory = _TRIAL_BYTES + _TRIAL_SHARE * os.path.getsize(path)
            trial = functools.partial(self._run_once, interpreter)
            check_harmless(path, "LiteRT", trial, _TRIAL_SECONDS, memory)
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
        names = zip(contents.TFLITE_INPUTS, _INPUT_NAMES, strict=True)
        with quiet:
            return self._call({theirs: inputs[ours] for theirs, ours in names})


class SavedModelRunner(Runner):
    """A SavedModel folder on TensorFlow: texts go through its in-graph tokenizer if it has one.

    What the graph answers for raw text takes the place of what Python makes of its outputs. Of a
    version that knew no raw text for some tasks `serving_default` is as `tokens`.
    """

    def __init__(self, path):
        import tensorflow as tf

        from keras_bert.export import raw_text

        variables = os.path.join(path, "variables", "variables")
        super().__init__(path, _saved_model_files(path))
        if os.path.exists(f"{variables}.index"):
            TensorBundle(variables)  # TensorFlow ends the process where its index is damaged
        self._takes_text = self.task.of_texts
        with contextlib.nullcontext() if self._takes_text else contextlib.suppress(ImportError):
            import tensorflow_text  # noqa: F401  registers the tokenizer's ops
        try:
            self._module = tf.saved_model.load(os.fspath(path))
            self._from_text = self._module.signatures["serving_default"]
            self._from_tokens = self._module.signatures["tokens"]
            from_tokens, from_text = map(tensors.of_signature, (self._from_tokens, self._from_text))
        except Exception as error:  # a damaged folder raises nearly anything in TensorFlow
            raise InputError(f"{path}: not a SavedModel of ours: {one_line(error)}") from None
        tensors.check(self, from_tokens[0], _INPUT_NAMES, from_tokens[1])
        self._takes_pairs = bool(self._takes_text and self.config.pair)
        if self._takes_text:
            texts = ("text", "text_b") if self.config.pair else ("text",)
            tensors.check(self, from_text[0], texts, from_text[1], "string", 1)
        self._raw_text = None
        if self.config.task in raw_text.INPUTS and set(from_text[0]) != set(_INPUT_NAMES):
            expected = raw_text.INPUTS[self.config.task], raw_text.outputs_of(self.config)
            tensors.check_raw_text(self, from_text[0], expected[0], from_text[1], expected[1])
            self._raw_text = raw_text.RawText(path, self.config, self._asked)

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
        progress = Progress(len(examples), every_seconds=HALF_A_MINUTE)
        for start in range(0, len(examples), 32):
            texts = {"text": tf.constant(examples.texts[start : start + 32])}
            if examples.texts_b is not None:
                texts["text_b"] = tf.constant(examples.texts_b[start : start + 32])
            outputs = self._called(self._from_text, texts, self.task.outputs)
            values.extend(self._checked(outputs, len(texts["text"]), None)[name])
            progress.done = len(values)
            if progress.is_due():
                progress.show(f"texts {len(values):,}/{len(examples):,}  {progress.speed('texts')}")
        progress.clear()
        return None, {name: values}

    def _run(self, inputs):
        import tensorflow as tf

        inputs = {name: tf.constant(value) for name, value in inputs.items()}
        return self._called(self._from_tokens, inputs, self.task.outputs)

    def answers_of(self, rows, outputs, examples):
        answers = super().answers_of(rows, outputs, examples)
        return answers if self._raw_text is None else self._raw_text.replaced(answers, examples)

    def _asked(self, inputs, names):
        import tensorflow as tf

        texts = {name: tf.constant(value, tf.string) for name, value in inputs.items()}
        return self._called(self._from_text, texts, names)

    def _called(self, function, inputs, names):
        try:
            outputs = function(**inputs)
            return {name: outputs[name].numpy() for name in names}
        except Exception as error:  # as above
            raise InputError(f"{self.path}: TensorFlow cannot run it: {one_line(error)}") from None


class OnnxRunner(Runner):
    """An .onnx file on onnxruntime.

    Args:
        path: the file.
        threads: number of threads within an op.
    """

    def __init__(self, path, threads=1):
        import onnxruntime

        check_file(path, _LARGEST_ONNX, "ONNX file")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        try:
            self._session = onnxruntime.InferenceSession(
                os.fspath(path), options, providers=["CPUExecutionProvider"]
            )
            properties = self._session.get_modelmeta().custom_metadata_map
            files = {name: text.encode() for name, text in properties.items()}
            inputs = tensors.of_onnx(self._session.get_inputs())
            # They may have Hugging Face's names; several choices are a dimension of their own then.
            foreign = HUGGINGFACE_INPUTS["token_ids"] in inputs
            self._names = {n: HUGGINGFACE_INPUTS[n] if foreign else n for n in _INPUT_NAMES}
            self._type = "int64" if foreign else "int32"
            outputs = tensors.of_onnx(self._session.get_outputs())
        except Exception as error:  # onnxruntime's exceptions have no other common base
            raise InputError(
                f"{path}: not an ONNX file that onnxruntime runs: {one_line(error)}"
            ) from None
        super().__init__(path, files)
        self._grouped = foreign and self.config.task == "multiple_choice"
        rank = 3 if self._grouped else 2
        tensors.check(self, inputs, self._names.values(), outputs, self._type, rank)

    def _run(self, inputs):
        names = self.task.outputs
        # By name, never by position: a tool may have put them in another order.
        fed = {theirs: inputs[ours].astype(self._type) for ours, theirs in self._names.items()}
        if self._grouped:
            fed = {name: rows[:, None] for name, rows in fed.items()}
        try:
            return dict(zip(names, self._session.run(list(names), fed)))
        except Exception as error:  # as above
            raise InputError(f"{self.path}: onnxruntime cannot run it: {one_line(error)}") from None


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
        return OnnxRunner(path, threads)
    if is_exported(path):
        import_tensorflow_quietly()
        return SavedModelRunner(path)
    raise InputError(f"{path}: not a .tflite file, an .onnx file or a SavedModel folder")


def _saved_model_files(path):
    """Returns our files in a SavedModel folder, a dict of name to bytes."""
    files = {}
    for name in contents.OURS:
        place = os.path.join(path, contents.EXTRA_FOLDER, name)
        try:
            files[name] = read_bytes(place, VOCABULARY_LIMIT, "description")
        except FileNotFoundError:
            continue
        except OSError as error:
            raise InputError(f"{place}: cannot be read: {error.strerror}") from None
    return files
