"""Where in the network an exported file differs from its model: signal-to-noise, in decibels.

The same rows go through the model's float TFLite file and the exported one, and tensors of the same
place are compared. Smoothed files carry some of them in other units, so the best gain and offset of
each channel are no noise.
"""

import warnings

import numpy as np

from keras_bert.errors import InputError, one_line
from keras_bert.export.contents import TFLITE_INPUTS
from keras_bert.export.tflite_graph import KINDS, TFLiteGraph
from keras_bert.models.encoder import INPUT_NAMES
from keras_bert.reading import read_bytes
from keras_bert.text.padding import TokenizedTexts

# Rows are compared evenly from all of them.
MOST_ROWS = 16
# Float rounding alone is of this order: a higher ratio says nothing.
_HIGHEST = 120.0
_LARGEST_FILE = 2**31 - 1


def signal_to_noise(bert, runner, rows, references=None):
    """Compares the tensors inside of an exported TFLite file with those of its float model.

    Args:
        bert: the `Bert` that was exported.
        runner: `TFLiteRunner` of the file.
        rows: `Rows` of examples; at most `MOST_ROWS` of them are run.
        references: dict in which float models are kept from one file to the next, or None.

    Returns:
        A dict from one of `tflite_graph.KINDS` to a list of decibels, one a layer, None where a
        tensor was not found in both; {} where none was.

    Raises:
        InputError: the file does not run without its delegate.
    """
    from keras_bert.export.tflite import convert

    texts = TokenizedTexts(rows.encodings, runner.config.max_length, runner.tokenizer.pad_id)
    chosen = np.unique(np.linspace(0, len(texts) - 1, MOST_ROWS).astype(int))
    shape = [1, runner.fixed_length] if runner.fixed_length else [None, None]
    references = {} if references is None else references
    if runner.fixed_length not in references:
        references[runner.fixed_length] = convert(bert, shape)
    graphs = [
        _Tensors(references[runner.fixed_length], "the float model"),
        _Tensors(read_bytes(runner.path, _LARGEST_FILE, "TFLite file"), runner.path),
    ]
    places = [place for place in graphs[0].places if place in graphs[1].places]
    sums = {place: _Sums() for place in places}
    hidden = bert.config.encoder.hidden_size
    for row in chosen:
        count = int(texts.lengths[row])
        inputs = texts.batch([row], runner.fixed_length or count)
        found = [graph.run(inputs) for graph in graphs]
        length = inputs["token_ids"].shape[1]
        for place, each in sums.items():
            one, other = (
                _of_tokens(values[place], place[1], length, count, hidden) for values in found
            )
            if one is not None and other is not None and one.shape == other.shape:
                each.add(one, other)
    return _table({place: each.decibels() for place, each in sums.items()})


def lowest(table):
    """Returns the lowest ratio of a table and where it is: a tuple (decibels, layer, kind)."""
    found = [
        (value, layer, kind)
        for kind, values in table.items()
        for layer, value in enumerate(values)
        if value is not None
    ]
    return min(found) if found else None


class _Tensors:
    """A TFLite file whose inner tensors can be read after a run."""

    def __init__(self, model, path):
        from ai_edge_litert.interpreter import Interpreter, OpResolverType

        self._path = path
        self.places = TFLiteGraph(model).places()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of the memory that kept tensors take
                self._interpreter = Interpreter(
                    model_content=model,
                    experimental_preserve_all_tensors=True,
                    # A delegate does not write the tensors between its ops.
                    experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
                )
            self._signature = self._interpreter.get_signature_runner("serving_default")
        except Exception as error:  # LiteRT raises whatever its C++ code throws
            raise InputError(f"{path}: {one_line(error)}") from None

    def run(self, inputs):
        """Returns a dict from place to the float32 values of its tensor."""
        names = zip(TFLITE_INPUTS, INPUT_NAMES, strict=True)
        try:
            self._signature(**{theirs: inputs[ours] for theirs, ours in names})
        except Exception as error:  # as above
            raise InputError(f"{self._path}: {one_line(error)}") from None
        return {place: self._values(tensor) for place, tensor in self.places.items()}

    def _values(self, tensor):
        values = self._interpreter.get_tensor(tensor)
        if values.dtype == np.float32:
            return values
        (details,) = (d for d in self._interpreter.get_tensor_details() if d["index"] == tensor)
        coding = details["quantization_parameters"]
        scales, zeros = coding["scales"], coding["zero_points"]
        if len(scales) > 1:
            along = [1] * values.ndim
            along[coding["quantized_dimension"]] = -1
            scales, zeros = scales.reshape(along), zeros.reshape(along)
        elif not len(scales):
            scales, zeros = 1.0, 0
        return (values.astype("float32") - zeros) * scales


class _Sums:
    """What is needed of two tensors for the residual of a line through each channel."""

    def __init__(self):
        self._count, self._sums = 0, None

    def add(self, one, other):
        """Adds arrays of shape (tokens, channels)."""
        one, other = one.astype("float64"), other.astype("float64")
        parts = (one, other, one * one, other * other, one * other)
        sums = np.stack([part.sum(axis=0) for part in parts])
        self._count += len(one)
        self._sums = sums if self._sums is None else self._sums + sums

    def decibels(self):
        if self._sums is None:
            return None
        one, other, ones, others, both = self._sums
        signal = np.maximum(ones - one * one / self._count, 0)
        spread = np.maximum(others - other * other / self._count, 0)
        common = both - one * other / self._count
        explained = np.divide(common**2, spread, out=np.zeros_like(common), where=spread > 0)
        noise, power = np.sum(np.maximum(signal - explained, 0)), np.sum(signal)
        if power <= 0:
            return None
        return round(float(min(10 * np.log10(power / max(noise, 1e-300)), _HIGHEST)), 1)


def _of_tokens(values, kind, length, count, hidden):
    """Returns a tensor's values of the real tokens alone, shape (tokens, channels), or None.

    Scores and attention are numbers of two tokens, and have no channels. A last block for [CLS]
    alone has one token of most kinds, whatever the length.
    """
    if kind in ("scores", "attention"):
        if values.shape[-1] != length or values.shape[-2] not in (1, length):
            return None
        return values[..., :count, :count].reshape(-1, 1)
    # What a product reads may still be in heads; all else has its channels last.
    is_read = kind in ("input", "context", "LayerNorm")
    values = values.reshape(-1, hidden if is_read else values.shape[-1])
    return values[:count] if len(values) in (1, length) else None


def _table(decibels):
    layers = 1 + max((layer for layer, _ in decibels), default=-1)
    table = {kind: [decibels.get((layer, kind)) for layer in range(layers)] for kind in KINDS}
    return {kind: values for kind, values in table.items() if any(v is not None for v in values)}
