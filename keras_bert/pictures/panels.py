"""Draws what a task says of its scores: confusion matrix, scatter, reliability, bars."""

import numpy as np

from keras_bert.pictures.figures import (
    BLUE,
    GREY,
    ORANGE,
    new_figure,
    plain,
    shortened,
    width_of,
)
from keras_bert.tasks.calibration import BINS, expected_calibration_error, reliability
from keras_bert.tasks.panels import (
    MOST_LABELS,
    Bars,
    Confusion,
    Grid,
    Points,
    Reliability,
    Scatter,
    with_fewer_labels,
)

# The largest matrix whose cells have room for the share below the count.
_MOST_WITH_SHARES = 14
_SIDE = 4.6  # inches, of a panel without labels
_LETTER = 0.085  # inches, of a label
# The most points that are seen as points; of more the density is drawn.
_MOST_POINTS = 5000


def panels_figure(panels, title=""):
    """Returns the matplotlib figure of panels side by side.

    Args:
        panels: list of the classes of `keras_bert.tasks.panels`.
        title: str, above all.
    """
    sizes = [_size(panel) for panel in panels]
    widths = [width for width, _ in sizes]
    figure = new_figure(sum(widths), max(height for _, height in sizes))
    axes = figure.subplots(1, len(panels), squeeze=False, width_ratios=widths)[0]
    for each, panel in zip(axes, panels, strict=True):
        _DRAW[type(panel)](each, panel)
    if title:
        plain(figure.suptitle(title, fontsize=12, x=0.01, ha="left"))
    return figure


def _size(panel):
    """Returns the width and height of a panel in inches."""
    if isinstance(panel, Confusion):
        count = min(len(panel.labels), MOST_LABELS)
        letters = max(width_of(shortened(label)) for label in panel.labels)
        side = count * _cell(count)
        return side + _LETTER * letters + 0.8, side + 0.7 * _LETTER * letters
    if isinstance(panel, Grid):
        letters = max(map(width_of, panel.rows))
        width = 0.42 * max(len(panel.columns), 4) + _LETTER * letters + 1.2
        return width, max(_SIDE, 0.3 * len(panel.rows) + 0.8)
    if isinstance(panel, Points):
        return 1.3 * _SIDE, _SIDE
    if isinstance(panel, Bars):
        return max(_SIDE, 1.2 + 0.13 * len(panel.names) * len(panel.series)), _SIDE
    return _SIDE, _SIDE


def _cell(count):
    """Returns the width of a cell of a matrix in inches."""
    return max(_SIDE / count, 0.62 if count <= _MOST_WITH_SHARES else 0.33)


def _too_wide(labels, room):
    """Returns whether labels need to be upright, for each has so many inches."""
    return max(map(width_of, labels)) * _LETTER > room


def _confusion(axes, panel):
    title = panel.title
    if not title:
        right = np.trace(panel.counts) / max(np.sum(panel.counts), 1)
        title = f"{np.sum(panel.counts):,} {panel.what}, {right:.1%} right"
    panel = with_fewer_labels(panel)
    counts, count = np.asarray(panel.counts), len(panel.labels)
    totals = counts.sum(axis=1, keepdims=True)
    shares = counts / np.maximum(totals, 1)
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="equal")
    size = 9 if count <= _MOST_WITH_SHARES else 7
    labels = [shortened(label) for label in panel.labels]
    rows = [f"{label}  ({total:,})" for label, total in zip(labels, totals[:, 0])]
    upright = _too_wide(labels, _cell(count))
    axes.set_xticks(range(count), labels, rotation=90 if upright else 0, fontsize=size)
    axes.set_yticks(range(count), rows, fontsize=size)
    plain(*axes.get_xticklabels(), *axes.get_yticklabels())
    axes.set_xlabel("predicted")
    axes.set_ylabel("true (how many)")
    axes.tick_params(length=0)
    axes.set_title(title, fontsize=10)
    for (row, column), value in np.ndenumerate(counts):
        if not value and count > _MOST_WITH_SHARES:
            continue  # a large matrix is mostly zeros
        text = f"{value:,}"
        if count <= _MOST_WITH_SHARES:
            text += f"\n{shares[row, column]:.0%}"
        colour = "white" if shares[row, column] > 0.55 else "black"
        axes.text(
            column, row, text, ha="center", va="center", color=colour,
            fontsize=8 if count <= _MOST_WITH_SHARES else 6,
        )  # fmt: skip
    axes.set_xticks(np.arange(1, count) - 0.5, minor=True)
    axes.set_yticks(np.arange(1, count) - 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=1)
    axes.tick_params(which="minor", length=0)
    bar = axes.figure.colorbar(image, ax=axes, shrink=0.7)
    bar.set_label("share of the row")


