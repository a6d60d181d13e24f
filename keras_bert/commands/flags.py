"""Makes flags from the settings' dataclasses, and settings from parsed flags."""

import dataclasses
import math

from absl import flags

from keras_bert.errors import InputError
from keras_bert.settings import default_of, name_of_field, settings_of, type_of


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
    for name in values:
        # absl's bounds accept nan, because every comparison with it is false.
        if isinstance(values[name].value, float) and not math.isfinite(values[name].value):
            raise InputError("expected a finite number", name, values[name].value)


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
    elif description.repeated:
        flags.DEFINE_multi_string(name, default, text, flag_values=values)
    else:
        flags.DEFINE_list(name, default, text, flag_values=values)
    if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
        flags.mark_flag_as_required(name, flag_values=values)
