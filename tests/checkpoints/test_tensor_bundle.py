"""TensorFlow's checkpoints read without TensorFlow: against its own reader, and damaged."""

import shutil

import numpy as np
import pytest
import tensorflow as tf
from checkpoint_helpers import DATA

from keras_bert import checksums
from keras_bert.checkpoints import open_checkpoint, sorted_table
from keras_bert.checkpoints.tensor_bundle import TensorBundle
from keras_bert.errors import InputError

FIXTURE = DATA / "tf1_ckpt_fixture"
DATA_FILE = "bert_model.ckpt.data-00000-of-00001"
RELEASED = sorted((DATA / "bert_ckpt_index").glob("*/bert_model.ckpt.index"))


def saved(folder, **tensors):
    prefix = str(folder / "m.ckpt")
    tf.raw_ops.SaveV2(
        prefix=prefix,
        tensor_names=list(tensors),
        shape_and_slices=[""] * len(tensors),
        tensors=[tf.constant(value) for value in tensors.values()],
    )
    return prefix


# === What TensorFlow reads ===


def test_types_and_shapes(tmp_path):
    rng = np.random.default_rng(0)
    tensors = {
        "single": rng.normal(size=(3, 5)).astype("float32"),
        "double": rng.normal(size=7),
        "half": rng.normal(size=(2, 2, 2)).astype("float16"),
        "brain": tf.cast(rng.normal(size=(4, 1)), tf.bfloat16).numpy(),
        "scalar": np.float32(2.5),
        "empty": np.zeros((0, 3), "float32"),
        "large": rng.normal(size=(300, 211)).astype("float32"),
        "näme/é": np.ones(1, "float32"),
    }
    others = {"count": np.int64(3), "text": np.array([b"a", b"bc"]), "flag": np.array([True])}
    prefix = saved(tmp_path, **tensors, **others)
    bundle, reader = TensorBundle(prefix), tf.train.load_checkpoint(prefix)
    shapes, types = reader.get_variable_to_shape_map(), reader.get_variable_to_dtype_map()
    assert {n: list(e.shape) for n, e in bundle.entries.items()} == shapes
    assert {n: e.dtype for n, e in bundle.entries.items()} == {n: t.name for n, t in types.items()}
    for name in tensors:
        found, wanted = bundle.read(name), reader.get_tensor(name)
        assert found.dtype == wanted.dtype
        assert found.tobytes() == wanted.tobytes()
        assert found.shape == wanted.shape
    for name in others:
        with pytest.raises(InputError, match=f"{name} has type .*; a weight must be floating"):
            bundle.read(name)


def test_several_data_files(tmp_path):
    parts = []
    for i in range(3):
        (tmp_path / str(i)).mkdir()
        parts.append(saved(tmp_path / str(i), **{f"t{i}": np.full((2, i + 1), i, "float32")}))
    prefix = str(tmp_path / "all.ckpt")
    tf.raw_ops.MergeV2Checkpoints(checkpoint_prefixes=parts, destination_prefix=prefix)
    assert len(list(tmp_path.glob("all.ckpt.data-*-of-00003"))) == 3
    bundle = TensorBundle(prefix)
    for i in range(3):
        np.testing.assert_array_equal(bundle.read(f"t{i}"), np.full((2, i + 1), i, "float32"))
    (tmp_path / "all.ckpt.data-00001-of-00003").unlink()
    with pytest.raises(InputError, match="all.ckpt.data-00001-of-00003: no such file"):
        TensorBundle(prefix)


def test_parts_of_a_partitioned_variable(tmp_path):
    prefix = str(tmp_path / "m.ckpt")
    tf.raw_ops.SaveV2(
        prefix=prefix,
        tensor_names=["v", "v"],
        shape_and_slices=["4 2 0,2:-", "4 2 2,2:-"],
        tensors=[tf.zeros((2, 2)), tf.ones((2, 2))],
    )
    bundle = TensorBundle(prefix)
    assert bundle.entries["v"].shape == (4, 2)
    with pytest.raises(InputError, match="v is stored in parts"):
        bundle.read("v")


