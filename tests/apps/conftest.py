"""The device program in an environment of its own, and small models for it."""

import fcntl
import os

import pytest
from environments import copy_sources, make_environment
from task_models import PASSAGE, QUESTIONS, answer_half, make_bert


@pytest.fixture(scope="session")
def device(tmp_path_factory):
    """The program in an environment of its own, and its Python, `device.with_name("python")`.

    It is made once for all the tests of a run, in all its processes.
    """
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "device"
    folder.mkdir(exist_ok=True)
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "made").exists():
            sources = copy_sources(folder / "sources")
            make_environment(folder / "venv", [f"{sources}[device]"])
            (folder / "made").touch()
    return folder / "venv" / "bin" / "keras-bert-device"


@pytest.fixture(scope="session")
def models(tmp_path_factory):
    """By task a `Bert` and its .tflite file; the answerer finds an answer in half of the cases."""
    from keras_bert.export.tflite import export_tflite

    folder = tmp_path_factory.mktemp("models")
    found = {}
    for kind in ("regression", "tagging", "question_answering"):
        bert = make_bert(kind)
        if kind == "question_answering":
            answer_half(bert, QUESTIONS, [PASSAGE] * len(QUESTIONS))
        found[kind] = (bert, folder / f"{kind}.tflite")
        export_tflite(*found[kind])
    return found
