"""A worker process of `prepare` on this machine: Beam's own, quiet, and never left behind."""

import contextlib
import logging
import os
import pathlib
import shlex
import signal
import sys
import threading
import time

from keras_bert.errors import settings_are_flags, spells_flags

_PREFIX = "worker-"


def command(folder):
    """Returns the shell's command that starts a worker.

    Args:
        folder: where the worker notes that it is there, for `kill_workers`.
    """
    # exec: else the parent would be a shell, and killing the shell would not kill the worker.
    spelling = "flags" if spells_flags() else "names"
    return shlex.join(["exec", sys.executable, "-m", __name__, folder, spelling])


def kill_workers(folder):
    """Ends the workers of a folder that are still there; Beam would wait for their last task."""
    for path in pathlib.Path(folder).glob(f"{_PREFIX}*"):
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(path.name.removeprefix(_PREFIX)), signal.SIGKILL)
        path.unlink(missing_ok=True)


def main(folder, spelling):
    """Serves the pipeline that started this process until it closes.

    Args:
        folder: see `command`.
        spelling: "flags" or "names", how messages spell settings in the process that started it.
    """
    parent = os.getppid()
    threading.Thread(target=_leave_with, args=(parent,), daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent to deal with
    note = pathlib.Path(folder, f"{_PREFIX}{os.getpid()}")
    note.touch()
    # A task's exception goes home with Beam; what it prints besides is of no use to a user.
    logging.disable(logging.CRITICAL)
    sys.stderr = open(os.devnull, "w")
    from apache_beam.runners.worker import sdk_worker_main

    with settings_are_flags() if spelling == "flags" else contextlib.nullcontext():
        sdk_worker_main.main([])
    with contextlib.suppress(FileNotFoundError):
        note.unlink()


def _leave_with(parent):
    """Ends this process when its parent has been killed, for no one would read what it does."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
