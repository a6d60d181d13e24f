"""Runs SavedModels on texts."""

import contextlib
import os

from keras_bert.checkpoints.tensor_bundle import TensorBundle
from keras_bert.errors import InputError, one_line
from keras_bert.export import contents, tensors
from keras_bert.export.runner import INPUT_NAMES, Runner
from keras_bert.progress import HALF_A_MINUTE, Progress
from keras_bert.reading import VOCABULARY_LIMIT, read_bytes


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
        tensors.check(self, from_tokens[0], INPUT_NAMES, from_tokens[1])
        self._takes_pairs = bool(self._takes_text and self.config.pair)
        if self._takes_text:
            texts = ("text", "text_b") if self.config.pair else ("text",)
            tensors.check(self, from_text[0], texts, from_text[1], "string", 1)
        self._raw_text = None
        if self.config.task in raw_text.INPUTS and set(from_text[0]) != set(INPUT_NAMES):
            expected = raw_text.INPUTS[self.config.task], raw_text.outputs_of(self.config)
            tensors.check_raw_text(self, from_text[0], expected[0], from_text[1], expected[1])
            self._raw_text = raw_text.RawText(path, self.config, self._asked)

    def rows_and_outputs(self, examples, batch_size=None, windows=None, can_ask=False):
        # A model that takes single texts and pairs alike has a signature for single texts only. And
        # with windows all those of a batch of texts would go through the model together.
        takes_text = self._takes_text and (examples.texts_b is not None) == self._takes_pairs
        if not takes_text or windows or self.config.windows:
            return super().rows_and_outputs(examples, batch_size, windows, can_ask)
        import tensorflow as tf

        self._rows(examples, windows, can_ask)  # says of how many a part is cut off

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
