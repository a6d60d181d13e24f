"""What is imported is declared, and what is missing is named with the extra that brings it."""

import configparser
import os
import re
import shlex
import shutil
import subprocess
import sys
import zipfile

import pytest
from conftest import DATA
from environments import ROOT
from test_rooms import MODULES, imports_of

import keras_bert
from keras_bert import extras

# Distributions by the module that they install, where the names differ.
DISTRIBUTIONS = {
    "absl": "absl-py",
    "ai_edge_litert": "ai-edge-litert",
    "apache_beam": "apache-beam",
    "litert_quantizer": "litert-quantizer",
    "sklearn": "scikit-learn",
    "tensorflow_text": "tensorflow-text",
}


def declared():
    """Returns setup.cfg's distributions by extra, "" for the base, with what an extra includes."""
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    lines = {
        "": config["options"]["install_requires"].split("\n"),
        **{name: text.split("\n") for name, text in config["options.extras_require"].items()},
    }
    found = {}

    def expand(extra):
        if extra not in found:
            found[extra] = set()
            for line in filter(None, lines[extra]):
                name, included = re.match(r"([\w-]+)(?:\[([\w,]+)\])?", line).groups()
                if name == extras.DISTRIBUTION:
                    found[extra] |= set().union(*map(expand, included.split(",")))
                else:
                    found[extra].add(name)
        return found[extra]

    for extra in lines:
        expand(extra)
    return found


def third_party_imports():
    """Returns a dict of top-level module to one of the modules that import it."""
    found = {}
    for module, path in MODULES.items():
        for name, _ in imports_of(path):
            top = name.split(".")[0]
            if top != "keras_bert" and top not in sys.stdlib_module_names:
                found[top] = module
    return found


def test_every_import_is_declared_by_the_extra_that_the_table_names():
    declarations, imported = declared(), third_party_imports()
    assert {"numpy", "keras", "tensorflow", "scipy", "h5py", "jieba"} <= imported.keys()
    for top, module in imported.items():
        assert top in extras.EXTRAS, f"{module} imports {top}, which is not in keras_bert.extras"
    for top, extra in extras.EXTRAS.items():
        distribution = DISTRIBUTIONS.get(top, top)
        assert distribution in declarations[extra], f"setup.cfg's [{extra}] has no {distribution}"
        assert top in imported, f"nothing imports {top}"


def test_the_base_is_light_and_extras_bring_what_they_imply():
    declarations = declared()
    assert declarations[""] == {"numpy", "absl-py", "tokenizers", "safetensors"}
    assert declarations["device"] == {"ai-edge-litert"}
    for extra in ("tokenizers", "export", "onnx", "pretraining", "dev"):
        assert {"tensorflow", "keras", "scikit-learn", "scipy"} <= declarations[extra]
    assert {"jax", "keras", "scikit-learn"} <= declarations["jax"]
    assert "tensorflow" not in declarations["jax"]
    test_only = {"jieba"}  # the tests have one of their own
    assert set().union(*declarations.values()) - declarations[""] - test_only <= declarations["dev"]


def test_packages_are_the_folders_with_python_files():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    found = {
        module if path.name == "__init__.py" else module.rpartition(".")[0]
        for module, path in MODULES.items()
    }
    packages = config["options"]["packages"].split()
    assert len(packages) == len(set(packages))
    assert set(packages) == found
    assert {name.split(".")[0] for name in packages} == {"keras_bert"}
    for module in found:
        assert MODULES[module].name == "__init__.py", f"{module} has no __init__.py"


def test_the_command_works_from_a_checkout(monkeypatch, tmp_path):
    monkeypatch.chdir(ROOT)
    assert extras.install_command("onnxruntime.capi") == "pip install -e '.[onnx]'"
    assert extras.install_command("numpy") == "pip install -e ."
    assert extras.install_command("torch") == "pip install torch"
    monkeypatch.chdir(tmp_path)
    command = shlex.split(extras.install_command("keras"))
    assert command == ["pip", "install", "-e", f"{ROOT}[tensorflow]"]


