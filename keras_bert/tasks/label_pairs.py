"""Settings that say something of single labels, such as spam:3,ham:1; the names of labels."""

import collections.abc
import json

from keras_bert.errors import InputError


def as_text(value):
    """Returns such a setting as text: a dict as JSON, anything else as it is."""
    if isinstance(value, collections.abc.Mapping):
        return json.dumps({str(key): item for key, item in value.items()}, ensure_ascii=False)
    return value


def pairs_of(setting, text, example):
    """Returns the dict of a setting that was written as label:value,label:value, or as JSON.

    Args:
        setting: str, its name.
        text: str.
        example: str, what messages show.

    Returns:
        dict from str to str, or to what JSON has.

    Raises:
        InputError: it is neither, or names a label twice.
    """
    reason = f"expected a value for each label, such as {example}, or a JSON object"
    if text.lstrip().startswith("{"):
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            raise InputError(reason, setting, text[:60]) from None
        return found
    parts = [part.rpartition(":") for part in text.split(",")]
    if not all(separator and key.strip() and value.strip() for key, separator, value in parts):
        raise InputError(reason, setting, text[:60])
    names = [key.strip() for key, _, _ in parts]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"has {name!r} twice", setting, text[:60])
    return dict(zip(names, (value.strip() for _, _, value in parts)))


def renamed(labels, text, place):
    """Returns the names that `label_names` has for labels, in their order.

    Args:
        labels: list of str, as the training file writes them.
        text: str, the setting.
        place: str, where the labels are from.

    Raises:
        InputError: it names no label of the file, or two labels alike.
    """
    setting = "label_names"
    names = pairs_of(setting, text, "0:negative,1:positive")
    for label, name in names.items():
        if label not in labels:
            shown = ", ".join(label[:40] for label in labels[:12])
            raise InputError(f"{place}: no label is {label!r}, they are {shown}", setting)
        if not isinstance(name, str) or not name.strip() or len(name.splitlines()) > 1:
            raise InputError(f"{name!r:.40} is not a name of one line", setting)
    found = [names.get(label, label) for label in labels]
    for label, name in zip(labels, found):
        if found.count(name) > 1:
            raise InputError(f"two labels are called {name!r}", setting)
        if name in labels and name != label:
            raise InputError(f"{name!r} is already a label of {place}, and not {label!r}", setting)
    return found


def label_index(labels, file_labels=()):
    """Returns the number of each label, a dict, by its name and by what files call it.

    LABEL_0, transformers' name, is 0 as well.
    """
    index = {label: number for number, label in enumerate(labels)}
    if all(label == f"LABEL_{number}" for label, number in index.items()):
        index |= {str(number): number for number in range(len(labels))}
    for number, label in enumerate(file_labels):
        index.setdefault(label, number)
    return index
