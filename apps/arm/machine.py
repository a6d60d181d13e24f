"""A 64-bit ARM processor on this machine, by emulation: Debian's Python and the wheels of LiteRT.

Needs Linux with apt, and root for `debootstrap`, which makes files of several owners. Nothing of
the emulated system runs but its Python: there is no chroot, no container, no virtual machine.
"""

import fcntl
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

DEBIAN_PACKAGES = ("qemu-user-static", "debootstrap")
# 2.2 and 2.3 end with a segmentation fault in the emulator, qemu 7.2.
LITERT = ("ai-edge-litert==2.1.6", "numpy", "flatbuffers", "protobuf", "typing_extensions", "tqdm")
LITERT += ("backports.strenum",)
# What `keras-bert-device` needs beside it.
DEVICE = (*LITERT, "absl-py", "tokenizers>=0.22,<0.24", "safetensors>=0.5,<0.9")
_PIP = ("-m", "pip", "install", "-q", "--disable-pip-version-check")
_DONE = "made"


class CannotMake(Exception):
    """This machine cannot make it; the message says why, and what to do."""


def install_packages(*packages):
    """Installs Debian's packages that this machine lacks.

    Args:
        *packages: their names.

    Raises:
        CannotMake: there is no apt-get, or this user is not root.
    """
    names = " ".join(packages)
    if shutil.which("apt-get") is None:
        raise CannotMake(f"needs Debian's packages {names}, and there is no apt-get")
    if all(_is_installed(package) for package in packages):
        return
    if os.geteuid() != 0:
        raise CannotMake(f"not root: install them first, apt-get install {names}")
    apt = ["apt-get", "-q", "-y", "-o", "DPkg::Lock::Timeout=300"]
    # Several may want it at once.
    with open(pathlib.Path(tempfile.gettempdir()) / "keras_bert.apt.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run([*apt, "update"], check=True, stdout=subprocess.DEVNULL)
        install = [*apt, "install", "--no-install-recommends", *packages]
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(install, check=True, stdout=subprocess.DEVNULL, env=quiet)


def arm_python(folder, wheels=DEVICE):
    """Returns the command that runs Python for 64-bit ARM, which is made in a folder if need be.

    Args:
        folder: `pathlib.Path`, where Debian for ARM is, or goes: some 300 MB. Several processes
            may ask for it at once.
        wheels: requirements of `pip`, whose wheels for ARM are installed without dependencies.

    Returns:
        A list of str, a command to which arguments of Python are added. It finds the wheels.

    Raises:
        CannotMake: see there.
    """
    install_packages(*DEBIAN_PACKAGES)
    folder.mkdir(parents=True, exist_ok=True)
    system, packages, done = folder / "debian", folder / "packages", folder / _DONE
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = "\n".join(wheels)
        if not done.exists() or done.read_text() != wanted:
            shutil.rmtree(packages, ignore_errors=True)
            if not (folder / "unpacked").exists():
                _make_system(system)
                (folder / "unpacked").touch()
            _install_wheels(_python_of(system), packages, wheels)
            done.write_text(wanted)
    # With all features of the emulated processor, its SME among them, dynamic int8 is wrong.
    emulator = ["qemu-aarch64-static", "-cpu", "cortex-a76", "-L", str(system)]
    return [*emulator, "-E", f"PYTHONPATH={packages}", str(_python_of(system)), "-S"]


def _is_installed(package):
    found = subprocess.run(["dpkg", "-s", package], capture_output=True, text=True)
    return "\nStatus: install ok installed\n" in found.stdout


def _make_system(system):
    if os.geteuid() != 0:
        raise CannotMake("not root: debootstrap cannot make a system for ARM")
    shutil.rmtree(system, ignore_errors=True)
    mirror, suite = _debian()
    bootstrap = ["debootstrap", "--arch=arm64", "--foreign", "--variant=minbase"]
    bootstrap += ["--include=python3,libstdc++6", suite, str(system), mirror]
    subprocess.run(bootstrap, check=True, stdout=subprocess.DEVNULL)
    # Its own second stage would run ARM programs as root in the folder; unpacking is enough.
    for archive in (system / "var/cache/apt/archives").glob("*.deb"):
        subprocess.run(["dpkg-deb", "-x", archive, system], check=True)


def _python_of(system):
    paths = (system / "usr/bin").glob("python3.*")
    (python,) = (path for path in paths if path.suffix[1:].isdigit())
    return python


def _install_wheels(python, packages, wheels):
    platforms = [f"--platform=manylinux_2_{n}_aarch64" for n in (27, 17)]
    platforms += ["--platform=manylinux2014_aarch64", "--only-binary=:all:", "--no-deps"]
    version = f"--python-version={python.name.removeprefix('python')}"
    install = [sys.executable, *_PIP, *platforms, version, f"--target={packages}", *wheels]
    subprocess.run(install, check=True)


def _debian():
    """Returns the address of Debian's packages that this machine uses, and its release's name."""
    fields = "$(REPO_URI) $(CODENAME) $(ORIGIN) $(COMPONENT)"
    command = ["apt-get", "indextargets", "--format", fields, "Created-By: Packages"]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    found = [line.split()[:2] for line in lines if line.endswith(" Debian main")]
    if not found:
        raise CannotMake("apt knows no source of Debian's packages")
    # Updates of a release come after it, with a name that begins like its own.
    return min(found, key=lambda each: len(each[1]))
