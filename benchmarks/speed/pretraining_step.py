"""Examples a second of masked-LM pretraining: keras-bert, keras-hub and transformers, alternating.

    python benchmarks/speed/pretraining_step.py --size=small --torch_python=ENV/bin/python

One step is forward, backward, clipping and AdamW with dropout on one batch of random tokens; 20
tokens of each text of 128 are predicted, and every competitor puts only these 20 through the head
whose output matrix is the word-piece table. `--size=small` is 4 layers of width 256 and batches of
32; `--size=base` is BERT-base and batches of 8, for which four competitors at once need 16 GB.

Each competitor is a process that waits for a signal. Only one computes at a time, and they take
turns, so that noise of the machine affects all of them. The Keras models go through
`compile` and the training function of `fit`, with `jit_compile=False`; keras-hub has the tanh GELU
and the others the exact one. transformers runs on PyTorch, which this project does not
install, in the Python given by --torch_python, with bfloat16 by autocast and the fused AdamW. Its
threads wait by spinning: where another program keeps one of two cores, its step takes four times as
long unless OMP_WAIT_POLICY=PASSIVE is set, which on a quiet machine costs it 10 %.

Prints a markdown table of the medians; CPU ms is the work of all cores in a step, which other
programs on the machine disturb less than the time. `--only` picks competitors by parts of their
names, for example `--only=keras-bert`; `plain` is keras-bert without fused layers, see
keras_bert.layers.fused.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time

LENGTH, MASKED, VOCABULARY = 128, 20, 30522
SIZES = {  # layers, width, heads, batch
    "small": (4, 256, 4, 32),
    "base": (12, 768, 12, 8),
}
DEFAULTS = (
    "keras-bert float32",
    "keras-bert bfloat16",
    "keras-hub bfloat16",
    "transformers bfloat16",
)


def batch_of(size):
    """Returns numpy arrays: token ids (batch, length), positions and labels (batch, masked)."""
    import numpy as np

    draw = np.random.default_rng(0)
    shape = (SIZES[size][-1], LENGTH)
    ids = draw.integers(1000, 30000, shape).astype("int32")
    positions = np.sort(np.argsort(draw.random(shape), axis=1)[:, :MASKED]).astype("int32")
    labels = draw.integers(1000, 30000, positions.shape).astype("int32")
    return ids, positions, labels


# === Competitors: each function returns a function that runs a step and waits for its end. ===


def keras_bert_step(size, policy, with_fused):
    import numpy as np

    import keras_bert
    from keras_bert.layers import fused
    from keras_bert.models.pretrainer import BertPretrainer
    from keras_bert.training.optimizer import adamw

    layers, width, heads, _ = SIZES[size]
    encoder = keras_bert.BertEncoder(
        VOCABULARY, width, layers, heads, intermediate_size=4 * width, dtype=policy
    )
    encoder.get_layer("pooler").trainable = False  # it is not used
    model = BertPretrainer(encoder, pair="none")
    if with_fused:
        fused.enable(model)
    model.compile(adamw(1e-4), jit_compile=False)
    ids, positions, labels = batch_of(size)
    inputs = {
        "token_ids": ids,
        "segment_ids": 0 * ids,
        "padding_mask": 0 * ids + 1,
        "masked_positions": positions,
    }
    weights = np.full(labels.shape, 1 / labels.size, "float32")
    return keras_step(model, (inputs, {"masked_lm": labels}, {"masked_lm": weights}))


def keras_hub_step(size, policy):
    import keras
    import keras_hub

    layers, width, heads, _ = SIZES[size]
    backbone = keras_hub.models.BertBackbone(
        VOCABULARY, layers, heads, width, 4 * width, dropout=0.1, dtype=policy
    )
    head = keras_hub.layers.MaskedLMHead(
        token_embedding=backbone.token_embedding,
        intermediate_activation=lambda x: keras.activations.gelu(x, approximate=True),
        dtype=policy,
    )
    masked = keras.Input((MASKED,), dtype="int32", name="masked_positions")
    logits = head(backbone.output["sequence_output"], masked)
    model = keras.Model({**backbone.input, "masked_positions": masked}, logits)
    model.compile(
        keras.optimizers.AdamW(1e-4, weight_decay=0.01, global_clipnorm=1.0),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=False,
    )
    ids, positions, labels = batch_of(size)
    inputs = {
        "token_ids": ids,
        "segment_ids": 0 * ids,
        "padding_mask": 0 * ids + 1,
        "masked_positions": positions,
    }
    return keras_step(model, (inputs, labels))


def keras_step(model, batch):
    import tensorflow as tf

    function = model.make_train_function() or model.train_function
    iterator = iter(tf.data.Dataset.from_tensors(batch).repeat())
    return lambda: tf.nest.map_structure(lambda value: value.numpy(), function(iterator))


def transformers_step(size, precision):
    import torch
    import transformers

    torch.set_num_threads(os.cpu_count())
    layers, width, heads, _ = SIZES[size]
    config = transformers.BertConfig(
        vocab_size=VOCABULARY,
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=4 * width,
    )
    model = transformers.BertForMaskedLM(config).train()
    optimizer = torch.optim.AdamW(model.parameters(), 1e-4, weight_decay=0.01, fused=True)
    ids, positions, labels = (torch.from_numpy(array).long() for array in batch_of(size))
    rows = torch.arange(len(ids))[:, None]

    def step():
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
            hidden = model.bert(ids, attention_mask=torch.ones_like(ids)).last_hidden_state
            logits = model.cls(hidden[rows, positions])
        loss = torch.nn.functional.cross_entropy(logits.float().flatten(0, 1), labels.flatten())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return loss.item()

    return step


COMPETITORS = {
    "keras-bert float32": lambda size: keras_bert_step(size, "float32", True),
    "keras-bert bfloat16": lambda size: keras_bert_step(size, "mixed_bfloat16", True),
    "keras-bert plain float32": lambda size: keras_bert_step(size, "float32", False),
    "keras-bert plain bfloat16": lambda size: keras_bert_step(size, "mixed_bfloat16", False),
    "keras-hub float32": lambda size: keras_hub_step(size, "float32"),
    "keras-hub bfloat16": lambda size: keras_hub_step(size, "mixed_bfloat16"),
    "transformers float32": lambda size: transformers_step(size, "float32"),
    "transformers bfloat16": lambda size: transformers_step(size, "bfloat16"),
}


# === Workers and the driver ===


class Worker:
    """A competitor in a process of its own.

    Args:
        name: one of `COMPETITORS`.
        size: one of `SIZES`.
        python: the Python that runs it.
    """

    def __init__(self, name, size, python):
        self.name = name
        self.errors = tempfile.TemporaryFile("w+")
        root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
        paths = [root, os.environ.get("PYTHONPATH", "")]
        self.process = subprocess.Popen(
            [python, __file__, f"--size={size}", f"--worker={name}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
        )
        self.go(2)  # tracing and compiling, one competitor after the other

    def go(self, steps):
        """Returns the seconds of one step, and those of all cores' work; means over some steps."""
        self.process.stdin.write(f"go {steps}\n")
        self.process.stdin.flush()
        for line in self.process.stdout:
            if line.startswith("seconds "):
                return tuple(float(number) / steps for number in line.split()[1:])
        self.errors.seek(0)
        sys.exit(f"{self.name} ended early:\n{self.errors.read()[-2000:]}")

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def work(name, size):
    step = COMPETITORS[name](size)
    for line in sys.stdin:
        steps = int(line.split()[1])
        step()  # untimed, to refill the caches
        start, start_cpu = time.perf_counter(), time.process_time()
        for _ in range(steps):
            step()
        seconds, cpu = time.perf_counter() - start, time.process_time() - start_cpu
        print("seconds", seconds, cpu, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--size", choices=SIZES, default="small")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=3, help="steps a round")
    parser.add_argument("--torch_python", help="a Python that has torch and transformers")
    parser.add_argument("--only", help="parts of names, separated by commas")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        work(arguments.worker, arguments.size)
        return

    names = DEFAULTS
    if arguments.only:
        parts = arguments.only.split(",")
        names = [name for name in COMPETITORS if any(part in name for part in parts)]
    workers = []
    for name in names:
        python = arguments.torch_python if name.startswith("transformers") else sys.executable
        if python is None:
            print(f"{name}: left out, because --torch_python is not given")
            continue
        workers.append(Worker(name, arguments.size, python))
    times = {worker.name: [] for worker in workers}
    for _ in range(arguments.rounds):
        for worker in workers:
            times[worker.name].append(worker.go(arguments.steps))
    for worker in workers:
        worker.end()

    batch = SIZES[arguments.size][-1]
    print(f"{arguments.size}: batches of {batch} x {LENGTH} tokens, median of ", end="")
    print(f"{arguments.rounds} rounds of {arguments.steps} steps, {os.cpu_count()} CPU cores\n")
    print("| training step | examples/s | ms a step | fastest ms | CPU ms |\n|---|---|---|---|---|")
    for name, results in times.items():
        seconds, cpu = zip(*results)
        median = statistics.median(seconds)
        milliseconds = (1e3 * value for value in (median, min(seconds), statistics.median(cpu)))
        columns = " | ".join(f"{value:.0f}" for value in milliseconds)
        print(f"| {name} | {batch / median:.1f} | {columns} |")


if __name__ == "__main__":
    main()
