"""The last few states of a run on disk, so that a killed run goes on exactly."""

import contextlib
import os
import re
import typing

import numpy as np

from keras_bert import temporaries
from keras_bert.config import RESCALING_FILE
from keras_bert.errors import InputError, name_of
from keras_bert.files import fault_of
from keras_bert.training import checkpoint_files

_NAME = re.compile(r"step-(\d{10})\.npz")
_TEMPORARY = re.compile(r"\.(step-\d{10}\.npz|teacher-logits\.npz)\.")
# What a run learns from beside its labels; see `teacher_logits`.
TEACHER_NAME = "teacher-logits.npz"
_LONGEST_REASON = 300
# What an older version kept of a fine-tuning; it is not read any more.
_OLD_NAME = "state.npz"
_OTHERS = (_OLD_NAME, RESCALING_FILE, TEACHER_NAME)


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
        return sorted(int(match[1]) for match in map(_NAME.fullmatch, self._names()) if match)

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
        }
        if hasattr(model, "jax_state_sync"):
            model.jax_state_sync()  # within `fit` JAX holds the values elsewhere
        arrays = {name: value_of(variable) for name, variable in _variables(model).items()}
        temporary = None
        try:
            os.makedirs(self.folder, exist_ok=True)
            temporary = temporaries.make_file(path)
            with open(temporary, "r+b") as file:
                checkpoint_files.write(file, header, arrays, lists)
            os.replace(temporary, path)
        except Exception as error:
            reason = fault_of(error) or isinstance(error, OSError) and (error.strerror or error)
            if not reason:
                raise
            raise InputError(f"{path}: the checkpoint cannot be written: {reason}") from None
        finally:
            with contextlib.suppress(OSError, TypeError):
                os.unlink(temporary)  # which is there if it has not become the checkpoint
            with contextlib.suppress(OSError):
                os.rmdir(self.folder)  # which fails, as it should, if a checkpoint is there
        steps = self.steps()
        # Those of later steps are damaged, or the run would have begun with them.
        kept = [each for each in steps if each <= step][-self.keep :]
        for old in {*steps} - {*kept}:
            with contextlib.suppress(OSError):
                os.unlink(self._path(old))

    def restore(self, model, check=None):
        """Puts the last whole checkpoint into a freshly built model and optimizer.

        Args:
            model: a Keras model with a built optimizer.
            check: function of a checkpoint's `extra` that raises ValueError if the run could not
                go on from it, or None.

        Returns:
            A `Restored`: a damaged checkpoint is passed over with a note, and the one before it
            is taken. Nothing is assigned before all of a checkpoint has been checked.

        Raises:
            InputError: the checkpoint is of another run, or all of them are damaged.
        """
        self._remove_orphans()
        notes = []
        variables = _variables(model)
        steps = self.steps()
        for step in reversed(steps):
            try:
                values, extra = self._read(step, variables)
                if check is not None and extra:
                    check(extra)
            except InputError:
                raise
            except (OSError, ValueError) as error:
                reason = " ".join(str(error).split())[:_LONGEST_REASON]
                notes.append(
                    f"{self._path(step)}: is damaged ({reason}): going back to the one before"
                )
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
        expected = {name: value_of(variable) for name, variable in variables.items()}
        try:
            header, values, lists = checkpoint_files.read(path, self.fingerprint, expected)
        except checkpoint_files.OfAnotherRun:
            raise InputError(
                f"{path}: belongs to a run with other data or settings: repeat that command, "
                f"or drop {name_of('resume')} to start anew"
            ) from None
        if header["step"] != step:
            raise ValueError(f"it says that it is of step {header['step']}")
        return values, {**header.get("extra", {}), **lists}

    def discard(self):
        """Removes all checkpoints, as when the run is done; other files in the folder stay."""
        self._remove_orphans()
        for name in self._names():
            # What an older version left when it was killed within a checkpoint.
            whole = name.removesuffix(".tmp")
            if _NAME.fullmatch(whole) or whole in _OTHERS:
                with contextlib.suppress(OSError):
                    os.unlink(os.path.join(self.folder, name))
        with contextlib.suppress(OSError):
            os.rmdir(self.folder)

    def _remove_orphans(self):
        """Removes what a kill within a checkpoint left, which may be large."""
        for name in {match[1] for match in map(_TEMPORARY.match, self._names()) if match}:
            temporaries.remove_orphans(os.path.join(self.folder, name))

    def _names(self):
        return os.listdir(self.folder) if os.path.isdir(self.folder) else []

    def _path(self, step):
        return os.path.join(self.folder, f"step-{step:010d}.npz")


@contextlib.contextmanager
def state_is_kept():
    """Within the block, which writes a trained model, an error says how to go on after it."""
    try:
        yield
    except InputError as error:
        raise InputError(
            f"{error}: the run's state is kept: when that is mended, run the same command with "
            f"{name_of('resume', True)}"
        ) from None


def nothing_to_resume(folder):
    """Returns the line that says that a run begins although it was to go on."""
    return f"{name_of('resume', True)}: no state of a run in {folder}: starting at step 0"


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


def value_of(variable):
    """Returns a variable's value as an array."""
    # Under a strategy `np.asarray` does not take the value, which is one for each replica.
    value = variable.value
    return np.asarray(value.numpy() if hasattr(value, "numpy") else value)
