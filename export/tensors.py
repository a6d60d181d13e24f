"""Compares the inputs and outputs of an exported file, which may be another model's, with its task.

Each runtime's tensors become a dict of name to a tuple: type, and the list of sizes, of which any
may be open; None where the file does not say how many there are.
"""

import numpy as np

from keras_bert.errors import InputError


def check(runner, inputs, expected_inputs, outputs, input_type="int32", rank=2):
    """Raises InputError unless a file's inputs are the expected ones and its task's outputs exist.

    Args:
        runner: `Runner`, for its path and its task.
        inputs, outputs: the file's; see above.
        expected_inputs: names of the inputs in this format.
        input_type, rank: the type of these, and the number of their dimensions.
    """
    wrong = f"it is not the model for {runner.config.task} that its description says"
    missing = [*sorted(set(expected_inputs) - set(inputs))]
    missing += [name for name in runner.task.outputs if name not in outputs]
    if missing:
        raise InputError(f"{runner.path}: has no {', '.join(missing)}: {wrong}")
    if extra := sorted(set(inputs) - set(expected_inputs)):
        raise InputError(f"{runner.path}: also has the input {', '.join(extra)}: {wrong}")
    for name in expected_inputs:
        dtype, shape = inputs[name]
        _check_type(runner, name, dtype, input_type)
        if shape is not None and len(shape) != rank:
            raise InputError(
                f"{runner.path}: {name} has {len(shape)} dimensions, it must have {rank}: {wrong}"
            )
    for name in runner.task.outputs:
        _check_type(runner, name, outputs[name][0], "float32")


def check_raw_text(runner, inputs, expected_inputs, outputs, expected_outputs):
    """Raises InputError unless a signature for raw text has the expected inputs and outputs.

    Args:
        runner: `Runner`, for its path and its task.
        inputs, outputs: the signature's; see above.
        expected_inputs: dict of name to number of dimensions; all are strings.
        expected_outputs: dict of name to a tuple: type, number of dimensions.
    """
    expected = {name: ("string", rank) for name, rank in expected_inputs.items()}
    for found, wanted in ((inputs, expected), (outputs, expected_outputs)):
        if found.keys() != wanted.keys():
            raise InputError(
                f"{runner.path}: serving_default has {', '.join(sorted(found))}, for "
                f"{runner.config.task} it must have {', '.join(sorted(wanted))}"
            )
        for name, (dtype, rank) in wanted.items():
            _check_type(runner, name, found[name][0], dtype)
            shape = found[name][1]
            if shape is not None and len(shape) != rank:
                raise InputError(
                    f"{runner.path}: {name} has {len(shape)} dimensions, it must have {rank}"
                )


def _check_type(runner, name, dtype, expected):
    if dtype != expected:
        raise InputError(f"{runner.path}: {name} is of {dtype}, it must be of {expected}")


def of_tflite(details):
    """Returns the tensors of a LiteRT signature, see above."""
    types = {name: np.dtype(tensor["dtype"]) for name, tensor in details.items()}
    return {
        name: (
            "string" if types[name].kind == "S" else types[name].name,
            list(tensor["shape_signature"]),
        )
        for name, tensor in details.items()
    }


def zeros(details):
    """Returns zeros for a LiteRT signature; where sizes are open, for a row of four tokens."""
    return {
        name: np.zeros(
            [s if s > 0 else least for s, least in zip(tensor["shape_signature"], (1, 4))],
            tensor["dtype"],
        )
        for name, tensor in details.items()
    }


def of_signature(function):
    """Returns the inputs and the outputs of a SavedModel's signature, see above."""
    inputs = function.structured_input_signature[1]
    return [
        {
            name: (tensor.dtype.name, None if tensor.shape.rank is None else list(tensor.shape))
            for name, tensor in found.items()
        }
        for found in (inputs, function.structured_outputs)
    ]


def of_onnx(found):
    """Returns tensors of an onnxruntime session, see above."""
    names = {"tensor(float)": "float32"}
    return {
        tensor.name: (
            names.get(tensor.type, tensor.type.removeprefix("tensor(").removesuffix(")")),
            tensor.shape,
        )
        for tensor in found
    }
