"""Writes files and folders completely or not at all."""

import contextlib
import errno
import os
import shutil
import tempfile

from keras_bert.errors import InputError


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
    parent, name = os.path.split(path)
    while not os.path.exists(parent):
        parent, name = os.path.split(parent)
    # os.access is wrong for /proc, for full disks and for root, so writing is tried.
    try:
        os.rmdir(tempfile.mkdtemp(prefix=f".{name}.", dir=parent))
    except OSError as error:
        raise InputError(f"{path}: cannot be written in {parent}: {error.strerror}") from None


@contextlib.contextmanager
def replacing_folder(path, is_ours=None):
    """Yields an empty temporary folder that replaces `path` when the block succeeds.

    Args:
        path: the folder to make. If it exists it must be empty, or `is_ours`.
        is_ours: function from a path to whether an existing folder may be replaced.

    Raises:
        InputError: something else is at the path, or it cannot be written.
    """
    check_replaceable(path, is_ours)
    path = os.path.realpath(os.fspath(path))  # the target of a link is replaced, not the link
    try:
        folder, name = os.path.split(path)
        os.makedirs(folder, exist_ok=True)
        temporary = tempfile.mkdtemp(prefix=f".{name}.", dir=folder)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from None
    try:
        os.chmod(temporary, 0o755)  # with mkdtemp's 0700, a server's user could not read it
        yield temporary
        aside = None
        if os.path.isdir(path):
            # Moved, not removed: a kill between the two renames loses nothing.
            aside = tempfile.mkdtemp(prefix=f".{name}.old.", dir=folder)
            os.rename(path, aside)
        os.rename(temporary, path)
        if aside is not None:
            shutil.rmtree(aside, ignore_errors=True)
    except Exception as error:
        _raise_if_disk_full(path, error)
        raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


@contextlib.contextmanager
def replacing_file(path):
    """Yields a temporary path beside `path` that is renamed to it when the block succeeds."""
    check_file_replaceable(path)
    path = os.path.realpath(os.fspath(path))
    folder, name = os.path.split(path)
    try:
        os.makedirs(folder, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=f".{name}.", dir=folder)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from None
    os.close(handle)
    try:
        os.chmod(temporary, 0o644)
        yield temporary
        os.replace(temporary, path)
    except Exception as error:
        _raise_if_disk_full(path, error)
        raise
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)


def _raise_if_disk_full(path, error):
    # By its text: TensorFlow's and safetensors' exceptions are not OSError.
    if os.strerror(errno.ENOSPC) in str(error):
        raise InputError(f"{path}: the disk is full") from None
