"""The progress line: rate, time left, and what a terminal and a file get."""

import io
import types

import numpy as np
import pytest

from keras_bert.predictor import outputs_of
from keras_bert.progress import HALF_A_MINUTE, Progress, stage


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def now(monkeypatch):
    clock = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    return clock


def test_rate_and_time_left(now):
    progress = Progress(50_000, done=100)
    now[0] += 10
    progress.done += 20
    assert progress.rate() == 2
    assert progress.seconds_left() == (50_000 - 120) / 2
    assert progress.eta() == "6:55:40"
    progress.restart_rate()
    now[0] += 2
    progress.done += 20
    assert progress.rate() == 10
    progress.restart_rate(seconds_ago=5)
    progress.done += 20
    assert progress.rate() == 4


def test_without_time_or_work_there_is_no_division_by_zero(now):
    progress = Progress(10)
    assert progress.rate() == 0
    progress.done = 10
    assert progress.eta() == "0:00:00"


def test_a_file_gets_a_line_now_and_then(now):
    stream = io.StringIO()
    progress = Progress(10, stream=stream, every_seconds=15)
    for second in range(40):
        now[0] += 1
        if progress.is_due():
            progress.show(f"second {second}")
    progress.clear()
    assert stream.getvalue() == "second 14\nsecond 29\n"


def test_a_terminal_has_one_line(now):
    stream = Terminal()
    progress = Progress(10, stream=stream)
    assert progress.interval == 0.5
    progress.show("a")
    progress.show("b")
    progress.clear()
    assert stream.getvalue() == "\r\x1b[Ka\r\x1b[Kb\r\x1b[K"


def test_a_stage_is_shown_on_a_terminal_and_removed():
    stream, file = Terminal(), io.StringIO()
    with stage("loading m", stream), stage("loading m", file):
        assert stream.getvalue() == "\r\x1b[Kloading m"
    assert stream.getvalue().endswith("\r\x1b[K")
    assert file.getvalue() == ""


def test_a_stage_that_fails_is_removed():
    stream = Terminal()
    with pytest.raises(ValueError, match="broken"), stage("loading m", stream):
        raise ValueError("broken")
    assert stream.getvalue().endswith("\r\x1b[K")


def test_long_predictions_show_rate_and_time_left(now, capsys):
    """Ten rows of 1 to 10 tokens, a second for each token: 55 tokens at 1 token a second."""

    class Texts:
        lengths = list(range(1, 11))

        def __len__(self):
            return 10

        def batch(self, part, length):
            return part

    def run(part):
        now[0] += sum(i + 1 for i in part)
        return {"out": np.array(part)}

    task = types.SimpleNamespace(outputs={"out": ""}, per_token=False)
    found = outputs_of(run, Texts(), task, batch_size=2)
    assert [int(value) for value in found["out"]] == list(range(10))
    # 3, 10, 21, 36 and 55 seconds after the start; a line is due after 30.
    assert HALF_A_MINUTE == 30
    assert capsys.readouterr().err == "rows 8/10  1.0 tokens/s  ETA 0:00:19\n"
