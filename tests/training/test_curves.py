"""Pictures of a run's log: that they are pictures, and of that log."""

import json

import matplotlib.image
import numpy as np
import pytest

from keras_bert.errors import InputError
from keras_bert.training import curves


def entries():
    for step in range(100, 1100, 100):
        yield {
            "step": step,
            "loss": 9.0 - step / 200,
            "masked_lm_loss": 8.0 - step / 200,
            "masked_lm_accuracy": step / 2000,
            "pair_accuracy": 0.5 + step / 4000,
            "learning_rate": 1e-4,
        }
        if step % 500 == 0:
            yield {"step": step, "eval_loss": 8.5 - step / 200, "eval_pair_accuracy": 0.6}


def write(path, lines):
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


@pytest.fixture
def log(tmp_path):
    return write(tmp_path / "log.jsonl", map(json.dumps, entries()))


def check_png(path):
    assert path.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    pixels = matplotlib.image.imread(path)
    assert pixels.shape[0] > 300
    assert pixels.shape[1] > 500
    assert len(np.unique(pixels.reshape(-1, pixels.shape[-1]), axis=0)) > 20


def drawn(axes):
    """Returns what a panel shows: label -> list of (x, y)."""
    return {line.get_label(): list(map(tuple, line.get_xydata())) for line in axes.get_lines()}


def expected(name):
    return [(e["step"], e[name]) for e in entries() if name in e]


def test_a_run(log, tmp_path):
    curves.plot_run(log, tmp_path / "curves.png")
    check_png(tmp_path / "curves.png")
    losses, accuracies = curves.run_figure(curves.read_log(log)).axes
    assert drawn(losses) == {n: expected(n) for n in ("loss", "masked_lm_loss", "eval_loss")}
    names = ("masked_lm_accuracy", "pair_accuracy", "eval_pair_accuracy")
    assert drawn(accuracies) == {name: expected(name) for name in names}
    for axes, label in ((losses, "loss"), (accuracies, "accuracy")):
        assert (axes.get_xlabel(), axes.get_ylabel()) == ("step", label)
        assert len(axes.get_legend().get_texts()) == 3
        assert axes.get_xgridlines()[0].get_visible()


def test_a_run_without_accuracies_has_one_panel(tmp_path):
    log = write(tmp_path / "log", ['{"step": 1, "loss": 2.5}', '{"step": 2, "loss": 2}'])
    (axes,) = curves.run_figure(curves.read_log(log)).axes
    assert drawn(axes) == {"loss": [(1, 2.5), (2, 2)]}


def test_damaged_lines_are_passed_over(log, tmp_path):
    text = log.read_text()
    whole = curves.read_log(log)
    log.write_text(text + '{"step": 1100, "lo')
    assert curves.read_log(log) == whole
    log.write_bytes(
        b'\x00\xff\xfe\n[1, 2]\n{"loss": 3}\n{"step": "x", "loss": 3}\n' + text.encode()
    )
    assert curves.read_log(log) == whole
    # Values that cannot be drawn, and the rest of their line that can.
    log.write_text(text + '{"step": 1100, "loss": NaN, "note": "x", "ok": true, "pair_loss": 2}\n')
    assert curves.read_log(log) == {**whole, "pair_loss": [(1100, 2)]}


def test_a_resumed_run_overwrites_its_steps(tmp_path):
    points = ((1, 9), (2, 8), (3, 7), (2, 6), (3, 5))
    log = write(tmp_path / "log", [json.dumps({"step": s, "loss": v}) for s, v in points])
    assert curves.read_log(log) == {"loss": [(1, 9), (2, 6), (3, 5)]}


def test_compare(tmp_path):
    runs = {"adamw": [(1, 9.0), (2, 8.0)], "lamb": [(1, 9.5), (2, 7.0), (3, 6.0)]}
    curves.compare(runs, tmp_path / "runs.png", label="masked_lm_loss")
    check_png(tmp_path / "runs.png")
    (axes,) = curves.compare_figure(runs, "masked_lm_loss", "epoch").axes
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("epoch", "masked_lm_loss")
    assert drawn(axes) == runs
    assert axes.get_ylabel() == "masked_lm_loss"
    assert [text.get_text() for text in axes.get_legend().get_texts()] == list(runs)


def test_bad_input(log, tmp_path):
    picture = tmp_path / "curves.png"
    with pytest.raises(InputError, match=r"none\.jsonl: cannot be read: No such file"):
        curves.plot_run(tmp_path / "none.jsonl", picture)
    for text in ("", "not a log\n", '{"loss": 3}\n'):
        with pytest.raises(InputError, match=r"other: has no line of a run's log"):
            curves.plot_run(write(tmp_path / "other", [text]), picture)
    with pytest.raises(InputError, match="neither a loss nor an accuracy, only learning_rate"):
        curves.plot_run(write(tmp_path / "other", ['{"step": 1, "learning_rate": 2}']), picture)
    with pytest.raises(InputError, match="nothing to draw of b"):
        curves.compare({"a": [(1, 2)], "b": []}, picture)
    with pytest.raises(InputError, match="nothing to draw of no runs"):
        curves.compare({}, picture)
    assert not picture.exists()
    with pytest.raises(InputError, match="a folder of that name is in the way"):
        curves.plot_run(log, tmp_path)
