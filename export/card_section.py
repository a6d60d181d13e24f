"""The table of exported files in a model's card: one row a file, of when it was last written."""

import os

from keras_bert.errors import InputError
from keras_bert.export.verify_report import is_of_vectors
from keras_bert.files import replacing_file
from keras_bert.guesses import note
from keras_bert.model_folder import CARD_FILE
from keras_bert.reading import LINE_LIMIT, read_bytes

TITLE = "## Exported files"
_COLUMNS = ("file", "made with", "MB", "data", "score: model → file", "same answer", "difference")
_HEAD = [f"| {' | '.join(_COLUMNS)} |", f"|{'---|' * len(_COLUMNS)}"]
_UNPROVEN = "nothing was proven"


def update_card(folder, path, written, proof):
    """Writes an exported file's row into the card of its model, in place of an older one.

    A card that cannot be written is a note: the file is there all the same. Without a proof only a
    row that is there already is changed, for it is about another file now.

    Args:
        folder: the model folder.
        path: the exported file; of it the last part is written.
        written: the result of its export, with `bytes`.
        proof: the dict of `proof.prove`, or None.
    """
    card = os.path.join(folder, CARD_FILE)
    try:
        text = read_bytes(card, LINE_LIMIT, "model card").decode() if os.path.exists(card) else ""
        name = _cell(os.path.basename(os.path.normpath(path)))
        changed = with_row(text, name, row_of(name, written, proof), proof is None)
        if changed != text:
            with replacing_file(card) as temporary, open(temporary, "w", encoding="utf-8") as file:
                file.write(changed)
    except (OSError, UnicodeDecodeError, InputError) as error:
        reason = getattr(error, "strerror", None) or error
        note(f"the model card has no row for {os.path.basename(path)}: {card}: {reason}")


def row_of(name, written, proof):
    """Returns a file's row of the table; see `update_card`."""
    size = f"{written['bytes'] / 1e6:.2f}"
    if proof is None:
        return _row([name, "", size, _UNPROVEN, "", "", ""])
    metric, difference = proof["metric"], proof["max_difference"]
    scores = [proof[which][metric] for which in ("model_scores", "exported_scores")]
    settings = {"format": proof["format"], **proof["settings"]}
    made = " ".join(f"--{key}={value}" for key, value in settings.items())
    of_rows = f" of {proof['of_rows']:,}" if "of_rows" in proof else ""
    data = f"{proof['data']}, {proof['count']:,}{of_rows} rows"
    return _row(
        [
            name,
            f"`{_cell(made)}`",
            size,
            _cell(data) + (", which the calibration has seen" if proof["seen"] else ""),
            f"{metric}: {scores[0]:.4f} → {scores[1]:.4f}"
            + ("" if proof["passed"] else ", failed"),
            f"{proof['agreement']:.2%}" + (" nearest texts" if is_of_vectors(proof) else ""),
            "" if difference is None else f"{difference:.1e}",
        ]
    )


def with_row(text, name, row, only_replace=False):
    """Returns a card with a row of the table.

    Args:
        text: str, the card.
        name: str, the first cell, by which a row is found.
        row: str.
        only_replace: whether nothing is added where there is no such row.
    """
    lines = text.splitlines()
    if TITLE not in lines:
        if only_replace:
            return text
        before = [*lines, ""] if lines else []
        return "\n".join([*before, TITLE, "", *_HEAD, row]) + "\n"
    start = lines.index(TITLE)
    rows = [i for i, line in enumerate(lines) if i > start and line.startswith("|")]
    end = next((i for i in range(start + 1, len(lines)) if lines[i].startswith("## ")), len(lines))
    rows = [i for i in rows if i < end]
    same = [i for i in rows if lines[i].startswith(f"| {name} |")]
    if same:
        lines[same[0]] = row
    elif only_replace:
        return text
    elif rows:
        lines.insert(rows[-1] + 1, row)
    else:
        lines[start + 1 : start + 1] = ["", *_HEAD, row]
    return "\n".join(lines) + "\n"


def _row(cells):
    return f"| {' | '.join(cells)} |"


def _cell(text):
    """Returns a text as the cell of a table, on one line."""
    return " ".join(text.split()).replace("|", "\\|")
