"""The progress of `fit` on stderr: steps done, loss, rate, time left."""

import keras

from keras_bert.progress import Progress


class ProgressLine(keras.callbacks.Callback):
    """Keras callback that shows a `Progress`.

    Args:
        steps: steps of the whole run.
        first_step: the step a resumed run starts from.
        batch_size: examples a step, for the rate.
        stream, every_seconds: see `Progress`.
        shows_epochs: whether every epoch gets a line that stays.
    """

    def __init__(
        self, steps, first_step, batch_size, stream=None, every_seconds=15, shows_epochs=True
    ):
        super().__init__()
        self.progress = Progress(steps, first_step, stream, every_seconds)
        self.batch_size = batch_size
        self.shows_epochs = shows_epochs

    def on_train_begin(self, logs=None):
        # A run that goes on within an epoch calls `fit` twice.
        self.is_first_step = True
        if self.progress.is_terminal:
            self.progress.show(
                f"step {self.progress.done}/{self.progress.total}  compiling the training step"
            )

    def on_train_batch_end(self, batch, logs=None):
        progress = self.progress
        progress.done += 1
        if self.is_first_step:
            # It compiles, so it says nothing about the rate.
            self.is_first_step = False
            progress.restart_rate()
        elif progress.is_due() or progress.done == progress.total:
            progress.show(
                f"step {progress.done}/{progress.total}  "
                f"loss {(logs or {}).get('loss', float('nan')):.4f}  "
                f"{progress.rate() * self.batch_size:.1f} examples/s  ETA {progress.eta()}"
            )

    def on_epoch_end(self, epoch, logs=None):
        self.progress.clear()
        if self.shows_epochs:
            values = ", ".join(f"{k} {v:.4f}" for k, v in (logs or {}).items())
            print(f"epoch {epoch + 1}: {values}", file=self.progress.stream, flush=True)
