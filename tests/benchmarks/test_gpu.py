"""What a borrowed GPU gets and sends back: the same records, half the bytes, flags that exist."""

import filecmp
import importlib
import pathlib
import shutil

import absl.flags
import numpy as np
import pytest
from pretraining_helpers import make_records

import keras_bert
from keras_bert.commands.flags import define_for_every_verb

GPU = pathlib.Path(__file__).parents[2] / "benchmarks" / "gpu"


@pytest.fixture
def gpu(monkeypatch):
    """Imports a script of that folder by its name."""
    monkeypatch.syspath_prepend(str(GPU))
    return importlib.import_module


def test_records_come_out_byte_for_byte(gpu, tmp_path):
    make_records(tmp_path / "records", pair="none", packed=True)
    records = gpu("records")
    records.pack(tmp_path / "records", tmp_path / "packed")
    records.unpack(tmp_path / "packed", tmp_path / "again")
    found = filecmp.dircmp(tmp_path / "records", tmp_path / "again")
    assert not found.left_only + found.right_only + found.diff_files
    assert len(found.same_files) > 2
    make_records(tmp_path / "pairs", pair="nsp")
    with pytest.raises(SystemExit, match="only records of `prepare --pair=none`"):
        records.pack(tmp_path / "pairs", tmp_path / "other")


def test_a_folder_in_float16_is_read_and_is_half_as_large(gpu, toy, tmp_path):
    gpu("float16").halve(toy.model, tmp_path / "half")
    whole, half = keras_bert.load(toy.model), keras_bert.load(tmp_path / "half")
    for one, other in zip(whole.model.get_weights(), half.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one.astype("float16").astype("float32"), other)
        assert other.dtype == np.float32
    folders = (pathlib.Path(toy.model), tmp_path / "half")
    sizes = [(folder / "model.weights.h5").stat().st_size for folder in folders]
    assert sizes[1] < 0.6 * sizes[0]


def test_a_plan_has_flags_that_exist_and_needs_what_is_in_it(gpu, tmp_path):
    commands = gpu("plan").plan(1000)
    names = [command.name for command in commands]
    assert len(set(names)) == len(names)
    for command in commands:
        verb, *flags = command.arguments
        values = absl.flags.FlagValues()
        define_for_every_verb(values)
        importlib.import_module(f"keras_bert.commands.{verb}").define(values)
        assert {flag.removeprefix("--").split("=")[0] for flag in flags} <= set(values)
        assert {*command.needs, command.beside} - {""} <= set(names[: names.index(command.name)])
    # Teachers that were not trained in time are left out.
    (tmp_path / "a").mkdir()
    there = gpu("run")._there
    assert there(f"--teacher={tmp_path}/a,{tmp_path}/b") == f"--teacher={tmp_path}/a"
    assert there("--seed=1") == "--seed=1"
    shutil.rmtree(tmp_path / "a")
