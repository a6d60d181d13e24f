"""A square matrix of similarities as a heat map."""

import warnings

import numpy as np

from keras_bert.files import replacing_file

# The largest matrix whose numbers fit into the cells.
_MOST_NUMBERED = 20
# matplotlib's own font has no East Asian characters; those of these fonts that are installed
# provide them.
_FALLBACK_FONTS = (
    "Noto Sans CJK SC", "Noto Sans CJK JP", "WenQuanYi Micro Hei", "WenQuanYi Zen Hei",
    "PingFang SC", "Hiragino Sans", "Microsoft YaHei", "Arial Unicode MS", "Noto Sans",
    "Noto Emoji", "Unifont",
)  # fmt: skip


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
    figure = heat_map_figure(matrix, labels, title)
    with replacing_file(path) as temporary, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        figure.savefig(temporary, format="png", dpi=120)
    return not any("missing from font" in str(warning.message) for warning in caught)


def heat_map_figure(matrix, labels, title=""):
    """Returns the matplotlib figure; see `draw_heat_map`."""
    # Without pyplot, which would keep every figure and need a display.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    matrix = np.asarray(matrix, "float64")
    count = len(matrix)
    cell = min(0.62, max(0.16, 11 / count))  # inches
    side = max(2.5, cell * count)
    width = 0.085 * max(map(len, labels))  # of the labels, in letters of 9 points
    figure = Figure(figsize=(side + width + 2, side + 1.2), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    # The scale begins at the lowest similarity: in BERT all vectors are somewhat similar, and with
    # a scale from -1 everything would have one colour.
    low = min(0.9, np.floor(matrix.min() * 10) / 10)
    image = axes.imshow(matrix, cmap="viridis", vmin=low, vmax=1)
    numbers = [str(index) for index in range(1, count + 1)]
    axes.set_xticks(range(count), numbers)
    axes.set_yticks(range(count), [f"{label}  {n}" for label, n in zip(labels, numbers)])
    size = 9 if cell >= 0.2 else 6
    for tick in [*axes.get_xticklabels(), *axes.get_yticklabels()]:
        # A text with two dollar signs is not a formula.
        tick.set(parse_math=False, fontfamily=_font_families(), fontsize=size)
    axes.tick_params(length=0)
    axes.set_title(title, fontsize=11, loc="left", parse_math=False, fontfamily=_font_families())
    bar = figure.colorbar(image, ax=axes, shrink=0.8)
    bar.set_label("cosine similarity")
    if count <= _MOST_NUMBERED:
        middle = (low + 1) / 2
        for (row, column), value in np.ndenumerate(matrix):
            colour = "black" if value > middle else "white"
            axes.text(
                column, row, f"{value:.2f}", ha="center", va="center", color=colour, fontsize=8
            )
    return figure


def _font_families():
    from matplotlib import font_manager

    # matplotlib would warn of each family that is not installed.
    installed = set(font_manager.get_font_names())
    return ["DejaVu Sans", *(name for name in _FALLBACK_FONTS if name in installed)]
