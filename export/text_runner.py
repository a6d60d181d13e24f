"""Runs a .tflite file that takes raw text, on LiteRT with TensorFlow Text's ops."""

import numpy as np

from keras_bert.errors import InputError, name_of
from keras_bert.export import tensors
from keras_bert.export.runners import TFLiteRunner
from keras_bert.export.text_input import TEXT_INPUTS, text_interpreter
from keras_bert.progress import HALF_A_MINUTE, Progress


class TextTFLiteRunner(TFLiteRunner):
    """A .tflite file that was exported with `tokenizer="in_graph"`.

    Args:
        path: the file.
        threads: number of threads of the interpreter.
    """

    takes_text = True

    def _interpreter_class(self):
        return text_interpreter()

    @property
    def _names(self):
        return TEXT_INPUTS if self.config.pair else TEXT_INPUTS[:1]

    def _check(self, inputs, outputs):
        tensors.check(self, inputs, self._names, outputs, "string", rank=1)

    def _set_length(self, details):
        self.fixed_length = self.config.max_length

    def _run_once(self, interpreter):
        self._open(interpreter, 1)
        self._call(_as_arrays(dict.fromkeys(self._names, "")))

    def rows_and_outputs(self, examples, batch_size=None, windows=None, can_ask=False):
        if windows:
            raise InputError(f"{self.path}: takes raw text, so {name_of('windows')} is not for it")
        if examples.texts_b is not None and not self.config.pair:
            raise InputError(f"{self.path}: takes raw single texts, these are pairs")
        self._rows(examples, windows)  # says of how many a part is cut off
        values = {name: [] for name in self.task.outputs}
        texts = [examples.texts, examples.texts_b or [None] * len(examples)]
        progress = Progress(len(examples), every_seconds=HALF_A_MINUTE)
        for progress.done, row in enumerate(zip(*texts)):
            for name, value in self._outputs_of(row).items():
                values[name].append(value[0])
            if progress.is_due():
                done = f"{progress.done:,}/{len(examples):,}"
                progress.show(f"texts {done}  {progress.speed('texts')}")
        progress.clear()
        return None, values

    def _outputs_of(self, texts):
        inputs = _as_arrays(dict(zip(self._names, texts)))
        return self._checked(self._call(inputs), 1, None)

    def _run(self, inputs):
        # A benchmark's tokens, written out as text: they are cut into as many tokens again.
        vocabulary, rows = self.tokenizer.vocabulary, []
        for ids, segments, mask in zip(*inputs.values(), strict=True):
            parts = [ids[(segments == part) & (mask == 1)] for part in (0, 1)]
            words = [" ".join(vocabulary[i] for i in part).replace(" ##", "") for part in parts]
            rows.append(self._outputs_of(words))
        return {name: np.concatenate([row[name] for row in rows]) for name in self.task.outputs}


def _as_arrays(texts):
    # Of objects: NumPy's own strings lose zeros at the end.
    return {
        name: np.array([text.encode("utf-8", "ignore")], object) for name, text in texts.items()
    }
