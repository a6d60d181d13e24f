"""One process at a time writes an output: who has it is said, what is dead is taken over."""

import fcntl
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import threading
import time

import pytest

from keras_bert import locking
from keras_bert.errors import InputError, settings_are_flags
from keras_bert.locking import check_free, locked

HOLDER = (
    "import sys, time\n"
    "from keras_bert.locking import locked\n"
    "with locked(sys.argv[1]):\n"
    "    print('locked', flush=True)\n"
    "    time.sleep(600)\n"
)


@pytest.fixture
def holder(tmp_path):
    """Another process that has the lock of tmp_path / "model"."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / "model")],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "locked\n"
    yield process
    process.kill()
    process.wait()


def write_lock(path, **changes):
    owner = {"pid": 7, "start": "5", "host": "elsewhere", "since": time.time() - 7300}
    path.write_text(json.dumps({**owner, **changes}))


def test_the_second_process_is_refused_and_told_by_whom(holder, tmp_path):
    for path in (tmp_path / "model", f"{tmp_path}/./model/"):
        with pytest.raises(InputError) as caught:
            locked(path).__enter__()
        assert re.fullmatch(
            rf"{tmp_path}/model: another process \(process {holder.pid} on \S+, \d seconds? ago\) "
            r"is writing it: wait for its end, or name another output",
            str(caught.value),
        )
    with pytest.raises(InputError, match="force=True is for a process of another machine"):
        locked(tmp_path / "model", force=True).__enter__()
    with pytest.raises(InputError, match=f"another process .process {holder.pid} on "):
        check_free(tmp_path / "model")
    check_free(tmp_path / "other")
    with locked(tmp_path / "other"):
        pass
    assert holder.poll() is None
    assert os.listdir(tmp_path) == [".model.lock"]


def test_a_killed_process_has_no_lock(holder, tmp_path, capsys):
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with locked(tmp_path / "model"):
        err = capsys.readouterr().err
        assert err.count("\n") == 1
        assert f"(process {holder.pid} on " in err
        assert "its lock is taken over" in err
        with pytest.raises(InputError, match=f"process {os.getpid()} on"):
            locked(tmp_path / "model").__enter__()
    assert os.listdir(tmp_path) == []


def test_a_process_of_another_machine_needs_force(tmp_path):
    write_lock(tmp_path / ".model.lock")
    with settings_are_flags(), pytest.raises(InputError) as caught:
        locked(tmp_path / "model").__enter__()
    assert "another machine (process 7 on elsewhere, 2 hours ago)" in str(caught.value)
    assert str(caught.value).endswith("repeat this with --force")
    assert (tmp_path / ".model.lock").exists()
    with locked(tmp_path / "model", force=True):
        owner = json.loads((tmp_path / ".model.lock").read_text())
        assert owner["pid"] == os.getpid()
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "content",
    [
        "", "{", "[]", "null", "\0" * 5000, '{"pid": 7}', "[" * 5000,
        '{"pid": "7", "start": "5", "host": "h", "since": 1.0}',
        '{"pid": 7, "start": "5", "host": "h", "since": Infinity}',
        '{"pid": 7, "start": "5", "host": "\\u001b[31m", "since": 1.0}',
    ],
)  # fmt: skip
def test_a_file_that_says_nothing_is_nobodys_lock(tmp_path, content):
    (tmp_path / ".model.lock").write_text(content)
    with locked(tmp_path / "model"):
        pass
    assert os.listdir(tmp_path) == []


def test_a_link_in_its_place_is_not_followed(tmp_path):
    (tmp_path / "secret").write_text("mine")
    (tmp_path / ".model.lock").symlink_to(tmp_path / "secret")
    with pytest.raises(InputError, match=r"its lock .*\.model\.lock"):
        locked(tmp_path / "model").__enter__()
    assert (tmp_path / "secret").read_text() == "mine"


def test_a_disk_without_locks_goes_by_what_the_file_says(tmp_path, monkeypatch):
    def flock(*_):
        raise OSError(locking.errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", flock)
    host, start = locking.socket.gethostname(), locking.start_of(os.getpid())
    write_lock(tmp_path / ".model.lock", pid=os.getpid(), start=start, host=host)
    with pytest.raises(InputError, match="is writing it"):
        locked(tmp_path / "model").__enter__()
    write_lock(tmp_path / ".model.lock", pid=os.getpid(), start="1", host=host)
    with locked(tmp_path / "model"):
        pass


def test_of_many_at_once_one_has_it(tmp_path):
    inside, most, refused = [], [], []

    def work():
        for _ in range(50):
            try:
                with locked(tmp_path / "model"):
                    inside.append(1)
                    most.append(len(inside))
                    inside.pop()
            except InputError:
                refused.append(1)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(most) == {1}
    assert len(most) + len(refused) == 200
    assert os.listdir(tmp_path) == []


def test_folders_that_were_made_for_it_go_with_it(tmp_path):
    with locked(tmp_path / "a" / "b" / "model"):
        assert pathlib.Path(tmp_path / "a" / "b" / ".model.lock").exists()
    assert os.listdir(tmp_path) == []
    with locked(tmp_path / "a" / "b" / "model"):
        (tmp_path / "a" / "file").write_text("x")
    assert os.listdir(tmp_path / "a") == ["file"]
    with pytest.raises(InputError, match="cannot be written"):
        locked("/proc/nothing/model").__enter__()


def test_no_output_needs_no_lock():
    with locked(None):
        pass
