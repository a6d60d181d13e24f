"""TFLite files as objects: reading, writing, the word table's op, and honest op versions."""

import dataclasses

import numpy as np

# A table of fewer rows stays as it is: the two segments' vectors are of no size.
_FEWEST_ROWS = 16


def read(model):
    """Returns the object of a TFLite file's bytes; all its weights are inside the object.

    A file may keep weights behind its flatbuffer. A writer that does not know them loses them.
    """
    from ai_edge_litert.tools import flatbuffer_utils

    model = flatbuffer_utils.read_model_from_bytearray(bytes(model))
    for buffer in model.buffers:
        if isinstance(buffer.data, bytes | bytearray):
            # An array is packed at once, bytes one by one.
            buffer.data = np.frombuffer(buffer.data, np.uint8)
    return model


def write(model):
    """Returns the bytes of a file's object, with all weights inside the flatbuffer."""
    from ai_edge_litert.tools import flatbuffer_utils

    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def names_of_enum(kind):
    """Returns a dict from the numbers of an enum of TFLite's schema to their names."""
    return {value: name for name, value in vars(kind).items() if not name.startswith("_")}


@dataclasses.dataclass
class Op:
    """An operator of a graph, with what is looked up for it again and again."""

    kind: str
    position: int
    operator: object
    inputs: list
    outputs: list


