"""Files and folders that are there whole or not at all."""

import contextlib
import errno
import os
import shutil
import tempfile

from keras_bert.errors import InputError


def check_path(path):
    """Raises InputError if nothing is there, before anything heavy is imported."""
    if not os.path.exists(path):
        raise InputError("no such file or folder", place=os.fspath(path))


def check_not_input(output, source):
    """Raises InputError if the output is the very file or folder that is read."""
    if os.path.exists(output) and os.path.exists(source) and os.path.samefile(output, source):
        raise InputError(f"{output}: is what the command reads: name another output")


def check_replaceable(path, is_ours=None):
    """Raises InputError if `replacing_folder` would refuse: what is asked before a long job."""
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
    """Raises InputError if `replacing_file` would refuse: what is asked before a long job."""
    path = os.path.realpath(os.fspath(path))
    if os.path.isdir(path):
        raise InputError(f"{path}: a folder of that name is in the way")
    if os.path.exists(path) and not os.path.isfile(path):
        # A rename would put a plain file where /dev/null or a pipe was.
        raise InputError(f"{path}: is a device or a pipe; name a file")
    _check_writable(path)


def _check_writable(path):
    """Tries to write where `path` is to be, or in the lowest folder above it that there is."""
    parent, name = os.path.split(path)
    while not os.path.exists(parent):
        parent, name = os.path.split(parent)
    # Tried and not asked: what os.access says is untrue of /proc, of full disks, of root.
    try:
        os.rmdir(tempfile.mkdtemp(prefix=f".{name}.", dir=parent))
    except OSError as error:
        raise InputError(f"{path}: cannot be written in {parent}: {error.strerror}") from None


@contextlib.contextmanager
def replacing_folder(path, is_ours=None):
    """Gives an empty temporary folder that takes the place of `path` when the block succeeds.

    Args:
        path: the folder to make. If it exists it must be empty, or `is_ours`.
        is_ours: function of a path that says whether an existing folder may be replaced.

    Raises:
        InputError: something else stands there, or the place cannot be written to.
    """
    check_replaceable(path, is_ours)
    path = os.path.realpath(os.fspath(path))  # what a link points to is replaced, not the link
    try:
        folder, name = os.path.split(path)
        os.makedirs(folder, exist_ok=True)
        temporary = tempfile.mkdtemp(prefix=f".{name}.", dir=folder)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from None
    try:
        os.chmod(temporary, 0o755)  # mkdtemp's 0700 would lock out a server's user
        yield temporary
        aside = None
        if os.path.isdir(path):
            # Moved, not removed: a kill between the two renames loses neither.
            aside = tempfile.mkdtemp(prefix=f".{name}.old.", dir=folder)
            os.rename(path, aside)
        os.rename(temporary, path)
        if aside is not None:
            shutil.rmtree(aside, ignore_errors=True)
    except Exception as error:
        _tell_of_full_disk(path, error)
        raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


@contextlib.contextmanager
def replacing_file(path):
    """Gives a temporary path beside `path` that is renamed to it when the block succeeds."""
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
        _tell_of_full_disk(path, error)
        raise
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)


def _tell_of_full_disk(path, error):
    # By its text: TensorFlow's and safetensors' exceptions are no OSError.
    if os.strerror(errno.ENOSPC) in str(error):
        raise InputError(f"{path}: the disk is full") from None
