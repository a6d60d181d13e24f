"""What onnxruntime's transformer optimizer finds to fuse in an ONNX file, and what it gains.

    python benchmarks/speed/onnx_optimizer.py --model=model.onnx [--against=other.onnx]

Runs `python -m onnxruntime.transformers.optimizer` (which needs the package sympy) on each file.
Prints how many ops of each kind are in it before and after, the largest difference of an output,
and the medians of the time for one text of 16, 128 and 384 tokens, in turns on one thread, with the
ratio to the first file. `--against` is another file of the same model, such as one that an older
version wrote.
"""

import argparse
import collections
import os
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

OPS = (
    "EmbedLayerNormalization", "Attention", "LayerNormalization", "SkipLayerNormalization",
    "Gelu", "BiasGelu", "Softmax", "ReduceMean", "Erf",
)  # fmt: skip
LENGTHS = (16, 128, 384)


def optimize(path, target):
    """Writes the optimized file; `--opt_level=0` because other levels need PyTorch."""
    subprocess.run(
        [sys.executable, "-m", "onnxruntime.transformers.optimizer", f"--input={path}",
         f"--output={target}", "--opt_level=0"],
        check=True, capture_output=True,
    )  # fmt: skip
    return target


def count(path):
    """Returns the numbers of the ops of interest, and of all nodes."""
    import onnx

    found = collections.Counter(n.op_type for n in onnx.load(path).graph.node)
    return {**{op: found[op] for op in OPS if found[op]}, "nodes": found.total()}


def open_session(path, threads):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def inputs_of(session, length, rng):
    """Returns one full row of random tokens under the file's names."""
    found = {}
    for value in session.get_inputs():
        low, high = (1, 2) if "mask" in value.name else (0, 1)
        if value.name in ("token_ids", "input_ids"):
            low, high = 5, 1000
        kind = "int64" if "int64" in value.type else "int32"
        found[value.name] = rng.integers(low, high, (1, length)).astype(kind)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--against", action="append", default=[])
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        files = {}
        for i, path in enumerate((arguments.model, *arguments.against)):
            files[path] = path
            files[f"{path}, optimized"] = optimize(path, os.path.join(folder, f"{i}.onnx"))
        for name, path in files.items():
            print(f"{name}: {' '.join(f'{op}:{n}' for op, n in count(path).items())}")
        sessions = {name: open_session(path, arguments.threads) for name, path in files.items()}
        for length in LENGTHS:
            compare(sessions, length, arguments.runs)


def compare(sessions, length, runs):
    """Times one row in turns and prints a line for each file."""
    times, outputs = collections.defaultdict(list), {}
    for run in range(runs + 3):
        for name, session in sessions.items():
            fed = inputs_of(session, length, np.random.default_rng(0))
            start = time.perf_counter()
            values = session.run(None, fed)
            if run >= 3:  # the first ones warm up
                times[name].append(time.perf_counter() - start)
            outputs[name] = dict(zip((o.name for o in session.get_outputs()), values))
    first = next(iter(sessions))
    for name in sessions:
        median, base = statistics.median(times[name]), statistics.median(times[first])
        shared = outputs[name].keys() & outputs[first].keys()
        if not shared:
            sys.exit(f"{name}: has no output of {first}: they must be of the same model")
        worst = max(float(np.abs(outputs[name][k] - outputs[first][k]).max()) for k in shared)
        print(
            f"{length} tokens  {name}: {median * 1e3:.2f} ms, {median / base:.3f} of the first; "
            f"largest difference {worst:.1e}"
        )


if __name__ == "__main__":
    main()
