"""Records: what is written is what TensorFlow reads; what is broken is told of."""

import dataclasses
import json
import random
import zlib

import numpy as np
import pytest
import tensorflow as tf

from keras_bert import checksums
from keras_bert.errors import InputError
from keras_bert.pretraining import tfrecord
from keras_bert.pretraining.records import (
    RecordsManifest,
    Shard,
    is_records_folder,
    read_manifest,
    read_shard,
    read_vocabulary,
    shard_name,
    vocabulary_sha256,
    write_manifest,
    write_shard,
    write_vocabulary,
)

VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(f"w{i}" for i in range(70_000))]
LENGTH = 40


def _shard(rows=2500, seed=0, packed=True, paired=True, masked=False):
    rng = np.random.default_rng(seed)
    per_row = rng.integers(1, 4, rows) if packed else np.ones(rows, int)
    example_lengths = rng.integers(5, 14, per_row.sum())
    example_starts = np.concatenate([[0], np.cumsum(per_row)])
    row_starts = np.concatenate([[0], np.cumsum(example_lengths)])[example_starts]
    tokens = row_starts[-1]
    labels = rng.integers(0, 2, len(example_lengths)) if paired else np.zeros(0)
    parts = {}
    if masked:
        counts = rng.integers(0, 5, rows)
        parts = {
            "masked_positions": rng.integers(0, 5, counts.sum()).astype("int32"),
            "masked_token_ids": rng.integers(0, 70_000, counts.sum()).astype("int32"),
            "masked_starts": np.concatenate([[0], np.cumsum(counts)]),
        }
    ids = rng.integers(0, len(VOCABULARY), tokens)
    ids[::3] = rng.choice([0, 127, 128, 16383, 16384, 70_004], len(ids[::3]))
    return Shard(
        token_ids=ids.astype("int32"),
        segment_ids=rng.integers(0, 2, tokens).astype("int8"),
        word_starts=rng.integers(0, 2, tokens).astype(bool),
        row_starts=row_starts,
        example_lengths=example_lengths.astype("int32"),
        example_starts=example_starts,
        pair_labels=labels.astype("int8"),
        **parts,
    )


def _manifest(entries, **changes):
    values = {
        "length": LENGTH,
        "pair": "nsp",
        "packed": True,
        "whole_word": False,
        "static_masking": False,
        "seed": 1,
        "dupe_factor": 1,
        "tokenizer": {
            "lower_case": True,
            "strip_accents": True,
            "tokenize_chinese_chars": True,
            "max_chars_per_word": 200,
        },
        "vocabulary_size": len(VOCABULARY),
        "vocabulary_sha256": vocabulary_sha256(VOCABULARY),
        "max_predictions": None,
        "shards": tuple(entries),
        "counts": {"documents": 3},
    }
    return RecordsManifest(**{**values, **changes})


@pytest.fixture
def folder(tmp_path):
    """A records folder of two shards; the second is empty."""
    empty = _shard(0)
    entries = [
        write_shard(tmp_path / shard_name(0, 2), _shard()),
        write_shard(tmp_path / shard_name(1, 2), empty),
    ]
    write_manifest(tmp_path, _manifest(entries))
    write_vocabulary(tmp_path, VOCABULARY)
    return tmp_path


def _assert_equal(shard, other):
    for field in dataclasses.fields(Shard):
        one, two = getattr(shard, field.name), getattr(other, field.name)
        if one is None:
            assert two is None
        else:
            assert one.dtype == two.dtype, field.name
            np.testing.assert_array_equal(one, two, field.name)


def test_crc32c():
    # RFC 3720, B.4.
    assert [hex(crc) for crc in checksums.crc32c([bytes(32), b"\xff" * 32, bytes(range(32))])] == [
        "0x8a9136aa", "0x62a8ab43", "0x46dd794e",
    ]  # fmt: skip
    assert hex(checksums.crc32c([b"123456789"])[0]) == "0xe3069283"


