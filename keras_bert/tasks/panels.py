"""What a picture of scores shows. A task says what there is; `keras_bert.pictures` draws it."""

import dataclasses

import numpy as np

# More labels could not be read in a picture.
MOST_LABELS = 40


@dataclasses.dataclass(frozen=True)
class Confusion:
    """A matrix of counts: true labels down, predicted ones across.

    Attributes:
        labels: list of str.
        counts: int array of shape (labels, labels).
        what: str, what is counted: "texts", "words", "entities".
        title: str; "" says how many there are, and the share on the diagonal.
    """

    labels: list
    counts: np.ndarray
    what: str = "texts"
    title: str = ""


@dataclasses.dataclass(frozen=True)
class Scatter:
    """Points of two numbers each.

    Attributes:
        x, y: float arrays of shape (count,).
        x_label, y_label, title: str.
    """

    x: np.ndarray
    y: np.ndarray
    x_label: str
    y_label: str
    title: str


@dataclasses.dataclass(frozen=True)
class Reliability:
    """How often answers are right, by their probability; see `calibration.reliability`.

    Attributes:
        confidences: float array of shape (count,), 0 to 1.
        right: bool array of shape (count,).
        what: str, what is counted.
    """

    confidences: np.ndarray
    right: np.ndarray
    what: str = "texts"


@dataclasses.dataclass(frozen=True)
class Bars:
    """Bars in groups: one group a name, one bar of each group a series.

    Attributes:
        names: list of str.
        series: dict from the name of a series to its list of values, one a name.
        title: str.
        shown: list of lists of str as `series` has values, what to write at each bar; None
            writes the value.
        is_share: whether the values are from 0 to 1, so that all pictures have the same scale.
    """

    names: list
    series: dict
    title: str
    shown: dict | None = None
    is_share: bool = True


@dataclasses.dataclass(frozen=True)
class Grid:
    """A table of numbers, drawn as colours.

    Attributes:
        rows, columns: lists of str.
        values: float array of shape (rows, columns); nan where there is none.
        x_label, title: str.
        unit: str, what the values are.
    """

    rows: list
    columns: list
    values: np.ndarray
    x_label: str
    title: str
    unit: str


@dataclasses.dataclass(frozen=True)
class Points:
    """A few points, each with its name.

    Attributes:
        names: list of str.
        x, y: lists of float.
        x_label, y_label, title: str.
    """

    names: list
    x: list
    y: list
    x_label: str
    y_label: str
    title: str


def confusion_of(true, predicted, labels, what="texts", title=""):
    """Returns the `Confusion` of labels.

    Args:
        true, predicted: sequences of str, of the same length.
        labels: list of str, all that occur.
        what, title: see `Confusion`.
    """
    index = {label: number for number, label in enumerate(labels)}
    counts = np.zeros((len(labels), len(labels)), "int64")
    for one, other in zip(true, predicted, strict=True):
        counts[index[one], index[other]] += 1
    return Confusion(list(labels), counts, what, title)


def with_fewer_labels(confusion, most=MOST_LABELS):
    """Returns a confusion of at most `most` labels: the rarest are counted as one, the last.

    Args:
        confusion: `Confusion`.
        most: int, 2 or more.
    """
    count = len(confusion.labels)
    if count <= most:
        return confusion
    often = confusion.counts.sum(axis=0) + confusion.counts.sum(axis=1)
    kept = np.sort(np.argsort(-often, kind="stable")[: most - 1])
    place = np.full(count, most - 1)
    place[kept] = np.arange(most - 1)
    counts = np.zeros((most, most), "int64")
    np.add.at(counts, (place[:, None], place[None, :]), confusion.counts)
    labels = [confusion.labels[i] for i in kept] + [f"({count - most + 1} rarer labels)"]
    return dataclasses.replace(confusion, labels=labels, counts=counts)
