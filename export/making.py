"""Makes an exported file under its own name in a temporary folder, where it is tried first."""

import contextlib
import os
import shutil

from keras_bert import temporaries
from keras_bert.errors import InputError
from keras_bert.files import replacing_file, replacing_folder


@contextlib.contextmanager
def made_beside(output, kind):
    """Yields the path to write at, of the output's name; it is moved to the output at the end.

    If the block fails, nothing is left, and what is at the output stays.

    Args:
        output: the file or folder to write.
        kind: its format.

    Raises:
        InputError: something else is at the output, or it cannot be written.
    """
    is_folder = kind == "saved_model"
    with _replacing(output, is_folder) as temporary:
        # Readers know a format by the name's ending, which a temporary name lacks.
        folder = temporaries.make_folder(os.path.realpath(output))
        made = os.path.join(folder, os.path.basename(os.path.realpath(output)))
        try:
            yield made
            if is_folder:
                os.rmdir(temporary)
            os.replace(made, temporary)
        except InputError as error:
            # Nobody knows the temporary name.
            error.reason = str(error.reason).replace(made, os.fspath(output))
            error.place = error.place and error.place.replace(made, os.fspath(output))
            raise
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _replacing(output, is_folder):
    if not is_folder:
        return replacing_file(output)
    from keras_bert.export.saved_model import is_saved_model

    return replacing_folder(output, is_saved_model)