def test_the_bytes_are_tensorflows(tmp_path):
    """Against TensorFlow's own writer and protocol buffers."""
    rng = random.Random(0)
    rows = [
        {
            "a": [rng.choice([0, 1, 127, 128, 2**14, 2**21, 2**28, 2**34]) for _ in range(n)],
            "some_name" * 20: list(range(rng.randint(0, 300))),
        }
        for n in [0, 1, 5, 200, 1000]
    ]
    features = {}
    for name in rows[0]:
        values = np.array([value for row in rows for value in row[name]], np.int64)
        features[name] = values, np.cumsum([0, *(len(row[name]) for row in rows)])
    ours = tfrecord.encode_examples(features)
    path = str(tmp_path / "theirs")
    with tf.io.TFRecordWriter(path) as writer:
        for example, row in zip(ours, rows, strict=True):
            writer.write(example)
            parsed = tf.train.Example.FromString(example)
            assert {k: list(v.int64_list.value) for k, v in parsed.features.feature.items()} == row
            assert example == parsed.SerializeToString(deterministic=True)
    with open(path, "rb") as file:
        assert file.read() == tfrecord.frame_records(ours)


@pytest.mark.parametrize(
    "changes",
    [{}, {"packed": False}, {"paired": False}, {"masked": True}, {"rows": 0}, {"rows": 1024}],
)
def test_round_trip(changes, tmp_path):
    shard = _shard(**changes)
    path = tmp_path / shard_name(0, 1)
    entry = write_shard(path, shard)
    assert entry["bytes"] == path.stat().st_size
    manifest = _manifest(
        [entry],
        packed=changes.get("packed", True),
        pair="nsp" if changes.get("paired", True) else "none",
        static_masking=changes.get("masked", False),
        max_predictions=4 if changes.get("masked") else None,
    )
    write_manifest(tmp_path, manifest)
    assert read_manifest(tmp_path) == manifest
    _assert_equal(shard, read_shard(tmp_path, manifest, 0))


def test_folder(folder):
    manifest = read_manifest(folder)
    assert read_vocabulary(folder, manifest) == VOCABULARY
    _assert_equal(_shard(), read_shard(folder, manifest, 0))
    assert read_shard(folder, manifest, 1).rows == 0
    assert is_records_folder(folder)
    (folder / "thesis.txt").touch()
    assert not is_records_folder(folder)


def _fails(message, call, *args):
    with pytest.raises(InputError) as caught:
        call(*args)
    assert message in str(caught.value)


def test_files_that_are_not_as_the_manifest_says(folder):
    manifest = read_manifest(folder)
    path = folder / manifest.shards[0]["file"]
    content = path.read_bytes()
    path.write_bytes(content[:-1000])
    _fails("the file was cut short; run prepare again", read_manifest, folder)
    _fails(f"{path}: {len(content) - 1000:,} bytes where the manifest", read_manifest, folder)
    path.write_bytes(content + b"more")
    _fails("is not the one that was written", read_manifest, folder)
    path.unlink()
    _fails(f"{path}: is missing", read_manifest, folder)
    (folder / "vocab.txt").write_text("\n".join(["extra", *VOCABULARY]))
    _fails("not the vocabulary that the records", read_vocabulary, folder, manifest)
    (folder / "vocab.txt").write_text("\n".join([*VOCABULARY[:-1], "other"]))
    _fails("not the vocabulary that the records", read_vocabulary, folder, manifest)
    (folder / "records.json").unlink()
    _fails("not a records folder", read_manifest, folder)


@pytest.mark.parametrize("place", [0, 8, 12, 100, -1])
def test_a_flipped_byte(place, folder):
    manifest = read_manifest(folder)
    path = folder / manifest.shards[0]["file"]
    content = bytearray(path.read_bytes())
    content[place] ^= 0x10
    path.write_bytes(bytes(content))
    _fails("run prepare again", read_shard, folder, manifest, 0)
    _fails(str(path), read_shard, folder, manifest, 0)


