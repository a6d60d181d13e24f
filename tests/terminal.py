"""A terminal for the tests of programs that a person types at."""

import os
import pty
import select
import signal
import subprocess
import time

_MOST_SECONDS = 60


class Terminal:
    """A program that runs at a terminal of its own.

    Args:
        command: list of str.
        **environment: variables to set; None takes one away.
    """

    def __init__(self, command, **environment):
        self._master, slave = pty.openpty()
        variables = {"TERM": "xterm", "COLUMNS": "1000", **os.environ, **environment}
        variables = {name: value for name, value in variables.items() if value is not None}
        self._process = subprocess.Popen(
            [str(part) for part in command],
            stdin=slave, stdout=slave, stderr=slave, env=variables,
            preexec_fn=_own_terminal,
        )  # fmt: skip
        os.close(slave)
        self.shown = ""

    def until(self, text, again=None):
        """Waits until a text is shown; returns what was shown since the last call, up to it.

        `again` are keys to type while nothing is shown, once every few seconds.
        """
        end = time.monotonic() + _MOST_SECONDS
        while text not in self.shown:
            left = max(end - time.monotonic(), 0)
            ready, _, _ = select.select([self._master], [], [], min(left, 3) if again else left)
            if again and not ready and left:
                self.type(again)
                continue
            part = self._read() if ready else b""
            assert part, f"{text!r} was not shown, but {self.shown!r}"
            self.shown += part.decode("utf-8", "replace")
        found, _, self.shown = self.shown.partition(text)
        return found + text

    def type(self, keys):
        """Types keys, str or bytes: "\\n" is the return key, "\\x03" Ctrl-C, "\\x04" Ctrl-D."""
        os.write(self._master, keys.encode() if isinstance(keys, str) else keys)

    def end(self):
        """Waits for the program's end; returns its status, and what it had still shown."""
        while part := self._read():
            self.shown += part.decode("utf-8", "replace")
        return self._process.wait(_MOST_SECONDS), self.shown

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()
        os.close(self._master)

    def _read(self):
        try:
            return os.read(self._master, 2**16)
        except OSError:  # Linux's way to say that nobody holds the other end
            return b""


def _own_terminal():
    # Ctrl-C goes to the programs of the terminal that controls them.
    os.setsid()
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGINT, signal.default_int_handler)
