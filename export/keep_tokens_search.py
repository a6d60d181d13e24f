"""`--keep_tokens=auto`: tries where to leave out tokens, and takes the fastest that may stay."""

import dataclasses
import functools
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

# Thousands of questions take minutes a try, and of fewer each weighs more than a scheme may lose.
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
    proof: on at most `MOST_ROWS`, evenly spread, and if it passes there on all. Those that compute
    more tokens than the choice are not tried.

    Args:
        bert: a `Bert` with a task.
        examples: labelled examples.
        settings: the `ExportSettings`.
        write: function of a model, a path and `ExportSettings` that writes a file and returns its
            dict, as `export.written` does.

    Returns:
        A tuple: a dict of `chosen`, as `keep_tokens.steps_of` takes it, None where nothing may be
        left out; `metric`; `grid`, a list of dicts of `keep_tokens`, `tokens`, `computed`, `count`
        (rows), `model_score`, `score`, `drop`, `max_drop` and `passed`; `not_tried`, how many
        schedules were not. And the `TaskComparison` of all examples with which the choice passed,
        None without a choice.

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
    few = whole = _Judge(bert, examples, settings)
    if len(examples) > MOST_ROWS:
        note(
            f"tried on {MOST_ROWS} of the {len(examples)} rows, evenly spread: what passes there "
            f"is compared on all",
            "keep_tokens",
            settings.keep_tokens,
        )
        few = _Judge(bert, examples.take(spread(len(examples), MOST_ROWS)), settings)
    grid = []
    # What is to be said of a file is said of the one that is kept.
    with temporary_folder() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore", Note)
        for number, (after, kept, computed) in enumerate(cells, 1):
            text, path = f"{after}:{kept}", os.path.join(folder, f"{number}.tflite")
            with stage(f"trying {name_of('keep_tokens', text)}, {number} of {len(cells)}"):
                with stderr_kept_for_errors():
                    made = write(bert, path, dataclasses.replace(settings, keep_tokens=text))
                runner = open_exported(path)
                found = few.of(runner, made)
                if found["passed"] and whole is not few:
                    found = whole.of(runner, made)
            os.remove(path)
            tried = {"keep_tokens": text, "tokens": kept, "computed": round(computed, 4)}
            grid.append(tried | found)
            if found["passed"]:
                break
    return {
        "chosen": grid[-1]["keep_tokens"] if grid[-1]["passed"] else None,
        "metric": few.comparison.metrics[0],
        "grid": grid,
        "not_tried": len(cells) - len(grid),
    }, (whole.comparison if grid[-1]["passed"] else None)


class _Judge:
    """Compares files with their model on some rows, once it is asked to."""

    def __init__(self, bert, examples, settings):
        self._bert, self._examples, self._settings = bert, examples, settings

    @functools.cached_property
    def comparison(self):
        return TaskComparison(self._bert, self._bert.task, self._examples)

    def of(self, runner, made):
        """Returns what a file keeps, a dict; see the grid of `choose`."""
        result, _ = self.comparison.of(runner)
        metric = self.comparison.metrics[0]
        kind, count = self._bert.task.kind, result["count"]
        return {
            "count": count,
            "model_score": self.comparison.scores[metric],
            "score": result["exported_scores"][metric],
            "drop": result["drop"],
            **judged(result, gate_of(self._settings, made["rescaled"], kind, count)),
        }


def grid_lines(found):
    """Returns what was tried as lines to print.

    Args:
        found: the dict of `choose`.
    """
    rows = [["keep_tokens", "tokens computed", "rows", "model", "file", "points lost"]]
    for each in found["grid"]:
        scores = [f"{each[name]:.4f}" for name in ("model_score", "score")]
        share, lost = f"{each['computed']:.1%}", f"{100 * each['drop']:.2f}"
        rows.append([each["keep_tokens"], share, str(each["count"]), *scores, lost])
    limit = (
        f"at most {100 * found['grid'][-1]['max_drop']:.2f} points of {found['metric']} may be lost"
    )
    last = f"chosen: {found['chosen'] or 'all tokens'}, as {limit}"
    if found["not_tried"]:
        last += f"; {found['not_tried']} that compute more tokens were not tried"
    return [*aligned(rows), last]
