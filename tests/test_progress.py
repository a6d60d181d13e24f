"""The progress line: rate, time left, and what a terminal and a file get."""

import io

import pytest

from keras_bert.progress import Progress


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
