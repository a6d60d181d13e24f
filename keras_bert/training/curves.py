"""A run's log as pictures: loss and accuracies over the steps.

The log has one JSON object a line: {"step": 100, "loss": 7.1, "masked_lm_accuracy": 0.05, ...};
the keys of an evaluation begin with "eval_".
"""

import json
import math
import re

from keras_bert.errors import InputError
from keras_bert.files import replacing_file

# What a panel shows, told by the end of a key: "masked_lm_loss", "eval_pair_accuracy".
_PANELS = (("loss", "loss"), ("accuracy", "accuracy"))


def read_log(path):
    """Reads a run's log.

    A line that is not whole, as a killed run leaves behind, is passed over. Where a resumed run
    has written a step again, what was written last counts.

    Args:
        path: the file.

    Returns:
        A dict from the name of a value to a list of (step, value), by rising step.

    Raises:
        InputError: the file cannot be read, or no line of it is of a log.
    """
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            lines = file.read().split("\n")
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    found = {}
    for line in lines:
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if not isinstance(entry, dict) or not _is_number(entry.get("step")):
            continue
        for name, value in entry.items():
            if name != "step" and _is_number(value):
                found.setdefault(name, {})[entry["step"]] = value
    if not found:
        raise InputError(
            f"{path}: has no line of a run's log, such as "
            '{"step": 100, "loss": 7.1}: name the log that pretrain writes'
        )
    return {name: sorted(values.items()) for name, values in found.items()}


def plot_run(log, path):
    """Draws a run's losses in one panel and its accuracies in another.

    Args:
        log: the log's file.
        path: the PNG to write.

    Raises:
        InputError: the log has nothing to draw, or a file cannot be read or written.
    """
    curves = read_log(log)
    figure = run_figure(curves)
    if figure is None:
        raise InputError(f"{log}: has neither a loss nor an accuracy, only {', '.join(curves)}")
    _write(figure, path)


def compare(curves, path, label="loss", steps="step"):
    """Draws one value of several runs into one picture.

    Args:
        curves: dict from the name of a run to its list of (step, value).
        path: the PNG to write.
        label: what the value is.
        steps: what is counted along the other axis.

    Raises:
        InputError: there is nothing to draw, or the file cannot be written.
    """
    _write(compare_figure(curves, label, steps), path)


def run_figure(curves):
    """Returns the matplotlib figure of a run's curves, or None if there are none to draw.

    Args:
        curves: what `read_log` returns.
    """
    panels = []
    for title, ending in _PANELS:
        names = [name for name in curves if re.search(rf"(^|_){ending}$", name)]
        if names:
            panels.append((title, {name: curves[name] for name in names}))
    return _figure(panels) if panels else None


def compare_figure(curves, label, steps="step"):
    """Returns the matplotlib figure of several runs; see `compare`."""
    empty = [name for name, points in curves.items() if not points]
    if not curves or empty:
        raise InputError(f"{label}: nothing to draw of {', '.join(empty) or 'no runs'}")
    return _figure([(label, curves)], steps)


def _figure(panels, steps="step"):
    """Draws panels side by side, each (label, dict from name to points)."""
    # Figure and canvas without pyplot, which would keep every figure and ask for a display.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4 * len(panels), 4.4), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, (label, curves) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels):
        for name, points in curves.items():
            # The few evaluations' points are marked; training's many would be a thick line. A
            # single point without a mark would not be seen.
            style = "o--" if name.startswith("eval_") or len(points) == 1 else "-"
            axes.plot(*zip(*points), style, label=name, markersize=4, linewidth=1.4)
        axes.set_xlabel(steps)
        axes.set_ylabel(label)
        axes.grid(alpha=0.3)
        axes.legend()
    return figure


def _write(figure, path):
    with replacing_file(path) as temporary:
        figure.savefig(temporary, format="png", dpi=120)


def _is_number(value):
    """Returns whether matplotlib can draw it: JSON has true, and Python's JSON has NaN."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
