"""The wheel, installed away from the checkout: what it holds, what it needs, and that it works."""

import pathlib
import re
import subprocess
import sys
import sysconfig
import zipfile

import pytest
from conftest import toy_rows, write_tsv
from environments import ROOT, copy_sources, make_environment, run_in
from pages import make_files, python_blocks

import keras_bert
from keras_bert.export.tflite import export_tflite
from keras_bert.text.vocabulary import train_vocabulary

pytestmark = pytest.mark.slow

WORDS = [text for _, text in toy_rows(200, seed=1)]
# A user's own modules, of the names of our folders.
TRAP = "raise SystemExit('the module of the working folder was imported')\n"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    sources = copy_sources(folder / "sources")
    options = ["--no-deps", "--quiet", "--disable-pip-version-check", "--wheel-dir", str(folder)]
    subprocess.run([sys.executable, "-m", "pip", "wheel", *options, str(sources)], check=True)
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def bare(tmp_path_factory, wheel):
    """The Python of an environment that holds the wheel with [device], and nothing else."""
    folder = tmp_path_factory.mktemp("bare")
    return make_environment(folder / "venv", [f"{wheel}[device]"])


@pytest.fixture(scope="module")
def full(tmp_path_factory, wheel):
    """The Python of an environment with this one's packages, but the wheel's own `keras_bert`."""
    folder = tmp_path_factory.mktemp("full")
    python = make_environment(folder / "venv", ["--no-deps", str(wheel)])
    (site,) = (folder / "venv").glob("lib/*/site-packages")
    # Without the editable installation's finder: .pth files of folders added so are not read.
    folders = [path for path in sys.path if path.endswith("site-packages")]
    assert sysconfig.get_path("purelib") in folders
    (site / "zz_packages.pth").write_text("".join(f"{path}\n" for path in folders))
    return python


@pytest.fixture
def work(tmp_path):
    """A working folder with a table, a vocabulary, and modules that must not be imported."""
    for name in ("export.py", "device.py", "common.py", "tasks.py"):
        (tmp_path / name).write_text(TRAP)
    write_tsv(tmp_path / "train.tsv", toy_rows(64, seed=1))
    tokens = train_vocabulary(WORDS, 150)
    (tmp_path / "vocab.txt").write_text("".join(f"{token}\n" for token in tokens))
    return tmp_path


def program(python, name="keras-bert"):
    return python.with_name(name)


def test_only_one_top_level_package_is_installed(wheel, bare, work):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"keras_bert"}
    for folder, package in (("export", "export"), ("apps/on_device", "device")):
        for path in (ROOT / folder).glob("*.py"):
            assert f"keras_bert/{package}/{path.name}" in names
    assert {name for name in names if name.startswith("keras_bert/data/")} == {
        f"keras_bert/data/{path.name}" for path in (ROOT / "keras_bert" / "data").iterdir()
    }
    code = "import keras_bert; print(keras_bert.__file__, keras_bert.__version__)"
    found = run_in(bare, "-c", code, cwd=work)
    path, version = found.stdout.split()
    assert pathlib.Path(path).is_relative_to(bare.parent.parent)
    assert version == keras_bert.__version__


def test_nothing_of_training_is_installed_and_pip_misses_nothing(bare, work):
    for module in ("tensorflow", "keras", "sklearn", "scipy", "jax"):
        found = run_in(bare, "-c", f"import {module}", cwd=work)
        assert found.stderr.splitlines()[-1] == f"ModuleNotFoundError: No module named '{module}'"
    found = run_in(bare, "-m", "pip", "check", cwd=work)
    assert found.returncode == 0, found.stdout


