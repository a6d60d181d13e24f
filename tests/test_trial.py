"""A trial in a process of its own: what would end this process, or its patience, is refused."""

import ctypes
import os
import sys
import time

import pytest

from keras_bert.errors import InputError
from keras_bert.trial import check_harmless

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="there are no trials elsewhere")


def tried(function, seconds=20, memory=2**28):
    check_harmless("m.h5", "HDF5", function, seconds, memory)


def fail():
    raise InputError("m.h5: is of another model")


def crash():
    ctypes.string_at(0)


def loop():
    while True:
        pass


@pytest.fixture(params=["pidfd", "old kernel"])
def kernel(request, monkeypatch):
    def missing(_):
        raise OSError(38, "Function not implemented")

    if request.param == "old kernel":
        monkeypatch.setattr(os, "pidfd_open", missing)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (fail, r"^m.h5: is of another model$"),
        (crash, r"^m.h5: makes HDF5 fail \(SIGSEGV\): it is damaged"),
        (os.abort, r"^m.h5: makes HDF5 fail \(SIGABRT\)"),
        (loop, r"^m.h5: keeps HDF5 busy without end"),
        (lambda: bytes(2**30), r"^m.h5: would take more than 268,435,456 bytes of memory"),
    ],
)
def test_what_is_refused(kernel, function, message):
    with pytest.raises(InputError, match=message):
        tried(function, seconds=1)
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)  # no process is left behind


def test_what_is_not(kernel, capfd):
    def harmless():
        os.write(1, b"noise")
        os.write(2, b"noise")
        values.append(1)

    values = []
    assert check_harmless("m.h5", "HDF5", harmless, 20, 2**28) is True
    # Another exception is a mistake of ours, which this process is to meet itself.
    tried(lambda: 1 / 0)
    assert values == []
    assert capfd.readouterr() == ("", "")


def test_waiting_is_not_working():
    start = time.monotonic()
    tried(lambda: time.sleep(1.5), seconds=1)
    assert time.monotonic() - start > 1
