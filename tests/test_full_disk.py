"""A disk that takes no more, under each verb that writes: one line, status 2, nothing half-written.

A limit on the size of files stands in for the full disk, in a process of its own; where a small
file system in memory can be mounted, that is filled as well.
"""

import json
import os
import pathlib
import resource
import shutil
import subprocess
import sys

import numpy as np
import pytest

import keras_bert

# Runs jobs, each with a limit on the size of a file, and prints a list of [status, stderr].
SCRIPT = """
import contextlib, io, json, resource, sys
import keras_bert
from keras_bert.commands.main import main
from keras_bert.errors import InputError

def save_keras(model, path):
    try:
        keras_bert.load(model).model.save(path)
    except InputError as error:
        print(error, file=sys.stderr)
        return 2

found = []
for limit, arguments in json.loads(sys.argv[1]):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    text = io.StringIO()
    with contextlib.redirect_stderr(text), contextlib.redirect_stdout(io.StringIO()):
        status = save_keras(*arguments[1:]) if arguments[0] == "save" else main(arguments)
    found.append([status, text.getvalue()])
print(json.dumps(found))
"""


def run(jobs, place):
    """Returns [status, stderr] of each job; temporary files go to a folder of their own."""
    (place / "tmp").mkdir(exist_ok=True)
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(sys.path),
        "TMPDIR": str(place / "tmp"),
    }
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, json.dumps(jobs)],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def jobs_of(toy, place):
    """Returns the arguments of each verb that writes, and the most bytes of a file, by name."""
    model, texts = toy.model, place / "texts.txt"
    texts.write_text("".join(f"{text}\n" for text in toy.texts))
    jobs = {
        to: (50_000, ["convert", f"--from={model}", f"--to={to}"])
        for to in ("keras_bert", "huggingface", "google", "keras_hub")
    }
    jobs["saved_model"] = (50_000, ["export", f"--model={model}", "--format=saved_model"])
    jobs["a.tflite"] = (50_000, ["export", f"--model={model}", "--format=tflite"])
    jobs["a.npz"] = (5_000, ["embed", f"--model={model}", f"--input={toy.dev}"])
    jobs["a.csv"] = (1_000, ["predict", f"--model={model}", f"--input={toy.dev}"])
    jobs["vocab.txt"] = (100, ["vocab", f"--corpus={texts}", "--size=100"])
    for name, (limit, arguments) in jobs.items():
        jobs[name] = limit, [*arguments, f"--output={place / name}"]
    jobs["a.keras"] = (50_000, ["save", model, str(place / "a.keras")])
    return jobs


@pytest.mark.slow
def test_every_verb_that_writes(toy, tmp_path):
    jobs = jobs_of(toy, tmp_path)
    found = dict(zip(jobs, run(list(jobs.values()), tmp_path), strict=True))
    for name, (status, err) in found.items():
        assert status == 2, (name, err)
        lines = [line for line in err.splitlines() if not line.startswith("note:")]
        assert len(lines) == 1, (name, err)
        place = tmp_path / ("tmp" if name == "a.tflite" else name)
        assert f"{place}: File too large" in lines[0], (name, err)
    assert "TMPDIR=FOLDER" in found["a.tflite"][1]
    assert sorted(os.listdir(tmp_path)) == ["texts.txt", "tmp"]
    assert os.listdir(tmp_path / "tmp") == []


def test_what_was_there_before_stays(toy, tmp_path):
    model = tmp_path / "keras_bert"
    shutil.copytree(toy.model, model)
    [[status, _]] = run([jobs_of(toy, tmp_path)["keras_bert"]], tmp_path)
    assert status == 2
    for name in os.listdir(toy.model):
        assert (model / name).read_bytes() == pathlib.Path(toy.model, name).read_bytes()
    assert sorted(os.listdir(tmp_path)) == ["keras_bert", "texts.txt", "tmp"]


def test_a_finished_training_is_not_lost(toy, tmp_path, cli, monkeypatch):
    """The model cannot be written: the state is kept, and --resume writes it when there is room."""
    from keras_bert.bert import Bert

    save, output = Bert.save, tmp_path / "model"

    def save_within_limits(*arguments, **options):
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, before[1]))
        try:
            save(*arguments, **options)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    arguments = [*toy.arguments, f"--output={output}", "--resume"]
    with monkeypatch.context() as patch:
        patch.setattr(Bert, "save", save_within_limits)
        found = cli(*arguments)
    assert found.status == 2
    last = found.err.splitlines()[-1]
    assert f"{output}: File too large" in last
    assert "the run's state is kept" in last
    assert "--resume" in last
    assert os.listdir(tmp_path) == ["model.training"]
    found = cli(*arguments)
    assert found.status == 0, found.err
    assert "epoch 1" not in found.err
    ours, theirs = (keras_bert.load(each).model.get_weights() for each in (output, toy.model))
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(one, other)
    assert os.listdir(tmp_path) == ["model"]


@pytest.fixture
def small_disk(tmp_path):
    """A file system of a megabyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("a small file system cannot be mounted here")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


@pytest.mark.slow
def test_on_a_disk_that_is_full_indeed(toy, small_disk):
    jobs = jobs_of(toy, small_disk)
    names = ["keras_bert", "huggingface", "google", "keras_hub", "saved_model", "a.tflite",
             "a.keras"]  # fmt: skip
    unlimited = [(resource.RLIM_INFINITY, jobs[name][1]) for name in names]
    for name, (status, err) in zip(names, run(unlimited, small_disk), strict=True):
        assert status == 2, (name, err)
        lines = [line for line in err.splitlines() if not line.startswith("note:")]
        assert len(lines) == 1, (name, err)
        assert "the disk is full" in lines[0], (name, err)
    assert sorted(os.listdir(small_disk)) == ["texts.txt", "tmp"]
