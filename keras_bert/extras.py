"""Which extra of this package brings a module that is not installed: one table for all."""

import contextlib
import os
import pathlib
import shlex

DISTRIBUTION = "keras-bert-toolkit"
# By top-level module; "" is for what comes with every installation. Where several extras bring a
# module, the smallest that is enough.
EXTRAS = {
    "absl": "",
    "numpy": "",
    "safetensors": "",
    "tokenizers": "",
    "h5py": "tensorflow",
    "keras": "tensorflow",
    "ml_dtypes": "tensorflow",
    "tensorflow": "tensorflow",
    "jax": "jax",
    "scipy": "scores",
    "sklearn": "scores",
    "ai_edge_litert": "device",
    "tensorflow_text": "tokenizers",
    "flatbuffers": "export",
    "litert_quantizer": "export",
    "tf2onnx": "onnx",
    "onnx": "onnx",
    "onnxruntime": "onnx",
    "apache_beam": "pretraining",
    "tensorboard": "tensorboard",
    "matplotlib": "pictures",
    "jieba": "chinese",
}


class MissingPackage(ModuleNotFoundError):
    """A package is not installed; the message names the command that installs it."""


def install_command(module):
    """Returns the command that installs what brings a module.

    In a checkout that is the checkout with an extra, elsewhere the distribution with it.

    Args:
        module: name of a module, such as "onnxruntime"; one that no extra brings is named itself.
    """
    top = module.split(".")[0]
    if top not in EXTRAS:
        return f"pip install {top}"
    extra = f"[{EXTRAS[top]}]" if EXTRAS[top] else ""
    checkout = _checkout()
    if checkout is None:
        return f"pip install '{DISTRIBUTION}{extra}'"
    here = "." if checkout == pathlib.Path.cwd() else str(checkout)
    return f"pip install -e {shlex.quote(here + extra)}"


def missing_message(module):
    """Returns one line that says that a module is not installed, and how to install it."""
    top = module.split(".")[0]
    return f"{top} is not installed: {install_command(top)}"


@contextlib.contextmanager
def naming_extras():
    """Raises `MissingPackage` where a module of the table is not found; also a decorator."""
    try:
        yield
    except ModuleNotFoundError as error:
        module = (error.name or "").split(".")[0]
        if module not in EXTRAS:
            raise
        raise MissingPackage(missing_message(module), name=module) from None


def _checkout():
    """Returns the folder of this checkout; None where the package is installed from a wheel."""
    folder = pathlib.Path(os.path.abspath(__file__)).parent.parent
    try:
        text = (folder / "setup.cfg").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    return folder if f"name = {DISTRIBUTION}\n" in text else None
