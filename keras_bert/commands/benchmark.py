"""Measures the median latency of one text, and the size; with --against, of several models.

keras-bert benchmark --model=model.tflite --against=float.tflite,model.onnx --threads=2
"""

from keras_bert.commands import flags
from keras_bert.export.benchmark import BenchmarkSettings, benchmark


def define(values):
    flags.define(values, BenchmarkSettings)


def run(values):
    result = benchmark(**flags.chosen(values, BenchmarkSettings))
    lines = [f"{'median ms':>10} {'p90 ms':>10} {'ratio':>7} {'MB':>9} {'tokens':>7}  model"]
    lines += [
        f"{r['median_ms']:>10.2f} {r['p90_ms']:>10.2f} {r['ratio']:>7.2f} "
        f"{r['bytes'] / 1e6:>9.2f} {r['length']:>7}  {r['model']}"
        for r in result["models"]
    ]
    return result, lines
