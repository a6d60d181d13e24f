"""A number for each text or pair, such as how alike two sentences are."""

import math
import warnings

import numpy as np

from keras_bert.errors import InputError, name_of
from keras_bert.tasks.panels import Scatter
from keras_bert.tasks.sequence import texts
from keras_bert.tasks.sequence.text_task import TextTask
from keras_bert.tasks.settings import check_types

# Two answers agree up to this difference, in standard deviations of the training labels: errors of
# that size lower a correlation of 0.9 by about 0.001.
_AGREEMENT_TOLERANCE = 0.05
# Of mean and scale: results computed from them must stay far within float32.
_LARGEST_STATISTIC = 1e30


class RegressionTask(TextTask):
    """One number for each text or pair: the classifier's network with one output.

    The target is the number minus the mean, over the standard deviation of the training labels, so
    that one learning rate suits stars from 1 to 5 and prices in thousands.
    """

    kind = "regression"
    outputs = {"value": "the number for the text"}
    title = "Regressor"
    usage = '--text="…" --text_b="…"'
    export_name, export_description = "BERT text regressor", "Predicts a number for a text"
    problem_type = "regression"
    head_outputs = 1

    def metrics(self, config):
        return ("pearson", "spearman")

    def read(self, path, layout, labelled=True):
        return texts.read_examples(path, layout, labelled, convert=_number)

    def config_fields(self, examples, overrides):
        if overrides.get("labels"):
            raise InputError(f"{name_of('labels')} is for classification: regression has numbers")
        values = np.array(examples.labels, "float64")
        if not np.ptp(values):
            raise InputError(f"{examples.path}: all labels are {values[0]}: nothing to learn")
        with np.errstate(over="ignore"):
            settings = {"mean": float(values.mean()), "scale": float(values.std())}
        if not max(abs(value) for value in settings.values()) < _LARGEST_STATISTIC:
            largest = int(np.abs(values).argmax())
            raise InputError(
                f"{examples.path}:{examples.lines[largest]}: {values[largest]:g} is too large a "
                f"number to learn: give the labels in another unit"
            )
        return {"pair": examples.texts_b is not None, "settings": settings}

    def check_config(self, config):
        check_types(config.settings, {"mean": float, "scale": float})
        mean, scale = config.settings["mean"], config.settings["scale"]
        if not 0 < scale < _LARGEST_STATISTIC or abs(mean) >= _LARGEST_STATISTIC:
            raise InputError(
                f"settings of regression are a mean and a scale above 0, both below "
                f"{_LARGEST_STATISTIC:g}, not {mean:g} and {scale:g}"
            )

    def targets(self, examples, rows, config):
        values = np.array(examples.labels, "float64")
        standard = (values - config.settings["mean"]) / config.settings["scale"]
        return standard.astype("float32")[rows.example_indices, None]

    def placeholder(self, config):
        return config.settings["mean"]

    def output_shape(self, config, rows, length):
        return (rows, 1)

    def network_arguments(self, config):
        return {"pooling": config.pooling}

    def fields_from_checkpoint(self, labels, settings, positions):
        # The head of another format reports the value itself.
        return {"labels": (), "pair": None, "settings": {"mean": 0.0, "scale": 1.0}}

    def answers(self, outputs, rows, examples, config):
        return [{"value": float(row[0])} for row in self.pooled(outputs, rows)["value"]]

    def scores(self, answers, examples, config):
        return scores(examples.labels, [answer["value"] for answer in answers])

    def panels(self, answers, examples, config):
        predicted = np.array([answer["value"] for answer in answers], "float64")
        found = scores(examples.labels, predicted)
        title = f"Pearson {found['pearson']:.3f}, Spearman {found['spearman']:.3f}"
        true = np.array(examples.labels, "float64")
        return [Scatter(true, predicted, "true", "predicted", title)]

    def score_lines(self, scores, config):
        error = f"{'mean absolute error':<19} {scores['mean_absolute_error']:.4f}"
        return [*super().score_lines(scores, config), error]

    def answer_line(self, answer):
        return f"{answer['value']:.4f}"

    def columns(self, config):
        return ["value"]

    def cells(self, answer, config):
        return [answer["value"]]

    def true_answers(self, examples, config):
        return list(examples.labels)

    def short_answer(self, answer):
        return answer["value"], None

    def mistakes(self, answers, examples, config):
        """Returns all answers, the largest error first."""
        pairs = zip(answers, examples.labels)
        errors = [abs(answer["value"] - label) for answer, label in pairs]
        order = sorted(range(len(errors)), key=lambda i: -errors[i])
        return [(i, {"error": errors[i]}) for i in order]

    def answers_agree(self, answer, other, config):
        difference = abs(answer["value"] - other["value"])
        return difference <= _AGREEMENT_TOLERANCE * config.settings["scale"]


def scores(true, predicted):
    """Scores numbers with SciPy.

    Args:
        true: sequence of float.
        predicted: sequence of float.

    Returns:
        A dict: `pearson` and `spearman` correlation, 0 where all numbers of one side are equal;
        `mean_absolute_error`, `mean_squared_error`, `count`.
    """
    from scipy import stats

    true, predicted = np.array(true, "float64"), np.array(predicted, "float64")
    with warnings.catch_warnings():
        # It warns of constant input, for which there is no correlation, and of nearly such.
        warnings.simplefilter("ignore")
        correlations = {
            name: float(function(true, predicted).statistic) if len(true) > 1 else 0.0
            for name, function in (("pearson", stats.pearsonr), ("spearman", stats.spearmanr))
        }
    return {
        **{name: value if math.isfinite(value) else 0.0 for name, value in correlations.items()},
        "mean_absolute_error": float(np.abs(true - predicted).mean()),
        "mean_squared_error": float(np.square(true - predicted).mean()),
        "count": len(true),
    }


def _number(table, row, column):
    number = number_of(row.fields.get(column))
    if number is None:
        value = row.fields.get(column)
        fix = ": write a point for the comma" if _is_decimal_comma(value) else ""
        reason = f"{column} must be a number, not {value!r:.60}{fix}"
        raise InputError(f"{table.path}:{row.line}: {reason}")
    return number


def _is_decimal_comma(value):
    return isinstance(value, str) and number_of(value.replace(",", ".", 1)) is not None


def number_of(value):
    """Returns the finite float of a number or of its text; None where it is neither."""
    if isinstance(value, str) and (not value.isascii() or "_" in value):
        return None  # float() takes 1_000 and digits of other scripts
    try:
        number = math.nan if isinstance(value, bool) or value is None else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    return number if math.isfinite(number) else None
