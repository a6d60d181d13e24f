"""What a smaller vocabulary costs: prune on the training texts, fine-tune, score, export as int8.

    python benchmarks/scores/pruned_vocabulary.py --data=DATA --init=MINILM --output=RUNS

The rows `ewt` and `sst2` of score_rows.py, all begun from MINILM, with its whole vocabulary and
with each of --sizes. Prints a Markdown table. A model that is in RUNS already is not made again, so
a run that was killed goes on. Flags after `--` go to `keras-bert finetune`, as in a shorter run:

    … --rows=ewt --sizes=8000 -- --epochs=1
"""

import argparse
import json
import os
import subprocess
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from score_rows import ROWS

from keras_bert.description import read_description
from keras_bert.tasks.plain_texts import texts_of_files

_HEAD = (
    "row", "tokens", "words cut as before", "of those of dev", "pieces a word", "weights, MB",
    "int8 .tflite, MB",
)  # fmt: skip


def run(verb, *flags):
    """Runs a verb of the program and returns its JSON result."""
    command = [sys.executable, "-m", "keras_bert", verb, *flags, "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def kept(path, make):
    """Returns the JSON of a file; the file is made first if it is not there."""
    if not os.path.exists(path):
        result = make()
        with open(f"{path}.tmp", "w", encoding="utf-8") as file:
            json.dump(result, file)
        os.replace(f"{path}.tmp", path)
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def measured(row, size, options):
    """Returns what is known of a row with a size of vocabulary; None is the whole one."""
    train, dev = (os.path.join(options.data, part) for part in (row.train, row.dev))
    name = os.path.join(options.output, f"{row.name}_{size or 'whole'}")
    start, pruned = options.init, None
    if size is not None:
        flags = [f"--prune_vocabulary={size}", f"--corpus={train}", f"--output={name}_start"]
        start = f"{name}_start"
        made = kept(f"{start}.json", lambda: run("convert", f"--from={options.init}", *flags))
        pruned = made["pruned"]
    files = [f"--task={row.task}", f"--train={train}", f"--eval={dev}"]
    flags = [f"--init={start}", f"--output={name}", *files, *row.flags, *options.flags]
    scores = kept(f"{name}.json", lambda: run("finetune", *flags))
    export = [f"--model={name}", f"--output={name}.tflite", "--format=tflite", "--quantize=dynamic"]
    exported = kept(f"{name}.tflite.json", lambda: run("export", *export))
    return pruned, scores, exported


def unchanged_share(path, whole, pruned):
    """Returns the share of a file's words that the tokenizers of two model folders cut alike."""
    tokenizers = [read_description(folder)[1] for folder in (whole, pruned)]
    words = tokenizers[0].count_words(texts_of_files([path]))
    one, other = tokenizers
    alike = sum(n for w, n in words.items() if one.pieces_of_word(w) == other.pieces_of_word(w))
    return alike / words.total()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="folder of the public files")
    parser.add_argument("--init", required=True, help="the model to prune")
    parser.add_argument("--output", required=True, help="folder for the models")
    parser.add_argument("--rows", default="ewt,sst2")
    parser.add_argument("--sizes", default="16000,8000")
    parser.add_argument("--metric", default="accuracy")
    parser.add_argument("flags", nargs="*", help="more flags of finetune, after --")
    options = parser.parse_args()
    os.makedirs(options.output, exist_ok=True)
    rows = {row.name: row for row in ROWS}
    print(f"| {' | '.join((*_HEAD, options.metric))} |")
    print("|---" * (len(_HEAD) + 1) + "|")
    for name in options.rows.split(","):
        for size in (None, *map(int, options.sizes.split(","))):
            pruned, scores, exported = measured(rows[name], size, options)
            of_words = ["all", "all", "–"]
            if pruned is not None:
                pieces = f"{pruned['pieces_before']:.3f} → {pruned['pieces']:.3f}"
                folders = (os.path.join(options.output, f"{name}_{n}") for n in ("whole", size))
                share = unchanged_share(os.path.join(options.data, rows[name].dev), *folders)
                of_words = [f"{pruned['unchanged']:.2%}", f"{share:.2%}", pieces]
            weights = os.path.getsize(
                os.path.join(options.output, f"{name}_{size or 'whole'}", "model.weights.h5")
            )
            cells = [
                name, "whole" if size is None else f"{size:,}", *of_words, f"{weights / 1e6:.1f}",
                f"{exported['bytes'] / 1e6:.1f}", f"{scores[options.metric]:.4f}",
            ]  # fmt: skip
            print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
