"""Lists of tf.train.Example, read without TensorFlow: what TensorFlow reads, or nothing."""

import numpy as np
import pytest
import tensorflow as tf

from keras_bert.pretraining import tfrecord
from keras_bert.pretraining.example_lists import NotOurs, int64_lists

NAMES = ("a", "bb", "token_ids", "x" * 200)
# One below and one at each power of 128, where a value takes a byte more.
EDGES = [value for power in range(1, 5) for value in (128**power - 1, 128**power)]


def tensorflows(records, names=NAMES):
    """Returns what `int64_lists` should, by TensorFlow's own parser."""
    features = {name: tf.io.RaggedFeature(tf.int64, row_splits_dtype=tf.int64) for name in names}
    parsed = tf.io.parse_example(tf.constant(records), features)
    return {
        name: (parsed[name].values.numpy(), np.diff(parsed[name].row_splits.numpy()))
        for name in names
    }


def assert_equal(ours, theirs):
    assert ours.keys() == theirs.keys()
    for name, parts in ours.items():
        for one, other in zip(parts, theirs[name], strict=True):
            assert one.dtype == other.dtype == np.int64
            np.testing.assert_array_equal(one, other, err_msg=name)


def random_records(generator, rows, names=NAMES):
    features = {}
    for name in names:
        counts = generator.integers(0, 40, rows) * generator.integers(0, 2, rows)
        values = generator.integers(0, 2 ** generator.integers(1, 35, counts.sum()))
        values[::5] = generator.choice(EDGES, len(values[::5]))
        features[name] = values, np.concatenate([[0], np.cumsum(counts)])
    return tfrecord.encode_examples(features)


@pytest.mark.parametrize("seed", range(4))
def test_random_records_are_read_as_tensorflow_reads_them(seed):
    records = random_records(np.random.default_rng(seed), rows=300)
    assert_equal(int64_lists(records, NAMES), tensorflows(records))
    # Some features only, and one that is not there.
    some = ("bb", "missing")
    assert_equal(int64_lists(records, some), tensorflows(records, some))


def test_records_without_some_of_the_features():
    generator = np.random.default_rng(7)
    records = []
    for _ in range(200):
        names = [name for name in NAMES if generator.random() < 0.7] or [NAMES[0]]
        records += random_records(generator, 1, names)
    assert_equal(int64_lists(records, NAMES), tensorflows(records))


def test_negative_and_largest_values():
    example = tf.train.Example()
    values = [-1, -(2**63), 2**63 - 1, 0, 127, 128, *EDGES, -(2**35)]
    example.features.feature["a"].int64_list.value.extend(values)
    example.features.feature["bb"].bytes_list.value.append(b"not wanted")
    example.features.feature["token_ids"].int64_list.value.extend([])
    example.features.feature["x" * 200].SetInParent()  # a feature without any list
    found = int64_lists([example.SerializeToString()] * 2, ("a", "token_ids", "x" * 200))
    assert found["a"][0].tolist() == values * 2
    assert [counts.tolist() for _, counts in found.values()] == [[len(values)] * 2, [0, 0], [0, 0]]


def test_no_records():
    values, counts = int64_lists([], ["a"])["a"]
    assert values.shape == counts.shape == (0,)


def test_damaged_records_are_refused_or_read_as_tensorflow_reads_them():
    """Bytes changed, cut out or put in: never another error, never other numbers."""
    generator = np.random.default_rng(1)
    good = random_records(generator, 40)
    refused = read = 0
    for _ in range(1500):
        record = bytearray(good[generator.integers(len(good))])
        for _ in range(generator.integers(1, 3)):
            at = int(generator.integers(len(record)))
            kind = generator.integers(3)
            if kind == 0:
                record[at] = generator.choice([0, 1, 10, 18, 26, 127, 128, 255, record[at] ^ 1])
            elif kind == 1:
                del record[at : at + int(generator.integers(1, 4))]
            else:
                record[at:at] = bytes(generator.integers(0, 256, generator.integers(1, 4)).tolist())
            if not record:
                break
        record = bytes(record)
        try:
            # The one after it must not be read for it.
            ours = int64_lists([record, good[0]], NAMES)
        except NotOurs:
            refused += 1
            continue
        read += 1
        assert_equal(ours, tensorflows([record, good[0]]))
    assert refused > 500
    assert read > 100


@pytest.mark.parametrize(
    "record",
    [
        b"\x0a\xff\xff\xff\xff\x7f",  # a length of 2**35 - 1
        b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",  # of 2**64 - 1
        b"\x0a\x05\x0a\x03\x0a\x01",
        b"\x0a\x00" * 8,
        b"\x0a\x0c\x0a\x0a\x0a\x01a\x12\x05\x1a\x03\x0a\x01\x80",  # a value without an end
        b"\x0a\x09\x0a\x07\x0a\x01a\x12\x02\x12\x00",  # a list of floats
        b"\x0a\x12" + 2 * b"\x0a\x07\x0a\x01a\x12\x02\x1a\x00",  # twice the same feature
        b"\x0a\x16\x0a\x14\x0a\x01a\x12\x0f\x1a\x0d\x0a\x0b" + b"\x80" * 10 + b"\x01",
    ],
)
def test_hostile_records_are_refused(record):
    with pytest.raises(NotOurs):
        int64_lists([record], NAMES)


def test_a_record_of_many_features_is_refused_before_they_are_read():
    entry = b"\x0a\x07\x0a\x01%b\x12\x02\x1a\x00"
    entries = b"".join(entry % bytes([65 + i % 26]) for i in range(200_000))
    size = len(entries)
    length = bytes([size & 127 | 128, size >> 7 & 127 | 128, size >> 14 & 127 | 128, size >> 21])
    with pytest.raises(NotOurs, match="more than 64 features"):
        int64_lists([b"\x0a" + length + entries], NAMES)
