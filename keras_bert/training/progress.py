"""One progress line on stderr: steps done, loss, rate, time left."""

import sys
import time

import keras


class ProgressLine(keras.callbacks.Callback):
    """Keras callback that keeps one line up to date on a terminal, or prints one now and then.

    Args:
        steps: steps of the whole run.
        first_step: the step a resumed run starts from.
        batch_size: examples a step, for the rate.
        stream: where to print; None is stderr.
        every_seconds: seconds between lines where the stream is not a terminal.
    """

    def __init__(self, steps, first_step, batch_size, stream=None, every_seconds=15):
        super().__init__()
        self.steps = steps
        self.step = self.first_step = first_step
        self.batch_size = batch_size
        self.stream = stream or sys.stderr
        self.is_terminal = self.stream.isatty()
        self.interval = 0.5 if self.is_terminal else every_seconds

    def on_train_begin(self, logs=None):
        # A run that goes on within an epoch calls `fit` twice.
        self.first_step = self.step
        self.start = self.last = time.monotonic()

    def on_train_batch_end(self, batch, logs=None):
        self.step += 1
        now = time.monotonic()
        # The first step compiles, so it tells nothing of the rate.
        if self.step == self.first_step + 1:
            self.start = now
        elif now - self.last >= self.interval or self.step == self.steps:
            self.last = now
            rate = (self.step - self.first_step - 1) / (now - self.start)
            self._print(rate, logs or {})

    def on_epoch_end(self, epoch, logs=None):
        values = ", ".join(f"{k} {v:.4f}" for k, v in (logs or {}).items())
        self._clear()
        print(f"epoch {epoch + 1}: {values}", file=self.stream, flush=True)

    def _print(self, rate, logs):
        left = (self.steps - self.step) / max(rate, 1e-9)
        line = (
            f"step {self.step}/{self.steps}  loss {logs.get('loss', float('nan')):.4f}  "
            f"{rate * self.batch_size:.1f} examples/s  "
            f"ETA {int(left // 3600)}:{int(left // 60 % 60):02d}:{int(left % 60):02d}"
        )
        self._clear()
        print(line, end="" if self.is_terminal else "\n", file=self.stream, flush=True)

    def _clear(self):
        if self.is_terminal:
            print("\r\x1b[K", end="", file=self.stream)
