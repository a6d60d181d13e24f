"""The picture of `verify`: scores, size, latency and outputs of a model and its exported files."""

import numpy as np

from keras_bert.export.verify_report import same_line, short_name
from keras_bert.pictures.figures import font_note, save_figure
from keras_bert.pictures.panels import panels_figure
from keras_bert.tasks.panels import Bars, Grid, Scatter

# More points would not be seen.
_MOST_POINTS = 100_000
_SERIES = ("model", "exported")


def draw_comparison(path, files, outputs, comparison, noise, title=""):
    """Draws the results of a comparison.

    Args:
        path: the PNG to write.
        files: list of the dicts of `verify.compare`, each with the file's path as `exported`.
        outputs: dict from that path to a tuple of two dicts of outputs, the model's and the
            exported file's; see `Predictor.outputs`.
        comparison: `TaskComparison`.
        noise: dict from the path of a .tflite file to its table of `signal_to_noise`.
        title: str.

    Returns:
        A list of str, notes on the picture.

    Raises:
        InputError: the file cannot be written.
    """
    task, metrics = comparison.task, comparison.metrics
    if len(files) == 1:
        (result,) = files
        panels = comparison_panels(result, outputs[result["exported"]], task, metrics)
    else:
        panels = panels_of_files(files, task, metrics[0])
    for file, table in noise.items():
        panels += noise_panels(table, short_name(file))
    return [] if save_figure(panels_figure(panels, title), path) else [font_note(path)]


def comparison_panels(result, outputs, task, metrics):
    """Returns the panels of one file; see `draw_comparison`."""
    scores = {
        name: [result[f"{name}_scores"][metric] / task.perfect_score for metric in metrics]
        for name in _SERIES
    }
    costs = {name: (result[f"{name}_bytes"], result[f"{name}_ms"]) for name in _SERIES}
    names = ["size", f"latency, {result['timed_length']} tokens"]
    panels = [
        Bars(list(metrics), scores, "scores"),
        _cost_bars(names, costs),
    ]
    if result["max_difference"] is not None:
        title = same_line(result, f"{result['count']:,}")
        named = ", ".join(task.outputs)
        points = (_values(each) for each in outputs)
        panels.append(Scatter(*points, f"{named}: model", f"{named}: exported file", title))
    return panels


def panels_of_files(files, task, metric):
    """Returns the panels of several files; see `draw_comparison`."""
    first = files[0]
    names = ["model", *(short_name(each["exported"]) for each in files)]
    scores = [first["model_scores"][metric], *(each["exported_scores"][metric] for each in files)]
    sizes = [first["model_bytes"], *(each["exported_bytes"] for each in files)]
    times = [first["model_ms"], *(each["exported_ms"] for each in files)]
    megabytes = [size / 1e6 for size in sizes]
    return [
        Bars(names, {metric: [score / task.perfect_score for score in scores]}, "score"),
        Bars(names, {"MB": megabytes}, "size", {"MB": [f"{mb:.2f}" for mb in megabytes]}, False),
        Bars(names, {"ms": times}, "latency", {"ms": [f"{ms:.2f}" for ms in times]}, False),
    ]


def noise_panels(table, name):
    """Returns the panels of a table of `signal_to_noise`, of a file of that name."""
    if not table:
        return []
    values = np.array([[np.nan if v is None else v for v in row] for row in table.values()])
    layers = [str(layer) for layer in range(values.shape[1])]
    return [Grid(list(table), layers, values, "layer", f"{name}: signal to noise", "decibels")]


def _cost_bars(names, costs):
    shares = {
        name: [cost / (of_model or 1) for cost, of_model in zip(values, costs["model"])]
        for name, values in costs.items()
    }
    shown = {name: [f"{size / 1e6:.2f} MB", f"{ms:.2f} ms"] for name, (size, ms) in costs.items()}
    return Bars(names, shares, "size and latency, as shares of the model's", shown, False)


def _values(outputs):
    """Returns all values of outputs as one array, evenly thinned where there are very many."""
    values = np.concatenate([np.ravel(row) for rows in outputs.values() for row in rows])
    return values[:: -(-len(values) // _MOST_POINTS)] if len(values) else values
