"""Ctrl-C and SIGTERM while a command trains: the step is finished and saved, then the command ends.

The first signal asks for that; a second one ends the process at once. Only a command does this. In
a script, Ctrl-C raises KeyboardInterrupt as ever, because the script may want it.
"""

import contextlib
import os
import signal
import sys
import threading

from keras_bert.errors import Stopped

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_ASKED = "ending after this step, which is saved first; a second signal ends at once"
_watch = None


@contextlib.contextmanager
def signals_save_first():
    """Within the block, a signal that comes while `training` is entered ends it after a step.

    At any other time it raises KeyboardInterrupt or SystemExit, as in the rest of the program.
    """
    global _watch
    # A shell's background job ignores Ctrl-C, and so do we then.
    numbers = [each for each in _SIGNALS if signal.getsignal(each) != signal.SIG_IGN]
    if threading.current_thread() is not threading.main_thread() or _watch is not None:
        yield
        return
    _watch = watch = _Watch()
    before = {number: signal.signal(number, watch.handle) for number in numbers}
    end, start = os.pipe()
    os.set_blocking(start, False)
    wakeup = signal.set_wakeup_fd(start, warn_on_full_buffer=False)
    # Python runs its handlers between two steps only, and a step may take long. So a thread
    # listens too, which answers at once.
    thread = threading.Thread(target=watch.listen, args=(end,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(wakeup)
        for number, handler in before.items():
            signal.signal(number, handler)
        _watch = None
        os.close(start)
        thread.join()
        os.close(end)


@contextlib.contextmanager
def training():
    """The block in which a signal waits for the end of a step; see `check`."""
    watch = _watch
    if watch is None:
        yield
        return
    watch.is_training = True
    try:
        yield
    finally:
        watch.is_training = False
    if watch.number is not None:
        _end(watch.number)  # it came when there was no step left


def is_asked():
    """Returns whether a signal has asked for the training to end after this step."""
    return _watch is not None and _watch.number is not None


def check(step, folder):
    """Raises Stopped if a signal has asked for it; to be called when a step has been saved.

    Args:
        step: int, how many steps have been done.
        folder: where the state is, or None where this process saves nothing.
    """
    if is_asked():
        raise Stopped(step, folder, _watch.number)


class _Watch:
    """What has been asked for.

    Attributes:
        is_training: whether a signal is to wait for the end of a step.
        number: the first signal that came in such a time, or None.
    """

    def __init__(self):
        self.is_training = False
        self.number = None
        self._count = 0

    def handle(self, number, frame):
        """Python's handler, in the main thread."""
        if not self.is_training:
            _end(number)
        self.number = self.number or number

    def listen(self, pipe):
        """Reads the numbers of signals as they come, until the pipe is closed."""
        while received := os.read(pipe, 1):
            number = received[0]
            if number not in _SIGNALS or not self.is_training:
                continue
            self._count += 1
            if self._count > 1:
                _tell("ended at once")
                os._exit(128 + number)
            self.number = self.number or number
            _tell(_ASKED)


def _end(number):
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    raise SystemExit(128 + number)


def _tell(text):
    # After a line on the progress, which has no end on a terminal.
    start = "\n" if sys.stderr.isatty() else ""
    with contextlib.suppress(OSError, ValueError):
        print(f"{start}keras-bert: {text}", file=sys.stderr, flush=True)
