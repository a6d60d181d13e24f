"""The last few states of a run on disk, so that a killed run goes on exactly."""

import contextlib
import json
import os
import re
import typing
import zipfile

import numpy as np

from keras_bert.errors import InputError, name_of

_NAME = re.compile(r"step-(\d{10})\.npz")
# What an older version kept of a fine-tuning; it is not read any more.
_OLD_NAME = "state.npz"


class Restored(typing.NamedTuple):
    """What `Checkpoints.restore` found.

    Attributes:
        step: how many steps were done; 0 without any checkpoint.
        notes: list of str, what was passed over and why.
        extra: dict of what was saved besides, empty without any checkpoint.
    """

    step: int
    notes: list
    extra: dict


class Checkpoints:
    """Saves and restores what a run's future depends on, besides its data and settings.

    That is the number of steps done, the model's variables (the dropout generators' counters are
    among them), the optimizer's, and what else the run wants back, such as its scores so far.
    Batches need no state, being a function of (seed, step). The files hold arrays and JSON only.

    Args:
        folder: where they are kept while the run lasts.
        fingerprint: text that names data and settings; another run's checkpoint is refused.
        keep: how many of the last ones are kept.
    """

    def __init__(self, folder, fingerprint, keep=2):
        self.folder = os.fspath(folder)
        self.fingerprint = fingerprint
        self.keep = keep

    def steps(self):
        """Returns the steps of which there is a checkpoint, in rising order."""
        names = os.listdir(self.folder) if os.path.isdir(self.folder) else []
        return sorted(int(match[1]) for match in map(_NAME.fullmatch, names) if match)

    def save(self, model, step, **extra):
        """Writes a checkpoint, whole or not at all, and removes the oldest beyond `keep`.

        Args:
            model: a Keras model with a built optimizer.
            step: int, how many steps it has done.
            **extra: what `restore` is to return too: what JSON can hold, or lists of arrays.

        Raises:
            InputError: it cannot be written, because the disk is full, say.
        """
        path = self._path(step)
        lists = {name: value for name, value in extra.items() if _is_list_of_arrays(value)}
        header = {
            "fingerprint": self.fingerprint,
            "step": step,
            "extra": {name: value for name, value in extra.items() if name not in lists},
            "lists": {name: len(value) for name, value in lists.items()},
        }
        arrays = {"header": np.frombuffer(json.dumps(header).encode(), "uint8")}
        arrays |= {name: _value(variable) for name, variable in _variables(model).items()}
        for name, value in lists.items():
            arrays |= {f"{name}_{i}": array for i, array in enumerate(value)}
        temporary = path + ".tmp"
        try:
            os.makedirs(self.folder, exist_ok=True)
            with open(temporary, "wb") as file:
                np.savez(file, **arrays)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except OSError as error:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
                os.rmdir(self.folder)  # which fails, as it should, if an earlier one is there
            raise InputError(
                f"{path}: the checkpoint cannot be written: {error.strerror or error}"
            ) from None
        for old in self.steps()[: -self.keep]:
            with contextlib.suppress(OSError):
                os.unlink(self._path(old))

    def restore(self, model):
        """Puts the last whole checkpoint into a freshly built model and optimizer.

        Returns:
            A `Restored`: a damaged checkpoint is passed over with a note, and the one before it
            is taken.

        Raises:
            InputError: the checkpoint is of another run, or all of them are damaged.
        """
        notes = []
        variables = _variables(model)
        steps = self.steps()
        for step in reversed(steps):
            try:
                values, extra = self._read(step, variables)
            except InputError:
                raise
            except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
                reason = " ".join(str(error).split())
                notes.append(f"{self._path(step)}: is damaged ({reason}): going back to the last")
                continue
            for name, variable in variables.items():
                variable.assign(values[name])
            return Restored(step, notes, extra)
        if steps:
            raise InputError(
                f"{self.folder}: every checkpoint in it is damaged: drop "
                f"{name_of('resume')} to start anew"
            )
        old = os.path.join(self.folder, _OLD_NAME)
        if os.path.exists(old):
            notes.append(f"{old}: is of an older version and cannot be read: starting anew")
        return Restored(0, notes, {})

    def _read(self, step, variables):
        path = self._path(step)
        # numpy checks each array against the checksum that the zip file has of it.
        with np.load(path, allow_pickle=False) as data:
            header = json.loads(bytes(data["header"]))
            if header["fingerprint"] != self.fingerprint:
                raise InputError(
                    f"{path}: belongs to a run with other data or settings: repeat that command, "
                    f"or drop {name_of('resume')} to start anew"
                )
            if header["step"] != step:
                raise ValueError(f"it says that it is of step {header['step']}")
            values = {name: data[name] for name in variables}
            # Version 0.1 wrote neither of the two.
            extra = dict(header.get("extra", {}))
            for name, count in header.get("lists", {}).items():
                extra[name] = [data[f"{name}_{i}"] for i in range(count)]
        for name, variable in variables.items():
            if values[name].shape != tuple(variable.shape):
                raise ValueError(f"{name} has the shape {values[name].shape}")
        return values, extra

    def discard(self):
        """Removes all checkpoints, as when the run is done; other files in the folder stay."""
        for name in os.listdir(self.folder) if os.path.isdir(self.folder) else []:
            # A kill while one was being written leaves its temporary file.
            whole = name.removesuffix(".tmp")
            if _NAME.fullmatch(whole) or whole == _OLD_NAME:
                with contextlib.suppress(OSError):
                    os.unlink(os.path.join(self.folder, name))
        with contextlib.suppress(OSError):
            os.rmdir(self.folder)

    def _path(self, step):
        return os.path.join(self.folder, f"step-{step:010d}.npz")


def _variables(model):
    """Returns the variables by a name that numbers them; running means are not among them."""
    means = {id(variable) for variable in model.metrics_variables}
    kept = [variable for variable in model.variables if id(variable) not in means]
    optimizer = enumerate(model.optimizer.variables)
    return {
        **{f"model_{i}": variable for i, variable in enumerate(kept)},
        **{f"optimizer_{i}": variable for i, variable in optimizer},
    }


def _is_list_of_arrays(value):
    return isinstance(value, list) and bool(value) and isinstance(value[0], np.ndarray)


def _value(variable):
    # Under a strategy `np.asarray` does not take the value, which is one for each replica.
    value = variable.value
    return value.numpy() if hasattr(value, "numpy") else np.asarray(value)
