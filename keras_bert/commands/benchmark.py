"""Measures the latency of one text and how it is distributed, size, cold start and peak memory.

keras-bert benchmark --model=model.tflite --against=float.tflite,model.onnx --threads=1,2
keras-bert benchmark --model=my_model --against=onnxruntime,onnxruntime_int8 --length=16,128
keras-bert benchmark --schemes --model=my_model --data=dev.csv --picture=schemes.png
"""

from keras_bert.commands import flags, inputs
from keras_bert.export.benchmark import BenchmarkSettings, benchmark, report_lines


def define(values):
    flags.define(values, BenchmarkSettings)
    inputs.define_layout(values)


def run(values):
    settings = flags.chosen(values, BenchmarkSettings)
    result = benchmark(layout=inputs.layout_of(values), **settings)
    if values.schemes:
        from keras_bert.export.benchmark_schemes import scheme_lines

        return result, scheme_lines(result)
    return result, report_lines(result)
