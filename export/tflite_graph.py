"""The graph of a TFLite file, and where in it the tensors of each layer of a BERT are.

Places are found by what leads where, not by names: those depend on the converter, and a quantizer
adds ops in between. In each layer one softmax stands between two products of activations, and one
GELU between two products with weights.
"""

# What moves or re-codes values, and computes nothing.
_MOVES = (
    "RESHAPE", "TRANSPOSE", "QUANTIZE", "DEQUANTIZE", "EXPAND_DIMS", "SQUEEZE", "SPLIT", "SPLIT_V",
    "SLICE", "STRIDED_SLICE", "UNPACK", "CAST", "GATHER",
)  # fmt: skip
# What may have a constant as its other operand, such as a scale or a bias.
_ELEMENTWISE = ("ADD", "SUB", "MUL", "DIV")
_PRODUCT, _ACTIVATIONS = "FULLY_CONNECTED", "BATCH_MATMUL"
JOINED = "Q, K, V"
# The kinds of tensors, in the order of the network.
KINDS = (
    "input", JOINED, "Q", "K", "V", "scores", "attention", "context", "attention output",
    "sum with attention", "LayerNorm", "FFN in", "GELU", "FFN out", "sum with FFN",
)  # fmt: skip


class TFLiteGraph:
    """The first subgraph of a TFLite file.

    Args:
        model: bytes of the file.

    Attributes:
        ops: list of tuples, in the order in which they run: name, list of input tensors, list of
            output tensors, by their numbers.
    """

    def __init__(self, model):
        from ai_edge_litert import schema_py_generated as schema

        names = {v: k for k, v in vars(schema.BuiltinOperator).items() if not k.startswith("_")}
        root = schema.Model.GetRootAs(model, 0)
        graph = root.Subgraphs(0)
        self.ops = []
        for i in range(graph.OperatorsLength()):
            op = graph.Operators(i)
            code = root.OperatorCodes(op.OpcodeIndex())
            name = names.get(max(code.BuiltinCode(), code.DeprecatedBuiltinCode()), "CUSTOM")
            inputs = [op.Inputs(j) for j in range(op.InputsLength())]
            outputs = [op.Outputs(j) for j in range(op.OutputsLength())]
            self.ops.append((name, inputs, outputs))
        self._inputs = {graph.Inputs(i) for i in range(graph.InputsLength())}
        self._made_by = {out: i for i, (_, _, outputs) in enumerate(self.ops) for out in outputs}
        self._read_by = {}
        for i, (_, inputs, _) in enumerate(self.ops):
            for tensor in inputs:
                self._read_by.setdefault(tensor, []).append(i)

    def places(self):
        """Returns where the tensors of each layer are.

        Returns:
            A dict from a tuple (layer, one of `KINDS`) to the number of the tensor. What is not
            found is not in it.
        """
        found = {}
        attentions = [
            i for i, op in enumerate(self.ops) if op[0] == "SOFTMAX" and self._is_inner(i)
        ]
        for layer, softmax in enumerate(attentions):
            found |= {(layer, kind): at for kind, at in self._attention(softmax).items()}
        gelus = [i for i, op in enumerate(self.ops) if op[0] == "GELU" and self._is_between(i)]
        if len(gelus) == len(attentions):
            for layer, gelu in enumerate(gelus):
                found |= {(layer, kind): at for kind, at in self._feed_forward(gelu).items()}
        return {place: tensor for place, tensor in found.items() if tensor is not None}

    def _attention(self, softmax):
        _, inputs, outputs = self.ops[softmax]
        scores = self._above(inputs[0], (_ACTIVATIONS,))
        context = self._below(outputs[0], (_ACTIVATIONS,))
        products = [
            self._above(self.ops[scores][1][0], (_PRODUCT,)) if scores is not None else None,
            self._above(self.ops[scores][1][1], (_PRODUCT,)) if scores is not None else None,
        ]
        # Either operand of the second product may be the softmax.
        values = [self._above(each, (_PRODUCT,)) for each in self.ops[context][1][:2]]
        products.append(next((each for each in values if each is not None), None))
        out = self._below(self.ops[context][2][0], (_PRODUCT,))
        found = {
            "scores": self._output(scores),
            "attention": outputs[0],
            "context": self._input(out),
            "attention output": self._output(out),
            "sum with attention": self._sum(out),
            "input": self._input(products[0]),
        }
        if len(set(products)) == 1:
            return {**found, JOINED: self._output(products[0])}
        return found | dict(zip("QKV", map(self._output, products)))

    def _feed_forward(self, gelu):
        _, inputs, outputs = self.ops[gelu]
        into, out = self._above(inputs[0], (_PRODUCT,)), self._below(outputs[0], (_PRODUCT,))
        return {
            "LayerNorm": self._input(into),
            "FFN in": self._output(into),
            "GELU": outputs[0],
            "FFN out": self._output(out),
            "sum with FFN": self._sum(out),
        }

    def _is_inner(self, softmax):
        """Returns whether a softmax is of attention, and not the file's output."""
        return self._below(self.ops[softmax][2][0], (_ACTIVATIONS,)) is not None

    def _is_between(self, gelu):
        _, inputs, outputs = self.ops[gelu]
        ends = self._above(inputs[0], (_PRODUCT,)), self._below(outputs[0], (_PRODUCT,))
        return None not in ends

    def _sum(self, product):
        """Returns the residual sum that a product goes into."""
        if product is None:
            return None
        return self._output(self._below(self.ops[product][2][0], ("ADD",), sums=True))

    def _above(self, tensor, wanted):
        """Returns the op of a wanted name that a tensor comes from, None if others are between."""
        while (op := self._made_by.get(tensor)) is not None:
            name, inputs, _ = self.ops[op]
            if name in wanted:
                return op
            computed = [each for each in inputs if self._is_computed(each)]
            # A mask is added to scores: it is made of the inputs, and leads to no product.
            if name in _ELEMENTWISE and len(computed) == 2:
                ways = [way for each in computed if (way := self._above(each, wanted)) is not None]
                return ways[0] if len(ways) == 1 else None
            if not computed or not (name in _MOVES or name in _ELEMENTWISE):
                return None
            tensor = computed[0]
        return None

    def _below(self, tensor, wanted, sums=False):
        """Returns the op of a wanted name that a tensor leads to, None if others are between."""
        for op in self._read_by.get(tensor, ()):
            name, inputs, outputs = self.ops[op]
            computed = [each for each in inputs if self._is_computed(each)]
            if name in wanted and (not sums or len(computed) == 2):
                return op
            if name in _MOVES or (name in _ELEMENTWISE and len(computed) == 1):
                below = self._below(outputs[0], wanted, sums)
                if below is not None:
                    return below
        return None

    def _is_computed(self, tensor):
        return tensor in self._made_by or tensor in self._inputs

    def _output(self, op):
        return None if op is None else self.ops[op][2][0]

    def _input(self, op):
        """Returns the activations that a product reads, before they are re-coded for it."""
        if op is None:
            return None
        tensor = self.ops[op][1][0]
        while (above := self._made_by.get(tensor)) is not None:
            name, inputs, _ = self.ops[above]
            if name not in ("RESHAPE", "QUANTIZE", "DEQUANTIZE"):
                break
            tensor = inputs[0]
        return tensor
