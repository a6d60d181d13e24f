"""The picture of `verify`: scores, size, latency and outputs of a model and its exported file."""

import numpy as np

from keras_bert.pictures.figures import font_note, save_figure
from keras_bert.pictures.panels import panels_figure
from keras_bert.tasks.panels import Bars, Scatter

# More points would not be seen.
_MOST_POINTS = 100_000
_SERIES = ("model", "exported")


def draw_comparison(path, result, outputs, task, metrics, title=""):
    """Draws the result of a comparison.

    Args:
        path: the PNG to write.
        result: the dict of `verify.compare`.
        outputs: tuple of two dicts of outputs, the model's and the exported file's; see
            `Predictor.outputs`.
        task: the `Task`.
        metrics: names of the scores to draw.
        title: str.

    Returns:
        A list of str, notes on the picture.

    Raises:
        InputError: the file cannot be written.
    """
    panels = comparison_panels(result, outputs, task, metrics)
    return [] if save_figure(panels_figure(panels, title), path) else [font_note(path)]


def comparison_panels(result, outputs, task, metrics):
    """Returns the panels; see `draw_comparison`."""
    scores = {
        name: [result[f"{name}_scores"][metric] / task.perfect_score for metric in metrics]
        for name in _SERIES
    }
    costs = {name: (result[f"{name}_bytes"], result[f"{name}_ms"]) for name in _SERIES}
    shares = {
        name: [cost / (of_model or 1) for cost, of_model in zip(costs[name], costs["model"])]
        for name in _SERIES
    }
    shown = {name: [f"{size / 1e6:.2f} MB", f"{ms:.2f} ms"] for name, (size, ms) in costs.items()}
    names = ["size", f"latency, {result['timed_length']} tokens"]
    panels = [
        Bars(list(metrics), scores, "scores"),
        Bars(names, shares, "size and latency, as shares of the model's", shown, False),
    ]
    if result["max_difference"] is not None:
        title = f"same answer on {result['agreement']:.2%} of {result['count']:,} examples"
        named = ", ".join(task.outputs)
        points = (_values(each) for each in outputs)
        panels.append(Scatter(*points, f"{named}: model", f"{named}: exported file", title))
    return panels


def _values(outputs):
    """Returns all values of outputs as one array, evenly thinned where there are very many."""
    values = np.concatenate([np.ravel(row) for rows in outputs.values() for row in rows])
    return values[:: -(-len(values) // _MOST_POINTS)] if len(values) else values
