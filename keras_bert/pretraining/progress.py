"""Tells on stderr how far `prepare` is, from the files that its workers leave behind."""

import json
import os
import sys
import threading
import time

from keras_bert.pretraining.blocks import spill_path
from keras_bert.pretraining.pipeline import PLAN


class BlockProgress:
    """Context manager that prints documents done, rate and time left while the block runs.

    It looks at files, for counters do not come home from the processes of every Beam runner.

    Args:
        work: the work folder of the pipeline.
        stream: where to print; None is stderr.
        every_seconds: seconds between lines where the stream is not a terminal.
    """

    def __init__(self, work, stream=None, every_seconds=15):
        self.work = work
        self.stream = stream or sys.stderr
        self.is_terminal = self.stream.isatty()
        self.interval = 0.5 if self.is_terminal else every_seconds
        self._plan = None
        self._done = set()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._end.set()
        self._thread.join()
        if self.is_terminal:
            print("\r\x1b[K", end="", file=self.stream, flush=True)

    def _watch(self):
        while not self._end.wait(self.interval):
            line = self._line()
            start, end = ("\r\x1b[K", "") if self.is_terminal else ("", "\n")
            print(f"{start}{line}", end=end, file=self.stream, flush=True)

    def _line(self):
        if self._plan is None:
            path = os.path.join(self.work, PLAN)
            if not os.path.exists(path):
                return "reading the corpus"
            with open(path, encoding="utf-8") as file:
                self._plan = json.load(file)["blocks"]
            # Seen late: the workers began when the plan was written.
            self._start = os.path.getmtime(path)
        for block in range(len(self._plan)):
            if block not in self._done and os.path.exists(spill_path(self.work, block)):
                self._done.add(block)
        total, done = sum(self._plan), sum(self._plan[block] for block in self._done)
        if done == total:
            return f"documents {done:,}/{total:,}  writing the records"
        rate = done / max(time.time() - self._start, 1e-9)
        left = f"{int((total - done) / rate):,} s left" if rate else "…"
        return f"documents {done:,}/{total:,}  {rate:,.1f} documents/s  {left}"
