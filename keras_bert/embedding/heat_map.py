"""A square matrix of similarities as a heat map."""

import warnings

import numpy as np

from keras_bert.files import replacing_file

# Up to here the numbers fit into the cells.
_MOST_NUMBERED = 20
# matplotlib brings a font without East Asian characters; the first of these that are installed
# are asked for those it lacks.
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
    # Figure and canvas without pyplot, which would keep every figure and ask for a display.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    matrix = np.asarray(matrix, "float64")
    count = len(matrix)
    cell = min(0.62, max(0.16, 11 / count))  # inches
    side = max(2.5, cell * count)
    width = 0.085 * max(map(len, labels))  # of the labels, whose letters are 9 points high
    figure = Figure(figsize=(side + width + 2, side + 1.2), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    # From the least likeness that occurs: in BERT all vectors are somewhat alike, and a scale
    # from -1 would leave one colour for everything.
    low = min(0.9, np.floor(matrix.min() * 10) / 10)
    image = axes.imshow(matrix, cmap="viridis", vmin=low, vmax=1)
    numbers = [str(index) for index in range(1, count + 1)]
    axes.set_xticks(range(count), numbers)
    axes.set_yticks(range(count), [f"{label}  {n}" for label, n in zip(labels, numbers)])
    size = 9 if cell >= 0.2 else 6
    for tick in [*axes.get_xticklabels(), *axes.get_yticklabels()]:
        # A text may have two dollar signs and is no formula.
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

    # Families that are not there would each be complained of.
    installed = set(font_manager.get_font_names())
    return ["DejaVu Sans", *(name for name in _FALLBACK_FONTS if name in installed)]
