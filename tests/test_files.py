"""Outputs are whole or not there: names nobody can guess, what a kill left, disks that are full."""

import errno
import os
import subprocess
import sys

import pytest

from keras_bert import temporaries
from keras_bert.errors import InputError
from keras_bert.files import fault_of, replacing_file, replacing_folder, temporary_folder


def killed(script, *arguments):
    """Runs a script that ends as by SIGKILL: without any cleaning up."""
    end = "\nimport os, signal\nos.kill(os.getpid(), signal.SIGKILL)"
    done = subprocess.run(
        [sys.executable, "-c", script + end, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.returncode == -9


# === Temporary names ===


def test_a_strangers_link_at_a_name_is_not_followed(tmp_path, monkeypatch):
    """Even one that has the very name: it is made anew, or not at all."""
    secret = tmp_path / "secret"
    secret.write_text("mine")
    tried = iter(["guessed0", "guessed0", "guessed1", "guessed0", "guessed1"])
    monkeypatch.setattr("tempfile._get_candidate_names", lambda: tried)
    output = tmp_path / "output"
    guess = f".output.{temporaries._owner()}.guessed0"
    (tmp_path / guess).symlink_to(secret)
    with replacing_file(output) as temporary:
        assert temporary.endswith(".guessed1")
        with open(temporary, "w") as file:
            file.write("ours")
    assert secret.read_text() == "mine"
    assert output.read_text() == "ours"
    with pytest.raises(StopIteration):
        next(tried), next(tried), next(tried)


def test_two_names_are_never_the_same(tmp_path):
    with replacing_file(tmp_path / "a") as one, replacing_file(tmp_path / "a") as other:
        assert one != other
        for path in (one, other):
            with open(path, "w") as file:
                file.write(path)
    assert os.listdir(tmp_path) == ["a"]


def test_a_name_as_long_as_names_can_be(tmp_path):
    name = "ü" * 127  # 254 bytes
    for replacing, make in ((replacing_file, os.path.isfile), (replacing_folder, os.path.isdir)):
        with replacing(tmp_path / name):
            pass
        assert make(tmp_path / name)
        os.rmdir(tmp_path / name) if make is os.path.isdir else os.unlink(tmp_path / name)
    with (
        pytest.raises(InputError, match="cannot be written in"),
        replacing_file(tmp_path / (name * 2)),
    ):
        pass


# === What a kill left ===


def test_what_a_killed_process_left_is_removed_by_the_next_run(tmp_path):
    script = (
        "import sys, os\n"
        "from keras_bert.files import replacing_file, replacing_folder\n"
        "file, folder = replacing_file(sys.argv[1]), replacing_folder(sys.argv[2])\n"
        "open(file.__enter__(), 'w').write('half')\n"
        "open(os.path.join(folder.__enter__(), 'half'), 'w').write('half')\n"
    )
    killed(script, tmp_path / "file", tmp_path / "folder")
    assert len(os.listdir(tmp_path)) == 2
    for name in ("other", "fil"):
        with replacing_file(tmp_path / name):
            pass
    assert len(os.listdir(tmp_path)) == 4  # another output's are not touched
    with replacing_file(tmp_path / "file"):
        pass
    with replacing_folder(tmp_path / "folder"):
        pass
    assert sorted(os.listdir(tmp_path)) == ["fil", "file", "folder", "other"]


def test_what_a_running_process_has_stays(tmp_path):
    with replacing_folder(tmp_path / "folder") as one:
        with replacing_folder(tmp_path / "folder"):
            assert os.path.isdir(one)
        assert os.path.isdir(one)


def test_what_only_looks_like_ours_stays(tmp_path, capsys):
    owner = temporaries._owner().rsplit("-", 2)[0]
    names = [
        ".file.abcdefgh",  # of mkstemp, and anybody's
        f".file.{owner}-1-0.x",
        f".file.{owner}-999999999-5.abcdefgh",  # a link
        ".file.00000000-999999999-5.abcdefgh",  # of another machine
    ]
    (tmp_path / "target").write_text("x")
    for name in names:
        (tmp_path / name).symlink_to("target") if "-5." in name and owner in name else (
            tmp_path / name
        ).write_text("x")
    with replacing_file(tmp_path / "file"):
        pass
    assert sorted(os.listdir(tmp_path)) == sorted([*names, "file", "target"])
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert f"{names[3]}: was left by a process on another machine" in err


def test_a_process_that_got_the_id_of_a_dead_one_is_another(tmp_path):
    pid = os.getpid()
    assert temporaries.is_running(pid, temporaries.start_of(pid))
    assert not temporaries.is_running(pid, "1")
    child = subprocess.Popen(["true"])
    child_start = None
    while temporaries.start_of(child.pid) is not None:  # until it has ended, and is not waited for
        child_start = temporaries.start_of(child.pid) or child_start
    assert not temporaries.is_running(child.pid, child_start or "0")
    child.wait()


def test_a_kill_between_the_two_renames_loses_nothing(tmp_path, capsys):
    """The old folder is back, also when the next run fails."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "old").write_text("old")
    script = (
        "import os, signal, sys\n"
        "from keras_bert.files import replacing_folder\n"
        "rename, calls = os.rename, []\n"
        "def killing(*paths):\n"
        "    rename(*paths)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "os.rename = killing\n"
        "with replacing_folder(sys.argv[1], lambda path: True): pass\n"
    )
    killed(script, folder)
    assert not folder.exists()
    with pytest.raises(RuntimeError), replacing_folder(folder, lambda path: True):
        raise RuntimeError
    assert os.listdir(tmp_path) == ["model"]
    assert (folder / "old").read_text() == "old"
    assert capsys.readouterr().err == (
        f"{folder}: was being replaced by a process that was killed: it is back\n"
    )


def test_a_rename_that_fails_leaves_the_old_folder(tmp_path, monkeypatch):
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "old").write_text("old")
    rename = os.rename

    def failing(source, target):
        if os.path.exists(os.path.join(source, "new")):
            raise OSError(errno.EIO, os.strerror(errno.EIO), source)
        rename(source, target)

    monkeypatch.setattr(os, "rename", failing)
    with pytest.raises(InputError, match="Input/output error: the disk may be broken"):
        with replacing_folder(folder, lambda path: True) as temporary:
            open(os.path.join(temporary, "new"), "w").close()
    assert os.listdir(tmp_path) == ["model"]
    assert os.listdir(folder) == ["old"]


# === Full and broken disks ===


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EDQUOT, "the disk is full (Disk quota exceeded)"),
        (errno.EFBIG, "File too large: over the limit"),
        (errno.EROFS, "cannot be written: Read-only file system"),
        (errno.EIO, "cannot be written: Input/output error"),
    ],
)
def test_a_fault_of_the_disk_is_one_line_that_names_the_output(tmp_path, number, words):
    library = RuntimeError(f"h5: error message = '{os.strerror(number)}', buf = 0x1")
    for replacing in (replacing_file, replacing_folder):
        for error in (OSError(number, os.strerror(number)), library):
            with pytest.raises(InputError) as caught, replacing(tmp_path / "output"):
                raise error
            assert str(caught.value).startswith(f"{tmp_path / 'output'}: {words}")
            assert os.listdir(tmp_path) == []


def test_what_a_library_raises_while_it_cleans_up_hides_nothing(tmp_path):

    def write(path):
        with replacing_file(path):
            try:
                raise OSError(errno.ENOSPC, "No space left on device")
            finally:
                raise ValueError("cannot close the file")

    with pytest.raises(InputError, match="output: the disk is full"):
        write(tmp_path / "output")
    assert fault_of(ValueError("another")) is None


def test_a_full_place_for_temporary_files_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(InputError) as caught, temporary_folder():
        raise RuntimeError(f"No space left on device {os.listdir(tmp_path)}")
    assert str(caught.value).startswith(f"{tmp_path}: the disk is full: TMPDIR=")
    assert os.listdir(tmp_path) == []
    with pytest.raises(InputError, match="model: the disk is full$"), temporary_folder():
        raise InputError("model: the disk is full")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "none"))
    with pytest.raises(InputError, match="none: cannot be written: No such file"):
        temporary_folder().__enter__()
