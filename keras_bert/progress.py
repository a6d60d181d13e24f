"""One line on the progress of a long job: what is done, how fast, and the time left."""

import contextlib
import sys
import time

# Seconds between lines where stderr is no terminal, for jobs that usually are short.
HALF_A_MINUTE = 30


class Progress:
    """Updates one line on a terminal, or prints a line at intervals elsewhere.

    Args:
        total: the number of steps, texts or other items.
        done: how many of them are already done.
        stream: where to print; None is stderr.
        every_seconds: seconds between lines where the stream is not a terminal.

    Attributes:
        done: how many are done.
        interval: seconds from one line to the next.
    """

    def __init__(self, total, done=0, stream=None, every_seconds=15):
        self.total = total
        self.done = done
        self.stream = stream or sys.stderr
        self.is_terminal = self.stream.isatty()
        self.is_shown = False
        self.interval = 0.5 if self.is_terminal else every_seconds
        self.last_line = time.monotonic()
        self.restart_rate()

    def restart_rate(self, seconds_ago=0.0):
        """Measures the rate from here, for example after the setup.

        Args:
            seconds_ago: how many seconds ago the work began.
        """
        self._counted_from = self.done
        self._since = time.monotonic() - seconds_ago

    def rate(self):
        """Returns how many are done in a second."""
        return (self.done - self._counted_from) / max(time.monotonic() - self._since, 1e-9)

    def seconds_left(self):
        """Returns how many seconds the rest needs at this rate."""
        return (self.total - self.done) / max(self.rate(), 1e-9)

    def eta(self):
        """Returns the time left as hours:minutes:seconds."""
        left = self.seconds_left()
        return f"{int(left // 3600)}:{int(left // 60 % 60):02d}:{int(left % 60):02d}"

    def speed(self, unit):
        """Returns the rate and the time left: "1,234.5 tokens/s  ETA 0:00:12"."""
        return f"{self.rate():,.1f} {unit}/s  ETA {self.eta()}"

    def is_due(self):
        """Returns whether it is time for a new line, and if so restarts the interval."""
        now = time.monotonic()
        due = now - self.last_line >= self.interval
        if due:
            self.last_line = now
        return due

    def show(self, line):
        """Prints a line; on a terminal it replaces the previous one."""
        start, end = ("\r\x1b[K", "") if self.is_terminal else ("", "\n")
        print(f"{start}{line}", end=end, file=self.stream, flush=True)
        self.is_shown = True

    def clear(self):
        """Removes the line from a terminal, at the end or before other output."""
        if self.is_terminal and self.is_shown:
            print("\r\x1b[K", end="", file=self.stream, flush=True)
        self.is_shown = False


@contextlib.contextmanager
def stage(name, stream=None):
    """Shows on a terminal what is being done while there is nothing to count yet.

    Args:
        name: str, such as "loading my_model".
        stream: where to print; None is stderr.
    """
    progress = Progress(None, stream=stream)
    if progress.is_terminal:
        progress.show(name)
    try:
        yield
    finally:
        progress.clear()
