"""Attention as a picture: one head, the heads of a layer, or a grid of all layers and heads."""

import numpy as np

from keras_bert.pictures.figures import new_figure, plain, shortened

# The largest matrix whose numbers fit into the cells.
_MOST_NUMBERED = 16
_LONGEST_TOKEN = 18
# The square root of a probability is coloured: most are small, and their differences count.
_POWER = 0.5


def attention_figure(result, title=""):
    """Returns the matplotlib figure of `attention.attention`'s result.

    Args:
        result: its dict.
        title: str, the name of the model.
    """
    layers, heads, matrices = result["layers"], result["heads"], result["attention"]
    tokens = [shortened(token, _LONGEST_TOKEN) for token in result["tokens"]]
    if len(layers) == len(heads) == 1:
        return _one(matrices[0, 0], tokens, f"{title}: layer {layers[0]}, head {heads[0]}")
    if len(layers) > 1 and len(heads) > 1:
        return _overview(matrices, layers, heads, tokens, title)
    if len(layers) == 1:
        names = [f"head {head}" for head in heads]
        return _several(matrices[0], names, tokens, f"{title}: layer {layers[0]}")
    names = [f"layer {layer}" for layer in layers]
    return _several(matrices[:, 0], names, tokens, f"{title}: head {heads[0]}")


def _one(matrix, tokens, title):
    count = len(tokens)
    cell = 0.5 if count <= _MOST_NUMBERED else max(0.17, min(0.5, 12 / count))
    side = max(3.0, cell * count)
    figure = new_figure(side + 2.4, side + 1.0)
    axes = figure.subplots()
    image = _draw(axes, matrix)
    _label(axes, tokens, 9 if cell >= 0.24 else 7)
    axes.set_ylabel("a token …")
    axes.set_xlabel("… attends to")
    plain(axes.set_title(title, fontsize=11, loc="left"))
    if count <= _MOST_NUMBERED:
        for (row, column), value in np.ndenumerate(matrix):
            if value >= 0.005:
                colour = "white" if value > 0.35 else "black"
                axes.text(
                    column, row, f"{value:.2f}", ha="center", va="center", fontsize=7, color=colour
                )
    figure.colorbar(image, ax=axes, shrink=0.8).set_label("probability")
    return figure


def _several(matrices, names, tokens, title):
    """Draws one matrix each, with its tokens, in rows of at most four."""
    columns = min(4, len(names))
    rows = -(-len(names) // columns)
    side = min(4.2, max(2.2, 0.19 * len(tokens)))
    figure = new_figure(columns * (side + 0.9) + 0.8, rows * (side + 0.9) + 0.5)
    grid = figure.subplots(rows, columns, squeeze=False)
    for number, axes in enumerate(grid.flat):
        if number >= len(names):
            axes.set_axis_off()
            continue
        image = _draw(axes, matrices[number])
        _label(axes, tokens, float(np.clip(72 * side / len(tokens) * 0.8, 2.5, 8)))
        axes.set_title(names[number], fontsize=9)
    figure.colorbar(image, ax=grid, shrink=0.6, fraction=0.02).set_label("probability")
    plain(figure.suptitle(f"{title}; rows attend to columns", fontsize=11, x=0.01, ha="left"))
    return figure


def _overview(matrices, layers, heads, tokens, title):
    """Draws all layers down, all heads across, as thumbnails; the tokens are listed below."""
    cell = float(np.clip(13 / max(len(layers), len(heads)), 0.9, 2.2))  # inches
    wide = max(5.0, cell * len(heads) + 1.6)
    listed = _wrapped(["tokens:", *tokens], int(13 * wide))
    below = 0.16 * (listed.count("\n") + 1)
    figure = new_figure(wide, cell * len(layers) + 0.9 + below)
    grid = figure.subplots(len(layers), len(heads), squeeze=False)
    for row, layer in enumerate(layers):
        for column, head in enumerate(heads):
            axes = grid[row, column]
            image = _draw(axes, matrices[row, column])
            axes.set_xticks([])
            axes.set_yticks([])
            if not row:
                axes.set_title(f"head {head}" if head == heads[0] else str(head), fontsize=8)
            if not column:
                text = f"layer {layer}" if layer == layers[0] else str(layer)
                axes.set_ylabel(text, fontsize=8, rotation=0, ha="right", va="center")
    figure.colorbar(image, ax=grid, shrink=0.6, fraction=0.02).set_label("probability")
    plain(figure.suptitle(f"{title}; rows attend to columns", fontsize=11, x=0.01, ha="left"))
    plain(figure.supxlabel(listed, fontsize=8, x=0.01, ha="left"))
    return figure


def _draw(axes, matrix):
    from matplotlib.colors import PowerNorm

    return axes.imshow(matrix, cmap="Purples", norm=PowerNorm(_POWER, 0, 1), aspect="equal")


def _label(axes, tokens, size):
    axes.set_xticks(range(len(tokens)), tokens, rotation=90, fontsize=size)
    axes.set_yticks(range(len(tokens)), tokens, fontsize=size)
    plain(*axes.get_xticklabels(), *axes.get_yticklabels())
    axes.tick_params(length=0, pad=2)


def _wrapped(tokens, width):
    """Returns the tokens, from left to right and top to bottom of each matrix, as lines."""
    lines = [""]
    for token in tokens:
        if lines[-1] and len(lines[-1]) + 1 + len(token) > width:
            lines.append("")
        lines[-1] += (" " if lines[-1] else "") + token
    return "\n".join(lines)
