"""What a folder of sentence-transformers says beside the network: pooling, length, other modules.

Source: sentence-transformers 5, models/Pooling.py and models/Transformer.py.
"""

import os

from keras_bert.checkpoints.added_tokens import read_if_there
from keras_bert.config import read_json_object
from keras_bert.errors import InputError
from keras_bert.guesses import guess

_LENGTH_FILES = ("sentence_bert_config.json", "sentence_distilbert_config.json")


def transformer_folder(folder):
    """Returns the folder of the network, which old versions write as `0_Transformer`, or None."""
    for module in _modules(folder):
        path = os.path.join(folder, module["path"])
        if module["type"].endswith(".Transformer") and module["path"]:
            return path if os.path.isfile(os.path.join(path, "config.json")) else None
    return None


def read_pooling(folder):
    """Returns the pooling, and notes for the user.

    Older versions write a bool for each pooling, newer ones its name.
    """
    path = os.path.join(folder, "1_Pooling", "config.json")
    data = read_if_there(path)
    modes = data.get("pooling_mode")
    if modes is None:
        prefix, names = "pooling_mode_", [key for key, value in data.items() if value is True]
        modes = [key.removeprefix(prefix) for key in names if key.startswith(prefix)]
    modes = [modes] if isinstance(modes, str) else modes
    if modes in ([], ["cls"], ["cls_token"]):
        return "cls", ()
    if modes in (["mean"], ["mean_tokens"]):
        return "mean", ()
    return "cls", (guess(f"pools by {modes}, which is not supported: [CLS] is used", place=path),)


def read_modules(folder):
    """Returns notes on the modules after the pooling, which are not loaded."""
    notes = []
    for module in _modules(folder):
        kind, name = module["type"].rpartition(".")[2], module["path"]
        if kind == "Normalize":
            notes.append(f"{folder}: its vectors have length 1: embed with normalize")
        elif kind not in ("Transformer", "Pooling"):
            notes.append(
                guess(
                    f"{name} is a module {kind}, which is not supported: left out, vectors are "
                    f"those before it",
                    place=os.path.join(folder, "modules.json"),
                )
            )
    # Without the list, a folder of that name says it.
    if not _modules(folder) and os.path.isdir(os.path.join(folder, "2_Dense")):
        reason = "2_Dense is not supported: left out, vectors are those before it"
        notes.append(guess(reason, place=folder))
    return notes


def read_normalize(folder):
    """Returns whether vectors are brought to length 1; None where no file says what is pooled."""
    if not os.path.isfile(os.path.join(folder, "1_Pooling", "config.json")):
        return None
    return any(module["type"].endswith(".Normalize") for module in _modules(folder))


def read_length(folder):
    """Returns the most tokens of a text, or None; and whether texts are lower-cased first.

    Raises:
        InputError: the length is no number from 3 on.
    """
    for name in _LENGTH_FILES:
        path = os.path.join(folder, name)
        data = read_if_there(path)
        length = data.get("max_seq_length")
        if length is not None and (type(length) is not int or length < 3):
            raise InputError(
                f"{path}: max_seq_length is {length!r}, not a number of tokens from 3 on"
            )
        if data:
            return length, data.get("do_lower_case") is True
    return None, False


def _modules(folder):
    """Returns the modules that `modules.json` lists, those that are no modules left out."""
    path = os.path.join(folder, "modules.json")
    if not os.path.isfile(path):
        return []
    modules = read_json_object(path, of=list)
    kept = []
    for module in modules:
        fields = module if isinstance(module, dict) else {}
        if isinstance(fields.get("type"), str) and isinstance(fields.get("path"), str):
            # A stranger's path must not lead out of the folder.
            if os.path.basename(fields["path"]) != fields["path"]:
                raise InputError(f"{path}: {fields['path']!r} is not the name of a folder")
            kept.append(fields)
    return kept
