"""Makes a quantized TFLite file of a float one, by a recipe; `litert_quantizer` writes the bits."""

import contextlib
import io
import re

import numpy as np

from keras_bert.config import FEWEST_QUANTIZED
from keras_bert.export import flatbuffer, static_ops
from keras_bert.export.balancing import balance
from keras_bert.export.rounding import Compensation, amplitudes, fitted, moments

# What a mask adds in a static file: all that is below the range of the scores saturates.
STATIC_MASK = -60.0
# How far below the smallest score the range of masked scores goes. In 8 bits each step counts;
# in 16 there are enough for exp() to be zero.
_MASK_MARGIN = {8: 6.0, 16: 20.0}


def quantized(model, recipe, inputs=None, table_bits=8, per_tensor=False):
    """Returns the bytes of a quantized TFLite file.

    The same arguments make the same bytes. All weights stand inside the flatbuffer, so that
    `metadata.add_metadata` keeps them.

    Args:
        model: bytes of a float TFLite file with one signature.
        recipe: a `recipes.Recipe`.
        inputs: list of dicts of int32 arrays by the names of the file's inputs, one for each text
            of the calibration; None for none.
        table_bits: 8 or 4, of the word table's rows.
        per_tensor: one scale for each matrix in place of one for each output, which is all that
            runtimes of before 2022 know.
    """
    if recipe.weight_bits == 32:
        return bytes(model)
    graph = flatbuffer.Graph(flatbuffer.read(model))
    if recipe.weight_bits == 16:
        graph.weights_to_float16(FEWEST_QUANTIZED)
        return flatbuffer.write(graph.model)
    graph.tables_as_lookups()
    if recipe.static and inputs:
        _balance(graph, inputs)
    rounded = set()
    if recipe.rounding == "compensated" and not per_tensor:
        rounded = _rounded(graph, recipe, inputs, table_bits)
    graph.drop_unused_buffers()
    float_model = bytearray(flatbuffer.write(graph.model))
    with _quietly():
        result = _quantize(graph, float_model, recipe, inputs, table_bits, per_tensor, rounded)
    graph = flatbuffer.Graph(flatbuffer.read(result))
    graph.set_versions()
    return flatbuffer.write(graph.model)


def _balance(graph, inputs):
    tensors = [op.outputs[0] for op in graph.products()]
    found = amplitudes(flatbuffer.write(graph.model), tensors, inputs)
    balance(graph, found.get)


def _rounded(graph, recipe, inputs, table_bits):
    """Writes rounded weights into the float graph, and what their errors make of the inputs' means
    into the biases; returns the positions of their ops.
    """
    products = [op for op in graph.products() if _is_large(graph, op)]
    tensors = sorted({op.inputs[0] for op in products})
    seen = moments(flatbuffer.write(graph.model), tensors, inputs) if inputs else {}
    compensations = {tensor: Compensation(covariance) for tensor, (_, covariance) in seen.items()}
    positions = set()

    def put(op, whole, scales):
        # The library finds a row's scale again as the smallest step between its weights.
        if not _has_neighbours(whole):
            return
        rounded = whole * scales[:, None]
        if op.inputs[0] in seen and len(op.inputs) > 2 and op.inputs[2] >= 0:
            lost = (graph.floats(op.inputs[1]) - rounded) @ seen[op.inputs[0]][0]
            graph.set_input(op, 2, graph.floats(op.inputs[2]) + lost)
        graph.set_input(op, 1, rounded)
        positions.add(op.position)

    for op in products:
        weights = graph.floats(op.inputs[1])
        if op.inputs[0] in compensations:
            put(op, *compensations[op.inputs[0]].rounded(weights, recipe.weight_bits))
        else:
            put(op, *fitted(weights, recipe.weight_bits))
    for op in graph.ops:
        if op.kind == "EMBEDDING_LOOKUP":
            put(op, *fitted(graph.floats(op.inputs[1]), table_bits))
    return positions


def _has_neighbours(whole):
    """Returns whether each row but for zeros has two values that are one step apart."""
    sizes = np.sort(np.abs(np.pad(whole, ((0, 0), (1, 0)))), axis=1)
    return bool(((np.diff(sizes, axis=1) == 1).any(axis=1) | (sizes[:, -1] == 0)).all())


def _quantize(graph, float_model, recipe, inputs, table_bits, per_tensor, rounded):
    from litert_quantizer import algorithm_manager, qtyping, quantizer

    algorithms = algorithm_manager.AlgorithmName
    granularity = getattr(qtyping.QuantGranularity, "TENSORWISE" if per_tensor else "CHANNELWISE")
    names = qtyping.TFLOperationName
    work = quantizer.Quantizer(float_model)
    static = static_ops.static_ops(graph, recipe.static) if recipe.static else []
    chosen = {op.position for op in static}
    for op in graph.ops:
        bits = {"EMBEDDING_LOOKUP": table_bits, "FULLY_CONNECTED": recipe.weight_bits}.get(op.kind)
        if bits is None or op.position in chosen or not _is_large(graph, op):
            continue
        algorithm = algorithms.MIN_MAX_UNIFORM_QUANT
        if op.position in rounded:
            algorithm = algorithms.DEQUANTIZED_WEIGHT_RECOVERY
        work.add_dynamic_config(_scope(graph, op), names(op.kind), bits, granularity, algorithm)
    for op in static:
        work.add_static_config(
            _scope(graph, op),
            names(op.kind),
            recipe.activation_bits,
            recipe.weight_bits,
            granularity if op.kind == "FULLY_CONNECTED" else qtyping.QuantGranularity.TENSORWISE,
        )
    ranges = None
    if static:
        ranges = _ranges(graph, float_model, inputs, recipe.activation_bits)
    return work.quantize(
        ranges, enable_progress_bar=False, enable_progress_report=False
    ).quantized_model


def _ranges(graph, float_model, inputs, bits):
    """Returns the smallest and largest value of each tensor over all texts."""
    from litert_quantizer import calibrator
    from litert_quantizer.utils import qsv_utils

    # The library's own way is a moving average, which forgets the extremes.
    work = calibrator.Calibrator(
        float_model,
        num_threads=1,
        mode=calibrator.CalibrationMode.CALIBRATION_PROFILER_BASED,
        qsv_update_func=qsv_utils.min_max_update,
    )
    work.calibrate({"serving_default": inputs}, None)
    ranges = work.get_model_qsvs()
    for op in static_ops.mask_additions(graph):
        scores = static_ops.scores_of(graph, op)
        if scores is None:
            continue
        real, masked = ranges[graph.name(scores)], ranges[graph.name(op.outputs[0])]
        masked["min"] = real["min"] - np.float32(_MASK_MARGIN[bits])
        masked["max"] = real["max"]
    return ranges


def _is_large(graph, op):
    if op.kind == "EMBEDDING_LOOKUP":
        return True
    if not graph.is_constant(op.inputs[1]) or graph.type(op.inputs[1]) != "FLOAT32":
        return False
    return np.prod(graph.shape(op.inputs[1])) >= FEWEST_QUANTIZED


def _scope(graph, op):
    """Returns a regular expression of one op, which the library names by its outputs."""
    return "^" + re.escape("".join(f"{graph.name(tensor)};" for tensor in op.outputs)) + "$"


@contextlib.contextmanager
def _quietly():
    """Keeps the library's progress bars and reports off the terminal."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield
