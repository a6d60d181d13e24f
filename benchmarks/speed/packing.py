"""The gain from packing: training on one paragraph in each padded row, or on several.

    python benchmarks/speed/packing.py --corpus=wiki.jsonl.gz --vocab=vocab.txt

Every paragraph of the corpus (a line of a document's `text`) becomes a document of its own, which
`prepare` cuts to at most 128 tokens, once with and once without packing. Two pretrainers of 4
layers and width 256 with the same settings are then timed alternately on batches of 32 rows. Prints
how full the rows are, and the medians of tokens and of examples a second, padding not counted.
"""

import argparse
import gzip
import json
import os
import statistics
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from keras_bert.pretraining.batches import PretrainingBatches
from keras_bert.pretraining.prepare import prepare
from keras_bert.training.batches import fit_input

LENGTH, ROWS = 128, 32
# Shorter lines are headings.
_SHORTEST = 60


def write_paragraphs(corpus, path, limit):
    """Writes the first paragraphs of a gzip'd JSON-lines corpus, each as a document."""
    count = 0
    with gzip.open(corpus, "rt", encoding="utf-8") as source, open(path, "w") as file:
        for line in source:
            for paragraph in json.loads(line)["text"].splitlines():
                if len(paragraph) >= _SHORTEST and count < limit:
                    file.write(json.dumps({"text": paragraph}) + "\n")
                    count += 1
    return count


def make_step(batches, precision):
    """Returns a function that trains on the next batch and returns its counts."""
    import tensorflow as tf

    from keras_bert.models.encoder import BertEncoder
    from keras_bert.training import strategy as strategies
    from keras_bert.training.distributed import DistributedPretrainer
    from keras_bert.training.optimizer import adamw

    encoder = BertEncoder(
        len(batches.vocabulary), 256, 4, 4, 1024, packed=batches.manifest.packed, dtype=precision
    )
    encoder.get_layer("pooler").trainable = False  # there are no pairs
    strategy = strategies.make_strategy("one")
    model = DistributedPretrainer(encoder, "none", strategy)
    from keras_bert.layers import fused

    fused.enable(model)
    model.compile(adamw(1e-4, clipnorm=None, summed_clipnorm=1.0), jit_compile=False)
    train = model.make_train_function()
    stream = fit_input(lambda: (batches[step] for step in range(10**6)), batches[0])
    iterator = iter(stream)
    step = 0

    def run():
        nonlocal step
        tf.nest.map_structure(lambda value: value.numpy(), train(iterator))
        step += 1
        return batches.counts(step - 1)

    return run


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpus", required=True)
    parser.add_argument("--vocab", required=True)
    parser.add_argument("--paragraphs", type=int, default=20_000)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--precision", default="mixed_bfloat16")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "paragraphs.jsonl")
        print(f"{write_paragraphs(options.corpus, path, options.paragraphs):,} paragraphs")
        steps, rates = {}, {}
        for name in ("padded", "packed"):
            records = os.path.join(folder, name)
            prepare(
                corpus=path, vocab=options.vocab, output=records, length=LENGTH, pair="none",
                pack=name == "packed", short_probability=0.0, shards=1, workers=1,
            )  # fmt: skip
            batches = PretrainingBatches(records, ROWS)
            tokens = sum(shard["tokens"] for shard in batches.manifest.shards)
            print(f"{name}: {tokens / (batches.rows * LENGTH):.1%} of a row are tokens")
            steps[name], rates[name] = make_step(batches, options.precision), []
            steps[name]()
        for _ in range(options.rounds):
            for name, step in steps.items():
                began = time.perf_counter()
                counts = [step() for _ in range(options.steps)]
                seconds = time.perf_counter() - began
                rates[name].append([sum(column) / seconds for column in zip(*counts, strict=True)])
        print("| rows | tokens/s | examples/s |\n|---|---|---|")
        medians = {
            name: [statistics.median(column) for column in zip(*rounds, strict=True)]
            for name, rounds in rates.items()
        }
        for name, (tokens, examples) in medians.items():
            print(f"| {name} | {tokens:,.0f} | {examples:.1f} |")
        print(f"packed / padded: {medians['packed'][1] / medians['padded'][1]:.2f} in examples")


if __name__ == "__main__":
    main()
