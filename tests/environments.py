"""Environments that the tests make, to run what users run elsewhere: programs and machines."""

import fcntl
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import pytest

ROOT = pathlib.Path(__file__).parent.parent
_PIP = ("-m", "pip", "install", "-q", "--disable-pip-version-check")


def copy_sources(folder):
    """Copies what the package is built from, for a build leaves files; returns the folder."""
    folder.mkdir()
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    for name in ("keras_bert", "export", "apps"):
        ignore = shutil.ignore_patterns("__pycache__", "node_modules", "public", "dist")
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
    if shutil.which("apt-get") is None:
        pytest.skip(f"needs Debian's packages {' '.join(packages)}, and there is no apt-get")
    if all(_is_installed(package) for package in packages):
        return
    if os.geteuid() != 0:
        pytest.skip(f"not root: install them first, apt-get install {' '.join(packages)}")
    apt = ["apt-get", "-q", "-y", "-o", "DPkg::Lock::Timeout=300"]
    with open(pathlib.Path(tempfile.gettempdir()) / "keras_bert_tests.apt.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # tests run beside each other
        subprocess.run([*apt, "update"], check=True, stdout=subprocess.DEVNULL)
        install = [*apt, "install", "--no-install-recommends", *packages]
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(install, check=True, stdout=subprocess.DEVNULL, env=quiet)


def _is_installed(package):
    found = subprocess.run(["dpkg", "-s", package], capture_output=True, text=True)
    return "\nStatus: install ok installed\n" in found.stdout


def make_arm_machine(folder, *wheels):
    """Makes what runs Python for 64-bit ARM on this machine, by emulation, without root in it.

    Args:
        folder: where Debian for ARM goes, some 300 MB.
        *wheels: requirements of `pip`, whose wheels for ARM are installed without dependencies.

    Returns:
        A list of str: the command that runs its Python. The packages are in `folder`/packages.
    """
    need_packages("qemu-user-static", "debootstrap")
    system, packages = folder / "debian", folder / "packages"
    if os.geteuid() != 0:
        pytest.skip("not root: debootstrap cannot make a system for ARM")
    mirror, suite = _debian()
    bootstrap = ["debootstrap", "--arch=arm64", "--foreign", "--variant=minbase"]
    bootstrap += ["--include=python3,libstdc++6", suite, system, mirror]
    subprocess.run(bootstrap, check=True, stdout=subprocess.DEVNULL)
    # Its own second stage would run ARM programs as root in the folder; unpacking is enough.
    for archive in (system / "var/cache/apt/archives").glob("*.deb"):
        subprocess.run(["dpkg-deb", "-x", archive, system], check=True)
    (python,) = (
        path for path in (system / "usr/bin").glob("python3.*") if path.suffix[1:].isdigit()
    )
    platforms = [f"--platform=manylinux_2_{n}_aarch64" for n in (27, 17)]
    platforms += ["--platform=manylinux2014_aarch64", "--only-binary=:all:", "--no-deps"]
    version = f"--python-version={python.name.removeprefix('python')}"
    install = [sys.executable, *_PIP, *platforms, version, f"--target={packages}", *wheels]
    subprocess.run(install, check=True)
    # With all features of the emulated processor, its SME among them, dynamic int8 is wrong.
    return ["qemu-aarch64-static", "-cpu", "cortex-a76", "-L", str(system), str(python), "-S"]


def _debian():
    """Returns the address of Debian's packages that this machine uses, and its release's name."""
    fields = "$(REPO_URI) $(CODENAME) $(ORIGIN) $(COMPONENT)"
    command = ["apt-get", "indextargets", "--format", fields, "Created-By: Packages"]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    found = [line.split()[:2] for line in lines if line.endswith(" Debian main")]
    # Updates of a release come after it, with a name that begins like its own.
    return min(found, key=lambda each: len(each[1]))


def build_page():
    """Builds apps/web into its folder dist/, as `make web` does; installs what that needs."""
    need_packages("chromium", *(() if shutil.which("npm") else ("nodejs", "npm")))
    fit = ["node", ROOT / "apps" / "web" / "scripts" / "check_node.cjs"]
    found = subprocess.run(fit, capture_output=True, text=True)
    if found.returncode:
        pytest.skip(found.stderr.strip())
    with open(pathlib.Path(tempfile.gettempdir()) / "keras_bert_tests.page.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # tests run beside each other
        subprocess.run(["make", "-C", ROOT, "web-build"], check=True, stdout=subprocess.DEVNULL)
