"""Median latency of one text, and size; with --against, of several models in turns.

keras-bert benchmark --model=model.tflite --against=float.tflite,model.onnx --threads=2
"""

from absl import flags

from keras_bert.commands import shared
from keras_bert.errors import InputError


def define(values):
    shared.define_string(values, "model", "folder, .tflite, SavedModel or .onnx", required=True)
    flags.DEFINE_list("against", [], "other models to time in turns with it", flag_values=values)
    flags.DEFINE_integer(
        "length", None, "tokens (default: the model's length; a fixed shape decides for itself)",
        lower_bound=3, flag_values=values,
    )  # fmt: skip
    flags.DEFINE_integer("threads", 1, "of LiteRT and onnxruntime", 1, flag_values=values)
    flags.DEFINE_integer("repeats", 50, "timed runs of each", 1, flag_values=values)


def run(values):
    paths = [values.model, *values.against]
    for path in paths:
        shared.check_path(path)
    shared.import_tensorflow_quietly()
    import keras_bert
    from keras_bert.export import benchmark, runners

    opened = {}
    for path in paths:
        if runners.is_exported(path):
            opened[path] = runners.open_exported(path, values.threads)
        else:
            bert = shared.require_task(keras_bert.load(path), path)
            opened[path] = runners.KerasRunner(bert)
    for path, runner in opened.items():
        most = runner.config.encoder.max_position_embeddings
        if values.length is not None and values.length > most:
            raise InputError(f"--length={values.length}: {path} takes at most {most} tokens")
    inputs = {
        path: benchmark.random_inputs(runner, values.length or runner.config.max_length)
        for path, runner in opened.items()
    }
    times = benchmark.measure(opened, inputs, values.repeats)
    first = times[values.model]["median_ms"]
    rows = [
        {
            "model": path,
            **times[path],
            "bytes": benchmark.size_of(path),
            "length": int(inputs[path]["token_ids"].shape[1]),
            "ratio": round(times[path]["median_ms"] / first, 3),
        }
        for path in opened
    ]
    lines = [f"{'median ms':>10} {'p90 ms':>10} {'ratio':>7} {'MB':>9} {'tokens':>7}  model"]
    lines += [
        f"{r['median_ms']:>10.2f} {r['p90_ms']:>10.2f} {r['ratio']:>7.2f} "
        f"{r['bytes'] / 1e6:>9.2f} {r['length']:>7}  {r['model']}"
        for r in rows
    ]
    return {"threads": values.threads, "models": rows}, lines
