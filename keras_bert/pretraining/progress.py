"""Shows the progress of `prepare` on stderr, from the files that its workers write."""

import json
import os
import threading
import time

from keras_bert.pretraining.blocks import spill_path
from keras_bert.pretraining.pipeline import PLAN
from keras_bert.progress import Progress


class BlockProgress:
    """Context manager that prints documents done, rate and time left while the block runs.

    It looks at files, because not every Beam runner reports counters from its processes.

    Args:
        work: the work folder of the pipeline.
    """

    def __init__(self, work):
        self.work = work
        self.progress = Progress(None)
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
        self.progress.clear()

    def _watch(self):
        while not self._end.wait(self.progress.interval):
            self.progress.show(self._line())

    def _line(self):
        progress = self.progress
        if self._plan is None:
            path = os.path.join(self.work, PLAN)
            if not os.path.exists(path):
                return "reading the corpus"
            with open(path, encoding="utf-8") as file:
                self._plan = json.load(file)["blocks"]
            progress.total = sum(self._plan)
            # The plan is noticed late: the workers began when it was written.
            progress.restart_rate(seconds_ago=time.time() - os.path.getmtime(path))
        for block in range(len(self._plan)):
            if block not in self._done and os.path.exists(spill_path(self.work, block)):
                self._done.add(block)
        progress.done = sum(self._plan[block] for block in self._done)
        count = f"documents {progress.done:,}/{progress.total:,}"
        if progress.done == progress.total:
            return f"{count}  writing the records"
        left = f"{int(progress.seconds_left()):,} s left" if progress.done else "…"
        return f"{count}  {progress.rate():,.1f} documents/s  {left}"
