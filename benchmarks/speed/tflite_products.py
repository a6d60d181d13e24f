"""Time of a dynamic int8 TFLite file, and of its products alone: what is left is the rest.

    python benchmarks/speed/tflite_products.py --lengths=16,64,128,384 --rounds=100

The file is a classifier of the size of MiniLM-L6-H384 with random weights, on the mean of all
tokens or with `--pooling=cls` on the first. Beside it run files with a part of its operations, on
as many tokens: `products`, the 36 FULLY_CONNECTED of six blocks in a chain; `attention`, their 12
BATCH_MATMUL, which XNNPACK has in float only; `softmax` and `gelu`, of these shapes. All
alternate, on one thread. Prints median and least milliseconds of each part and their ratio to the
products. The clock is the thread's own, so another program disturbs it less than a clock on the
wall.
"""

import argparse
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

import keras_bert
from keras_bert.bert import Bert, build_model
from keras_bert.export import quantizer
from keras_bert.export.recipes import RECIPES
from keras_bert.export.tflite import convert
from keras_bert.model_folder import ModelConfig
from keras_bert.text.tokenizer import WordPieceTokenizer

SIZES = keras_bert.BertConfig.from_preset("all_minilm_l6_v2_en")
HEAD = SIZES.hidden_size // SIZES.num_attention_heads


def whole(length, pooling):
    """Returns the bytes of the file itself."""
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokens += [f"token{i}" for i in range(SIZES.vocab_size - len(tokens))]
    tokenizer = WordPieceTokenizer(tokens)
    config = ModelConfig(
        encoder=SIZES,
        tokenizer=tokenizer.get_config(),
        task="classification",
        max_length=length,
        labels=("no", "yes"),
        pooling=pooling,
    )
    bert = Bert.from_config(config, build_model(config), tokenizer)
    return quantizer.quantized(convert(bert, [1, length]), RECIPES["dynamic"])


def parts(length):
    """Returns a dict of a part's name to the bytes of a file that does nothing else."""
    rng = np.random.default_rng(0)
    hidden, inner, heads = SIZES.hidden_size, SIZES.intermediate_size, SIZES.num_attention_heads
    layers = range(SIZES.num_hidden_layers)

    def product(x, inputs, outputs):
        kernel = rng.normal(size=(inputs, outputs)) / inputs**0.5
        return tf.matmul(x, kernel.astype("float32")) + rng.normal(size=outputs).astype("float32")

    def products(x):
        for _ in layers:
            for _ in ("query", "key", "value", "output"):
                x = product(x, hidden, hidden)
            x = product(product(x, hidden, inner), inner, hidden)
        return x

    def attention(query, key, value):
        for _ in layers:
            query = tf.matmul(tf.matmul(query, key, transpose_b=True), value)
        return query

    def softmax(x):
        for _ in layers:
            x = tf.nn.softmax(x)
        return x

    def gelu(x):
        for _ in layers:
            x = x * 0.5 * (1.0 + tf.math.erf(x * 0.5**0.5))
        return x

    split = (1, heads, length, HEAD)
    return {
        "products": quantizer.quantized(_converted(products, (length, hidden)), RECIPES["dynamic"]),
        "attention": _converted(attention, split, split, split),
        "softmax": _converted(softmax, (1, heads, length, length)),
        "gelu": _converted(gelu, (length, inner)),
    }


def _converted(function, *shapes):
    module = tf.Module()
    signature = [tf.TensorSpec(shape, tf.float32) for shape in shapes]
    module.serve = tf.function(lambda *x: {"y": function(*x)}, input_signature=signature)
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [module.serve.get_concrete_function()], module
    )
    return converter.convert()


def prepared(model):
    """Returns an interpreter with inputs: random numbers, or a row without padding."""
    interpreter = Interpreter(model_content=model, num_threads=1)
    interpreter.allocate_tensors()
    rng = np.random.default_rng(1)
    for tensor in interpreter.get_input_details():
        if tensor["dtype"] == np.int32:
            value = np.ones(tensor["shape"], "int32")
        else:
            value = rng.normal(size=tensor["shape"]).astype("float32")
        interpreter.set_tensor(tensor["index"], value)
    return interpreter


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lengths", default="16,64,128,384")
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--pooling", default="mean", choices=("mean", "cls"))
    arguments = parser.parse_args()
    keras.utils.set_random_seed(0)
    for length in map(int, arguments.lengths.split(",")):
        files = {"whole": whole(length, arguments.pooling), **parts(length)}
        runners = {name: prepared(model) for name, model in files.items()}
        times = {name: [] for name in files}
        for _ in range(arguments.rounds + 3):
            for name, runner in runners.items():
                start = time.thread_time()
                runner.invoke()
                times[name].append(1e3 * (time.thread_time() - start))
        times = {name: values[3:] for name, values in times.items()}  # the first ones warm up
        base = np.median(times["products"]), min(times["products"])
        for name, values in times.items():
            median, least = np.median(values), min(values)
            print(
                f"{length:4d} tokens  {name:10s} median {median:7.3f} ms ({median / base[0]:.2f})  "
                f"least {least:7.3f} ms ({least / base[1]:.2f})",
                flush=True,
            )


if __name__ == "__main__":
    main()
