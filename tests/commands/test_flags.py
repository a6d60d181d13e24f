"""Flags made of a dataclass of settings."""

import dataclasses

import pytest
from absl import flags

from keras_bert.commands.flags import define, given, parse, settings_from
from keras_bert.errors import InputError, settings_are_flags
from keras_bert.settings import REQUIRED, check_settings, setting


@dataclasses.dataclass(frozen=True, kw_only=True)
class Example:
    output: str = setting(REQUIRED, "the file to write")
    epochs: int = setting(3, "passes", low=1, high=10)
    rate: float = setting(0.5, "share", low=0.0)
    pair: str | None = setting(None, "kind of pairs", choices=("nsp", "sop"))
    freeze: str = setting("", "what to freeze")
    pack: bool = setting(False, "whether to pack")
    whole: bool | None = setting(None, "whole words")
    columns: list | None = setting(None, "names")
    texts: list | None = setting(None, "texts", repeated=True)
    layers: list[int] | None = setting(None, "layers")
    from_: str | None = setting(None, "source")
    hidden: int = 7

    __post_init__ = check_settings


def parsed(*arguments, **options):
    values = flags.FlagValues()
    define(values, Example, **options)
    parse(values, ["program", *arguments])
    return values


def test_the_defaults_are_those_of_the_dataclass():
    assert settings_from(parsed("--output=x"), Example) == Example(output="x")


def test_every_type_comes_through():
    found = parsed(
        "--output=x", "--epochs=4", "--rate=1", "--pair=sop", "--freeze=encoder", "--pack",
        "--nowhole", "--columns=a,b", "--texts=a,b", "--texts=c", "--layers=-1,-2", "--from=y",
    )  # fmt: skip
    assert settings_from(found, Example, hidden=8) == Example(
        output="x", epochs=4, rate=1.0, pair="sop", freeze="encoder", pack=True, whole=False,
        columns=["a", "b"], texts=["a,b", "c"], layers=[-1, -2], from_="y", hidden=8,
    )  # fmt: skip
    assert "hidden" not in found
    assert found["pair"].help == "<nsp|sop>: kind of pairs"


def test_some_flags_can_be_left_out_and_others_changed():
    changed = parsed("--output=x", pair={"choices": ("none",), "help": "h"})
    assert changed["pair"].help == "<none>: h"
    assert set(changed) - set(parsed("--output=x", skip=("pair",))) == {"pair"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "--output"),
        (["--output="], "--output.*is empty"),
        (["--output=x", "--epochs=0"], "epochs"),
        (["--output=x", "--epochs=11"], "epochs"),
        (["--output=x", "--epochs=many"], "epochs"),
        (["--output=x", "--pair=abc"], "pair"),
        (["--output=x", "--rate=nan"], "--rate=nan: expected a finite number"),
        (["--output=x", "y"], "unexpected argument 'y'"),
        (["--output=x", "--layers=a"], "--layers=a: expected numbers"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with settings_are_flags(), pytest.raises((InputError, flags.Error), match=message):
        settings_from(parsed(*arguments), Example)


def test_given_are_those_on_the_command_line():
    assert given(parsed("--output=x", "--epochs=3")) == {"epochs": 3, "output": "x"}
