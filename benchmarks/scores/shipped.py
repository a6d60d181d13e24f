"""The shipped models: score on the whole dev file, bytes, milliseconds; and their cards' tables.

    python benchmarks/scores/shipped.py --data=DATA
    python benchmarks/scores/shipped.py --data=DATA --only=sentiment --write

DATA holds the public files (glue/SST-2/dev.tsv and so on). Prints the table of docs/models.md, with
the figures that others publish. --write puts it there, and scores, bytes and milliseconds into each
model's card. Exits with 1 if a file does not reach the score that it carries, or a card lacks
something. Milliseconds are medians, one thread; other programs on the machine disturb them.
"""

import argparse
import dataclasses
import os
import platform
import re
import sys
import tempfile

import score_files
import shipped_cards

from keras_bert.evaluation import evaluate
from keras_bert.export.benchmark import benchmark
from keras_bert.export.runners import open_exported
from keras_bert.export.timing import size_of
from keras_bert.files import replacing_file
from keras_bert.shipped import shipped_folder, shipped_models
from keras_bert.tasks.registry import get_task

_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PAGE = os.path.join(_ROOT, "docs", "models.md")
_BEGIN, _END = "<!-- made by benchmarks/scores/shipped.py -->", "<!-- end -->"
_HEAD = ["| model | MB | data | score | ms, one thread |", "|---|---|---|---|---|"]
LENGTHS = 32, 128
_XTREME = "https://huggingface.co/microsoft/xtremedistil-l6-h256-uncased"
_DISTILBERT = "https://huggingface.co/distilbert/distilbert-base"


@dataclasses.dataclass(frozen=True)
class Measured:
    """How models of a task are scored, and what others publish.

    Attributes:
        task: name of the task.
        data: path of the dev file, as `score_files.path_of` takes it.
        title: its name in the table.
        peers: the rows of what others publish.
    """

    task: str
    data: str
    title: str
    peers: tuple = ()


# What others publish, as it is printed: the model with its source, MB, data, score.
_SENTIMENT_PEERS = (
    (
        "[bert-tiny](https://huggingface.co/NeuML/bert-hash-pico), 4.4 M parameters",
        "4.4 in int8",
        "SST-2 dev",
        "82.2",
    ),
    (f"[XtremeDistil-L6-H256]({_XTREME})", "≈ 13 in int8", "SST-2 dev", "91.2"),
    (
        f"[DistilBERT]({_DISTILBERT}-uncased-finetuned-sst-2-english), transformers.js's default, "
        f"q8; the score is of its float model",
        "67.6",
        "SST-2 dev",
        "91.3",
    ),
)
_ANSWERER_PEERS = (
    (
        f"[DistilBERT]({_DISTILBERT}-cased-distilled-squad), transformers.js's default, q8; the "
        f"score is of its float model",
        "65.8",
        "SQuAD 1.1, all of dev",
        "87.1",
    ),
)
# By the beginning of a model's name.
MEASURED = {
    "sentiment": Measured("glue/sst2", "glue/SST-2/dev.tsv", "SST-2 dev", _SENTIMENT_PEERS),
    "answerer": Measured(
        "squad1",
        "squad/dev-v1.1-33articles.json.gz",
        "SQuAD 1.1, 33 articles of dev",
        _ANSWERER_PEERS,
    ),
    "tagger": Measured("tagging", "made:wikigold.dev.conll", "WikiGold, every fifth article"),
}


def measured_as(name):
    """Returns the `Measured` of a shipped model."""
    for start, found in MEASURED.items():
        if name.startswith(start):
            return found
    sys.exit(f"{name}: MEASURED does not say on which data it is scored")


def measure(path, how, data, folder):
    """Measures a shipped file.

    Args:
        path: the file.
        how: `Measured`.
        data: folder of the public files.
        folder: where made files go.

    Returns:
        A tuple: dict of scores; dict of tokens to median milliseconds.
    """
    dev = score_files.path_of(how.data, data, folder, None)
    scores, _ = evaluate(path, data=dev, task=how.task)
    runner = open_exported(path)
    most = runner.config.encoder.max_position_embeddings
    lengths = [runner.fixed_length] if runner.fixed_length else [n for n in LENGTHS if n <= most]
    rows = benchmark(model=path, length=lengths, threads=[1])["models"]
    return scores, {row["length"]: row["median_ms"] for row in rows}


