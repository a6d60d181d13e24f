"""Cards of the shipped models: what each has to say, and whether the file says the same.

A card is `apps/models/NAME/README.md`. `shipped.py` writes its tables; people write the rest.
"""

import os
import re

from keras_bert.export.contents import proof_of
from keras_bert.export.metadata import read_files
from keras_bert.export.timing import size_of
from keras_bert.shipped import CARD

SCORES, COSTS = "Scores", "Size and latency"
SECTIONS = ("Data", "Licence", "Command", SCORES, COSTS, "What it is bad at")
# Of all files that are shipped. Float weights, from which they can be exported again, are apart.
MOST_BYTES = 46 * 2**20
NOT_COUNTED = "float16"
# What the licence has to say, by the name of the data. SST-2 states none, and is free for research.
_SAID = {"SST-2": "research"}


def proof(path):
    """Returns what `export` wrote into a file of its scores, a dict; None where it wrote nothing.

    See `keras_bert.export.proof.prove`.
    """
    return proof_of(read_files(path))


def card_path(path):
    """Returns the path of the card of a shipped file."""
    return os.path.join(os.path.dirname(path), CARD)


def score_table(found):
    """Returns the scores of a proof as Markdown: a row a metric, the float model's beside."""
    rows = [
        f"| {metric} | {value:.4f} | {found['exported_scores'][metric]:.4f} |"
        for metric, value in found["model_scores"].items()
    ]
    head = f"| {found['data']}, {found['count']:,} rows | float model | this file |"
    return "\n".join([head, "|---|---|---|", *rows])


def cost_table(size, latency):
    """Returns size and latency as Markdown.

    Args:
        size: bytes.
        latency: dict of tokens to median milliseconds.
    """
    rows = [f"| milliseconds, {tokens} tokens | {ms:.2f} |" for tokens, ms in latency.items()]
    return "\n".join(["| | |", "|---|---|", f"| bytes | {size:,} |", *rows])


def sections(text):
    """Returns the sections of a card below its title, a dict of heading to text."""
    parts = re.split(r"^## (.+)$", text, flags=re.M)[1:]
    return {
        title.strip(): body.strip() for title, body in zip(parts[::2], parts[1::2], strict=True)
    }


def with_section(text, title, body):
    """Returns a card in which a section has a new text; a new section comes last."""
    pattern = re.compile(rf"(^## {re.escape(title)}\n).*?(?=^## |\Z)", re.M | re.S)
    if pattern.search(text) is None:
        return f"{text.rstrip()}\n\n## {title}\n\n{body}\n"
    return pattern.sub(lambda found: f"{found[1]}\n{body}\n\n", text).rstrip() + "\n"


def faults(name, path):
    """Yields a line for each thing that a shipped model's card lacks or has wrong.

    Args:
        name: the model's.
        path: its .tflite file.
    """
    card = card_path(path)
    if not os.path.isfile(card):
        yield f"{name}: has no card {CARD}"
        return
    with open(card, encoding="utf-8") as file:
        found = sections(file.read())
    for title in SECTIONS:
        if not found.get(title):
            yield f"{name}: its card has nothing under `## {title}`"
    for data, word in _SAID.items():
        if data in found.get("Data", "") and word not in found.get("Licence", ""):
            yield f"{name}: its licence does not say that {data} is for {word}"
    proven = proof(path)
    if proven is None:
        yield f"{name}: its file has no scores: export it with --data"
        return
    if "of_rows" in proven or proven["seen"]:
        yield f"{name}: its scores are not of the whole data, or of rows that it was made with"
    if score_table(proven) not in found.get(SCORES, ""):
        yield f"{name}: the scores of its card are not those of its file"
    if f"| bytes | {size_of(path):,} |" not in found.get(COSTS, ""):
        yield f"{name}: has {size_of(path):,} bytes, its card says otherwise"


def size_faults(folder):
    """Yields a line if the shipped models are too many bytes together.

    Args:
        folder: `apps/models`.
    """
    parts = [name for name in os.listdir(folder) if name != NOT_COUNTED]
    total = sum(size_of(os.path.join(folder, name)) for name in parts)
    if total > MOST_BYTES:
        yield f"{folder}: {total:,} bytes together, at most {MOST_BYTES:,} are shipped"
