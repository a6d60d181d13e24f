"""One process at a time keeps state beside an output: a lock file says whose it is, since when.

The system lets go of a lock when its process ends, however it ends. So on one machine a lock that
can be had is nobody's. Other machines that share the disk may not see each other's locks: there the
file's content decides, and a person.
"""

import contextlib
import errno
import json
import math
import os
import socket
import sys
import time

from keras_bert.errors import InputError, name_of
from keras_bert.files import fault_of
from keras_bert.temporaries import is_running, remove_orphans, start_of

FORCE_HELP = "write the output although a process of another machine, now gone, had begun to"
_LONGEST = 1000  # bytes of a lock file that are read
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)


@contextlib.contextmanager
def locked(output, force=False):
    """Within the block, no other process that asks for the lock of this output gets it.

    The file is `.NAME.lock` beside the output. What a killed process left of the output is removed.

    Args:
        output: path of what is made, or None for nothing to lock.
        force: whether to take a lock that a process of another machine has left.

    Raises:
        InputError: another process has it, or may have it.
    """
    if output is None or os.name != "posix":  # Windows has no such locks
        yield
        return
    output = os.path.realpath(os.fspath(output))
    folder, name = os.path.split(output)
    path = os.path.join(folder, f".{name}.lock")
    made = _make_folders(folder, output)
    try:
        file = _acquire(path, output, force)
        try:
            remove_orphans(output)
            yield
        finally:
            # Before the lock is let go of: nobody gets one that is unlinked.
            with contextlib.suppress(OSError):
                os.unlink(path)
            os.close(file)
    finally:
        for folder in made:
            with contextlib.suppress(OSError):
                os.rmdir(folder)  # which fails, as it should, if there is something in it


def check_free(output, force=False):
    """Raises InputError if a process of this machine has the lock of an output.

    For a check before a long start: `locked` decides.

    Args:
        output: path, or None.
        force: see `locked`.
    """
    if output is None or os.name != "posix":
        return
    output = os.path.realpath(os.fspath(output))
    folder, name = os.path.split(output)
    try:
        file = os.open(os.path.join(folder, f".{name}.lock"), os.O_RDWR | os.O_NOFOLLOW)
    except OSError:
        return
    try:
        owner = _owner(file)
        if not _lock(file, owner):
            raise InputError(_held(output, owner, force))
    except OSError:
        pass
    finally:
        os.close(file)


def _make_folders(folder, output):
    """Makes a folder and those above it; returns those that were made, the lowest first."""
    made = []
    while not os.path.isdir(folder):
        made.append(folder)
        folder = os.path.dirname(folder)
    try:
        for folder in reversed(made):
            with contextlib.suppress(FileExistsError):
                os.mkdir(folder)
    except OSError as error:
        raise InputError(_not_written(output, error)) from None
    return made


def _acquire(path, output, force):
    """Returns the open, locked lock file."""
    while True:
        try:
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            file = os.open(path, flags, 0o644)
        except OSError as error:
            raise InputError(f"{_not_written(output, error)} (its lock {path})") from None
        try:
            owner = _owner(file)
            if not _lock(file, owner):
                raise InputError(_held(output, owner, force))
            if not _is_at(file, path):
                os.close(file)
                continue  # whoever had it has removed it since
            if owner and owner["host"] != socket.gethostname() and not force:
                raise InputError(_elsewhere(output, owner))
            if owner:
                print(
                    f"{output}: the process that began to write it ({_described(owner)}) did not "
                    f"end in order: its lock is taken over",
                    file=sys.stderr,
                    flush=True,
                )
            try:
                _sign(file)
            except OSError:
                os.unlink(path)
                raise
            return file
        except OSError as error:
            os.close(file)
            raise InputError(_not_written(output, error)) from None
        except InputError:
            os.close(file)
            raise


def _lock(file, owner):
    """Locks an open file; returns whether nobody on this machine has it."""
    import fcntl  # not on Windows

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        # A disk without locks: what the file says has to do.
        return not (
            owner
            and owner["host"] == socket.gethostname()
            and is_running(owner["pid"], owner["start"])
        )
    return True


def _is_at(file, path):
    try:
        return os.path.samestat(os.fstat(file), os.stat(path, follow_symlinks=False))
    except FileNotFoundError:
        return False


def _sign(file):
    owner = {
        "pid": os.getpid(),
        "start": start_of(os.getpid()),
        "host": socket.gethostname(),
        "since": time.time(),
    }
    os.ftruncate(file, 0)
    os.pwrite(file, json.dumps(owner).encode(), 0)


def _owner(file):
    """Returns what a lock file says: pid, start, host, since; None of one that says nothing."""
    try:
        owner = json.loads(os.pread(file, _LONGEST, 0))
        kinds = {"pid": int, "start": str, "host": str, "since": float}
        known = all(type(owner[name]) is kind for name, kind in kinds.items())
        known = known and math.isfinite(owner["since"]) and owner["host"].isprintable()
        return owner if known else None
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _held(output, owner, force):
    who = f" ({_described(owner)})" if owner else ""
    text = f"{output}: another process{who} is writing it: wait for its end, or name another output"
    if owner and owner["host"] != socket.gethostname():
        text += "; if that machine is gone, remove its lock file"
    elif force:
        text += f"; {name_of('force', True)} is for a process of another machine"
    return text


def _elsewhere(output, owner):
    return (
        f"{output}: a process of another machine ({_described(owner)}) began to write it, and it "
        f"cannot be seen from here whether it still runs: if it does not, repeat this with "
        f"{name_of('force', True)}"
    )


def _described(owner):
    seconds = max(0, time.time() - owner["since"])
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second")):
        if seconds >= size or size == 1:
            count = int(seconds // size)
            age = f"{count} {unit}{'' if count == 1 else 's'} ago"
            break
    return f"process {owner['pid']} on {owner['host'][:100]}, {age}"


def _not_written(output, error):
    return f"{output}: {fault_of(error) or f'cannot be written: {error.strerror}'}"