class Graph:
    """The one subgraph of a file's object, by names instead of numbers.

    Attributes:
        model: the object that `read` returned.
        tensors: its tensors, the schema's `TensorT`.
        ops: list of `Op`, in the order in which they run.
    """

    def __init__(self, model):
        from ai_edge_litert import schema_py_generated as schema

        self.schema = schema
        self.model = model
        self.subgraph = model.subgraphs[0]
        self.tensors = self.subgraph.tensors
        self._kinds = names_of_enum(schema.BuiltinOperator)
        self._types = names_of_enum(schema.TensorType)
        self.ops = [
            Op(self._kind(operator), i, operator, list(operator.inputs), list(operator.outputs))
            for i, operator in enumerate(self.subgraph.operators)
        ]

    def _kind(self, operator):
        code = self.model.operatorCodes[operator.opcodeIndex]
        return self._kinds[max(code.builtinCode, code.deprecatedBuiltinCode)]

    def name(self, tensor):
        """Returns a tensor's name, a str."""
        return self.tensors[tensor].name.decode()

    def type(self, tensor):
        """Returns a tensor's type: "FLOAT32", "INT8", "INT4", …"""
        return self._types[self.tensors[tensor].type]

    def shape(self, tensor):
        """Returns a tensor's shape, a tuple; sizes that are open are -1."""
        tensor = self.tensors[tensor]
        signature = tensor.shapeSignature
        return tuple(signature if signature is not None and len(signature) else tensor.shape)

    def is_constant(self, tensor):
        """Returns whether a tensor is in the file."""
        return tensor >= 0 and self.model.buffers[self.tensors[tensor].buffer].data is not None

    def floats(self, tensor):
        """Returns a float32 constant as an array that can be read, not written."""
        data = self.model.buffers[self.tensors[tensor].buffer].data
        return np.frombuffer(bytes(data), np.float32).reshape(self.shape(tensor))

    def set_input(self, op, place, values):
        """Replaces the numbers of a float32 constant that an op takes; other ops that take the
        same constant, as a converter joins equal ones, keep theirs.

        Args:
            op: an `Op`.
            place: which of its inputs.
            values: array of the constant's shape.
        """
        values, tensor = np.ascontiguousarray(values, np.float32), op.inputs[place]
        assert values.shape == self.shape(tensor)
        if sum(other.inputs.count(tensor) for other in self.ops) > 1:
            name = f"{self.name(tensor)}/{op.position}"
            tensor = self._new_tensor(name, values.shape, "FLOAT32", values)
            op.inputs[place] = tensor
            op.operator.inputs = list(op.inputs)
        else:
            self.tensors[tensor].buffer = self._new_buffer(values)

    def producers(self):
        """Returns a dict from a tensor to the `Op` that computes it."""
        return {tensor: op for op in self.ops for tensor in op.outputs}

    def consumers(self):
        """Returns a dict from a tensor to the list of `Op` that read it."""
        found = {}
        for op in self.ops:
            for tensor in op.inputs:
                found.setdefault(tensor, []).append(op)
        return found

    def products(self):
        """Returns the `Op` of each product of activations with a float32 matrix of the file."""
        return [
            op
            for op in self.ops
            if op.kind == "FULLY_CONNECTED"
            and self.is_constant(op.inputs[1])
            and self.type(op.inputs[1]) == "FLOAT32"
        ]

    # === Changing the graph ===

    def _new_buffer(self, values):
        buffer = self.schema.BufferT()
        buffer.data = np.frombuffer(np.ascontiguousarray(values).tobytes(), np.uint8)
        self.model.buffers.append(buffer)
        return len(self.model.buffers) - 1

    def _new_tensor(self, name, shape, kind, values=None):
        tensor = self.schema.TensorT()
        tensor.name = name.encode()
        tensor.shape = [max(size, 1) for size in shape]
        if min(shape, default=1) < 0:
            tensor.shapeSignature = list(shape)
        tensor.type = getattr(self.schema.TensorType, kind)
        tensor.buffer = 0 if values is None else self._new_buffer(values)
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def _opcode(self, kind, version=1):
        builtin = getattr(self.schema.BuiltinOperator, kind)
        for i, code in enumerate(self.model.operatorCodes):
            if code.builtinCode == builtin and code.version == version:
                return i
        code = self.schema.OperatorCodeT()
        code.builtinCode = builtin
        code.deprecatedBuiltinCode = min(builtin, 127)
        code.version = version
        self.model.operatorCodes.append(code)
        return len(self.model.operatorCodes) - 1

    def _new_operator(self, kind, inputs, outputs, options=None):
        operator = self.schema.OperatorT()
        operator.opcodeIndex = self._opcode(kind)
        operator.inputs, operator.outputs = list(inputs), list(outputs)
        if options is not None:
            name = type(options).__name__.removesuffix("T")
            operator.builtinOptionsType = getattr(self.schema.BuiltinOptions, name)
            operator.builtinOptions = options
        return operator

    def tables_as_lookups(self):
        """Makes EMBEDDING_LOOKUP of each GATHER of rows of a float table that is in the file.

        TensorFlow's converter writes GATHER for every way to look up rows, and the quantizer
        quantizes EMBEDDING_LOOKUP only. The numbers stay the same. The op takes ids of one
        dimension, so two RESHAPE are put around it where they have more.

        Returns:
            The number of tables.
        """
        operators, tables = [], set()
        for op in self.ops:
            if not self._is_table(op):
                operators.append(op.operator)
                continue
            table, ids = op.inputs[:2]
            tables.add(table)
            operators += self._lookup(table, ids, op.outputs[0])
        self.subgraph.operators = operators
        self.__init__(self.model)
        return len(tables)

    def _is_table(self, op):
        if op.kind != "GATHER" or not self.is_constant(op.inputs[0]):
            return False
        options = op.operator.builtinOptions
        shape = self.shape(op.inputs[0])
        return (
            self.type(op.inputs[0]) == "FLOAT32"
            and len(shape) == 2
            and shape[0] >= _FEWEST_ROWS
            and (options is None or (options.axis == 0 and options.batchDims == 0))
        )

    def _lookup(self, table, ids, output):
        shape = self.shape(ids)
        if len(shape) == 1:
            return [self._new_operator("EMBEDDING_LOOKUP", (ids, table), (output,))]
        name, width = self.name(output), self.shape(table)[1]
        count = -1 if min(shape) < 0 else int(np.prod(shape))
        flat = self._new_tensor(f"{name}/ids", (count,), "INT32")
        rows = self._new_tensor(f"{name}/rows", (count, width), "FLOAT32")
        to_flat = self._constant(f"{name}/flat", [-1])
        operators = [
            self._reshape(ids, to_flat, flat),
            self._new_operator("EMBEDDING_LOOKUP", (flat, table), (rows,)),
        ]
        if count > 0:
            back = self._constant(f"{name}/shape", [*shape, width])
        else:
            sizes = self._new_tensor(f"{name}/sizes", (len(shape),), "INT32")
            back = self._new_tensor(f"{name}/shape", (len(shape) + 1,), "INT32")
            last = self._constant(f"{name}/width", [width])
            of_shape = self.schema.ShapeOptionsT()
            of_shape.outType = self.schema.TensorType.INT32
            joined = self.schema.ConcatenationOptionsT()
            joined.axis = 0
            operators += [
                self._new_operator("SHAPE", (ids,), (sizes,), of_shape),
                self._new_operator("CONCATENATION", (sizes, last), (back,), joined),
            ]
        return [*operators, self._reshape(rows, back, output)]

    def _constant(self, name, values):
        return self._new_tensor(name, (len(values),), "INT32", np.array(values, np.int32))

    def _reshape(self, tensor, shape, output):
        return self._new_operator(
            "RESHAPE", (tensor, shape), (output,), self.schema.ReshapeOptionsT()
        )

    def weights_to_float16(self, fewest):
        """Stores float constants of at least so many numbers in half the size.

        A DEQUANTIZE before each makes float32 of it again when the file is loaded.
        """
        operators = []
        for tensor in range(len(self.tensors)):
            if not self.is_constant(tensor) or self.type(tensor) != "FLOAT32":
                continue
            values = self.floats(tensor)
            if values.size < fewest:
                continue
            half = self._new_tensor(
                f"{self.name(tensor)}/float16", values.shape, "FLOAT16", values.astype(np.float16)
            )
            self.tensors[tensor].buffer = 0
            operators.append(
                self._new_operator(
                    "DEQUANTIZE", (half,), (tensor,), self.schema.DequantizeOptionsT()
                )
            )
        self.subgraph.operators = [*operators, *self.subgraph.operators]
        self.__init__(self.model)
        self.drop_unused_buffers()
        self.set_versions()

    def drop_unused_buffers(self):
        """Empties the buffers that no tensor has any more."""
        used = {tensor.buffer for tensor in self.tensors} | {0}
        used |= {entry.buffer for entry in self.model.metadata or ()}
        for i, buffer in enumerate(self.model.buffers):
            if i not in used:
                buffer.data = None

    def set_versions(self):
        """Gives each op the version that its types need, so that an old runtime refuses the file.

        The quantizer leaves the versions of the float ops. A runtime that is too old would then
        take a file whose scales it does not understand, and compute nonsense without an error.
        """
        from keras_bert.export.versions import version_of

        for op in self.ops:
            code = self.model.operatorCodes[op.operator.opcodeIndex]
            version = max(version_of(op, self), 1)
            if op.kind != "FULLY_CONNECTED" and not op.kind == "EMBEDDING_LOOKUP":
                version = max(version, code.version)
            op.operator.opcodeIndex = self._opcode(op.kind, version)
        self._drop_unused_codes()

    def _drop_unused_codes(self):
        used = sorted({op.operator.opcodeIndex for op in self.ops})
        places = {old: new for new, old in enumerate(used)}
        for op in self.ops:
            op.operator.opcodeIndex = places[op.operator.opcodeIndex]
        self.model.operatorCodes = [self.model.operatorCodes[old] for old in used]
