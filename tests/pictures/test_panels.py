"""Pictures of scores: what is drawn is what was counted."""

import matplotlib.image
import numpy as np
import pytest
from sklearn import metrics

from keras_bert.pictures import figures
from keras_bert.pictures.panels import panels_figure
from keras_bert.tasks.panels import (
    MOST_LABELS,
    Bars,
    Confusion,
    Reliability,
    Scatter,
    confusion_of,
    with_fewer_labels,
)
from keras_bert.tasks.tagging.schemes import NO_ENTITY, entity_scores, paired_types


def some_labels(kinds, count=400, seed=0):
    rng = np.random.default_rng(seed)
    names = [f"label {i}" for i in range(kinds)]
    true = rng.integers(0, kinds, count)
    predicted = np.where(rng.random(count) < 0.7, true, rng.integers(0, kinds, count))
    return [names[i] for i in true], [names[i] for i in predicted], names


def axes_of(figure):
    return [axes for axes in figure.axes if axes.get_label() != "<colorbar>"]


def texts_of(ticks):
    return [tick.get_text() for tick in ticks]


def test_the_confusion_is_scikit_learns_and_has_counts_and_shares():
    true, predicted, names = some_labels(4)
    panel = confusion_of(true, predicted, names)
    wanted = metrics.confusion_matrix(true, predicted, labels=names)
    np.testing.assert_array_equal(panel.counts, wanted)
    (axes,) = axes_of(panels_figure([panel]))
    shares = wanted / wanted.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(axes.images[0].get_array(), shares, rtol=0, atol=1e-15)
    assert axes.images[0].get_clim() == (0, 1)
    cells = [f"{n}\n{share:.0%}" for n, share in zip(wanted.ravel(), shares.ravel())]
    assert [text.get_text() for text in axes.texts] == cells
    assert texts_of(axes.get_xticklabels()) == names
    rows = [f"{name}  ({sum(row)})" for name, row in zip(names, wanted)]
    assert texts_of(axes.get_yticklabels()) == rows
    assert axes.get_title() == f"400 texts, {np.mean(np.equal(true, predicted)):.1%} right"


def test_a_label_that_never_occurs_has_an_empty_row():
    (axes,) = axes_of(panels_figure([confusion_of(["a"], ["a"], ["a", "b"])]))
    np.testing.assert_array_equal(axes.images[0].get_array(), [[1, 0], [0, 0]])


def test_forty_labels_are_written_out_and_the_rarest_of_more_are_counted_as_one():
    full = confusion_of(*some_labels(MOST_LABELS, 3000))
    assert with_fewer_labels(full) is full
    (axes,) = axes_of(panels_figure([full]))
    assert len(axes.get_yticklabels()) == MOST_LABELS
    assert sum(int(text.get_text()) for text in axes.texts) == 3000
    assert all(text.get_fontsize() >= 6 for text in axes.texts)
    many = confusion_of(*some_labels(90, 3000))
    fewer = with_fewer_labels(many)
    assert len(fewer.labels) == MOST_LABELS
    assert fewer.labels[-1] == "(51 rarer labels)"
    assert fewer.counts.sum() == 3000
    often = many.counts.sum(axis=0) + many.counts.sum(axis=1)
    kept = [many.labels.index(label) for label in fewer.labels[:-1]]
    assert min(often[kept]) >= max(np.delete(often, kept))
    np.testing.assert_array_equal(fewer.counts[:-1, :-1], many.counts[np.ix_(kept, kept)])
    np.testing.assert_array_equal(fewer.counts.sum(axis=1)[:-1], many.counts.sum(axis=1)[kept])
    # Confusions among the rarer ones are still wrong.
    (axes,) = axes_of(panels_figure([many]))
    assert f"{np.trace(many.counts) / 3000:.1%} right" in axes.get_title()


def test_labels_are_whole_or_end_in_dots_and_none_is_clipped(tmp_path):
    labels = ["a" * 30, "b" * 300, "costs $3 and $4", "two\nlines"]
    panel = Confusion(labels, np.eye(4, dtype=int))
    figure = panels_figure([panel], "title of $1 and $2")
    (axes,) = axes_of(figure)
    shown = texts_of(axes.get_xticklabels())
    assert shown == [labels[0], "b" * 39 + "…", labels[2], "two lines"]
    assert not any(tick.get_parse_math() for tick in axes.get_xticklabels())
    assert figures.save_figure(figure, tmp_path / "a.png")
    pixels = matplotlib.image.imread(tmp_path / "a.png")[..., :3].min(axis=-1)
    # What would be clipped touches the border.
    assert min(pixels[0].min(), pixels[-1].min(), pixels[:, 0].min(), pixels[:, -1].min()) == 1
    renderer = figure.canvas.get_renderer()
    bounds = [tick.get_window_extent(renderer) for tick in axes.get_yticklabels()]
    assert all(box.width > 20 for box in bounds)


