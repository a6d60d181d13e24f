"""Files and folders that are there whole or not at all."""

import contextlib
import os
import shutil
import tempfile

from keras_bert.errors import InputError


def check_replaceable(path, is_ours=None):
    """Raises InputError if `replacing_folder` would refuse: what is asked before a long job."""
    path = os.path.abspath(os.fspath(path))
    if os.path.exists(path) and not os.path.isdir(path):
        raise InputError(f"{path}: a file of that name is in the way")
    if os.path.isdir(path) and os.listdir(path) and not (is_ours and is_ours(path)):
        raise InputError(
            f"{path}: the folder exists and does not look like one of ours to replace: "
            f"choose another name or remove it"
        )
    parent = os.path.dirname(path)
    while not os.path.exists(parent):
        parent = os.path.dirname(parent)
    if not os.path.isdir(parent) or not os.access(parent, os.W_OK | os.X_OK):
        raise InputError(f"{path}: cannot be written: {parent} is no folder that you may write to")


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
    path = os.path.abspath(os.fspath(path))
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
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


@contextlib.contextmanager
def replacing_file(path):
    """Gives a temporary path beside `path` that is renamed to it when the block succeeds."""
    path = os.path.abspath(os.fspath(path))
    if os.path.isdir(path):
        raise InputError(f"{path}: a folder of that name is in the way")
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
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
