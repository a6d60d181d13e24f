"""Rounding of weights that makes up for its own errors, on what the products see in real texts."""

import warnings

import numpy as np

# Shares of the largest weight that are tried as a row's range; of equally good ones the largest.
_SHARES = np.linspace(1.0, 0.6, 9)
# Added to the diagonal of the second moments, as a share of its mean: rare inputs must not be
# explained by noise.
_DAMPING = 0.01
_BLOCK = 128


def moments(model, tensors, inputs):
    """Returns the mean and the covariance of what tensors hold at the tokens of texts.

    Args:
        model: bytes of a float TFLite file.
        tensors: numbers of tensors in it, each of shape (…, width).
        inputs: list of dicts of int32 arrays by the names of the file's inputs.

    Returns:
        A dict from tensor to a tuple: float64 arrays of shape (width,) and (width, width).
    """
    sums = {tensor: [0, 0.0, 0.0] for tensor in tensors}
    # Sums about a place of each tensor: float32 squares of a large mean hide a small variance.
    near = {}
    for tensor, x in token_values(model, tensors, inputs):
        x = x - near.setdefault(tensor, x.mean(axis=0))
        found = sums[tensor]
        found[0] += len(x)
        found[1] = found[1] + x.sum(axis=0, dtype="float64")
        found[2] = found[2] + np.float64(x.T @ x)
    result = {}
    for tensor in tensors:
        count, first, second = sums.pop(tensor)
        mean = np.float64(first) / max(count, 1)
        covariance = np.float64(second) / max(count, 1) - np.outer(mean, mean)
        result[tensor] = near.get(tensor, 0) + mean, covariance
    return result


def amplitudes(model, tensors, inputs):
    """Returns the largest |x| of each channel of tensors at the tokens of texts: a dict from
    tensor to float32 of shape (width,); see `moments`.
    """
    found = {}
    for tensor, x in token_values(model, tensors, inputs):
        found[tensor] = np.maximum(found.get(tensor, np.float32(0)), np.abs(x).max(axis=0))
    return found


def token_values(model, tensors, inputs):
    """Yields tensors with what they hold at the tokens of each text, of shape (tokens, width)."""
    from ai_edge_litert.interpreter import Interpreter

    with warnings.catch_warnings():
        # It says that all tensors are kept, as they are asked for.
        warnings.simplefilter("ignore", UserWarning)
        interpreter = Interpreter(
            model_content=bytes(model), experimental_preserve_all_tensors=True, num_threads=1
        )
    for batch in inputs:
        interpreter.get_signature_runner("serving_default")(**batch)
        is_token = batch["mask"].reshape(-1) != 0
        for tensor in tensors:
            x = interpreter.get_tensor(tensor)
            x = x.reshape(-1, x.shape[-1])
            yield tensor, x[is_token] if len(x) == len(is_token) else x


def scales_of(weights, importance, bits):
    """Returns the scale of each row that makes the smallest error.

    Args:
        weights: float32, shape (outputs, inputs).
        importance: float, shape (inputs,), how much an error of each input's weight counts.
        bits: of the whole numbers.

    Returns:
        float32 of shape (outputs, 1).
    """
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    largest = np.maximum(np.abs(weights).max(axis=1, keepdims=True), np.float32(1e-9))
    importance = importance.astype("float32")
    best, scales = np.full(largest.shape, np.inf, "float32"), largest / high
    for share in _SHARES.astype("float32"):
        tried = largest * share / high
        errors = np.clip(np.rint(weights / tried), low, high) * tried - weights
        errors = (np.square(errors) @ importance)[:, None]
        scales = np.where(errors < best, tried, scales)
        best = np.minimum(errors, best)
    return scales


def fitted(weights, bits):
    """Returns weights as whole numbers and scales; see `Compensation.rounded`. Each is rounded to
    the nearest step, and the scale of each row makes the smallest error.
    """
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    scales = scales_of(weights, np.ones(weights.shape[1]), bits)
    return np.clip(np.rint(weights / scales), low, high).astype(np.int8), scales[:, 0]


class Compensation:
    """How the later columns of a matrix make up for the rounding of the earlier ones.

    This is GPTQ (Frantar et al. 2022, algorithm 1), with the columns in the order of their inputs'
    variance, the largest first. What a mean makes of the errors belongs into the bias.

    Args:
        covariance: float64, shape (inputs, inputs), of the inputs; see `moments`.
    """

    def __init__(self, covariance):
        self.importance = np.diag(covariance).copy()
        self._order = np.argsort(-self.importance, kind="stable")
        damped = covariance[np.ix_(self._order, self._order)]
        damped = damped + np.eye(len(damped)) * max(_DAMPING * self.importance.mean(), 1e-12)
        # The upper triangular factor of the inverse: row i says how columns after i make up for i.
        self._upper = np.linalg.cholesky(np.linalg.inv(damped)).T.astype("float32")

    def rounded(self, weights, bits):
        """Returns weights as whole numbers and scales.

        Args:
            weights: float32, shape (outputs, inputs).
            bits: of the whole numbers.

        Returns:
            A tuple: int8 of shape (outputs, inputs), and float32 scales of shape (outputs,), of
            which the products are the new weights.
        """
        low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
        scales = scales_of(weights, self.importance, bits)[:, 0]
        order, upper = self._order, self._upper
        # Transposed, so that what is one column of the weights lies together in memory.
        left = np.ascontiguousarray(weights[:, order].T)
        whole = np.zeros(left.shape, np.int8)
        for start in range(0, len(order), _BLOCK):
            stop = min(start + _BLOCK, len(order))
            errors = np.zeros((stop - start, left.shape[1]), "float32")
            for i in range(start, stop):
                column = np.clip(np.rint(left[i] / scales), low, high)
                whole[i] = column
                error = (left[i] - column * scales) / upper[i, i]
                errors[i - start] = error
                left[i:stop] -= upper[i, i:stop, None] * error
            left[stop:] -= upper[start:stop, stop:].T @ errors
        found = np.empty(whole.shape, np.int8)
        found[order] = whole
        return np.ascontiguousarray(found.T), scales
