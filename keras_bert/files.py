"""Writes files and folders completely or not at all."""

import contextlib
import errno
import os
import shutil
import tempfile

from keras_bert import temporaries
from keras_bert.errors import InputError

# The errors of a disk that takes no more.
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# What a disk does to a program, and how its user is told.
_FAULTS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: f"the disk is full ({os.strerror(errno.EDQUOT)})",
    errno.EFBIG: f"{os.strerror(errno.EFBIG)}: over the limit of this disk, or of `ulimit -f`",
    errno.EROFS: f"cannot be written: {os.strerror(errno.EROFS)}",
    errno.EIO: f"cannot be written: {os.strerror(errno.EIO)}: the disk may be broken",
}


def check_path(path):
    """Raises InputError if nothing exists at the path, before anything heavy is imported."""
    if not os.path.exists(path):
        raise InputError("no such file or folder", place=os.fspath(path))


def check_not_input(output, source):
    """Raises InputError if the output is the same file or folder as the input."""
    if os.path.exists(output) and os.path.exists(source) and os.path.samefile(output, source):
        raise InputError(f"{output}: is also the input: name another output")


def check_replaceable(path, is_ours=None):
    """Raises InputError if `replacing_folder` would; for a check before a long job."""
    path = os.path.realpath(os.fspath(path))
    if os.path.exists(path) and not os.path.isdir(path):
        raise InputError(f"{path}: a file of that name is in the way")
    if os.path.isdir(path) and os.listdir(path) and not (is_ours and is_ours(path)):
        raise InputError(
            f"{path}: the folder exists and does not look like one of ours to replace (it holds "
            f"{', '.join(sorted(os.listdir(path))[:6])}): choose another name or remove it"
        )
    _check_writable(path)


def check_file_replaceable(path):
    """Raises InputError if `replacing_file` would; for a check before a long job."""
    path = os.path.realpath(os.fspath(path))
    if os.path.isdir(path):
        raise InputError(f"{path}: a folder of that name is in the way")
    if os.path.exists(path) and not os.path.isfile(path):
        # A rename would replace /dev/null or a pipe by a plain file.
        raise InputError(f"{path}: is a device or a pipe; name a file")
    _check_writable(path)


def _check_writable(path):
    """Tries to write beside `path`, or in the lowest folder above it that exists."""
    wanted = path
    while not os.path.exists(os.path.dirname(path)):
        path = os.path.dirname(path)
    # os.access is wrong for /proc, for full disks and for root, so writing is tried.
    try:
        with contextlib.suppress(FileNotFoundError):
            os.stat(path)  # which fails if the name is too long
        os.rmdir(temporaries.make_folder(path))
    except OSError as error:
        place = os.path.dirname(path)
        reason = fault_of(error) or f"cannot be written in {place}: {error.strerror}"
        raise InputError(f"{wanted}: {reason}") from None


@contextlib.contextmanager
def replacing_folder(path, is_ours=None):
    """Yields an empty temporary folder that replaces `path` when the block succeeds.

    Args:
        path: the folder to make. If it exists it must be empty, or `is_ours`.
        is_ours: function from a path to whether an existing folder may be replaced.

    Raises:
        InputError: something else is at the path, it cannot be written, or the disk is full.
    """
    temporaries.remove_orphans(path)
    check_replaceable(path, is_ours)
    path = os.path.realpath(os.fspath(path))  # the target of a link is replaced, not the link
    with _made_beside(path, temporaries.make_folder) as temporary:
        yield temporary
        for folder, _, names in os.walk(temporary):
            for name in names:
                _flush(os.path.join(folder, name))
        aside = None
        if os.path.isdir(path):
            # Moved, not removed: a kill between the two renames loses nothing.
            aside = temporaries.make_folder(path, old=True)
            os.rename(path, aside)
        try:
            os.rename(temporary, path)
        except OSError:
            if aside is not None:
                os.rename(aside, path)
            raise
        if aside is not None:
            shutil.rmtree(aside, ignore_errors=True)


@contextlib.contextmanager
def replacing_file(path):
    """Yields a temporary path beside `path` that is renamed to it when the block succeeds.

    Raises:
        InputError: something else is at the path, it cannot be written, or the disk is full.
    """
    temporaries.remove_orphans(path)
    check_file_replaceable(path)
    path = os.path.realpath(os.fspath(path))
    with _made_beside(path, temporaries.make_file) as temporary:
        yield temporary
        _flush(temporary)
        os.replace(temporary, path)


@contextlib.contextmanager
def temporary_folder():
    """Yields a folder in the system's place for temporary files, which is removed at the end.

    Raises:
        InputError: there is no such place, or it is full.
    """
    place = "TMPDIR"
    try:
        place = tempfile.gettempdir()
        folder = tempfile.mkdtemp(prefix="keras_bert.", dir=place)
    except OSError as error:
        reason = fault_of(error) or f"cannot be written: {error.strerror}"
        raise InputError(_temporary(reason), place=place) from None
    try:
        yield folder
    except Exception as error:
        reason = fault_of(error)
        # A fault of the output's disk, which may be another, has been made an InputError before.
        if reason is None or isinstance(error, InputError):
            raise
        raise InputError(_temporary(reason), place=place) from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def write_bytes(path, content):
    """Writes bytes to a new file."""
    with open(path, "xb") as file:
        file.write(content)


def fault_of(error):
    """Returns what a full or broken disk is called in a message; None for any other error.

    It is told by the text too: TensorFlow's, h5py's and safetensors' exceptions are no OSError, and
    what a library raises while it cleans up hides the first one.
    """
    while error is not None:
        text = str(error)
        for number, reason in _FAULTS.items():
            if getattr(error, "errno", None) == number or os.strerror(number) in text:
                return reason
        error = error.__cause__ or error.__context__
    return None


@contextlib.contextmanager
def _made_beside(path, make):
    """Yields what `make` made beside `path`; removes it at the end if it is still there."""
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        temporary = make(path)
    except OSError as error:
        reason = fault_of(error) or f"cannot be written: {error.strerror}"
        raise InputError(f"{path}: {reason}") from None
    try:
        yield temporary
    except Exception as error:
        reason = fault_of(error)
        if reason is None or isinstance(error, InputError):
            raise
        raise InputError(f"{path}: {reason}") from None
    finally:
        if os.path.isdir(temporary):
            shutil.rmtree(temporary, ignore_errors=True)
        else:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)


def _flush(path):
    # Some disks report only now that they are full; and a rename may be kept before the content.
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _temporary(reason):
    return f"{reason}: TMPDIR=FOLDER names another place for temporary files"