def test_whole_records_missing(folder):
    manifest = read_manifest(folder)
    write_shard(folder / manifest.shards[0]["file"], _shard(10))
    _fails("10 records where the manifest states 2500", read_shard, folder, manifest, 0)


GOOD = {
    "token_ids": [2, 7, 3, 8, 3, 2, 9, 3],
    "segment_ids": [0, 0, 0, 1, 1, 0, 0, 0],
    "word_starts": [1] * 8,
    "example_lengths": [5, 3],
    "pair_labels": [0, 1],
    "masked_positions": [1],
    "masked_token_ids": [70],
}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({}, None),
        ({"token_ids": []}, "not 1 to 40 token_ids"),
        ({"token_ids": [2] * 41}, "not 1 to 40 token_ids"),
        ({"token_ids": [2, 70_005, 3, 8, 3, 2, 9, 3]}, "token_ids not from 0 to 70004"),
        ({"token_ids": [2, -1, 3, 8, 3, 2, 9, 3]}, "token_ids not from 0 to 70004"),
        ({"token_ids": [2, 2**40, 3, 8, 3, 2, 9, 3]}, "token_ids not from 0 to 70004"),
        ({"segment_ids": [0] * 7}, "as many segment_ids as token_ids"),
        ({"segment_ids": [2] * 8}, "segment_ids not from 0 to 1"),
        ({"word_starts": [1] * 9}, "as many word_starts as token_ids"),
        ({"example_lengths": [5, 2]}, "example_lengths do not sum to its tokens"),
        ({"example_lengths": [9, -1]}, "example_lengths not from 1 to 40"),
        ({"example_lengths": []}, "wrong number of example_lengths"),
        ({"pair_labels": [0]}, "wrong number of pair_labels"),
        ({"pair_labels": [0, 2]}, "pair_labels not from 0 to 1"),
        ({"masked_positions": [8]}, "masked_positions past the record's end"),
        ({"masked_positions": [-1]}, "masked_positions not from 0 to 39"),
        ({"masked_positions": []}, "masked lists of different lengths"),
        ({"masked_token_ids": [70_005]}, "masked_token_ids not from 0 to 70004"),
        ({"masked_positions": [1] * 5, "masked_token_ids": [7] * 5}, "over 4 masked tokens"),
        ({"segment_ids": None}, "as many segment_ids as token_ids"),
        ({"token_ids": b"text"}, "not one of ours"),
        ({"token_ids": 1.5}, "not one of ours"),
    ],
)
def test_records_that_contradict_themselves(changes, message, tmp_path):
    name = shard_name(0, 1)
    with tf.io.TFRecordWriter(str(tmp_path / name)) as writer:
        for row in (GOOD, GOOD, {**GOOD, **changes}):
            example = tf.train.Example()
            for key, value in row.items():
                feature = example.features.feature[key]
                if isinstance(value, bytes):
                    feature.bytes_list.value.append(value)
                elif isinstance(value, float):
                    feature.float_list.value.append(value)
                elif value is not None:
                    feature.int64_list.value.extend(value)
            writer.write(example.SerializeToString())
    size = (tmp_path / name).stat().st_size
    entry = {"file": name, "rows": 3, "examples": 6, "tokens": 24, "bytes": size}
    manifest = _manifest([entry], static_masking=True, max_predictions=4)
    if message is None:
        shard = read_shard(tmp_path, manifest, 0)
        assert shard.token_ids.tolist() == GOOD["token_ids"] * 3
        assert shard.example_starts.tolist() == [0, 2, 4, 6]
    else:
        _fails(message, read_shard, tmp_path, manifest, 0)
        _fails(f"{tmp_path / name}: ", read_shard, tmp_path, manifest, 0)
        if "not one of ours" not in message:
            _fails("record 3: ", read_shard, tmp_path, manifest, 0)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("length", 3), ("length", True), ("length", "128"), ("length", 128.0),
        ("pair", "both"), ("pair", ["nsp"]), ("packed", 1), ("static_masking", None),
        ("seed", -1), ("dupe_factor", 0), ("vocabulary_sha256", "abc"), ("vocabulary_size", 2**70),
        ("tokenizer", {}), ("tokenizer", {"lower_case": "yes"}), ("max_predictions", 5),
        ("shards", []), ("shards", [{"file": "../../etc/passwd"}]), ("shards", {"a": 1}),
        ("shards", [{"file": "records-00000-of-00001.tfrecord", "rows": -1}]),
        ("shards", [None]), ("length", 2**16 + 1), ("dupe_factor", 1001),
        ("vocabulary_size", 2**24 + 1), ("counts", 7), ("format", "keras-bert records 9"),
        ("extra", 1),
    ],
)  # fmt: skip
def test_manifests_that_are_wrong(key, value, folder):
    path = folder / "records.json"
    values = json.loads(path.read_text())
    path.write_text(json.dumps({**values, key: value}))
    _fails(f"{path}: ", read_manifest, folder)
    values.pop(key, None)
    path.write_text(json.dumps(values))
    if key != "extra":
        _fails(f"{path}: ", read_manifest, folder)


