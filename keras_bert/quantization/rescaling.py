"""Exact re-scalings of a BERT's products, which make it lose less when it is quantized.

Some channels of a product's input are many times larger than the others, and with one scale for a
row the others are left with few of the 256 steps. So a channel is divided by a factor, and the
kernel's row for it multiplied (SmoothQuant, Xiao et al. 2022, section 4): the same numbers come
out, and the large values move to where each column has a scale of its own.
"""

import dataclasses
import os

import keras
import numpy as np

from keras_bert.errors import InputError, one_line
from keras_bert.files import replacing_file
from keras_bert.quantization.ranges import products
from keras_bert.reading import check_file
from keras_bert.stand_ins import check_is_itself

# A factor outside of these comes from no real network, and would overflow float16.
_LEAST, _MOST = 1e-4, 1e4
_PARTS = ("inputs", "values", "outputs")


@dataclasses.dataclass(frozen=True)
class Rescaling:
    """Factors between the products of an encoder; each float32 of shape (hidden_size,).

    Attributes:
        inputs: dict of "layer_0/attention", …, and "layer_0/intermediate", … to factors s: query,
            key and value, or the first product of the feed-forward part, get x / s.
        values: dict of "layer_0/attention", … to factors c: the value product returns v / c, which
            passes through attention unchanged, and the output projection takes it back.
        outputs: dict of "layer_0/attention/output" and "layer_0/output", … to factors t: the
            product returns o / t, and what adds it to the residual multiplies by t. For static
            ranges only, so it may be empty.
    """

    inputs: dict
    values: dict
    outputs: dict = dataclasses.field(default_factory=dict)

    def factors(self, product):
        """Returns the factors of a product's input and of its output.

        Args:
            product: its name in `ranges.products`.

        Returns:
            A tuple (i, o) of arrays of shape (width,), None where they are 1: with the kernel
            times i[:, None] / o and the bias / o, the product takes x / i and returns y / o.
        """
        parent, part = product.rsplit("/", 1)
        if part in ("query", "key", "value"):
            return self.inputs.get(parent), self.values.get(parent) if part == "value" else None
        if part == "intermediate":
            return self.inputs.get(product), None
        # The output of the attention takes the values; that of the feed-forward part, GELU's.
        return self.values.get(parent), self.outputs.get(product)

    def weights(self, product, layer):
        """Returns the kernel and the bias of a product with its factors inside.

        Args:
            product: its name in `ranges.products`.
            layer: the dense layer itself; a low-rank adapter is merged.

        Returns:
            A tuple of float32 arrays of shape (inputs, outputs) and (outputs,).
        """
        kernel, bias = (
            keras.ops.convert_to_numpy(value).astype("float32")
            for value in (layer.kernel, layer.bias)
        )
        before, after = self.factors(product)
        if before is not None:
            kernel = kernel * before[:, None]
        if after is not None:
            kernel, bias = kernel / after, bias / after
        return kernel, bias

    def check(self, encoder):
        """Raises InputError unless the factors are those of an encoder of this shape."""
        names = _names(encoder)
        width = encoder.bert_config.hidden_size
        for part in _PARTS:
            found = getattr(self, part)
            if found.keys() != names[part] and (found or part != "outputs"):
                odd = sorted(found.keys() ^ names[part])
                raise InputError(f"re-scaling of another network: {part} differ in {odd[0]!r:.80}")
            for name, value in found.items():
                if value.shape != (width,):
                    raise InputError(
                        f"re-scaling of another network: {name} has the shape {value.shape} where "
                        f"the network is {width} wide"
                    )

    def to_file(self, path):
        """Writes the factors as a safetensors file, whole or not at all."""
        from safetensors.numpy import save

        tensors = {
            f"{part}/{name}": np.ascontiguousarray(value)
            for part in _PARTS
            for name, value in getattr(self, part).items()
        }
        content = save(tensors)
        with replacing_file(path) as temporary, open(temporary, "wb") as file:
            file.write(content)

    @classmethod
    def from_file(cls, path, encoder):
        """Reads what `to_file` wrote.

        Args:
            path: the file.
            encoder: the `BertEncoder` that it is for.

        Raises:
            InputError: the file is missing, damaged, or of another network; names the file.
        """
        parts = {part: {} for part in _PARTS}
        for key, value in _read(path, encoder).items():
            part, _, name = key.partition("/")
            if part not in parts:
                raise InputError(f"{path}: {key!r:.80} is no factor of a re-scaling")
            if value.dtype != np.float32:
                raise InputError(f"{path}: {key!r:.80} is of {value.dtype}, not of float32")
            if not ((value >= _LEAST) & (value <= _MOST)).all():
                raise InputError(f"{path}: {key!r:.80} has factors outside of {_LEAST} to {_MOST}")
            parts[part][name] = value
        rescaling = cls(**parts)
        try:
            rescaling.check(encoder)
        except InputError as error:
            raise error.within(os.fspath(path)) from None
        return rescaling


