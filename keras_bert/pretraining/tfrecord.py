"""Writes TFRecord files of tf.train.Example without TensorFlow, and reads their records.

A worker that only tokenizes text should not load TensorFlow, which takes seconds and hundreds of
megabytes in each process. Both formats are simple, and numpy encodes many rows at once. And where a
file states a record of 2**62 bytes, TensorFlow's own reader ends the process.
"""

import numpy as np

from keras_bert import checksums

_LONGEST_VARINT = 5  # values below 2**35
_HEAD, _CHECK = 12, 4  # a record's length with its checksum; the record's own checksum
# Records are verified together, padded to the longest: so many, and so many bytes, at once.
_ROWS_AT_ONCE, _BYTES_AT_ONCE = 1024, 32 * 2**20


class Damaged(ValueError):
    """A record is cut short or does not have its checksum; `record` is its number from 1."""

    def __init__(self, record, reason):
        super().__init__(f"record {record} {reason}")
        self.record = record


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


def read_records(path, longest):
    """Yields the records of a TFRecord file, as lists of bytes, each verified by its checksum.

    Args:
        path: the file.
        longest: int, the most bytes of a record.

    Raises:
        Damaged: a record is; those before it have been yielded.
        OSError: the file cannot be read.
    """
    with open(path, "rb") as file:
        heads, records, checks, done, width = [], [], [], 0, 0
        for head, record, check in _frames(file, longest):
            width = max(width, len(record))
            heads.append(head)
            records.append(record)
            checks.append(check)
            if len(records) == _ROWS_AT_ONCE or len(records) * width >= _BYTES_AT_ONCE:
                _verify(heads, records, checks, done)
                yield records
                done += len(records)
                heads, records, checks, width = [], [], [], 0
        if records:
            _verify(heads, records, checks, done)
            yield records


def _frames(file, longest):
    """Yields the head, the bytes and the checksum of each record, lengths verified one by one."""
    number = 0
    while head := file.read(_HEAD):
        number += 1
        length = int.from_bytes(head[:8], "little")
        if len(head) < _HEAD:
            raise Damaged(number, "is cut short")
        if not 4 <= length <= longest:
            raise Damaged(number, f"has {length} bytes where 4 to {longest} are possible")
        record, check = file.read(length), file.read(_CHECK)
        if len(record) < length or len(check) < _CHECK:
            raise Damaged(number, "is cut short")
        yield head, record, check


def _verify(heads, records, checks, done):
    stored = np.frombuffer(b"".join([head[8:] for head in heads] + checks), "<u4")
    found = checksums.masked(
        np.concatenate([checksums.crc32c([head[:8] for head in heads]), checksums.crc32c(records)])
    )
    good = (found == stored).reshape(2, -1).all(axis=0)
    if not good.all():
        raise Damaged(done + int(np.argmin(good)) + 1, "does not have its checksum")


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
