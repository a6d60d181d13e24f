"""Virtual environments that the tests make, to run what users run without TensorFlow."""

import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).parent.parent


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
    """Runs a script there, away from this checkout; returns its completed process."""
    return subprocess.run(
        [str(python), *map(str, arguments)], cwd=cwd, capture_output=True, text=True
    )
