"""Hides what libraries print to stderr, so that the one line of an error stays visible."""

import contextlib
import logging
import os
import sys
import tempfile

from keras_bert.errors import InputError
from keras_bert.extras import naming_extras


@naming_extras()
def import_tensorflow_quietly():
    """Imports Keras with its backend, without TensorFlow's start-up notes.

    C++ code writes them before it reads any logging level, and they would hide the one line of an
    error. They are kept if TF_CPP_MIN_LOG_LEVEL is set.
    """
    # Batches of several lengths are intended; TensorFlow prints long warnings about them.
    logging.getLogger("tensorflow").addFilter(_is_not_of_retracing)
    if "TF_CPP_MIN_LOG_LEVEL" in os.environ:
        import keras  # noqa: F401

        return
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    with stderr_kept_for_errors():
        import keras  # noqa: F401


def _is_not_of_retracing(record):
    return "retracing" not in str(record.msg)


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
    return tempfile.TemporaryFile()
