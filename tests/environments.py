"""Environments that the tests make, to run what users run elsewhere: programs and machines."""

import fcntl
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import machine
import pytest

ROOT = pathlib.Path(__file__).parent.parent
_PIP = ("-m", "pip", "install", "-q", "--disable-pip-version-check")


def copy_sources(folder):
    """Copies what the package is built from, for a build leaves files; returns the folder."""
    folder.mkdir()
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    for name in ("keras_bert", "export", "apps"):
        ignore = shutil.ignore_patterns("__pycache__", "node_modules", "public", "dist", "*.tflite")
        shutil.copytree(ROOT / name, folder / name, ignore=ignore)
    return folder


def make_environment(folder, *requirements):
    """Makes a virtual environment and installs into it; returns the path of its Python.

    Args:
        folder: where.
        *requirements: lists of arguments of `pip install`, one call each.
    """
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    python = folder / "bin" / "python"
    for arguments in requirements:
        subprocess.run([python, *_PIP, *arguments], check=True)
    return python


def run_in(python, *arguments, cwd):
    """Runs a program there, away from this checkout; returns its completed process."""
    return subprocess.run(
        [str(python), *map(str, arguments)], cwd=cwd, capture_output=True, text=True
    )


def need_packages(*packages):
    """Installs Debian's packages that this machine lacks; where it cannot, skips with the reason.

    Args:
        *packages: their names.
    """
    try:
        machine.install_packages(*packages)
    except machine.CannotMake as error:
        pytest.skip(str(error))


def arm_folder(tmp_path_factory):
    """Returns the folder of the emulated ARM system that all tests of a run share."""
    folder = tmp_path_factory.getbasetemp()
    return (folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) / "arm"


def make_arm_machine(folder):
    """Makes what runs Python for 64-bit ARM on this machine, or skips; see `machine.arm_python`."""
    try:
        return machine.arm_python(folder)
    except machine.CannotMake as error:
        pytest.skip(str(error))


def build_page():
    """Builds apps/web into its folder dist/, as `make web` does; installs what that needs."""
    need_packages("chromium", *(() if shutil.which("npm") else ("nodejs", "npm")))
    fit = ["node", ROOT / "apps" / "web" / "scripts" / "check_node.cjs"]
    found = subprocess.run(fit, capture_output=True, text=True)
    if found.returncode:
        pytest.skip(found.stderr.strip())
    page = ROOT / "apps" / "web"
    built = page / "node_modules" / ".built_by_tests"
    with open(pathlib.Path(tempfile.gettempdir()) / "keras_bert_tests.page.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # Tests run beside each other: a build empties the folder that the others read.
        if not built.exists() or built.read_text() != _state_of(page):
            subprocess.run(["make", "-C", ROOT, "web-build"], check=True, stdout=subprocess.DEVNULL)
            built.write_text(_state_of(page))


def _state_of(page):
    """Returns a text that changes with a source of the page, a shipped model or another build."""
    made = {page / name for name in ("node_modules", "dist", "public")}
    files = [path for path in page.rglob("*") if made.isdisjoint(path.parents)]
    files += (ROOT / "apps" / "models").glob("*/*.tflite")
    files.append(page / "dist" / "models.json")
    states = sorted((str(path), path.stat()) for path in files if path.is_file())
    return "\n".join(f"{path} {state.st_size} {state.st_mtime_ns}" for path, state in states)
