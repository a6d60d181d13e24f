"""The state of a run on disk, so that a killed run goes on exactly."""

import contextlib
import json
import os

import numpy as np

from keras_bert.errors import InputError

_FILE = "state.npz"


class TrainingState:
    """Saves and restores all that a run's future depends on, besides its data and settings.

    That is: the model's variables (the dropout generators' counters are among them), the
    optimizer's, the number of steps done, and the best weights so far. Batches need no state,
    being a function of (data, seed, step).

    Args:
        folder: where the state is kept while the run lasts.
        fingerprint: text that names data and settings; another run's state is refused.
    """

    def __init__(self, folder, fingerprint):
        self.folder = os.fspath(folder)
        self.fingerprint = fingerprint
        self.path = os.path.join(self.folder, _FILE)

    def save(self, model, step, seconds, history, best_epoch, best_weights):
        """Writes the state under a temporary name and renames it, so that it is whole or absent.

        Args:
            model: the compiled Keras model in training.
            step: int, steps done.
            seconds: float, what they took.
            history, best_epoch, best_weights: of the epochs so far, see `fine_tune`.

        Raises:
            InputError: it cannot be written.
        """
        header = {
            "fingerprint": self.fingerprint,
            "step": step,
            "seconds": seconds,
            "best_count": len(best_weights),
            "history": history,
            "best_epoch": best_epoch,
        }
        arrays = {"header": np.frombuffer(json.dumps(header).encode(), "uint8")}
        variables = [*model.variables, *model.optimizer.variables]
        arrays.update({f"variable_{i}": np.asarray(v.value) for i, v in enumerate(variables)})
        arrays.update({f"best_{i}": w for i, w in enumerate(best_weights)})
        temporary = self.path + ".tmp"
        try:
            os.makedirs(self.folder, exist_ok=True)
            with open(temporary, "wb") as file:
                np.savez(file, **arrays)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, self.path)
        except OSError as error:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
                os.rmdir(self.folder)  # which fails, as it should, if an earlier state is there
            raise InputError(
                f"{self.path}: the state of the run cannot be written: {error.strerror or error}"
            ) from None

    def restore(self, model):
        """Puts the saved state into a freshly compiled and built model.

        Returns:
            None if nothing was saved, else a tuple (step, seconds, history, best_epoch,
            best_weights).

        Raises:
            InputError: the state is of a run with other data or settings, or is damaged.
        """
        if not os.path.exists(self.path):
            return None
        try:
            with np.load(self.path, allow_pickle=False) as data:
                header = json.loads(bytes(data["header"]))
                if header["fingerprint"] != self.fingerprint:
                    raise InputError(
                        f"{self.path}: belongs to a run with other data or settings: repeat that "
                        f"command, or drop --resume to start anew"
                    )
                variables = [*model.variables, *model.optimizer.variables]
                values = [data[f"variable_{i}"] for i in range(len(variables))]
                best = [data[f"best_{i}"] for i in range(header["best_count"])]
                kept = [header[name] for name in ("step", "seconds", "history", "best_epoch")]
        except InputError:
            raise
        except Exception as error:  # zipfile, numpy and json each have their own
            raise InputError(
                f"{self.path}: the saved state is damaged ({error}): drop --resume to start anew"
            ) from None
        for variable, value in zip(variables, values):
            variable.assign(value)
        return *kept, best

    def discard(self):
        """Removes the state, as when the run is done; other files in its folder stay."""
        for path in (self.path, self.path + ".tmp"):
            with contextlib.suppress(OSError):
                os.unlink(path)
        with contextlib.suppress(OSError):
            os.rmdir(self.folder)