@pytest.mark.parametrize("index", RELEASED, ids=lambda path: path.parent.name)
def test_released_index_files(index):
    entries = sorted_table.read_table(index.read_bytes())
    reader = tf.train.load_checkpoint(str(index).removesuffix(".index"))
    names = {key.decode() for key in entries if key}
    assert names == set(reader.get_variable_to_shape_map())


def snappy(content):
    """Packs as snappy does, with literals and copies of each kind."""
    packed, size = bytearray(), len(content)
    while size >= 128:
        packed.append(size & 127 | 128)
        size >>= 7
    packed.append(size)
    position = 0
    while position < len(content):
        length = min(64, len(content) - position)
        found = content.rfind(content[position : position + 8], 0, position)
        if found >= 0:
            length = 8
            while (
                length < 60
                and content[found + length : found + length + 1]
                == (content[position + length : position + length + 1])
            ):
                length += 1
            length, distance = min(length, len(content) - position), position - found
            if 4 <= length <= 11 and distance < 2048:
                packed += bytes([1 | (length - 4) << 2 | distance >> 8 << 5, distance & 255])
            elif distance < 2**16:
                packed += bytes([2 | (length - 1) << 2]) + distance.to_bytes(2, "little")
            else:
                packed += bytes([3 | (length - 1) << 2]) + distance.to_bytes(4, "little")
        elif length <= 60:
            packed += bytes([(length - 1) << 2]) + content[position : position + length]
        else:
            packed += bytes([60 << 2, length - 1]) + content[position : position + length]
        position += length
    return bytes(packed)


def varint(value):
    return bytes([value]) if value < 128 else bytes([value & 127 | 128]) + varint(value >> 7)


def block(entries, pack=False):
    """A block of a table, with its kind and checksum."""
    content = b"".join(
        b"\0" + varint(len(key)) + varint(len(value)) + key + value for key, value in entries
    )
    content += bytes(4) + (1).to_bytes(4, "little")
    content = (snappy(content) + b"\1") if pack else content + b"\0"
    return content + np.uint32(checksums.masked(checksums.crc32c_of(content))).tobytes()


def table(entries, pack=False):
    """A table of one block, written as TensorFlow would."""
    data, empty = block(sorted(entries.items()), pack), block([])
    places = [(0, len(data) - 5), (len(data), len(empty) - 5)]
    handles = [varint(offset) + varint(size) for offset, size in places]
    index = block([(max(entries) + b"x", handles[0])], pack)
    start = len(data) + len(empty)
    footer = (handles[1] + varint(start) + varint(len(index) - 5)).ljust(40, b"\0")
    return data + empty + index + footer + bytes.fromhex("57fb808b247547db")


@pytest.mark.parametrize("pack", [False, True])
def test_a_packed_index_is_what_tensorflow_reads(pack, tmp_path):
    folder = shutil.copytree(FIXTURE, tmp_path / "m")
    path = folder / "bert_model.ckpt.index"
    entries = sorted_table.read_table(path.read_bytes())
    path.write_bytes(table(entries, pack))
    assert (path.stat().st_size < len(table(entries))) == pack
    assert sorted_table.read_table(path.read_bytes()) == entries
    reader = tf.train.load_checkpoint(str(folder / "bert_model.ckpt"))
    bundle = TensorBundle(str(folder / "bert_model.ckpt"))
    for name in reader.get_variable_to_shape_map():
        if bundle.entries[name].dtype == "float32":
            np.testing.assert_array_equal(bundle.read(name), reader.get_tensor(name))


# === Damaged ===


@pytest.fixture
def folder(tmp_path):
    return shutil.copytree(FIXTURE, tmp_path / "model")


def refused(folder, message="damaged: "):
    with pytest.raises(InputError) as error:
        open_checkpoint(folder)
    assert message in str(error.value)
    assert "bert_model.ckpt" in str(error.value)
    assert "\n" not in str(error.value)


def test_bytes_of_the_index_matter(folder):
    path = folder / "bert_model.ckpt.index"
    content = path.read_bytes()
    before = {name: entry for name, entry in TensorBundle(str(path)[:-6]).entries.items()}
    accepted = []
    for place in range(0, len(content), 5):
        changed = bytearray(content)
        changed[place] ^= 0x41
        path.write_bytes(changed)
        try:
            assert TensorBundle(str(path)[:-6]).entries == before
            accepted.append(place)
        except InputError:
            continue
    # What nobody reads: the empty block, its checksum and place, and the padding of the footer.
    assert len(accepted) <= 12


