"""Settings: the one place for the name, type, default, help and bounds of what a user can choose.

A dataclass of `setting`s is what a function takes and what a command makes its flags of:

    @dataclasses.dataclass(frozen=True, kw_only=True)
    class FitSettings:
        train: str = setting(REQUIRED, "the file to train on")
        epochs: int = setting(3, "passes over the texts", low=1)
        metric: str | None = setting(None, "the score that the best epoch is best in")

        __post_init__ = check_settings

Types are int, float, str, bool, list (of str) and list[int], each with `| None` where None is a
value. A path is a str; `check_settings` takes any os.PathLike for it.
"""

import dataclasses
import math
import os
import types
import typing

import numpy as np

from keras_bert.errors import InputError

REQUIRED = dataclasses.MISSING
_WORDS = {int: "a whole number", float: "a number", str: "a text", bool: "True or False"}


@dataclasses.dataclass(frozen=True)
class Description:
    """What is known of a setting beside its name, type and default; see `setting`."""

    help: str
    low: float | None = None
    high: float | None = None
    choices: tuple | None = None
    repeated: bool = False
    is_path: bool = False
    example: str = "1,2"
    may_be_empty: bool = True
    are_paths: bool = False


def setting(
    default,
    help,
    *,
    low=None,
    high=None,
    choices=None,
    repeated=False,
    example="1,2",
    is_path=False,
    are_paths=False,
):
    """Returns a dataclass field that is a setting.

    Args:
        default: its default, or REQUIRED.
        help: str, one line for `--help`; it need not say the default or the choices.
        low, high: bounds of a number, themselves allowed.
        choices: the values that a str can have.
        repeated: whether the flag of a list is given once for each item, and not with commas.
        example: a list of numbers, as messages show what they expect.
        is_path: whether it names a file or folder; see `shown_path`.
        are_paths: whether a list names files or folders; see `commands.flags.paths_of`.
    """
    description = Description(
        help=help,
        low=low,
        high=high,
        choices=None if choices is None else tuple(choices),
        repeated=repeated,
        is_path=is_path,
        are_paths=are_paths,
        example=example,
        # An unset variable of a shell script, --output=$OUT, would name the current folder.
        may_be_empty=default is not REQUIRED and not default,
    )
    more = {}
    if isinstance(default, list):
        more["default_factory"] = default.copy
    elif default is not REQUIRED:
        more["default"] = default
    return dataclasses.field(metadata={"setting": description}, **more)


def settings_of(kind):
    """Yields the settings of a dataclass: tuples of the field and its `Description`."""
    for field in dataclasses.fields(kind):
        if "setting" in field.metadata:
            yield field, field.metadata["setting"]


def name_of_field(field):
    """Returns a setting's name; `from_` is what Python makes of a setting called `from`."""
    return field.name.removesuffix("_")


def group_of(kind, name):
    """Returns the title of a setting in `--help`, the `group` of the class that declares it."""
    for owner in kind.__mro__:
        if name in vars(owner).get("__annotations__", {}):
            return vars(owner).get("group", "")
    return ""


def default_of(field):
    """Returns a setting's default, None for a required one."""
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return None if field.default is REQUIRED else field.default


def shown_path(path):
    """Returns a path as a model card shows it: of an absolute one the last part.

    A relative path is of use to whoever runs the command again in a copy of the same folder.
    """
    path = os.path.normpath(os.fspath(path))
    return os.path.basename(path) if os.path.isabs(path) else path


def changed_settings(settings):
    """Returns the settings that are not at their defaults, for a model card: a dict by name."""
    changed = {}
    for field, description in settings_of(settings):
        value = getattr(settings, field.name)
        if value != default_of(field):
            if description.is_path:
                value = shown_path(value)
            changed[name_of_field(field)] = value
    return changed


def type_of(field):
    """Returns a setting's type, of a list (list, type of its items), and whether it may be None."""
    kinds = (field.type,)
    if isinstance(field.type, types.UnionType):
        kinds = typing.get_args(field.type)
    (kind,) = (kind for kind in kinds if kind is not types.NoneType)
    if kind is list or typing.get_origin(kind) is list:
        kind = (list, *(typing.get_args(kind) or (str,)))
    return kind, types.NoneType in kinds


def check_settings(settings):
    """Checks the values of a dataclass of settings; to be its `__post_init__`.

    What only looks different becomes the type that is declared: 1 for a float, a tuple for a list,
    NumPy's numbers, a pathlib.Path for a str.

    Raises:
        InputError: a value is of the wrong type, out of bounds or not one of the choices.
    """
    for field, description in settings_of(settings):
        name, value = name_of_field(field), getattr(settings, field.name)
        kind, optional = type_of(field)
        if value is None and optional:
            continue
        value = _converted(name, value, kind, description.example)
        _check(name, value, description)
        object.__setattr__(settings, field.name, value)


def _converted(name, value, kind, example="1,2"):
    if isinstance(kind, tuple):
        if isinstance(value, str) or not hasattr(value, "__iter__"):
            raise InputError(f"expected a list, not {value!r:.60}", name)
        return [_item(name, item, kind[1], value, example) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if kind is str and isinstance(value, os.PathLike):
        return os.fspath(value)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise InputError(f"expected {_WORDS[kind]}", name, value if value != "" else None)
    return value


def _item(name, item, kind, whole, example):
    try:
        return int(item) if kind is int and isinstance(item, str) else _converted(name, item, kind)
    except ValueError:
        what = "texts" if kind is str else f"numbers with commas between them, such as {example}"
        raise InputError(f"expected {what}", name, whole) from None


def _check(name, value, description):
    if isinstance(value, float) and not math.isfinite(value):
        raise InputError("expected a finite number", name, value)
    low, high = description.low, description.high
    if low is not None and value < low or high is not None and value > high:
        if low is None or high is None:
            bounds = f"{high} or less" if low is None else f"{low} or more"
        else:
            bounds = f"a number from {low} to {high}"
        raise InputError(f"expected {bounds}", name, value)
    if description.choices is not None and value not in description.choices:
        raise InputError(f"expected one of {', '.join(description.choices)}", name, value)
    if value == "" and not description.may_be_empty:
        raise InputError("is empty", name)
