"""HDF5 files that no Keras wrote: each is refused in a line, whichever reader opens it."""

import dataclasses
import shutil

import h5py
import numpy as np
import pytest
from checkpoint_helpers import TINY, VOCABULARY, random_weights

import keras_bert
from keras_bert.checkpoints import keras_hub, open_checkpoint
from keras_bert.checkpoints.hdf5_file import list_datasets
from keras_bert.errors import InputError


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A keras-hub preset and a model folder of ours."""
    folder = tmp_path_factory.mktemp("folders")
    switches = {"lower_case": True, "strip_accents": True, "tokenize_chinese_chars": True}
    keras_hub.save(
        folder / "keras_hub",
        dataclasses.replace(TINY, hidden_act="gelu_new"),
        random_weights(),
        VOCABULARY,
        switches,
    )
    keras_bert.load(folder / "keras_hub").save(folder / "ours")
    return folder


@pytest.fixture(params=["keras_hub", "ours"])
def folder(request, folders, tmp_path):
    return shutil.copytree(folders / request.param, tmp_path / request.param)


def first_dataset(file):
    found = []
    file.visititems(lambda name, item: found.append(name) if hasattr(item, "shape") else None)
    return sorted(found)[0]


def other_bytes(file, name, folder):
    (folder / "secret").write_bytes(bytes(256))
    file.create_dataset(name, (8,), "float32", external=str(folder / "secret"))


def virtual(file, name, folder):
    layout = h5py.VirtualLayout((8,), "float32")
    layout[:] = h5py.VirtualSource(str(folder / "other.h5"), "x", (8,))
    file.create_virtual_dataset(name, layout)


def wide(file, name, folder):
    # 129 KB that claimed 7 GB: HDF5 counts elements, and an element may have any size.
    file.create_dataset(name, (8,), np.dtype(("float32", (2**20,))), chunks=(1,))


def group_loop(file, name, folder):
    file["loop"] = file["/"]


def group_twice(file, name, folder):
    file["a/b/c"] = np.zeros(1, "float32")
    file["a/d"] = file["a/b"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda file, name, folder: file.create_dataset(name, data=h5py.Empty("float32")),
         "has no values"),
        (other_bytes, "is kept in another file"),
        (virtual, "is put together of other datasets"),
        (lambda file, name, folder: file.__setitem__(name, h5py.SoftLink("/elsewhere")),
         "is a link to another place"),
        (lambda file, name, folder: file.__setitem__(name, h5py.ExternalLink("/etc/passwd", "/x")),
         "is a link to another place"),
        (wide, "not of numbers"),
        (lambda file, name, folder: file.create_dataset(name, (8,), [("a", "f4"), ("b", "f4")]),
         "not of numbers"),
        (lambda file, name, folder: file.create_dataset(name, (8,), h5py.string_dtype()),
         "not of numbers"),
        (lambda file, name, folder: file.create_dataset(name, (8,), "complex128"),
         "not of numbers"),
        (lambda file, name, folder: file.create_dataset(name, (8,), "f4", compression="gzip"),
         "is packed: save it without compression"),
        (lambda file, name, folder: file.create_dataset(
            name, (8,), "f4", maxshape=(None,), chunks=(2**26,)), "stored in chunks"),
        (lambda file, name, folder: file.create_dataset(name, (2**40,), "f4", chunks=True),
         r"(claims \d+ bytes of weights|stored in chunks)"),
        (group_loop, "loop is a group that is in another place too"),
        (group_twice, "is a group that is in another place too"),
    ],
)  # fmt: skip
def test_what_keras_does_not_write(change, message, folder, tmp_path):
    path = folder / "model.weights.h5"
    with h5py.File(path, "a") as file:
        name = first_dataset(file)
        del file[name]
        change(file, name, tmp_path)
    read = keras_bert.load if folder.name == "ours" else open_checkpoint
    with pytest.raises(InputError, match=message) as error:
        read(folder)
    assert "model.weights.h5: " in str(error.value)
    assert "\n" not in str(error.value)


def test_what_keras_writes(folder):
    with h5py.File(folder / "model.weights.h5", "r") as file:
        wanted = {}
        file.visititems(
            lambda name, item: wanted.update({name: item.shape}) if hasattr(item, "shape") else None
        )
    assert list_datasets(folder / "model.weights.h5") == wanted
    assert keras_bert.load(folder).config.encoder.hidden_size == TINY.hidden_size


def test_random_damage(folder):
    """Some of it makes HDF5 loop while it takes ever more memory."""
    path = folder / "model.weights.h5"
    content = path.read_bytes()
    generator = np.random.default_rng(0)
    refused = 0
    for _ in range(40):
        changed = bytearray(content)
        for place in generator.integers(0, 4000, 3):
            changed[place] ^= 1 << generator.integers(8)
        path.write_bytes(changed)
        try:
            list_datasets(path)
        except InputError:
            refused += 1
    assert refused > 10