def test_every_cut_of_the_index(folder):
    path = folder / "bert_model.ckpt.index"
    content = path.read_bytes()
    for size in range(0, len(content), 7):
        path.write_bytes(content[:size])
        refused(folder, "bert_model.ckpt.index: damaged: ")


def test_one_bit_of_the_weights(folder):
    path = folder / DATA_FILE
    content = bytearray(path.read_bytes())
    checkpoint = open_checkpoint(folder)
    name = "bert/embeddings/word_embeddings"
    before = checkpoint.read(name)
    entry = TensorBundle(str(folder / "bert_model.ckpt")).entries[name]
    content[entry.offset + 9] ^= 4
    path.write_bytes(content)
    with pytest.raises(InputError, match=f"{DATA_FILE}: {name} cannot be read: it does not have"):
        open_checkpoint(folder).read(name)
    content[entry.offset + 9] ^= 4
    path.write_bytes(content)
    np.testing.assert_array_equal(open_checkpoint(folder).read(name), before)


NAME = b"bert/embeddings/word_embeddings"
FIELD = {"dtype": 1, "shape": 2, "shard": 3, "offset": 4, "size": 5}


def entry(dtype=1, shape=(15, 4), **fields):
    """An entry of the index; what is of a wrong type is put as it is."""
    dims = b"".join(b"\x12" + varint(len(d)) + d for d in (b"\x08" + varint(n) for n in shape))
    content = b"\x08" + varint(dtype) + b"\x12" + varint(len(dims)) + dims
    for name, value in fields.items():
        content += varint(FIELD[name] << 3) + varint(value)
    return content


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (entry(size=240, shard=7), "is in data file 7 of 1"),
        (entry(size=240, offset=2**62), "truncated: "),
        (entry(size=2**63), "field 5 is not a number, or is negative"),
        (entry(size=241), "241 bytes for a float32 of shape (15, 4)"),
        (entry(shape=(2**40, 2**40), size=240), "240 bytes for a float32"),
        (entry(shape=(2**64 - 1,), size=240), "field 1 is not a number, or is negative"),
        (entry(shape=[1] * 40, size=4), "a shape has 40 dimensions"),
        (entry(dtype=7, size=240), "has type string; a weight must be floating-point"),
        (entry(dtype=3, size=240), "has type int32; a weight must be floating-point"),
        (entry(dtype=99, size=240), "has type type 99"),
        (b"\x0a\x02ab", "field 1 is not a number"),
        (b"\x10\x05", "the shape is not a message"),
        (b"\xff" * 12, "a number has more than 64 bits"),
        (b"\x12\x50abc", "a field is cut short"),
        (b"\x0b", "a field is of the unknown kind 3"),
    ],
)  # fmt: skip
def test_crafted_entries_with_good_checksums(value, message, folder):
    path = folder / "bert_model.ckpt.index"
    entries = sorted_table.read_table(path.read_bytes())
    path.write_bytes(table({**entries, NAME: value}))
    with pytest.raises(InputError) as error:
        open_checkpoint(folder).read(NAME.decode())
    assert message in str(error.value)


def test_other_crafted_tables(folder):
    path = folder / "bert_model.ckpt.index"
    entries = sorted_table.read_table(path.read_bytes())
    for changes, message in (
        ({b"": b"\x08\x05"}, "it is of 5 data files, there are 1"),
        ({b"": b"\x08\x01\x10\x01"}, "its numbers are big-endian"),
        ({b"\xff\xfe": entry(size=240)}, "is not UTF-8"),
    ):
        path.write_bytes(table({**entries, **changes}))
        refused(folder, message)
    packed = bytearray(table(entries, True))
    for bad, message in (
        (varint(2**40) + b"\0a", "cannot unpack to"),
        (b"\x05\x04ab", "a packed block is of another size"),
        (b"\x05\x01\x09", "copies what is not there"),
        (b"\x05\xf0", "a packed block is of another size"),
    ):
        with pytest.raises(sorted_table.Damaged, match=message):
            sorted_table._unpacked(bad)
    path.write_bytes(packed[:-48] + bytes(40) + packed[-8:])
    refused(folder)
