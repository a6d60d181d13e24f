"""A square matrix of similarities as a heat map."""

import numpy as np

from keras_bert.pictures.figures import new_figure, plain, save_figure, shortened, width_of

# The largest matrix whose numbers fit into the cells.
_MOST_NUMBERED = 20
_LONGEST_LABEL = 72
_DIAGONAL = "#e3e3e3"
# A range of colours below this one would make differences that mean nothing look large.
_LEAST_RANGE = 0.05


def draw_heat_map(matrix, labels, path, title=""):
    """Draws a matrix of cosine similarities.

    Args:
        matrix: float array of shape (count, count), -1 to 1.
        labels: list of count str, one line each.
        path: the PNG to write.
        title: str.

    Returns:
        Whether the fonts of this machine have all characters of the labels.

    Raises:
        InputError: the file cannot be written.
    """
    return save_figure(heat_map_figure(matrix, labels, title), path)


def heat_map_figure(matrix, labels, title=""):
    """Returns the matplotlib figure; see `draw_heat_map`.

    The diagonal, on which each thing is compared with itself, is grey: its ones would leave the
    differences between the others a small part of the colours.
    """
    matrix = np.asarray(matrix, "float64")
    count = len(matrix)
    labels = [shortened(label, _LONGEST_LABEL) for label in labels]
    cell = min(0.62, max(0.16, 11 / count))  # inches
    side = max(2.5, cell * count)
    width = 0.085 * max(map(width_of, labels))  # of the labels, in letters of 9 points
    figure = new_figure(side + width + 2, side + 1.2)
    axes = figure.subplots()
    diagonal = np.eye(count, dtype=bool)
    low, high = _range_of(matrix[~diagonal])
    axes.set_facecolor(_DIAGONAL)
    image = axes.imshow(
        np.ma.array(matrix, mask=diagonal), cmap="viridis", vmin=low, vmax=high, aspect="equal"
    )
    numbers = [str(index) for index in range(1, count + 1)]
    axes.set_xticks(range(count), numbers)
    axes.set_yticks(range(count), [f"{label}  {n}" for label, n in zip(labels, numbers)])
    for tick in [*axes.get_xticklabels(), *axes.get_yticklabels()]:
        tick.set_fontsize(9 if cell >= 0.2 else 6)
    plain(*axes.get_xticklabels(), *axes.get_yticklabels())
    axes.tick_params(length=0)
    plain(axes.set_title(title, fontsize=11, loc="left"))
    bar = figure.colorbar(image, ax=axes, shrink=0.8)
    bar.set_label("cosine similarity")
    if count <= _MOST_NUMBERED:
        for (row, column), value in np.ndenumerate(matrix):
            colour = "black" if value > (low + high) / 2 else "white"
            if row == column:
                colour = "#777777"
            axes.text(
                column, row, f"{value:.2f}", ha="center", va="center", color=colour, fontsize=8
            )
    return figure


def _range_of(values):
    """Returns the least and greatest value, rounded outwards to a twentieth."""
    if not len(values):
        return 0.0, 1.0
    # A hair inwards: 0.3 / 0.05 is 5.999…
    low = np.floor(values.min() * 20 + 1e-9) / 20
    high = np.ceil(values.max() * 20 - 1e-9) / 20
    return float(low), float(max(high, low + _LEAST_RANGE))
