"""The curves of a fine-tuning: every epoch of every run, and the one that was kept."""

import numpy as np

from keras_bert.training.epoch_curves import draw_epochs, epochs_figure


def run(seed, accuracies, best):
    epochs = [
        {"epoch": n, "loss": 1 / n + seed, "eval_accuracy": value, "eval_macro_f1": value - 0.1}
        for n, value in enumerate(accuracies, start=1)
    ]
    return {"seed": seed, "epochs": epochs, "best_epoch": best}


def drawn(axes):
    return {line.get_label(): line.get_xydata().tolist() for line in axes.get_lines()}


def test_one_run():
    kept = run(0, [0.5, 0.9, 0.8], 2)
    losses, scores = map(drawn, epochs_figure([kept], kept, "accuracy").axes)
    assert losses["training"] == [[1, 1.0], [2, 0.5], [3, 1 / 3]]
    assert scores["accuracy"] == [[1, 0.5], [2, 0.9], [3, 0.8]]
    np.testing.assert_allclose(scores["macro_f1"], [[1, 0.4], [2, 0.8], [3, 0.7]])
    assert scores["kept: epoch 2, accuracy 0.9000"] == [[2, 0.9]]
    # The dotted line at the kept epoch, in both panels.
    for lines in (losses, scores):
        assert [2, 0] in lines[next(name for name in lines if name.startswith("_child"))]


def test_several_runs_and_one_that_stopped_early(tmp_path):
    runs = [run(3, [0.5, 0.6], 2), run(4, [0.7, 0.8], 2), run(5, [0.4], 1)]
    figure = epochs_figure(runs, runs[1], "macro_f1")
    losses, scores = figure.axes
    assert len(losses.get_lines()) == 4
    named = drawn(scores)
    np.testing.assert_allclose(named["macro_f1, seed 4"], [[1, 0.6], [2, 0.7]])
    np.testing.assert_allclose(named["other seeds"], [[1, 0.4], [2, 0.5]])
    assert "kept: epoch 2, macro_f1 0.7000" in named
    assert scores.get_xlim() == (0.5, 2.5)
    draw_epochs(str(tmp_path / "a.png"), runs, runs[1], "macro_f1")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


def test_a_score_that_is_not_a_number_leaves_a_gap():
    kept = run(0, [float("nan"), 0.5], 2)
    del kept["epochs"][1]["eval_macro_f1"]
    scores = drawn(epochs_figure([kept], kept, "accuracy").axes[1])
    assert np.isnan(scores["accuracy"][0][1])
    assert np.isnan(scores["macro_f1"]).any()
