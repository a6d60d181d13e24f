"""Reads the sorted table of a TensorFlow checkpoint's `.index`, as an untrusted file.

The format is LevelDB's (tensorflow/core/lib/io/format.cc and table.cc): blocks of sorted keys,
each with a checksum, an index of the blocks, and a footer that leads to it. TensorFlow's own reader
ends the process on some damaged files.
"""

from keras_bert import checksums

_FOOTER, _MAGIC = 48, bytes.fromhex("57fb808b247547db")
_TRAILER = 5  # a block's kind and checksum
_PLAIN, _SNAPPY = 0, 1
# Snappy packs 21 times at most, copying 64 bytes with 3.
_MOST_PACKING = 32


class Damaged(ValueError):
    """The bytes are not those of such a table."""


def read_table(content):
    """Returns the entries of a table, a dict of bytes to bytes.

    Args:
        content: bytes of the file.

    Raises:
        Damaged: a checksum is wrong, or the bytes are not a table.
    """
    if len(content) < _FOOTER or not content.endswith(_MAGIC):
        raise Damaged("it does not end as a checkpoint's index does: it may be cut short")
    position = len(content) - _FOOTER
    for _ in range(2):  # the place of a block that checkpoints leave empty
        _, position = read_varint(content, position)
    offset, position = read_varint(content, position)
    size, _ = read_varint(content, position)
    entries = {}
    # Whole blocks fit into the file, so their number and size are bounded by it.
    for handle in _entries(_block(content, offset, size)).values():
        offset, position = read_varint(handle, 0)
        size, _ = read_varint(handle, position)
        entries.update(_entries(_block(content, offset, size)))
    return entries


def read_varint(content, position):
    """Returns the number of at most 64 bits that begins at `position`, and where it ends."""
    value = 0
    for shift in range(0, 64, 7):
        if position >= len(content):
            raise Damaged("a number is cut short")
        byte = content[position]
        position += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, position
    raise Damaged("a number has more than 64 bits")


def _block(content, offset, size):
    end = offset + size
    if end + _TRAILER > len(content) - _FOOTER:
        raise Damaged(f"a block of {size} bytes at {offset} is past its end")
    stored = int.from_bytes(content[end + 1 : end + _TRAILER], "little")
    if checksums.masked(checksums.crc32c_of(content[offset : end + 1])) != stored:
        raise Damaged(f"the block at {offset} does not have its checksum")
    kind, block = content[end], content[offset:end]
    if kind not in (_PLAIN, _SNAPPY):
        raise Damaged(f"the block at {offset} is packed in an unknown way, {kind}")
    return _unpacked(block) if kind == _SNAPPY else block


def _entries(block):
    """Returns the keys and values of a block: each key has a part of the one before it."""
    restarts = int.from_bytes(block[-4:], "little")
    end = len(block) - 4 - 4 * restarts
    if len(block) < 4 or end < 0:
        raise Damaged("a block has no end")
    entries, key, position = {}, b"", 0
    while position < end:
        shared, position = read_varint(block, position)
        own, position = read_varint(block, position)
        size, position = read_varint(block, position)
        if shared > len(key) or position + own + size > end:
            raise Damaged("an entry is past its block's end")
        key = key[:shared] + block[position : position + own]
        position += own + size
        entries[key] = block[position - size : position]
    return entries


def _unpacked(packed):
    """Unpacks a block by snappy (github.com/google/snappy, format_description.txt)."""
    size, position = read_varint(packed, 0)
    if size > _MOST_PACKING * len(packed):
        raise Damaged(f"{len(packed)} bytes cannot unpack to {size}")
    result = bytearray()
    while position < len(packed):
        tag = packed[position]
        position += 1
        kind, length = tag & 3, (tag >> 2) + 1
        if kind == 0:
            if length > 60:
                width = length - 60
                length = int.from_bytes(packed[position : position + width], "little") + 1
                position += width
            result += packed[position : position + length]
            position += length
        else:
            width = (1, 2, 4)[kind - 1]
            distance = int.from_bytes(packed[position : position + width], "little")
            if kind == 1:
                length, distance = (tag >> 2 & 7) + 4, distance | tag >> 5 << 8
            position += width
            if not 0 < distance <= len(result):
                raise Damaged("a packed block copies what is not there")
            for _ in range(length):
                result.append(result[-distance])
        if position > len(packed) or len(result) > size:
            raise Damaged("a packed block is of another size than it says")
    if len(result) != size:
        raise Damaged("a packed block is of another size than it says")
    return bytes(result)
