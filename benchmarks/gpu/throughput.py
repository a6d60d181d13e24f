"""Examples a second and model FLOP utilisation of training steps on one device.

    KERAS_BACKEND=jax python benchmarks/gpu/throughput.py --peak=989 bert_base:128:256:0.1

Each argument is a size, a length, a batch and the dropout of the attention weights, of which the
attention kernel of a GPU takes none. A step is one of `fit` on a classifier: forward, backward,
AdamW, in mixed_bfloat16, with a dropout of 0.1 elsewhere. `--peak` is the device's dense bfloat16
rate in TFLOP/s (an H100 SXM: 989, NVIDIA's data sheet). The operations are those of the matrix
products of one pass forward, times three: 2 a weight and token, and 4 x length x hidden_size a
token and block for the two products of the attention. Prints one line each.
"""

import argparse
import json
import time

import jax
import keras
import numpy as np

import keras_bert
from keras_bert.training.optimizer import adamw

SIZES = {
    "bert_base": {},
    "minilm": {"num_hidden_layers": 6, "hidden_size": 384, "intermediate_size": 1536},
    "tiny": {
        "num_hidden_layers": 2, "hidden_size": 128, "intermediate_size": 512,
        "num_attention_heads": 2,
    },
}  # fmt: skip
VOCABULARY = 30522


class _Clock(keras.callbacks.Callback):
    """Waits for the device after the first steps and after the last one."""

    def __init__(self, warm_up):
        super().__init__()
        self.warm_up, self.seconds = warm_up, []

    def on_train_batch_end(self, batch, logs=None):
        if batch + 1 == self.warm_up:
            jax.block_until_ready(logs)
            self.began = time.monotonic()
        self.logs = logs

    def on_train_end(self, logs=None):
        jax.block_until_ready(self.logs)
        self.seconds = time.monotonic() - self.began


def operations(model, length):
    """Returns the floating-point operations of one training step for one example."""
    config = model.encoder.bert_config
    width, blocks = config.hidden_size, config.num_hidden_layers
    weights = blocks * (4 * width**2 + 2 * width * config.intermediate_size)
    return 3 * length * (2 * weights + blocks * 4 * length * width)


def measure(size, length, batch, attention_dropout, steps=30, warm_up=5):
    """Returns a dict of what one kind of step takes."""
    keras.utils.set_random_seed(0)
    encoder = keras_bert.BertEncoder(
        VOCABULARY,
        attention_probs_dropout_prob=attention_dropout,
        dtype="mixed_bfloat16",
        **SIZES[size],
    )
    model = keras_bert.BertClassifier(encoder, num_classes=2)
    model.compile(adamw(1e-5), jit_compile=True)
    generator = np.random.default_rng(0)
    x = {
        "token_ids": generator.integers(0, VOCABULARY, (batch, length)).astype("int32"),
        "segment_ids": np.zeros((batch, length), "int32"),
        "padding_mask": np.ones((batch, length), "int32"),
    }
    y = generator.integers(0, 2, batch).astype("int32")
    clock = _Clock(warm_up)
    began = time.monotonic()
    stream = ((x, y) for _ in range(steps + warm_up))
    model.fit(stream, steps_per_epoch=steps + warm_up, verbose=0, callbacks=[clock])
    second = steps * batch / clock.seconds
    return {
        "size": size,
        "length": length,
        "batch": batch,
        "attention_dropout": attention_dropout,
        "milliseconds": round(1000 * clock.seconds / steps, 2),
        "examples_a_second": round(second, 1),
        "tokens_a_second": round(second * length),
        "teraflops": round(operations(model, length) * second / 1e12, 1),
        "warm_up_seconds": round(time.monotonic() - began - clock.seconds, 1),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cases", nargs="+", metavar="SIZE:LENGTH:BATCH:DROPOUT")
    parser.add_argument("--peak", type=float, help="the device's TFLOP/s in bfloat16")
    options = parser.parse_args()
    print(json.dumps({"device": str(jax.devices()[0].device_kind), "jax": jax.__version__}))
    for case in options.cases:
        size, length, batch, dropout = case.split(":")
        found = measure(size, int(length), int(batch), float(dropout))
        if options.peak:
            found["utilisation"] = round(found["teraflops"] / options.peak, 3)
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
