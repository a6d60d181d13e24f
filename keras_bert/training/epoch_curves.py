"""The picture of a fine-tuning: loss and scores over the epochs, and which epoch was kept."""

import math

from keras_bert.pictures.figures import BLUE, GREY, ORANGE, new_figure, save_figure

_COLOURS = (BLUE, "#4c956c", "#9d4edd", GREY)
_PREFIX = "eval_"


def draw_epochs(path, runs, kept, metric):
    """Draws the epochs of one or several runs.

    Args:
        path: the PNG to write.
        runs: list of dict, the reports of runs: `seed`, `epochs`, `best_epoch`.
        kept: dict, the one of them whose model was kept.
        metric: str, the score that decided.

    Raises:
        InputError: the file cannot be written.
    """
    save_figure(epochs_figure(runs, kept, metric), path)


def epochs_figure(runs, kept, metric):
    """Returns the matplotlib figure; see `draw_epochs`."""
    from matplotlib.ticker import MaxNLocator

    figure = new_figure(10.4, 4.2)
    losses, scores = figure.subplots(1, 2)
    # The kept run comes last, above the others.
    others = [run for run in runs if run is not kept]
    for number, run in enumerate(others):
        label = "other seeds" if not number else None
        style = {"color": GREY, "alpha": 0.5, "linewidth": 1, "label": label}
        losses.plot(*_points(run, "loss"), "o-", markersize=2.5, **style)
        scores.plot(*_points(run, _PREFIX + metric), "o-", markersize=2.5, **style)
    named = f", seed {kept['seed']}" if others else ""
    losses.plot(*_points(kept, "loss"), "o-", color=ORANGE, markersize=4, label=f"training{named}")
    names = [name for name in kept["epochs"][0] if name.startswith(_PREFIX)]
    names.sort(key=lambda name: name != _PREFIX + metric)
    for number, name in enumerate(names):
        width, colour = (2.0, BLUE) if not number else (1.2, _COLOURS[1:][(number - 1) % 3])
        scores.plot(
            *_points(kept, name), "o-", color=colour, markersize=4, linewidth=width,
            label=name.removeprefix(_PREFIX) + named,
        )  # fmt: skip
    _mark_best(losses, scores, kept, metric)
    for axes, label in ((losses, "loss"), (scores, "scores of the evaluation examples")):
        axes.set_xlabel("epoch")
        axes.set_ylabel(label)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlim(0.5, max(run["epochs"][-1]["epoch"] for run in runs) + 0.5)
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
    return figure


def _mark_best(losses, scores, kept, metric):
    best = kept["best_epoch"]
    for axes in (losses, scores):
        axes.axvline(best, color=ORANGE, linestyle=":", linewidth=1.2)
    entry = next((entry for entry in kept["epochs"] if entry["epoch"] == best), None)
    value = None if entry is None else entry.get(_PREFIX + metric)
    if value is not None and math.isfinite(value):
        label = f"kept: epoch {best}, {metric} {value:.4f}"
        scores.plot([best], [value], "*", color=ORANGE, markersize=14, label=label, zorder=5)


def _points(run, name):
    """Returns the epochs and values of a run; matplotlib leaves a gap where one is missing."""
    epochs = [entry["epoch"] for entry in run["epochs"]]
    return epochs, [entry.get(name, math.nan) for entry in run["epochs"]]
