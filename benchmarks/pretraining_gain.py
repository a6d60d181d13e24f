"""What pretraining brings: the same fine-tuning from a pretrained model and from random weights.

    python benchmarks/pretraining_gain.py --model=bert --picture=gain.png --output=runs \\
        --task="sst2,SST-2/train.tsv.gz,SST-2/dev.tsv" -- --length=64 --epochs=3

MODEL is a folder that `keras-bert pretrain` wrote; the random start has its sizes and vocabulary.
Both are trained with `keras-bert finetune` and the flags after `--`. Prints a table of the best
epochs' scores, and draws every epoch's accuracy of both into one picture.
"""

import argparse
import json
import os
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
    parser.add_argument("flags", nargs="*")
    options = parser.parse_args()
    name, train, evaluation = options.task.split(",")
    os.makedirs(options.output, exist_ok=True)

    keras.utils.set_random_seed(0)
    pretrained = keras_bert.load(options.model)
    random = os.path.join(options.output, "random")
    Bert(pretrained.config, build_model(pretrained.config), pretrained.tokenizer).save(random)

    curves = {}
    print(f"| {name}, start | best epoch | accuracy | macro F1 | Matthews | seconds |")
    print("|---|---|---|---|---|---|")
    for title, start in (("pretrained", options.model), ("random weights", random)):
        output = os.path.join(options.output, f"{name}_{title.split()[0]}")
        result = finetune(start, output, train, evaluation, options.flags)
        curves[title] = [(epoch["epoch"], epoch["eval_accuracy"]) for epoch in result["epochs"]]
        scores = " | ".join(f"{result[key]:.4f}" for key in ("accuracy", "macro_f1", "matthews"))
        print(f"| {title} | {result['best_epoch']} | {scores} | {result['seconds']:.0f} |")
    compare(curves, options.picture, label=f"{name}: accuracy after each epoch", steps="epoch")
    print(f"curves: {options.picture}")


if __name__ == "__main__":
    main()