@pytest.mark.parametrize(
    ("code", "extra"),
    [
        ("keras_bert.BertClassifier", "tensorflow"),
        ("keras_bert.load('bert_tiny_en_uncased', vocabulary='vocab.txt')", "tensorflow"),
        ("keras_bert.GraphTokenizer", "tensorflow"),
    ],
)
def test_the_library_names_the_extra(bare, work, code, extra):
    found = run_in(bare, "-c", f"import keras_bert; {code}", cwd=work)
    line = found.stderr.splitlines()[-1]
    assert re.fullmatch(
        rf"keras_bert\.extras\.MissingPackage: (keras|tensorflow) is not installed: "
        rf"pip install 'keras-bert-toolkit\[{extra}\]'",
        line,
    )


def test_the_program_names_the_extra_in_one_line(bare, work):
    flags = ["--init=bert_tiny_en_uncased", "--vocab=vocab.txt", "--train=train.tsv"]
    found = run_in(program(bare), "finetune", *flags, "--output=model", cwd=work)
    assert found.returncode == 2
    assert re.fullmatch(
        r"keras-bert finetune: keras is not installed: "
        r"pip install 'keras-bert-toolkit\[tensorflow\]'\n",
        found.stderr,
    )
    assert not (work / "model").exists()


def test_verbs_that_need_nothing_more_work_on_the_base(bare, work):
    (work / "corpus.txt").write_text("\n".join(WORDS))
    flags = ["--corpus=corpus.txt", "--size=120", "--lower_case", "--output=made.txt"]
    found = run_in(program(bare), "vocab", *flags, cwd=work)
    assert found.returncode == 0, found.stderr
    assert "[MASK]" in (work / "made.txt").read_text().splitlines()


def test_the_device_classifies_a_file(bare, work, toy):
    bert = keras_bert.load(toy.model)
    export_tflite(bert, work / "m.tflite")
    texts = ["a superb, lovely film", "Café NAÏVE 完全。"]
    found = run_in(
        program(bare, "keras-bert-device"), "classify", "--model=m.tflite", *texts, cwd=work
    )
    assert found.returncode == 0, found.stderr
    lines = [line.split("\t") for line in found.stdout.splitlines()]
    answers = bert.predict(texts)
    assert [[label, probability, text] for label, probability, _, text in lines] == [
        [a["label"], f"{a['probability']:.4f}", text] for a, text in zip(answers, texts)
    ]


def test_the_wheel_trains_exports_and_classifies(full, work):
    code = "import keras_bert, keras_bert.export, sys; print(keras_bert.export.__file__)"
    found = run_in(full, "-c", code, cwd=work)
    assert pathlib.Path(found.stdout.strip()).is_relative_to(full.parent.parent), found.stderr
    flags = ["--init=bert_tiny_en_uncased", "--vocab=vocab.txt", "--train=train.tsv"]
    flags += ["--eval=train.tsv", "--length=24", "--epochs=1", "--output=model"]
    found = run_in(program(full), "finetune", *flags, cwd=work)
    assert found.returncode == 0, found.stderr
    flags = ["--model=model", "--format=tflite", "--quantize=dynamic", "--output=m.tflite"]
    found = run_in(program(full), "export", *flags, cwd=work)
    assert found.returncode == 0, found.stderr
    flags = ["--model=m.tflite", "a superb film"]
    found = run_in(program(full, "keras-bert-device"), "classify", *flags, cwd=work)
    assert found.returncode == 0, found.stderr
    label, probability, time, text = found.stdout.rstrip("\n").split("\t")
    assert label in ("negative", "positive")
    assert 0.5 <= float(probability) <= 1
    assert text == "a superb film"
    found = run_in(program(full), "predict", "--model=model", "--text=a superb film", cwd=work)
    assert found.returncode == 0, found.stderr
    assert label in found.stdout


def test_the_script_of_the_readme_runs_with_the_wheel(full, work):
    make_files(work)
    (script,) = python_blocks(ROOT / "README.md")
    found = run_in(full, "-c", script, cwd=work)
    assert found.returncode == 0, found.stderr
    assert re.search(r"^accuracy (lost|gained): .*: passed", found.stdout, re.M)
    assert (work / "spam.tflite").read_bytes()[4:8] == b"TFL3"