def test_widths_of_labels():
    assert figures.width_of("ab") == 2
    assert figures.width_of("銀行") == 4
    assert figures.width_of("e\u0301") == 1
    assert figures.shortened("銀行" * 30, 9) == "銀行銀行…"
    assert figures.shortened("  a \t b ", 3) == "a b"


def test_entities_by_type():
    true = [["B-PER", "I-PER", "O", "B-LOC"], ["O", "B-LOC", "O"], ["B-ORG", "O"]]
    found = [["B-PER", "I-PER", "O", "B-PER"], ["B-LOC", "I-LOC", "O"], ["B-ORG", "B-LOC"]]
    one, other, types = paired_types(true, found)
    assert types == ["LOC", "ORG", "PER", NO_ENTITY]
    assert list(zip(one, other)) == [
        ("PER", "PER"), ("LOC", "PER"), (NO_ENTITY, "LOC"), ("LOC", NO_ENTITY), ("ORG", "ORG"),
        (NO_ENTITY, "LOC"),
    ]  # fmt: skip
    counts = confusion_of(one, other, types).counts
    scores = entity_scores(true, found)
    for index, name in enumerate(types[:-1]):
        of_type = scores["types"][name]
        assert counts[index].sum() == of_type["count"]
        assert counts[index, index] == round(of_type["recall"] * of_type["count"])
        predicted = counts[:, index].sum()
        assert counts[index, index] == pytest.approx(of_type["precision"] * predicted)


def test_a_scatter_has_every_point_and_the_line_where_both_are_equal():
    x, y = np.array([1.0, 2.0, 5.0]), np.array([1.5, 2.0, 4.0])
    (axes,) = axes_of(panels_figure([Scatter(x, y, "true", "predicted", "Pearson 0.9")]))
    np.testing.assert_array_equal(axes.collections[0].get_offsets(), np.stack([x, y], axis=1))
    line = axes.get_lines()[0].get_xydata()
    np.testing.assert_array_equal(line[:, 0], line[:, 1])
    assert axes.get_xlim() == axes.get_ylim()
    assert axes.get_title() == "Pearson 0.9"
    (axes,) = axes_of(panels_figure([Scatter(np.ones(2), np.ones(2), "a", "b", "")]))
    assert axes.get_xlim()[0] < 1 < axes.get_xlim()[1]
    many = np.random.default_rng(0).normal(size=6000)
    (axes,) = axes_of(panels_figure([Scatter(many, many, "a", "b", "")]))
    assert axes.collections[0].get_array().sum() == 6000


def test_the_reliability_curve():
    confidences = np.array([0.95, 0.98, 0.55, 0.58, 0.59, 0.59])
    right = np.array([True, True, True, False, False, False])
    (axes,) = axes_of(panels_figure([Reliability(confidences, right, "questions")]))
    curve = next(line for line in axes.get_lines() if line.get_label() == "right")
    np.testing.assert_allclose(curve.get_xydata(), [[0.5775, 0.25], [0.965, 1.0]], atol=1e-12)
    heights = [bar.get_height() for bar in axes.patches]
    assert heights == pytest.approx([4 / 6, 2 / 6])
    error = 4 / 6 * (0.5775 - 0.25) + 2 / 6 * (1 - 0.965)
    assert axes.get_title() == f"reliability: expected calibration error {error:.4f}"


def test_bars():
    series = {"model": [0.9, 0.8], "exported": [0.91, 0.79]}
    panels = [
        Bars(["accuracy", "f1"], series, "scores"),
        Bars(["size"], {"model": [1.0], "exported": [0.25]}, "size", {
            "model": ["4 MB"], "exported": ["1 MB"],
        }, False),
    ]  # fmt: skip
    scores, size = axes_of(panels_figure(panels))
    assert [bar.get_height() for bar in scores.patches] == [0.9, 0.8, 0.91, 0.79]
    assert texts_of(scores.texts) == ["0.900", "0.800", "0.910", "0.790"]
    assert texts_of(scores.get_xticklabels()) == ["accuracy", "f1"]
    assert texts_of(size.texts) == ["4 MB", "1 MB"]
