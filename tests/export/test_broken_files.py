"""Exported files that are not whole: one line that names the file, for every cut and gap."""

import shutil

import pytest
from task_models import make_bert

from keras_bert.errors import InputError
from keras_bert.export.runners import open_exported
from keras_bert.export.saved_model import export_saved_model
from keras_bert.export.tflite import export_tflite

DATA = "variables/variables.data-00000-of-00001"
FILES = (
    "saved_model.pb", "variables/variables.index", DATA,
    "assets.extra/vocab.txt", "assets.extra/keras_bert.json",
)  # fmt: skip

pytestmark = pytest.mark.slow


def check_refused(path):
    with pytest.raises(InputError) as caught:
        open_exported(path).predict("a film", ["good", "bad", "fair"])
    assert path.name in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


@pytest.fixture(scope="module")
def bert():
    return make_bert("multiple_choice")


@pytest.fixture(scope="module")
def saved(bert, tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved") / "model"
    export_saved_model(bert, folder)
    open_exported(folder).predict("a film", ["good", "bad", "fair"])
    return folder


@pytest.mark.parametrize("name", FILES)
def test_a_saved_model_without_one_of_its_files_is_refused(saved, tmp_path, name):
    folder = tmp_path / "broken"
    shutil.copytree(saved, folder)
    (folder / name).unlink()
    check_refused(folder)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("share", [0.0, 0.5])
def test_a_saved_model_with_a_file_cut_short_is_refused(saved, tmp_path, name, share):
    folder = tmp_path / "broken"
    shutil.copytree(saved, folder)
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: int(share * len(content))])
    check_refused(folder)


@pytest.fixture(scope="module")
def tflite(bert, tmp_path_factory):
    path = tmp_path_factory.mktemp("tflite") / "model.tflite"
    export_tflite(bert, path)
    return path


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.9, 0.999])
def test_a_tflite_file_cut_short_is_refused(tflite, tmp_path, share):
    path = tmp_path / "cut.tflite"
    content = tflite.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    check_refused(path)


def test_a_tflite_file_of_somebody_else_is_refused(tflite, tmp_path):
    """The same graph without the files inside."""
    import zipfile

    with zipfile.ZipFile(tflite) as archive:
        start = min(item.header_offset for item in archive.infolist())
    path = tmp_path / "other.tflite"
    path.write_bytes(tflite.read_bytes()[:start])
    check_refused(path)
