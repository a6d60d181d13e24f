"""Writes TFRecord files of tf.train.Example without TensorFlow.

A worker that only tokenizes text should not load TensorFlow, which takes seconds and hundreds of
megabytes in each process. Both formats are simple, and numpy encodes many rows at once.
"""

import numpy as np

from keras_bert import checksums

_LONGEST_VARINT = 5  # values below 2**35


def encode_examples(features):
    """Serializes rows as tf.train.Example, each feature a list of int64.

    Args:
        features: dict of str to (values, starts): values (n,) non-negative int below 2**35, and
            row r has values[starts[r] : starts[r + 1]].

    Returns:
        list of bytes, one for each row. Equal rows always have equal bytes.
    """
    columns = []
    for name in sorted(features):
        values, starts = features[name]
        data, value_starts = _varints(np.asarray(values))
        head = b"\x0a" + _varint(len(name)) + name.encode() + b"\x12"
        columns.append((head, data.tobytes(), value_starts[np.asarray(starts)].tolist()))
    rows = len(columns[0][2]) - 1
    examples = []
    for row in range(rows):
        entries = []
        for head, data, starts in columns:
            values = data[starts[row] : starts[row + 1]]
            # Feature.int64_list = 3, Int64List.value = 1 (packed): a length before each.
            packed = b"\x0a" + _varint(len(values)) + values if values else b""
            feature = b"\x1a" + _varint(len(packed)) + packed
            entry = head + _varint(len(feature)) + feature
            entries.append(b"\x0a" + _varint(len(entry)) + entry)
        content = b"".join(entries)
        examples.append(b"\x0a" + _varint(len(content)) + content)
    return examples


def frame_records(records):
    """Adds TFRecord's length and checksums to each record.

    Args:
        records: list of bytes, each at least 4 long.

    Returns:
        bytes, the contents of the file.
    """
    lengths = [len(record).to_bytes(8, "little") for record in records]
    length_checks, record_checks = _masked_crc32c(lengths), _masked_crc32c(records)
    parts = []
    for parts_of_record in zip(lengths, length_checks, records, record_checks, strict=True):
        parts += parts_of_record
    return b"".join(parts)


def _varint(value):
    parts = bytearray()
    while value >= 128:
        parts.append(value & 127 | 128)
        value >>= 7
    parts.append(value)
    return bytes(parts)


def _varints(values):
    """Returns the bytes of all varints (uint8), and where each begins and the last ends."""
    values = values.astype(np.uint64)
    sizes = np.ones(len(values), np.int64)
    for place in range(1, _LONGEST_VARINT):
        sizes += values >= 1 << (7 * place)
    starts = np.concatenate([[0], np.cumsum(sizes)])
    data = np.empty(starts[-1], np.uint8)
    for place in range(_LONGEST_VARINT):
        has = sizes > place
        more = (sizes[has] > place + 1).astype(np.uint8) << 7
        data[starts[:-1][has] + place] = (values[has] >> (7 * place) & 127).astype(np.uint8) | more
    return data, starts


def _masked_crc32c(messages):
    checks = checksums.masked(checksums.crc32c(messages)).astype("<u4")
    return [bytes(check) for check in checks.view(np.uint8).reshape(-1, 4)]
