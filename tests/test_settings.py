"""Settings: what a dataclass of them takes, and how messages name them to a script and a shell."""

import dataclasses
import pathlib
import pickle

import numpy as np
import pytest

from keras_bert.errors import InputError, name_of, settings_are_flags
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
    layers: list[int] = setting([-1], "layers")
    from_: str | None = setting(None, "source")

    __post_init__ = check_settings


def test_what_only_looks_different_becomes_the_declared_type():
    found = Example(
        output=pathlib.Path("a") / "b",
        epochs=np.int64(4),
        rate=1,
        columns=("a", "b"),
        layers=["-1", "2"],
    )
    assert found.output == "a/b"
    assert (found.epochs, type(found.epochs)) == (4, int)
    assert (found.rate, type(found.rate)) == (1.0, float)
    assert found.columns == ["a", "b"]
    assert found.layers == [-1, 2]
    assert Example(output="x").layers is not Example(output="x").layers


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"output": ""}, "output: is empty"),
        ({"output": None}, "output: expected a text"),
        ({"epochs": 0}, "epochs=0: expected a number from 1 to 10"),
        ({"epochs": 11}, "epochs=11: expected a number from 1 to 10"),
        ({"epochs": 1.5}, "epochs=1.5: expected a whole number"),
        ({"epochs": True}, "epochs=True: expected a whole number"),
        ({"epochs": "3"}, "epochs=3: expected a whole number"),
        ({"rate": -0.1}, "rate=-0.1: expected 0.0 or more"),
        ({"rate": float("nan")}, "rate=nan: expected a finite number"),
        ({"rate": float("inf")}, "rate=inf: expected a finite number"),
        ({"pair": "abc"}, "pair=abc: expected one of nsp, sop"),
        ({"pack": 1}, "pack=1: expected True or False"),
        ({"columns": "ab"}, "columns: expected a list, not 'ab'"),
        ({"columns": [1]}, "columns=1: expected texts"),
        (
            {"layers": ["x", "1"]},
            "layers=x,1: expected numbers with commas between them, such as 1,2",
        ),
        ({"from_": 3}, "from=3: expected a text"),
    ],
)
def test_a_wrong_value_is_named(changes, message):
    with pytest.raises(InputError) as caught:
        Example(**{"output": "x", **changes})
    assert str(caught.value) == message
    with settings_are_flags():  # the very same error, to who reads it in a shell
        assert str(caught.value) == "--" + message.replace("=True", "")


def test_a_required_setting_has_to_be_given():
    with pytest.raises(TypeError, match="output"):
        Example()


def test_names_are_spelled_as_the_reader_writes_them():
    assert name_of("seeds", [1, 2]) == "seeds=1,2"
    assert name_of("pack", True) == "pack=True"
    with settings_are_flags():
        assert name_of("seeds", [1, 2]) == "--seeds=1,2"
        assert name_of("pack", True) == "--pack"
        assert name_of("eval") == "--eval"
    assert name_of("eval") == "eval"


def test_an_error_keeps_its_parts_wherever_it_goes():
    error = InputError("too high", "rate", 2.0, place="config.json")
    again = pickle.loads(pickle.dumps(error.within("bert")))
    assert (again.reason, again.setting, again.value) == ("too high", "rate", 2.0)
    assert str(again) == "bert: config.json: rate=2.0: too high"
    assert str(error.about("text 3")) == "text 3: rate=2.0: too high"
    assert str(InputError("is broken").within("bert")) == "bert: is broken"
