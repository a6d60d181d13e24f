"""Checks of the settings that a task keeps in a model's `config.json`."""

import dataclasses
import math

from keras_bert.errors import InputError


def check_types(settings, types):
    """Raises InputError unless `settings` has exactly the keys of `types`, of those types.

    Args:
        settings: dict, from an untrusted file.
        types: dict from name to type; a float may be written as a whole number, and is finite.
    """
    if settings.keys() != types.keys():
        raise InputError(f"settings must be {', '.join(types)}, found {', '.join(settings)}")
    for name, kind in types.items():
        value = settings[name]
        right = isinstance(value, (int, float) if kind is float else kind)
        if isinstance(value, bool) != (kind is bool) or not right:
            raise InputError(f"setting {name} must be {kind.__name__}, not {value!r}")
        if kind is float and not math.isfinite(value):
            raise InputError(f"setting {name} must be finite, not {value!r}")


def checked_settings(kind, values, task):
    """Returns settings with their defaults filled in, as a dict.

    Args:
        kind: the dataclass of a task's settings.
        values: dict, from an untrusted file.
        task: kind of task, for the message.

    Raises:
        InputError: a setting is unknown or has an impossible value.
    """
    try:
        return dataclasses.asdict(kind(**values))
    except TypeError:
        known = ", ".join(field.name for field in dataclasses.fields(kind))
        raise InputError(f"settings of {task} are {known}, found {', '.join(values)}") from None
