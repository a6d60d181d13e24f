"""Temporary files and folders beside what they will replace, and what a killed process left.

A name, ".NAME.HOST-PID-START.RANDOM", says whose the file is: a later run removes what is left of
a process that has ended, and nothing else. The names are random and the files are made with
O_EXCL, so nobody can put a link in their place beforehand.
"""

import contextlib
import hashlib
import os
import re
import shutil
import socket
import sys
import tempfile

_OLD = "old."
# Of a name of up to 255 bytes; the rest is for the owner and the random part.
_LONGEST_STEM = 150
# A process that has ended, but whose parent has not asked for its status yet.
_ENDED_STATES = ("Z", "X")


def make_file(path):
    """Makes an empty temporary file beside `path`; returns its path."""
    folder, name = os.path.split(path)
    handle, temporary = tempfile.mkstemp(prefix=f".{_stem(name)}.{_owner()}.", dir=folder)
    os.close(handle)
    os.chmod(temporary, 0o644)  # with mkstemp's 0600, a server's user could not read it
    return temporary


def make_folder(path, old=False):
    """Makes an empty temporary folder beside `path`; returns its path.

    Args:
        path: what the folder will replace.
        old: whether the folder is for what stands at `path` now; see `remove_orphans`.
    """
    folder, name = os.path.split(path)
    prefix = f".{_stem(name)}.{_OLD if old else ''}{_owner()}."
    temporary = tempfile.mkdtemp(prefix=prefix, dir=folder)
    os.chmod(temporary, 0o755)
    return temporary


def remove_orphans(path):
    """Removes the temporary files and folders of `path` whose process has been killed.

    A kill between the two renames of a replacement left the old folder under a temporary name: it
    is put back. What a process of another machine left is reported in a line on stderr, because
    nobody here can know whether that process still runs.
    """
    folder, name = os.path.split(os.path.realpath(os.fspath(path)))
    pattern = re.compile(
        rf"\.{re.escape(_stem(name))}\.({re.escape(_OLD)})?([0-9a-f]{{8}})-(\d+)-(\d+)\.\w{{8}}"
    )
    try:
        found = [(match, entry) for entry in os.scandir(folder)
                 if (match := pattern.fullmatch(entry.name))]  # fmt: skip
    except OSError:
        return
    for match, entry in found:
        old, host, pid, start = match.groups()
        with contextlib.suppress(OSError):
            if entry.is_symlink() or entry.stat(follow_symlinks=False).st_uid != os.geteuid():
                continue
            if host != _host():
                _say(
                    f"{entry.path}: was left by a process on another machine: remove it if that "
                    f"does not run any more"
                )
            elif not is_running(int(pid), start):
                _remove(entry.path, os.path.join(folder, name) if old else None)


def is_running(pid, start):
    """Returns whether the process of that id that began then still runs.

    Args:
        pid: int.
        start: str, what `start_of` returned of it; another process may have the id by now.
    """
    return start_of(pid) == start


def start_of(pid):
    """Returns when a process began, in clock ticks since the machine's start, as str; or None.

    Where there is no /proc it is "0" for any process that runs.
    """
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            # The second field is a name in parentheses, which may have spaces and more of them.
            fields = file.read().rpartition(b")")[2].decode().split()
        return None if fields[0] in _ENDED_STATES else fields[19]
    except (OSError, IndexError, UnicodeDecodeError):
        if os.path.exists("/proc/self/stat"):
            return None
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except OSError:
        pass  # it runs and is another user's
    return "0"


def _remove(path, place):
    """Removes what is left, unless it is the old folder of a `place` that has no new one."""
    if place is not None and not os.path.lexists(place):
        os.rename(path, place)
        _say(f"{place}: was being replaced by a process that was killed: it is back")
    elif os.path.isdir(path):
        shutil.rmtree(path, ignore_errors=True)
    else:
        os.unlink(path)


def _owner():
    pid = os.getpid()
    return f"{_host()}-{pid}-{start_of(pid)}"


def _host():
    """Returns what stands for the set of processes in which an id has its meaning."""
    try:
        space = os.readlink("/proc/self/ns/pid")  # a container has ids of its own
    except OSError:
        space = ""
    return hashlib.sha256(f"{socket.gethostname()} {space}".encode()).hexdigest()[:8]


def _stem(name):
    """Returns a name, or for a long one its beginning and a checksum of all of it."""
    encoded = os.fsencode(name)
    if len(encoded) <= _LONGEST_STEM:
        return name
    start = encoded[: _LONGEST_STEM - 9].decode("utf-8", "ignore")
    return f"{start}-{hashlib.sha256(encoded).hexdigest()[:8]}"


def _say(line):
    print(line, file=sys.stderr, flush=True)