def test_the_command_works_from_a_wheel(tmp_path):
    """The table's module alone, away from the checkout."""
    package = tmp_path / "site" / "keras_bert"
    package.mkdir(parents=True)
    for name in ("__init__.py", "extras.py"):
        shutil.copy(ROOT / "keras_bert" / name, package)
    # A setup.cfg that is somebody else's says nothing.
    (tmp_path / "site" / "setup.cfg").write_text("[metadata]\nname = other\n")
    code = "from keras_bert import extras; print(extras.install_command('onnx'))"
    found = run_python(code, PYTHONPATH=str(tmp_path / "site"), cwd=tmp_path)
    assert found.stdout.strip() == "pip install 'keras-bert-toolkit[onnx]'"


def run_python(code, *, cwd, **environment):
    environment = {"PYTHONPATH": str(ROOT), **environment}
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, **environment},
    )


@pytest.mark.parametrize(
    "code",
    [
        "keras_bert.BertClassifier",
        "keras_bert.BertEncoder",
        "data = (['a', 'b'], ['x', 'y'])\nkeras_bert.finetune('model', train=data, eval=data)",
        "keras_bert.load('bert_tiny_en_uncased', vocabulary='vocab.txt')",
        "keras_bert.load('model')",
    ],
)
def test_without_keras_the_library_names_the_extra(tmp_path, code):
    (tmp_path / "vocab.txt").write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n")
    with zipfile.ZipFile(DATA / "version_0_1" / "files.zip") as archive:
        for name in ("config.json", "vocab.txt", "model.weights.h5"):
            (tmp_path / "model").mkdir(exist_ok=True)
            (tmp_path / "model" / name).write_bytes(archive.read(f"classification/{name}"))
    blocked = "import sys; sys.modules.update(keras=None, tensorflow=None, h5py=None)\n"
    found = run_python(f"{blocked}import keras_bert\n{code}", cwd=tmp_path)
    assert found.returncode == 1
    *traceback, line = found.stderr.splitlines()
    assert line.startswith("keras_bert.extras.MissingPackage: ")
    assert re.search(r"(keras|h5py) is not installed: pip install -e .*\[tensorflow\]", line)
    assert "During handling" not in found.stderr
    assert "models/" not in found.stderr


def test_the_error_is_an_import_error_with_the_module_named():
    with pytest.raises(ImportError, match="jieba is not installed: pip install") as missing:
        with extras.naming_extras():
            raise ModuleNotFoundError("No module named 'jieba.posseg'", name="jieba.posseg")
    assert missing.value.name == "jieba"
    with pytest.raises(ModuleNotFoundError, match="^No module named 'no_such'$"):
        with extras.naming_extras():
            import no_such  # noqa: F401


def test_unknown_names_are_still_attribute_errors():
    with pytest.raises(AttributeError, match="no attribute 'BertNothing'"):
        keras_bert.BertNothing  # noqa: B018


def test_the_program_prints_one_line_and_exits_with_2(tmp_path):
    code = (
        "import sys; sys.modules.update(keras=None, tensorflow=None, h5py=None)\n"
        "from keras_bert.commands.main import main\n"
        "sys.exit(main(['finetune', '--init=bert_tiny_en_uncased', '--vocab=vocab.txt',"
        " '--train=train.csv', '--eval=train.csv', '--output=model']))"
    )
    (tmp_path / "vocab.txt").write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n")
    (tmp_path / "train.csv").write_text("text,label\na,x\na a,y\n")
    found = run_python(code, cwd=tmp_path)
    assert found.returncode == 2
    assert len(found.stderr.splitlines()) == 1
    assert not (tmp_path / "model").exists()
    assert re.match(
        r"keras-bert finetune: keras is not installed: pip install -e .*\[tensorflow\]'?\n$",
        found.stderr,
    )


def test_the_program_of_the_device_names_its_extra(tmp_path):
    code = (
        "import sys; sys.modules.update(ai_edge_litert=None)\n"
        "from keras_bert.device.main import main\n"
        "sys.exit(main(['classify', '--model=m.tflite', 'a text']))"
    )
    found = run_python(code, cwd=tmp_path)
    assert found.returncode == 2
    assert re.match(
        r"classify: ai_edge_litert is not installed: pip install .*\[device\]'?\n$", found.stderr
    )
