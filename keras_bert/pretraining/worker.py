"""A worker process of `prepare` on this machine: Beam's own, without its messages.

It ends when the process that started it ends."""

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
    """Returns the shell command that starts a worker.

    Args:
        folder: where the worker writes its process id, for `kill_workers`.
    """
    # exec: without it the parent is a shell, and to kill the shell does not kill the worker.
    spelling = "flags" if spells_flags() else "names"
    return shlex.join(["exec", sys.executable, "-m", __name__, folder, spelling])


def kill_workers(folder):
    """Kills the workers of a folder that still run; Beam would wait for their last task."""
    for path in pathlib.Path(folder).glob(f"{_PREFIX}*"):
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(path.name.removeprefix(_PREFIX)), signal.SIGKILL)
        path.unlink(missing_ok=True)


def main(folder, spelling):
    """Serves the pipeline that started this process until it closes.

    Args:
        folder: see `command`.
        spelling: "flags" or "names", how messages name settings in the process that started it.
    """
    parent = os.getppid()
    threading.Thread(target=_leave_with, args=(parent,), daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles Ctrl-C
    note = pathlib.Path(folder, f"{_PREFIX}{os.getpid()}")
    note.touch()
    # Beam reports a task's exception to the parent; anything printed here is of no use.
    logging.disable(logging.CRITICAL)
    sys.stderr = open(os.devnull, "w")
    from apache_beam.runners.worker import sdk_worker_main

    with settings_are_flags() if spelling == "flags" else contextlib.nullcontext():
        sdk_worker_main.main([])
    with contextlib.suppress(FileNotFoundError):
        note.unlink()


def _leave_with(parent):
    """Ends this process when its parent has been killed, because nobody would read its results."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
