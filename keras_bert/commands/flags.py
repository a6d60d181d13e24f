"""Makes flags from the settings' dataclasses, and settings from parsed flags."""

import dataclasses
import math
import os

from absl import flags

from keras_bert.errors import InputError
from keras_bert.settings import default_of, group_of, name_of_field, settings_of, type_of

# The title of the flags that every verb has, in `--help`.
EVERY_VERB = "for every verb"
FOR_EVERY_VERB = {
    "json": "print the result as one JSON object, alone on stdout; all else goes to stderr",
    "strict": "whatever a file does not say, so that it is guessed or left out, is an error",
}


def define_for_every_verb(values):
    """Declares the flags of `FOR_EVERY_VERB`."""
    for name, text in FOR_EVERY_VERB.items():
        flags.DEFINE_boolean(name, False, text, flag_values=values)
        values[name].group = EVERY_VERB


def define(values, kind, skip=(), **changes):
    """Declares a flag for each setting of a dataclass.

    Args:
        values: `FlagValues` to declare them in.
        kind: the dataclass; see `keras_bert.settings`.
        skip: names of settings that get no flag.
        **changes: by a setting's name, a dict of the `help`, `choices`, `low` or `high` that
            differ in this verb.
    """
    for field, description in settings_of(kind):
        name = name_of_field(field)
        if name not in skip:
            description = dataclasses.replace(description, **changes.get(name, {}))
            _define(values, name, field, description)
            values[name].is_required = _has_no_default(field)
            values[name].group = group_of(kind, field.name)


def settings_from(values, kind, **more):
    """Returns the dataclass of settings with the values of parsed flags.

    Args:
        values: parsed `FlagValues`.
        kind: the dataclass; its settings without a flag keep their defaults.
        **more: values that replace those of the flags, or of settings without a flag.

    Raises:
        InputError: see `keras_bert.settings.check_settings`.
    """
    return kind(**{**chosen(values, kind), **more})


def chosen(values, kind):
    """Returns the values of the flags of a settings dataclass, a dict by field."""
    names = {field.name: name_of_field(field) for field, _ in settings_of(kind)}
    return {field: values[name].value for field, name in names.items() if name in values}


def given(values):
    """Returns the flags that were given on the command line, in the order of their names."""
    return {name: values[name].value for name in sorted(values) if values[name].present}


def is_required(flag):
    """Says whether a flag has to be given."""
    return getattr(flag, "is_required", False)


def parse(values, arguments):
    """Parses a verb's arguments.

    Args:
        values: `FlagValues`.
        arguments: list of str, the program's name first.

    Raises:
        InputError, flags.Error: there is no such flag, or its value is wrong.
    """
    rest = values(arguments)[1:]
    if rest:
        raise InputError(f"unexpected argument {rest[0]!r}: flags are written --name=value")
    missing = [f for f in values if is_required(values[f]) and not values[f].present]
    if missing:
        raise InputError(f"give {' '.join(f'--{name}=…' for name in missing)}")
    for name in values:
        # absl's bounds accept nan, because every comparison with it is false.
        if isinstance(values[name].value, float) and not math.isfinite(values[name].value):
            raise InputError("expected a finite number", name, values[name].value)


def paths_of(text):
    """Returns the paths that a text names, with commas between them.

    Spaces around a name are no part of it. A comma is part of a name where something exists at
    that path: of several ways to read it as such, the longest name comes first.
    """
    parts, found = text.split(","), []
    while parts:
        for count in range(len(parts), 0, -1):
            name = ",".join(parts[:count]).strip()
            if count == 1 or os.path.exists(name):
                break
        found.append(name)
        parts = parts[count:]
    return found


class _PathsParser(flags.ListParser):
    def parse(self, argument):
        return paths_of(argument) if argument and isinstance(argument, str) else argument or []


def _define(values, name, field, description):
    kind, _ = type_of(field)
    default, text = default_of(field), description.help
    bounds = description.low, description.high
    if description.choices is not None:
        flags.DEFINE_enum(name, default, description.choices, text, flag_values=values)
    elif kind is bool:
        flags.DEFINE_boolean(name, default, text, flag_values=values)
    elif kind is int:
        flags.DEFINE_integer(name, default, text, *bounds, flag_values=values)
    elif kind is float:
        flags.DEFINE_float(name, default, text, *bounds, flag_values=values)
    elif kind is str:
        flags.DEFINE_string(name, default, text, flag_values=values)
        if not description.may_be_empty:
            flags.register_validator(
                name, lambda value: value != "", "is empty", flag_values=values
            )
    elif description.are_paths:
        flags.DEFINE(_PathsParser(), name, default, text, values, flags.CsvListSerializer(","))
    elif description.repeated:
        flags.DEFINE_multi_string(name, default, text, flag_values=values)
    else:
        flags.DEFINE_list(name, default, text, flag_values=values)


def _has_no_default(field):
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