def rescaling_of(encoder, ranges, alpha=0.7, output_beta=None):
    """Returns the re-scaling that fits the ranges of a network.

    Args:
        encoder: a `BertEncoder`; low-rank adapters count as merged.
        ranges: what `ranges.measure` returned for it.
        alpha: how much of the inputs' spread moves into the kernels: s = amax**alpha /
            wmax**(1-alpha), SmoothQuant's equation 4. On MiniLM 0.5 to 0.85 do equally well.
        output_beta: how much of the spread of the two outputs that are added to the residual
            moves: t = amax**output_beta; 0.85 is good. None leaves them, which is right wherever
            outputs stay float.

    Returns:
        `Rescaling`. The factors of a vector have the geometric mean 1.
    """
    kernels = {n: keras.ops.convert_to_numpy(p.kernel) for n, p in products(encoder).items()}

    def smoothed(source, *takers):
        wmax = np.abs(np.concatenate([kernels[taker] for taker in takers], axis=1)).max(axis=1)
        return _normalized(ranges.inputs[source], alpha, wmax, 1 - alpha)

    names = _names(encoder)
    inputs = {}
    for name in names["inputs"]:
        qkv = [f"{name}/{part}" for part in ("query", "key", "value")]
        inputs[name] = smoothed(name, *([name] if name in kernels else qkv))
    values = {name: smoothed(f"{name}/output", f"{name}/output") for name in names["values"]}
    outputs = {}
    if output_beta is not None:
        one = np.float32(1)
        for name in names["outputs"]:
            outputs[name] = _normalized(ranges.outputs[name], output_beta, one, 0)
    return Rescaling(inputs, values, outputs)


def _normalized(amax, alpha, wmax, rest):
    """Returns amax**alpha / wmax**rest over its geometric mean; 1 where a channel is all zeros."""
    used = (amax > 0) & (wmax > 0)
    logs = np.zeros(amax.shape, "float64")
    np.log(amax, out=logs, where=used)
    logs = np.where(used, alpha * logs - rest * np.log(np.where(used, wmax, 1)), 0)
    logs = np.where(used, logs - logs.sum() / max(used.sum(), 1), 0)
    return np.clip(np.exp(logs), _LEAST, _MOST).astype("float32")


def _names(encoder):
    attentions = {f"{block.name}/attention" for block in encoder.blocks}
    return {
        "inputs": attentions | {f"{block.name}/intermediate" for block in encoder.blocks},
        "values": attentions,
        "outputs": {f"{name}/output" for name in attentions}
        | {f"{block.name}/output" for block in encoder.blocks},
    }


def _read(path, encoder):
    """Returns the tensors of a safetensors file that is no larger than this encoder's can be."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    most = 4 * 8 * len(encoder.blocks) * encoder.bert_config.hidden_size + 2**16
    check_file(path, most + 256 * len(encoder.blocks), what="re-scaling")
    check_is_itself(path)
    try:
        with open(path, "rb") as file:
            return load(file.read(most + 256 * len(encoder.blocks)))
    except (SafetensorError, OSError, ValueError, TypeError, KeyError) as error:
        raise InputError(
            f"{path}: truncated or damaged safetensors file: {one_line(error)}"
        ) from None
