"""Writes TFRecord files of tf.train.Example without TensorFlow.

A worker that only tokenizes text should not load TensorFlow, which takes seconds and hundreds of
megabytes in each process. Both formats are simple, and numpy encodes many rows at once.
"""

import numpy as np

_CRC_POLYNOMIAL = 0x82F63B78  # CRC-32C, reflected
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


def crc32c(messages):
    """Returns the CRC-32C of each message (list of bytes, each at least 4 long) as uint32 (n,)."""
    # One step processes two bytes of every message. Messages are aligned at their ends: zeros in
    # front do not change a register that starts at 0, and to start with all ones is the same as to
    # start at 0 with the first four bytes inverted.
    if not messages:
        return np.zeros(0, np.uint32)
    width = max(map(len, messages))
    width += width % 2
    padded = np.zeros((len(messages), width), np.uint8)
    for row, message in enumerate(messages):
        start = width - len(message)
        padded[row, start:] = np.frombuffer(message, np.uint8)
        padded[row, start : start + 4] ^= 0xFF
    steps = np.ascontiguousarray(padded.view("<u2").T)
    table = _crc_table()
    register = np.zeros(len(messages), np.uint32)
    for step in steps:
        register = table[(register & 0xFFFF) ^ step] ^ (register >> 16)
    return ~register


_table = None


def _crc_table():
    """Returns the effect of two bytes on the register: uint32 (65536,)."""
    global _table
    if _table is None:
        table = np.arange(65536, dtype=np.uint32)
        for _ in range(16):
            table = np.where(table & 1, table >> 1 ^ np.uint32(_CRC_POLYNOMIAL), table >> 1)
        _table = table.astype(np.uint32)
    return _table


def _masked_crc32c(messages):
    crc = crc32c(messages).astype(np.uint64)
    masked = ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
    return [bytes(check) for check in masked.astype("<u4").view(np.uint8).reshape(-1, 4)]
