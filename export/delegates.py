"""Which ops of a TFLite file an accelerator takes, by lists that its maker published.

The lists stand in `delegates.json`, with the source and the date of each. They say what may be
taken: a driver may still refuse an op for its sizes, and no accelerator was at hand to try.
"""

import functools
import json
import pathlib

from keras_bert.export import flatbuffer

_LISTS = pathlib.Path(__file__).with_name("delegates.json")
_BYTES = {
    "FLOAT64": 8, "INT64": 8, "UINT64": 8, "FLOAT32": 4, "INT32": 4, "UINT32": 4,
    "FLOAT16": 2, "INT16": 2, "UINT16": 2, "INT8": 1, "UINT8": 1, "BOOL": 1, "INT4": 0.5,
}  # fmt: skip


@functools.cache
def lists():
    """Returns the lists of `delegates.json`, a dict by the names of accelerators."""
    content = json.loads(_LISTS.read_text(encoding="utf-8"))
    return {name: entry for name, entry in content.items() if name != "_"}


def report(model):
    """Returns where the ops of a TFLite file run.

    Args:
        model: bytes of the file.

    Returns:
        A dict: `delegates`, by the name of an accelerator a dict of `takes` and `leaves`, each of
        op name to number; what it leaves falls back to the CPU, and XNNPACK's to plain kernels.
        `whole_number_ops`, how many ops compute with 8 or 16 bits of fixed range, which is what an
        NPU is made for. `largest_activation_bytes`, of the largest tensor that an op writes; None
        where shapes are open.
    """
    graph = flatbuffer.Graph(flatbuffer.read(model))
    found = {}
    for name, entry in lists().items():
        takes, leaves = {}, {}
        for op in graph.ops:
            side = takes if _takes(entry, op, graph) else leaves
            side[op.kind] = side.get(op.kind, 0) + 1
        found[name] = {"takes": _sorted(takes), "leaves": _sorted(leaves)}
    whole = sum(graph.type(op.outputs[0]) in ("INT8", "INT16") for op in graph.ops)
    return {
        "delegates": found,
        "whole_number_ops": whole,
        "largest_activation_bytes": _largest(graph),
    }


def report_lines(result):
    """Returns what `report` found as lines to print.

    Args:
        result: a dict with the keys that `report` returns.
    """
    lines = []
    for name, found in result["delegates"].items():
        taken, left = sum(found["takes"].values()), sum(found["leaves"].values())
        line = f"{name}: takes {taken} of {taken + left} ops"
        if left:
            line += f"; not {', '.join(f'{op}:{count}' for op, count in found['leaves'].items())}"
        lines.append(line)
    largest = result["largest_activation_bytes"]
    if largest is not None:
        lines.append(f"largest activation: {largest:,} bytes")
    return lines


def _takes(entry, op, graph):
    of_type = graph.type(_first_input(op))
    known = entry["ops"].get("any", entry["ops"].get(of_type, ()))
    if op.kind not in known:
        return False
    options = op.operator.builtinOptions
    if op.kind in ("STRIDED_SLICE", "SLICE"):
        ranks = entry.get("slice_ranks")
        if ranks and len(graph.shape(op.inputs[0])) not in ranks:
            return False
        if entry.get("no_shrunk_slice") and getattr(options, "shrinkAxisMask", 0):
            return False
    if op.kind == "GATHER" and entry.get("flat_ids"):
        return len(graph.shape(op.inputs[1])) == 1
    return True


def _first_input(op):
    """Returns the tensor whose type decides: of a lookup the table, of a split what is split."""
    return op.inputs[1] if op.kind in ("EMBEDDING_LOOKUP", "SPLIT") else op.inputs[0]


def _largest(graph):
    sizes = []
    for op in graph.ops:
        for tensor in op.outputs:
            count = 1
            for size in graph.shape(tensor):
                if size < 0:
                    return None
                count *= size
            sizes.append(int(count * _BYTES.get(graph.type(tensor), 4)))
    return max(sizes)


def _sorted(counts):
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