def test_more_masked_tokens_than_a_row_has(folder):
    path = folder / "records.json"
    values = {**json.loads(path.read_text()), "static_masking": True}
    for most in (2**28, LENGTH + 1, 0, True, None):
        path.write_text(json.dumps({**values, "max_predictions": most}))
        _fails("max_predictions must be an int from 1 to 40, the length", read_manifest, folder)


def test_more_rows_than_bytes(folder):
    path = folder / "records.json"
    values = json.loads(path.read_text())
    values["shards"][0]["rows"] = 2**40
    path.write_text(json.dumps(values))
    _fails(f"{2**40} rows do not fit into", read_manifest, folder)


def _framed(length, record):
    """A record whose length, true or not, has its checksum."""
    head = length.to_bytes(8, "little")
    checks = [
        checksums.masked(checksums.crc32c_of(c)).astype("<u4").tobytes() for c in (head, record)
    ]
    return head + checks[0] + record + checks[1]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (_framed(2**62, b"some bytes"), "record 2 has 4611686018427387904 bytes where 4 to "),
        (_framed(2**64 - 1, b"some bytes"), "record 2 has 18446744073709551615 bytes"),
        (_framed(3, b"abc"), "record 2 has 3 bytes"),
        (_framed(40, b"some bytes"), "record 2 is cut short"),
        (b"some", "record 2 is cut short"),
        (_framed(10, b"some bytes")[:-2], "record 2 is cut short"),
        (_framed(10, b"some bytes"), "is not one of ours"),
        (_framed(10, b"\n\x08\n\x06\n\x04\xff\xfe\xfd\xd5"), "is not one of ours"),
        (bytes(64), "record 2 has 0 bytes"),
    ],
)
def test_records_of_others(content, message, tmp_path):
    example = tf.train.Example()
    for key, value in GOOD.items():
        example.features.feature[key].int64_list.value.extend(value)
    path = tmp_path / shard_name(0, 1)
    record = example.SerializeToString(deterministic=True)
    path.write_bytes(_framed(len(record), record) + content)
    entry = {
        "file": path.name, "rows": 2, "examples": 4, "tokens": 16, "bytes": path.stat().st_size,
    }  # fmt: skip
    manifest = _manifest([entry], static_masking=True, max_predictions=4)
    _fails(message, read_shard, tmp_path, manifest, 0)
    _fails(f"{path}: a record from 1 on is ", read_shard, tmp_path, manifest, 0)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 10**5])
def test_manifests_that_are_none(content, folder):
    (folder / "records.json").write_bytes(content)
    _fails("records.json: not ", read_manifest, folder)


def test_equal_shards_equal_bytes(tmp_path):
    for name in "ab":
        write_shard(tmp_path / name, _shard(seed=3))
    assert zlib.crc32((tmp_path / "a").read_bytes()) == zlib.crc32((tmp_path / "b").read_bytes())
