"""The schemes of `--quantize`: which tensors, how many bits, and what a file may lose by it."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Recipe:
    """One scheme of quantization of a TFLite file.

    Attributes:
        name: what `quantize` calls it.
        summary: one line for people.
        weight_bits: of the products' weights: 32, 16, 8 or 4.
        activation_bits: of what is static (see `static`): 8 or 16; None where all activations
            stay float, and products quantize their inputs row by row at run time.
        static: which ops have ranges that are fixed when the file is written, by kind; "all" is
            everything between the word table and the head.
        needs_calibration: whether texts are needed, for those ranges.
        rescaled: whether the exact re-scalings are applied where there are texts to measure.
        output_beta: how much of the spread of what is added to the residual moves into the
            weights, see `rescaling_of`; None leaves it, for outputs that stay float.
        rounding: how weights become whole numbers where there are texts: "nearest", or
            "compensated" (each column's error is made up for by those after it).
        max_drop: the largest drop of the task's first metric, as a fraction of a perfect score,
            that `verify` and `export` accept by default.
        plain_max_drop: the same for a file that was made without texts; None if there is none.
        most_rows: how many rows `export` compares the file on, where running it takes long; None
            for all.
    """

    name: str
    summary: str
    weight_bits: int
    max_drop: float
    activation_bits: int | None = None
    static: tuple | str = ()
    needs_calibration: bool = False
    rescaled: bool = False
    output_beta: float | None = None
    rounding: str = "nearest"
    plain_max_drop: float | None = None
    most_rows: int | None = None

    def gate(self, calibrated):
        """Returns the largest drop that is accepted of a file made with or without texts."""
        if calibrated or self.plain_max_drop is None:
            return self.max_drop
        return self.plain_max_drop


_PRODUCTS = ("FULLY_CONNECTED", "BATCH_MATMUL", "GELU", "SOFTMAX", "mask")

RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe("none", "float32", 32, max_drop=0.01),
        Recipe("float16", "float16 weights, computed in float32", 16, max_drop=0.0),
        Recipe(
            "dynamic",
            "int8 weights, inputs of products quantized row by row at run time",
            8,
            rescaled=True,
            max_drop=0.002,
            plain_max_drop=0.003,
        ),
        Recipe(
            "int4",
            "4-bit weights with a scale for each output, inputs as in `dynamic`",
            4,
            rescaled=True,
            rounding="compensated",
            max_drop=0.005,
        ),
        Recipe(
            "int8",
            "products, GELU, softmax and mask in int8 with fixed ranges; LayerNorm float",
            8,
            activation_bits=8,
            static=_PRODUCTS,
            needs_calibration=True,
            rescaled=True,
            output_beta=0.85,
            max_drop=0.01,
        ),
        Recipe(
            "int16x8",
            "16-bit activations with fixed ranges, int8 weights",
            8,
            activation_bits=16,
            static=_PRODUCTS,
            needs_calibration=True,
            rescaled=True,
            max_drop=0.003,
            # XNNPACK of LiteRT 2.3 takes no op of 16 bits, and the plain kernels need 30 times as
            # long: 0.3 s for 64 tokens of MiniLM's size.
            most_rows=200,
        ),
        Recipe(
            "int8_full",
            "everything between table and head in int8 with fixed ranges",
            8,
            activation_bits=8,
            static="all",
            needs_calibration=True,
            rescaled=True,
            output_beta=0.85,
            max_drop=0.01,
        ),
    )
}
QUANTIZATIONS = tuple(RECIPES)
