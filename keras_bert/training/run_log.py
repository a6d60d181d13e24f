"""The log of a pretraining run: a JSON line every so many steps; the curves are drawn from it."""

import json
import os

import keras

from keras_bert.errors import InputError
from keras_bert.files import fault_of, replacing_file


class RunLog(keras.callbacks.Callback):
    """Writes the means over the last steps, the learning rate, and now and then scores.

    The model's running means start anew with every line, so a line speaks of its own steps only.

    Args:
        path: the file, or None to write none; lines of steps after the first are taken out of it.
        first_step: the step that a resumed run starts from.
        steps: steps of the whole run.
        every: steps a line.
        learning_rate: function of the step.
        evaluate: function without arguments that returns a dict of scores, or None.
        evaluate_every: steps from one evaluation to the next; 0 evaluates after the last only.
    """

    def __init__(
        self, path, first_step, steps, every, learning_rate, evaluate=None, evaluate_every=0
    ):
        super().__init__()
        self.path = path
        self.step = first_step
        self.steps = steps
        self.every = every
        self.learning_rate = learning_rate
        self.evaluate = evaluate
        self.evaluate_every = evaluate_every
        self.last = {}
        if path is not None:
            kept = lines_until(path, first_step) if first_step else []
            for line in kept:
                self.last.update(line)
            with (
                replacing_file(path) as temporary,
                open(temporary, "w", encoding="utf-8") as file,
            ):
                file.writelines(json.dumps(line) + "\n" for line in kept)

    def on_train_batch_end(self, batch, logs=None):
        self.step += 1
        is_last = self.step == self.steps
        evaluates = self.evaluate is not None and (
            is_last or (self.evaluate_every and self.step % self.evaluate_every == 0)
        )
        # An evaluation ends a line too: it uses the same running means.
        if not (evaluates or is_last or self.step % self.every == 0):
            return
        # On JAX to ask for the model brings its variables up to date, which `evaluate` needs.
        model = self.model
        line = {name: _read(value) for name, value in logs.items()}
        line["learning_rate"] = float(self.learning_rate(self.step - 1))
        if evaluates:
            line |= self.evaluate()
        model.reset_metrics()
        self._write({"step": self.step, **line})

    def _write(self, line):
        self.last.update(line)
        if self.path is not None:
            try:
                with open(self.path, "a", encoding="utf-8") as file:
                    file.write(json.dumps(line) + "\n")
            except OSError as error:
                reason = fault_of(error) or f"cannot be written: {error.strerror}"
                raise InputError(f"{self.path}: {reason}") from None


def _read(value):
    """Returns a number of the logs as a float; the device may not have finished it yet."""
    return value.read() if hasattr(value, "read") else float(value)


def lines_until(path, last_step):
    """Returns the lines of a log, as dicts, up to a step; a half-written last line is left out."""
    lines = []
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            for line in file:
                try:
                    found = json.loads(line)
                except json.JSONDecodeError:
                    break
                if found.get("step", 0) <= last_step:
                    lines.append(found)
    return lines