def score_fault(name, how, proof, scores):
    """Returns a line if a file does not reach the score that it carries, else None.

    Another processor may round one row to the other side.

    Args:
        name: the model's.
        how: `Measured`.
        proof: dict, what the file carries; None where it carries nothing.
        scores: dict, what was measured.
    """
    if proof is None:
        return f"{name}: its file carries no scores: export it with --data"
    carried, measured = proof["exported_scores"][proof["metric"]], scores[proof["metric"]]
    row = get_task(how.task).perfect_score / proof["count"]
    if abs(carried - measured) > row + 1e-9 or scores["count"] != proof["count"]:
        return (
            f"{name}: {proof['metric']} {measured:.4f} on {scores['count']} rows, the file says "
            f"{carried:.4f} on {proof['count']}"
        )
    return None


def line(name, path, how, proof, latency):
    """Returns a model's row of the table."""
    metric = proof["metric"]
    score = 100 * proof["exported_scores"][metric] / get_task(how.task).perfect_score
    times = ", ".join(f"{ms:.2f} at {tokens} tokens" for tokens, ms in latency.items())
    link = f"[`{name}`](../apps/models/{name}/README.md)"
    size = size_of(path) / 1e6
    return f"| **{link}** | {size:.2f} | {how.title} | {metric} {score:.2f} | {times} |"


def table(rows):
    """Returns the table: our rows of each kind, then what others publish.

    Args:
        rows: dict of a model's name to its row.
    """
    lines = list(_HEAD)
    for start, how in MEASURED.items():
        lines += [row for name, row in rows.items() if name.startswith(start)]
        lines += [f"| {' | '.join(peer)} | |" for peer in how.peers]
    return "\n".join(lines)


def write_card(path, proof, latency):
    """Writes scores, bytes and milliseconds into the card of a shipped file."""
    card = shipped_cards.card_path(path)
    if not os.path.isfile(card):
        sys.exit(f"{card}: write it first; apps/models/README.md says what belongs there")
    with open(card, encoding="utf-8") as file:
        text = file.read()
    text = shipped_cards.with_section(text, shipped_cards.SCORES, shipped_cards.score_table(proof))
    costs = shipped_cards.cost_table(size_of(path), latency)
    costs += f"\n\nMedians of one text at a time, one thread, on {processor()}."
    _write(card, shipped_cards.with_section(text, shipped_cards.COSTS, costs))


def write_page(page, made):
    """Puts the table into the page, between its marks."""
    with open(page, encoding="utf-8") as file:
        text = file.read()
    pattern = re.compile(f"({re.escape(_BEGIN)}\n).*?({re.escape(_END)})", re.S)
    if pattern.search(text) is None:
        sys.exit(f"{page}: has no {_BEGIN} … {_END} for the table")
    _write(page, pattern.sub(lambda found: f"{found[1]}{made}\n{found[2]}", text))


def _write(path, text):
    with replacing_file(path) as temporary, open(temporary, "w", encoding="utf-8") as file:
        file.write(text)


def processor():
    """Returns the name of the processor."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = re.findall(r"^model name\s*: (.+)$", file.read(), re.M)
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="folder of the public files")
    parser.add_argument("--only", help="the name of one model; the page is not written then")
    parser.add_argument("--write", action="store_true", help="write the cards and docs/models.md")
    options = parser.parse_args()
    models = shipped_models()
    if options.only is not None and options.only not in models:
        sys.exit(f"--only={options.only}: shipped are {', '.join(models) or 'no models'}")
    rows, wrong = {}, []
    with tempfile.TemporaryDirectory() as folder:
        for name, path in models.items():
            if options.only not in (None, name):
                continue
            how, proof = measured_as(name), shipped_cards.proof(path)
            scores, latency = measure(path, how, options.data, folder)
            fault = score_fault(name, how, proof, scores)
            if fault is not None:
                wrong.append(fault)
                continue
            rows[name] = line(name, path, how, proof, latency)
            if options.write:
                write_card(path, proof, latency)
            wrong += shipped_cards.faults(name, path)
    made = table(rows)
    print(made)
    if options.write and options.only is None and not wrong:
        write_page(PAGE, made)
    if shipped_folder() is not None:
        wrong += shipped_cards.size_faults(shipped_folder())
    for fault in wrong:
        print(fault, file=sys.stderr)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
