"""Keeps off the terminal what libraries print to stderr: it would bury an error's one line."""

import contextlib
import logging
import os
import sys
import tempfile

from keras_bert.errors import InputError
from keras_bert.extras import naming_extras


@naming_extras()
def import_tensorflow_quietly():
    """Imports Keras with its backend while TensorFlow's start-up notes are dropped.

    They are written by C++ code before any logging level is looked at, and would bury the one line
    that an error is. The level asked for in TF_CPP_MIN_LOG_LEVEL, if any, keeps them.
    """
    # Batches of several lengths are meant; TensorFlow takes them for a mistake, at great length.
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
    """Keeps what libraries print to stderr off the terminal, unless the block fails.

    The converters log dozens of lines that say nothing to a user; after a failure they are all
    there is to go by.
    """
    sys.stderr.flush()
    with tempfile.TemporaryFile() as kept:
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
