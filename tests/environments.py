"""Virtual environments that the tests make, to run what users run without TensorFlow."""

import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).parent.parent


def copy_sources(folder):
    """Copies what the package is built from, for a build leaves files; returns the folder."""
    folder.mkdir()
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    for name in ("keras_bert", "export", "apps"):
        ignore = shutil.ignore_patterns("__pycache__")
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
        subprocess.run(
            [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", *arguments],
            check=True,
        )
    return python


def run_in(python, *arguments, cwd):
    """Runs a program there, away from this checkout; returns its completed process."""
    return subprocess.run(
        [str(python), *map(str, arguments)], cwd=cwd, capture_output=True, text=True
    )
