"""An ONNX graph to rewrite: who writes each tensor, what is constant, and rules over all nodes.

A rule looks at one node and returns nodes that compute the same tensor in another way. What nobody
reads any more is dropped afterwards, so a rule need not know what else uses the nodes it passes by.
"""

import math


class Graph:
    """The nodes and constants of a model, which is changed in place by `finish`.

    Args:
        model: `onnx.ModelProto`, its weights inside.
    """

    def __init__(self, model):
        from onnx import shape_inference

        self._graph = model.graph
        self.nodes = list(model.graph.node)
        self._constants = {tensor.name: tensor for tensor in model.graph.initializer}
        self._arrays, self._added = {}, {}
        self._writers = {name: node for node in self.nodes for name in node.output}
        inferred = shape_inference.infer_shapes(model).graph
        self._ranks = {
            value.name: len(value.type.tensor_type.shape.dim)
            for value in (*inferred.value_info, *inferred.input, *inferred.output)
            if value.type.tensor_type.HasField("shape")
        }

    def rank(self, name):
        """Returns the number of dimensions of a tensor, None if it is not known."""
        array = self._constants.get(name)
        return self._ranks.get(name) if array is None else len(array.dims)

    def array(self, name):
        """Returns a constant as a NumPy array; None if the tensor is computed or an input."""
        from onnx import numpy_helper

        if name in self._constants and name not in self._arrays:
            self._arrays[name] = numpy_helper.to_array(self._constants[name])
        return self._arrays.get(name)

    def is_number(self, name, value):
        """Returns whether a tensor is a constant of this one number, to float32's digits."""
        array = self.array(name)
        return array is not None and array.size == 1 and is_close(array.item(), value)

    def is_vector(self, name):
        """Returns whether a tensor is a constant of one dimension."""
        return name in self._constants and self.rank(name) == 1

    def writer(self, name, *op_types):
        """Returns the node that computes a tensor; None if it is of another type, or none does."""
        node = self._writers.get(name)
        if node is not None and op_types and node.op_type not in op_types:
            return None
        return node

    def path(self, name, *op_types):
        """Returns the nodes that compute a tensor, from the last one upwards.

        Args:
            name: the tensor.
            *op_types: the type of each node. The next is found at the first input of a node that
                is not a constant.

        Returns:
            A list of nodes; None if they are not of these types.
        """
        nodes = []
        for op_type in op_types:
            node = self.writer(name, op_type)
            if node is None:
                return None
            nodes.append(node)
            name = next((each for each in node.input if each not in self._constants), None)
        return nodes

    def number_and_other(self, node):
        """Returns the number and the other input of a node of which one input is one number."""
        for name, other in either_order(node):
            array = self.array(name)
            if array is not None and array.size == 1 and other not in self._constants:
                return array.item(), other
        return None, None

    def constant(self, array, name):
        """Returns the name of a constant; equal ones are kept once.

        Args:
            array: NumPy array.
            name: what it is, for who reads the graph.
        """
        from onnx import numpy_helper

        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._added:
            if name in self._constants:
                name = f"{name}_{len(self._added)}"
            self._constants[name] = numpy_helper.from_array(array, name)
            self._added[key] = name
        return self._added[key]

    def rewrite(self, rule):
        """Replaces nodes by what a rule returns for them.

        Args:
            rule: takes the graph and a node; returns None, or a list of nodes of which the last
                ones write the outputs of the node.

        Returns:
            The number of nodes that were replaced.
        """
        nodes, count = [], 0
        for node in self.nodes:
            replacement = rule(self, node)
            if replacement is None:
                nodes.append(node)
                continue
            count += 1
            nodes += replacement
            self._writers.update((name, new) for new in replacement for name in new.output)
        self.nodes = nodes
        self._drop_unread()
        return count

    def _drop_unread(self):
        """Drops the nodes that no output depends on; returns the names that are read."""
        read = {output.name for output in self._graph.output}
        kept = []
        for node in reversed(self.nodes):
            if read.intersection(node.output):
                kept.append(node)
                read.update(node.input)
        self.nodes = kept[::-1]
        self._writers = {name: node for node in self.nodes for name in node.output}
        return read

    def finish(self):
        """Writes nodes and constants back into the model, without those that nothing reads."""
        read = self._drop_unread()
        del self._graph.node[:], self._graph.initializer[:], self._graph.value_info[:]
        self._graph.node.extend(self.nodes)
        self._graph.initializer.extend(
            tensor for name, tensor in self._constants.items() if name in read
        )


def node(op_type, inputs, output, name=None, **attributes):
    """Returns a new node of one output."""
    from onnx import helper

    name = name or f"{output}/{op_type}"
    return helper.make_node(op_type, inputs, [output], name=name, **attributes)


def either_order(node):
    """Returns the two inputs of a node, as (first, second) and (second, first)."""
    first, second = node.input
    return (first, second), (second, first)


def is_close(number, expected):
    """Returns whether two numbers are equal to float32's digits."""
    return number is not None and math.isclose(number, expected, rel_tol=1e-6)
