"""Joins two TFLite files: what the first computes, the second reads."""

from keras_bert.export import flatbuffer


def joined(first, second):
    """Returns the bytes of a file with the inputs of one and the outputs of another.

    The second's operators and weights stay as they are, whatever they were quantized to.

    Args:
        first, second: bytes of TFLite files with one subgraph and one signature; the outputs of
            the first have the names, types and shapes of the second's inputs.
    """
    first, second = flatbuffer.read(first), flatbuffer.read(second)
    (graph,), (into,) = first.subgraphs, second.subgraphs
    made, read = (
        {entry.name: entry.tensorIndex for entry in entries}
        for entries in (first.signatureDefs[0].outputs, second.signatureDefs[0].inputs)
    )
    assert made.keys() == read.keys()
    computed = {tensor for operator in graph.operators for tensor in operator.outputs}
    assert set(made.values()) <= computed
    assert len(set(made.values())) == len(made)
    places = {made[name]: read[name] for name in made}
    for number, tensor in enumerate(graph.tensors):
        if number in places:
            continue
        places[number] = len(into.tensors)
        # The first buffer of every file is the empty one.
        tensor.buffer = tensor.buffer and tensor.buffer + len(second.buffers) - 1
        into.tensors.append(tensor)
    for operator in graph.operators:
        operator.opcodeIndex += len(second.operatorCodes)
        for side in ("inputs", "outputs"):
            # An optional input that is not there has the number -1.
            setattr(operator, side, [places.get(i, -1) for i in getattr(operator, side)])
    second.buffers += first.buffers[1:]
    second.operatorCodes += first.operatorCodes
    into.operators = [*graph.operators, *into.operators]
    into.inputs = [places[i] for i in graph.inputs]
    signature = second.signatureDefs[0]
    signature.inputs = first.signatureDefs[0].inputs
    for entry in signature.inputs:
        entry.tensorIndex = places[entry.tensorIndex]
    return flatbuffer.write(second)
