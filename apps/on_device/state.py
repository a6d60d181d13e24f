"""What the program remembers: what was typed, and which files were found harmless.

Both are small files in `$XDG_STATE_HOME/keras-bert-device`, or `~/.local/state/keras-bert-device`,
that nobody else may read. Where they cannot be read or written, nothing is remembered.
"""

import contextlib
import os
import stat

# Of the files that were found harmless, the last ones are kept.
_MOST_TRIED = 200
_LINE = 200


def state_path(name):
    """Returns the path of a file of the program's state; None where there is no home folder."""
    base = os.environ.get("XDG_STATE_HOME", "")
    # A relative path is to be ignored: XDG Base Directory Specification 0.8.
    base = base if os.path.isabs(base) else os.path.expanduser("~/.local/state")
    return os.path.join(base, "keras-bert-device", name) if os.path.isabs(base) else None


def make_private(path):
    """Makes the folder of a state file, and the file if it is not there: for this user alone.

    Raises:
        OSError: it cannot be made.
    """
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600))


def is_private(path):
    """Returns whether a file is a regular one, which nobody but this user may change."""
    try:
        found = os.lstat(path)
    except OSError:
        return False
    mine = stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid()
    return mine and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


class TriedFile:
    """Remembers that another process has opened and run a file without harm.

    A file is known by the SHA-256 of its content, never by its name or its date, together with the
    version of LiteRT and the kind of processor that ran it: one changed byte is another file.

    Args:
        path: the file.
    """

    def __init__(self, path):
        self._path = state_path("tried")
        self._line = None if self._path is None else _identity(path)

    @property
    def is_harmless(self):
        """Whether this file was run here before."""
        return self._line is not None and self._line in self._lines()

    def remember(self):
        """Notes that it was run; does nothing where that cannot be written."""
        if self._line is None:
            return
        lines = [line for line in self._lines() if line != self._line][1 - _MOST_TRIED :]
        temporary = f"{self._path}.{os.getpid()}"
        with contextlib.suppress(OSError):
            make_private(temporary)
            with open(temporary, "w", encoding="ascii", errors="replace") as file:
                file.writelines(f"{line}\n" for line in [*lines, self._line])
            os.replace(temporary, self._path)
        with contextlib.suppress(OSError):
            os.unlink(temporary)

    def _lines(self):
        if not is_private(self._path):
            return []
        try:
            with open(self._path, encoding="ascii", errors="replace") as file:
                return file.read(_LINE * _MOST_TRIED).splitlines()
        except OSError:
            return []


def _identity(path):
    """Returns what a file is remembered by, one line; None where it cannot be read."""
    import hashlib

    import ai_edge_litert

    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            return None
        with open(path, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError):
        return None
    version = getattr(ai_edge_litert, "__version__", "")
    return f"{digest} litert-{version} {os.uname().machine}" if version else None