def _scatter(axes, panel):
    x, y = np.asarray(panel.x, "float64"), np.asarray(panel.y, "float64")
    low, high = min(x.min(), y.min()), max(x.max(), y.max())
    margin = 0.05 * (high - low or 1.0)
    bounds = low - margin, high + margin
    axes.plot(bounds, bounds, color=GREY, linewidth=1, zorder=1)
    if len(x) <= _MOST_POINTS:
        alpha = float(np.clip(12 / len(x) ** 0.5, 0.12, 0.7))
        axes.scatter(x, y, s=14, color=BLUE, alpha=alpha, linewidths=0, zorder=2)
    else:
        image = axes.hexbin(x, y, gridsize=60, bins="log", mincnt=1, cmap="Blues", zorder=2)
        axes.figure.colorbar(image, ax=axes, shrink=0.8).set_label("points")
    axes.set(xlim=bounds, ylim=bounds, aspect="equal")
    axes.set_xlabel(panel.x_label)
    axes.set_ylabel(panel.y_label)
    plain(axes.xaxis.label, axes.yaxis.label)
    axes.set_title(panel.title, fontsize=10)
    axes.grid(alpha=0.25)


def _reliability(axes, panel):
    table = reliability(panel.confidences, panel.right)
    filled = np.flatnonzero(table["counts"])
    error = expected_calibration_error(panel.confidences, panel.right)
    edges = np.arange(BINS) / BINS
    width = 1 / BINS
    axes.bar(
        edges[filled], table["counts"][filled] / table["counts"].sum(), width, align="edge",
        color=GREY, alpha=0.35, label=f"share of {panel.what}",
    )  # fmt: skip
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle="--", label="as they should be")
    axes.plot(
        table["confidence"][filled], table["accuracy"][filled], "o-", color=ORANGE, markersize=4,
        label="right",
    )  # fmt: skip
    axes.set(xlim=(0, 1), ylim=(0, 1.02))
    axes.set_xlabel("probability")
    axes.set_ylabel("share")
    axes.set_title(f"reliability: expected calibration error {error:.4f}", fontsize=10)
    axes.legend(fontsize=8, loc="upper left")
    axes.grid(alpha=0.25)


def _bars(axes, panel):
    count, colours = len(panel.series), (BLUE, ORANGE, GREY)
    width = 0.8 / count
    places = np.arange(len(panel.names))
    for number, (name, values) in enumerate(panel.series.items()):
        at = places - 0.4 + width * (number + 0.5)
        bars = axes.bar(at, values, width * 0.94, color=colours[number % 3], label=name)
        if len(panel.names) * count <= 16:
            texts = panel.shown[name] if panel.shown else [f"{value:.3f}" for value in values]
            axes.bar_label(bars, texts, fontsize=8, padding=2)
    labels = [shortened(name) for name in panel.names]
    upright = _too_wide(labels, (_size(panel)[0] - 0.8) / len(labels))
    axes.set_xlim(-0.6, len(labels) - 0.4)
    axes.set_xticks(places, labels, rotation=90 if upright else 0, fontsize=9)
    plain(*axes.get_xticklabels())
    axes.tick_params(axis="x", length=0)
    # Room above the bars for their numbers and the legend.
    highest = 1.0 if panel.is_share else max(max(values) for values in panel.series.values())
    axes.set_ylim(0, 1.25 * highest or 1)
    axes.legend(fontsize=8, loc="upper right", ncols=count)
    axes.set_title(panel.title, fontsize=10)
    axes.grid(axis="y", alpha=0.25)


def _grid(axes, panel):
    values = np.ma.masked_invalid(np.asarray(panel.values, "float64"))
    image = axes.imshow(values, cmap="RdYlGn", vmin=0, vmax=60, aspect="auto")
    axes.set_xticks(range(len(panel.columns)), panel.columns, fontsize=8)
    axes.set_yticks(range(len(panel.rows)), panel.rows, fontsize=8)
    plain(*axes.get_xticklabels(), *axes.get_yticklabels())
    axes.tick_params(length=0)
    axes.set_xlabel(panel.x_label)
    axes.set_title(panel.title, fontsize=10)
    for (row, column), value in np.ndenumerate(values.filled(np.nan)):
        if not np.isnan(value):
            axes.text(column, row, f"{value:.0f}", ha="center", va="center", fontsize=7)
    axes.figure.colorbar(image, ax=axes, shrink=0.7, extend="max").set_label(panel.unit)


def _points(axes, panel):
    axes.scatter(panel.x, panel.y, s=40, color=BLUE, zorder=2)
    # Neighbours have their names above and below, the last ones to the left, within the frame.
    for number, at in enumerate(np.argsort(panel.x, kind="stable")):
        is_right = panel.x[at] > 0.6 * max(panel.x)
        place = (-5 if is_right else 5, 4 if number % 2 else -11)
        name = axes.annotate(
            shortened(panel.names[at]), (panel.x[at], panel.y[at]), xytext=place,
            textcoords="offset points", ha="right" if is_right else "left", fontsize=8,
        )  # fmt: skip
        plain(name)
    axes.margins(x=0.1, y=0.15)
    axes.set_xlim(left=0)
    axes.set_xlabel(panel.x_label)
    axes.set_ylabel(panel.y_label)
    axes.set_title(panel.title, fontsize=10)
    axes.grid(alpha=0.25)


_DRAW = {
    Confusion: _confusion,
    Scatter: _scatter,
    Reliability: _reliability,
    Bars: _bars,
    Grid: _grid,
    Points: _points,
}
