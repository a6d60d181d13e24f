"""Recognizes files that stand in place of others: Git LFS pointers, and pages saved as files."""

import os

from keras_bert.errors import InputError

_BEGINNING = 512  # bytes; a pointer has some 130


def check_is_itself(path, content=None):
    """Raises InputError if a file is a Git LFS pointer or an HTML page instead of what it is named.

    Args:
        path: the file; one that cannot be read is left to its reader.
        content: bytes that it begins with, or None to read them.
    """
    path = os.fspath(path)
    if content is None:
        if not os.path.isfile(path):
            return
        try:
            with open(path, "rb") as file:
                content = file.read(_BEGINNING)
        except OSError:
            return
    start = content[:_BEGINNING].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if start.startswith(b"version https://git-lfs.github.com/spec/"):
        raise InputError(
            f"{path}: a Git LFS pointer, not the file itself: run `git lfs pull` in its folder, or "
            f"download the file"
        )
    page = start.startswith((b"<!doctype html", b"<html"))
    if page or (start.startswith(b"<?xml") and b"<error" in start):
        kind = "an HTML page" if page else "a server's error message"
        raise InputError(f"{path}: {kind}, not the file itself: download it again")
