"""Reading a `.keras` file without trusting it: its weights, and what it keeps beside them."""

import contextlib
import os
import shutil
import zipfile

from keras_bert.description import FOLDER
from keras_bert.errors import InputError
from keras_bert.files import FULL, temporary_folder
from keras_bert.model_folder import CONFIG_FILE, VOCABULARY_FILE, WEIGHTS_FILE
from keras_bert.reading import JSON_LIMIT, VOCABULARY_LIMIT, check_file

ENDING = ".keras"
# Keras's own: the folder of what models keep beside their weights.
_ASSETS = f"assets/{FOLDER}"


@contextlib.contextmanager
def extracted(path):
    """Puts a model's description and weights into a temporary folder.

    Args:
        path: a `.keras` file.

    Yields:
        The folder, with the files of a model folder.

    Raises:
        InputError: it is no such file, or damaged, or the model has no description.
    """
    check_file(path, what=f"{ENDING} file")
    with temporary_folder() as folder:
        try:
            with zipfile.ZipFile(path) as archive:
                _extract(path, archive, folder)
        except InputError:
            raise
        except OSError as error:
            if error.errno in FULL:
                raise  # the disk of the temporary folder is
            raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None
        except Exception as error:  # a damaged file raises nearly anything in zipfile
            raise InputError(f"{path}: not a readable {ENDING} file: {error}") from None
        yield folder


def _extract(path, archive, folder):
    found = {item.filename: item for item in archive.infolist()}
    if "metadata.json" not in found or WEIGHTS_FILE not in found:
        raise InputError(f"{path}: not a {ENDING} file: it has no metadata.json or {WEIGHTS_FILE}")
    if f"{_ASSETS}/{CONFIG_FILE}" not in found:
        raise InputError(
            f"{path}: holds no tokenizer and labels: model = keras.saving.load_model(path), then "
            f"keras_bert.Bert(model, tokenizer, labels=...) makes of it what has both"
        )
    for name, limit in (
        (f"{_ASSETS}/{CONFIG_FILE}", JSON_LIMIT),
        (f"{_ASSETS}/{VOCABULARY_FILE}", VOCABULARY_LIMIT),
        # Stored as they are, weights cannot be larger than the file; a bomb is not unpacked.
        (WEIGHTS_FILE, os.path.getsize(path)),
    ):
        if name not in found:
            raise InputError(f"{path}: has no {name}")
        if found[name].file_size > limit:
            raise InputError(f"{path}: {name} has {found[name].file_size} bytes, over {limit}")
        with (
            archive.open(found[name]) as source,
            open(os.path.join(folder, os.path.basename(name)), "wb") as target,
        ):
            shutil.copyfileobj(source, target)
