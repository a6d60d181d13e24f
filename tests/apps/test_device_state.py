"""What `keras-bert-device` remembers: files that were tried; and what an answer does not load."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import zipfile

import pytest
from conftest import DATA
from environments import ROOT

from keras_bert.device import common, state
from keras_bert.device.main import main
from keras_bert.export import runners
from keras_bert.tasks.registry import EVERY_KIND, get_task

SENTIMENT = ROOT / "apps" / "models" / "sentiment" / "sentiment.tflite"


@pytest.fixture
def trials(monkeypatch, tmp_path):
    """The paths of the files that are tried, in order; nothing is remembered at the beginning."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    tried, check = [], runners.check_harmless

    def counted(path, *rest):
        tried.append(os.fspath(path))
        return check(path, *rest)

    monkeypatch.setattr(runners, "check_harmless", counted)
    return tried


@pytest.fixture
def model(tmp_path):
    with zipfile.ZipFile(DATA / "version_0_1" / "files.zip") as archive:
        return pathlib.Path(archive.extract("dynamic.tflite", tmp_path))


def asked(path):
    return main(["classify", f"--model={path}", "a film"])


def test_a_file_is_tried_once(trials, model, tmp_path, capsys):
    assert asked(model) == asked(model) == 0
    assert trials == [str(model)]
    # Its content counts, not its name or its date.
    other = tmp_path / "other.tflite"
    shutil.copy(model, other)
    assert asked(other) == 0
    assert len(trials) == 1
    stat = model.stat()
    content = bytearray(model.read_bytes())
    content[content.index(b"PK\x03\x04") - 1] ^= 1
    model.write_bytes(content)
    os.utime(model, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    asked(model)
    assert len(trials) == 2
    path = pathlib.Path(state.state_path("tried"))
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_what_fails_is_tried_again(trials, model, monkeypatch, capsys):
    content = model.read_bytes()
    start = content.index(b"PK\x03\x04")
    model.write_bytes(content[: start // 2] + bytes(start - start // 2) + content[start:])
    assert asked(model) == asked(model) == 2
    assert len(trials) == 2
    assert state.TriedFile(model).is_harmless is False


def test_a_file_that_could_not_be_tried_is_not_remembered(trials, model, monkeypatch):
    def fail():
        raise OSError("no memory for a copy of the process")

    monkeypatch.setattr(os, "fork", fail)
    assert asked(model) == asked(model) == 0
    assert len(trials) == 2


def test_what_others_may_write_is_not_believed(trials, model, monkeypatch):
    assert asked(model) == 0
    path = state.state_path("tried")
    os.chmod(path, 0o666)
    assert asked(model) == 0
    assert len(trials) == 2
    # Of another version of LiteRT it is not known, either.
    os.chmod(path, 0o600)
    monkeypatch.setattr("ai_edge_litert.__version__", "9.9")
    assert asked(model) == 0
    assert len(trials) == 3


def test_the_list_is_bounded_and_damage_is_no_error(trials, model):
    path = pathlib.Path(state.state_path("tried"))
    state.make_private(str(path))
    path.write_bytes(b"\xff\n" * 500)
    assert asked(model) == 0
    assert len(path.read_bytes().splitlines()) == 200
    assert asked(model) == 0
    assert len(trials) == 1
    path.unlink()
    path.mkdir()
    assert asked(model) == 0
    assert len(trials) == 2


def test_without_a_place_nothing_is_remembered(trials, model, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", "/proc"):
        monkeypatch.setenv("XDG_STATE_HOME", str(place))
        assert asked(model) == 0
    assert len(trials) == 2
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    expected = tmp_path / ".local" / "state" / "keras-bert-device" / "history"
    assert state.state_path("history") == str(expected)


def test_a_shipped_file_is_a_part_of_the_checkout(trials, tmp_path, capsys):
    link = tmp_path / "link.tflite"
    link.symlink_to(SENTIMENT)
    assert asked("sentiment") == asked(SENTIMENT) == asked(link) == 0
    assert trials == []
    copy = tmp_path / "copy.tflite"
    shutil.copy(SENTIMENT, copy)
    assert asked(copy) == 0
    assert trials == [str(copy)]


def test_the_verbs_are_those_of_the_tasks():
    expected = {
        kind: "classify" for kind in EVERY_KIND if get_task(kind).of_texts and kind != "embedding"
    }
    expected |= {"tagging": "tag", "question_answering": "answer", "embedding": "embed"}
    assert expected == common.VERB_OF_TASK


def test_an_answer_loads_no_more_than_it_needs(tmp_path):
    """What would make the program slow to start: each of these takes milliseconds."""
    code = f"""
import json, sys
from keras_bert.device.main import main
assert main(["classify", "--model={SENTIMENT}", "so good"]) == 0
print(json.dumps(sorted(sys.modules)))
"""
    found = subprocess.run(
        [sys.executable, "-I", "-c", code], capture_output=True, text=True, cwd=tmp_path
    )
    assert found.returncode == 0, found.stderr
    loaded = set(json.loads(found.stdout.splitlines()[-1]))
    assert "keras_bert.tasks.sequence.classification" in loaded
    others = ("tagging.task", "question_answering.task", "multiple_choice.task")
    slow = {f"keras_bert.tasks.{name}" for name in others}
    slow |= {"ai_edge_litert.schema_py_generated", "flatbuffers", "keras", "tensorflow"}
    slow |= {"keras_bert.files", "socket", "tempfile", "logging", "readline"}
    assert loaded & slow == set()
