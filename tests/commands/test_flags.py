"""Flags made of a dataclass of settings."""

import dataclasses
import json
import types

import pytest
from absl import flags

from keras_bert.commands.flags import (
    define,
    define_for_every_verb,
    given,
    parse,
    paths_of,
    settings_from,
)
from keras_bert.commands.main import main
from keras_bert.commands.output import print_result, verb_help
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
    files: list | None = setting(None, "paths", are_paths=True)
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
        "--nowhole", "--columns=a,b", "--files=a, b c ,d", "--texts=a,b", "--texts=c",
        "--layers=-1,-2", "--from=y",
    )  # fmt: skip
    assert settings_from(found, Example, hidden=8) == Example(
        output="x", epochs=4, rate=1.0, pair="sop", freeze="encoder", pack=True, whole=False,
        columns=["a", "b"], files=["a", "b c", "d"], texts=["a,b", "c"], layers=[-1, -2],
        from_="y", hidden=8,
    )  # fmt: skip
    assert "hidden" not in found
    assert found["pair"].help == "<nsp|sop>: kind of pairs"


def test_commas_and_spaces_in_names_of_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a", "a, b", "c,d", "e,f,g"):
        (tmp_path / name).touch()
    assert paths_of("a, b c.tflite") == ["a", "b c.tflite"]
    assert paths_of(" a , none ,b") == ["a", "none", "b"]
    assert paths_of("a, b") == ["a, b"]
    assert paths_of("a,b") == ["a", "b"]
    assert paths_of("none,c,d, e,f,g ,e,f") == ["none", "c,d", "e,f,g", "e", "f"]
    assert paths_of("a,") == ["a", ""]
    assert paths_of("a, b,a") == ["a, b", "a"]


def test_some_flags_can_be_left_out_and_others_changed():
    changed = parsed("--output=x", pair={"choices": ("none",), "help": "h"})
    assert changed["pair"].help == "<none>: h"
    assert set(changed) - set(parsed("--output=x", skip=("pair",))) == {"pair"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "^give --output=…$"),
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


def test_help_names_what_is_needed_and_groups_the_rest():
    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Grouped(Example):
        group = "the layout"

        tag_column: str | None = setting(None, "column of the tag")

    values = flags.FlagValues()
    define(values, Grouped)
    define_for_every_verb(values)
    text = verb_help("verb", "does it", types.SimpleNamespace(__doc__="How."), values)
    head, needed, rest, layout, common = text.split("\n\n")[1:]
    assert head == "How."
    assert needed == "needed:\n  --output  the file to write"
    assert rest.startswith("not needed:\n")
    assert "--epochs  passes (default 3)" in rest
    assert layout == "the layout:\n  --tag_column  column of the tag"
    assert [line.split()[0] for line in common.splitlines()[1:]] == ["--json", "--strict"]


def test_with_json_stdout_has_the_object_alone(capsys):
    print_result({"a": 1}, ["one line", "two"], as_json=True)
    found = capsys.readouterr()
    assert (json.loads(found.out), found.err) == ({"a": 1}, "one line\ntwo\n")
    print_result({"a": 1}, ["one line"], as_json=False)
    assert capsys.readouterr() == ("one line\n", "")


def test_help_takes_a_verb(capsys):
    assert main(["help", "vocab"]) == 0
    first = capsys.readouterr().out
    assert main(["vocab", "--help"]) == 0
    assert capsys.readouterr().out == first
    assert "needed:\n  --corpus" in first
    assert main(["help", "dance"]) == 2
    assert "no verb 'dance'" in capsys.readouterr().err
