"""`--keep_tokens=auto`: tries where to leave out tokens, and takes the fastest that may stay."""

import dataclasses
import os
import warnings

from keras_bert.errors import InputError, name_of
from keras_bert.export.calibration import spread
from keras_bert.export.comparison import TaskComparison
from keras_bert.export.proof import gate_of
from keras_bert.export.runners import open_exported
from keras_bert.export.verify import judged
from keras_bert.export.verify_report import aligned
from keras_bert.files import temporary_folder
from keras_bert.guesses import Note, note
from keras_bert.progress import stage
from keras_bert.quiet import stderr_kept_for_errors

# More questions would take hours, and with fewer one of them weighs more than a scheme may lose.
MOST_ROWS = 300
# Of a row, what is kept; and of the blocks, after how many the others are left out. One block's
# attention says less of what matters, and after half of the blocks little time is left to save.
_KEPT = (1 / 3, 5 / 12, 1 / 2, 2 / 3)
_AFTER = (1 / 6, 1 / 3, 1 / 2)
_WHOLE = 8  # tokens are kept in multiples of it


def schedules(layers, length):
    """Returns what is tried: one step each, those that compute the fewest tokens first.

    Args:
        layers: int, the encoder's blocks.
        length: int, tokens of a row.

    Returns:
        A list of tuples: after how many blocks; how many tokens are kept; which share of the tokens
        of all blocks is computed then.
    """
    blocks = {max(1, round(share * layers)) for share in _AFTER}
    tokens = {max(1, round(share * length / _WHOLE) * _WHOLE) for share in _KEPT}
    found = [
        (after, kept, (after * length + (layers - after) * kept) / (layers * length))
        for after in blocks
        for kept in tokens
        if after < layers and kept < length
    ]
    return sorted(found, key=lambda each: (each[2], each[1]))


def choose(bert, examples, settings, write):
    """Returns the fastest schedule whose file loses no more than its gate allows.

    Each file is the quantized one that would be written, and is compared with the model as for a
    proof. Those that compute more tokens than the choice are not tried.

    Args:
        bert: a `Bert` with a task.
        examples: labelled examples; at most `MOST_ROWS` are used, evenly spread.
        settings: the `ExportSettings`.
        write: function of a model, a path and `ExportSettings` that writes a file and returns its
            dict, as `export.written` does.

    Returns:
        A dict: `chosen`, as `keep_tokens.steps_of` takes it, None where nothing may be left out;
        `count`, the rows, of `of_rows`; `metric`, `model_score`, and `grid`, a list of dicts of
        `keep_tokens`, `tokens`, `computed`, `score`, `drop`, `max_drop` and `passed`; `not_tried`,
        how many schedules were not.

    Raises:
        InputError: the encoder has no block to spare, or cannot leave out tokens.
    """
    length = bert.config.max_length if settings.length is None else int(settings.length)
    layers = bert.config.encoder.num_hidden_layers
    cells = schedules(layers, length)
    if not cells:
        raise InputError(
            f"the encoder has {layers} block for {length} tokens: nothing can be left out",
            "keep_tokens",
            settings.keep_tokens,
        )
    of_rows = len(examples)
    if of_rows > MOST_ROWS:
        note(f"chosen on {MOST_ROWS} of the {of_rows} rows, evenly spread", "keep_tokens", "auto")
        examples = examples.take(spread(of_rows, MOST_ROWS))
    chosen, grid = None, []
    # What is to be said of a file is said of the one that is kept.
    with temporary_folder() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore", Note)
        comparison = TaskComparison(bert, bert.task, examples)
        metric = comparison.metrics[0]
        for number, (after, kept, computed) in enumerate(cells, 1):
            text, path = f"{after}:{kept}", os.path.join(folder, f"{number}.tflite")
            with stage(f"trying {name_of('keep_tokens', text)}, {number} of {len(cells)}"):
                with stderr_kept_for_errors():
                    made = write(bert, path, dataclasses.replace(settings, keep_tokens=text))
                result, _ = comparison.of(open_exported(path))
            os.remove(path)
            gate = gate_of(settings, made["rescaled"], bert.task.kind, result["count"])
            tried = {
                "keep_tokens": text,
                "tokens": kept,
                "computed": round(computed, 4),
                "score": result["exported_scores"][metric],
                "drop": result["drop"],
                **judged(result, gate),
            }
            grid.append(tried)
            if tried["passed"]:
                chosen = text
                break
    return {
        "chosen": chosen,
        "count": len(examples),
        "of_rows": of_rows,
        "metric": metric,
        "model_score": comparison.scores[metric],
        "grid": grid,
        "not_tried": len(cells) - len(grid),
    }


def grid_lines(found):
    """Returns what was tried as lines to print.

    Args:
        found: the dict of `choose`.
    """
    rows = [["keep_tokens", "computed", found["metric"], "points lost"]]
    rows.append(["all", "100.0%", f"{found['model_score']:.4f}", "(the model)"])
    for each in found["grid"]:
        cells = [f"{each['computed']:.1%}", f"{each['score']:.4f}", f"{100 * each['drop']:.2f}"]
        rows.append([each["keep_tokens"], *cells])
    limit = f"at most {100 * found['grid'][-1]['max_drop']:.2f} may be lost"
    rows_said = f"{found['count']} of {found['of_rows']} rows"
    if found["chosen"] is None:
        last = f"chosen on {rows_said}: all tokens, as {limit}"
    else:
        last = f"chosen on {rows_said}: {found['chosen']}, as {limit}"
        if found["not_tried"]:
            last += f"; {found['not_tried']} that compute more tokens were not tried"
    return [*aligned(rows), last]
