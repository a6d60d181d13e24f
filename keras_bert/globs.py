"""The files that globs name."""

import glob
import os

from keras_bert.errors import InputError


def find_files(patterns):
    """Returns the files of a comma-separated list of globs, sorted, each once.

    Raises:
        InputError: a glob matches no file, or a path is not a regular file.
    """
    paths = {}
    for pattern in filter(None, (part.strip() for part in patterns.split(","))):
        matches = sorted(glob.glob(pattern, recursive=True))
        if not matches:
            raise InputError(f"{pattern}: no such file")
        if "**" in pattern:
            matches = [path for path in matches if not os.path.isdir(path)]
        for path in matches:
            if os.path.isdir(path):
                raise InputError(f"{path}: is a folder: name its files, {path.rstrip('/')}/*")
            if not os.path.isfile(path):
                raise InputError(f"{path}: not a regular file: it is read more than once")
            paths.setdefault(os.path.realpath(path), path)
    if not paths:
        raise InputError(f"{patterns!r}: names no file")
    return sorted(paths.values())
