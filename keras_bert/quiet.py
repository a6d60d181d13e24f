"""Hides what libraries print to stderr, so that the one line of an error stays visible."""

import contextlib
import os
import sys

from keras_bert.errors import InputError
from keras_bert.extras import naming_extras


@naming_extras()
def import_tensorflow_quietly():
    """Imports Keras with its backend, without TensorFlow's start-up notes.

    C++ code writes them before it reads any logging level, and they would hide the one line of an
    error. They are kept if TF_CPP_MIN_LOG_LEVEL asks for them, with 0.
    """
    quiet_about_retracing()
    if os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3") == "0":
        import keras  # noqa: F401

        return
    with stderr_kept_for_errors():
        import keras  # noqa: F401


def quiet_about_retracing():
    """Hides TensorFlow's long warnings on functions that are traced for each length of a batch."""
    import logging

    logger = logging.getLogger("tensorflow")
    if _is_not_of_retracing not in logger.filters:
        logger.addFilter(_is_not_of_retracing)


def _is_not_of_retracing(record):
    return "retracing" not in str(record.msg)


@contextlib.contextmanager
def stderr_hidden():
    """Hides what C++ code prints to stderr, such as LiteRT's note on its delegate."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


@contextlib.contextmanager
def stderr_kept_for_errors():
    """Hides what libraries print to stderr, unless the block fails.

    The converters log dozens of lines that are of no use to a user; after a failure they are the
    only information.
    """
    sys.stderr.flush()
    # In memory where there is such a file: one on a full disk would lose what is printed.
    with _nameless_file() as kept:
        saved = os.dup(2)
        os.dup2(kept.fileno(), 2)
        try:
            yield
        except InputError:
            raise
        except Exception:
            kept.seek(0)
            os.write(saved, kept.read())
            raise
        finally:
            sys.stderr.flush()
            os.dup2(saved, 2)
            os.close(saved)


def _nameless_file():
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("stderr"), "w+b")
    import tempfile

    return tempfile.TemporaryFile()
