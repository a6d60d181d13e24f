"""Time of one fine-tuning step: this encoder and keras-hub's, same work, alternating.

    python benchmarks/speed/training_step.py --length=64 --batch_size=32 --rounds=15

Both are classifiers of the size of MiniLM-L6-H384 with random weights, the same AdamW, the same
batch, `jit_compile=False`, driven by the training function that `model.fit` uses; ours with
fused layers, as `finetune` has in long runs, and plain. keras-hub has the tanh GELU and we have the
exact one. Prints one line for each model and precision: median milliseconds,
examples a second, and the ratio to keras-hub in the same precision.
"""

import argparse
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import keras_hub
import numpy as np
import tensorflow as tf

import keras_bert
from keras_bert.layers import fused
from keras_bert.training.optimizer import adamw

SIZES = keras_bert.BertConfig.from_preset("all_minilm_l6_v2_en")


def ours(policy):
    encoder = keras_bert.BertEncoder.from_bert_config(SIZES, dtype=policy)
    return keras_bert.BertClassifier(encoder, num_classes=2)


def ours_fused(policy):
    model = ours(policy)
    fused.enable(model)
    return model


def theirs(policy):
    backbone = keras_hub.models.BertBackbone(
        vocabulary_size=SIZES.vocab_size,
        num_layers=SIZES.num_hidden_layers,
        num_heads=SIZES.num_attention_heads,
        hidden_dim=SIZES.hidden_size,
        intermediate_dim=SIZES.intermediate_size,
        dtype=policy,
    )
    return keras_hub.models.BertTextClassifier(backbone, num_classes=2, preprocessor=None)


def stepper(model, batch):
    """Returns a function that runs one training step and waits for its loss."""
    model.compile(
        adamw(1e-5),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=False,
    )
    function = model.make_train_function() or model.train_function
    iterator = iter(tf.data.Dataset.from_tensors(batch).repeat())

    def step():
        start = time.perf_counter()
        tf.nest.map_structure(lambda value: value.numpy(), function(iterator))
        return 1000 * (time.perf_counter() - start)

    for _ in range(3):
        step()
    return step


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--length", type=int, default=64)
    parser.add_argument("--batch_size", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    shape = (arguments.batch_size, arguments.length)
    ids = np.random.default_rng(0).integers(1000, 30000, shape).astype("int32")
    inputs = {"token_ids": ids, "segment_ids": 0 * ids, "padding_mask": 0 * ids + 1}
    batch = (inputs, np.zeros(arguments.batch_size, "int32"))

    steps = {
        (name, policy): stepper(make(policy), batch)
        for policy in ("float32", "mixed_bfloat16")
        for name, make in (
            ("keras-hub", theirs),
            ("not fused", ours),
            ("keras-bert", ours_fused),
        )
    }
    times = {key: [] for key in steps}
    for _ in range(arguments.rounds):
        for key, step in steps.items():
            times[key].append(step())
    print(f"batch {arguments.batch_size} x {arguments.length} tokens, {arguments.rounds} rounds")
    print(f"{'':<12}{'precision':<16}{'median ms':>10}{'examples/s':>12}{'ratio':>8}")
    for (name, policy), milliseconds in times.items():
        median = np.median(milliseconds)
        ratio = np.median(times["keras-hub", policy]) / median
        rate = 1000 * arguments.batch_size / median
        print(f"{name:<12}{policy:<16}{median:>10.1f}{rate:>12.1f}{ratio:>8.2f}")


if __name__ == "__main__":
    main()
