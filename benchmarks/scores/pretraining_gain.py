"""The gain from pretraining: the same fine-tuning from a pretrained model and random weights.

    python benchmarks/scores/pretraining_gain.py --model=bert --picture=gain.png --output=runs \\
        --task="sst2,SST-2/train.tsv.gz,SST-2/dev.tsv" -- --length=64 --epochs=3

MODEL is a folder that `keras-bert pretrain` wrote; the random start has its sizes and vocabulary.
Both are trained with `keras-bert finetune` and the flags after `--`. Prints a table of the best
epochs' scores, and draws every epoch's first metric of both into one picture; with --seeds=0,1,2
among the flags both are the means over the seeds.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras

import keras_bert
from keras_bert.bert import Bert, build_model
from keras_bert.training.curves import compare


def finetune(start, output, train, evaluation, flags):
    """Runs the program and returns its JSON result."""
    command = [
        sys.executable, "-m", "keras_bert", "finetune", f"--init={start}", f"--output={output}",
        f"--train={train}", f"--eval={evaluation}", "--json", *flags,
    ]  # fmt: skip
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--task", required=True, help="name,training file,evaluation file")
    parser.add_argument("--picture", required=True)
    parser.add_argument("--output", required=True, help="folder for the four models")
    parser.add_argument("--metrics", default="accuracy,macro_f1,matthews", help="first: drawn")
    parser.add_argument("flags", nargs="*")
    options = parser.parse_args()
    name, train, evaluation = options.task.split(",")
    metrics = options.metrics.split(",")
    os.makedirs(options.output, exist_ok=True)

    keras.utils.set_random_seed(0)
    pretrained = keras_bert.load(options.model)
    random = os.path.join(options.output, "random")
    config, tokenizer = pretrained.config, pretrained.tokenizer
    Bert.from_config(config, build_model(config), tokenizer).save(random)

    curves = {}
    print(f"| {name}, start | {' | '.join(metrics)} | seconds a run |")
    print("|---" * (2 + len(metrics)) + "|")
    for title, start in (("pretrained", options.model), ("random weights", random)):
        output = os.path.join(options.output, f"{name}_{title.split()[0]}")
        result = finetune(start, output, train, evaluation, options.flags)
        runs = result.get("runs") or [result]
        epochs = [[epoch[f"eval_{metrics[0]}"] for epoch in run["epochs"]] for run in runs]
        curves[title] = [(i, statistics.mean(scores)) for i, scores in enumerate(zip(*epochs), 1)]
        print(f"| {title} | {_scores(result, runs, metrics)} |", flush=True)
    compare(curves, options.picture, label=f"{name}: {metrics[0]} after each epoch", steps="epoch")
    print(f"curves: {options.picture}")


def _scores(result, runs, metrics):
    """Returns the cells of a row: the scores of one run, or mean and deviation of several."""
    cells = []
    for name in metrics:
        if "mean" in result:
            deviation = result["standard_deviation"][name]
            cells.append(f"{result['mean'][name]:.4f} ± {deviation:.4f}")
        else:
            cells.append(f"{result[name]:.4f}")
    seconds = statistics.mean(run["seconds"] for run in runs)
    return " | ".join([*cells, f"{seconds:.0f}"])


if __name__ == "__main__":
    main()
