"""CRC-32C as TensorFlow's files have it (records, checkpoints), with numpy alone."""

import functools

import numpy as np

_POLYNOMIAL = 0x82F63B78  # reflected
_MASK = 0xA282EAD8  # tensorflow/core/lib/hash/crc32c.h, kMaskDelta
# A large buffer is cut into rows, which are processed side by side: of 2 to the power of these.
_SHORTEST_ROW, _LONGEST_ROW = 5, 13

_table = None


def crc32c(messages):
    """Returns the CRC-32C of each message (list of bytes, each at least 4 long) as uint32 (n,)."""
    # Messages are aligned at their ends: zeros in front do not change a register that starts at 0,
    # and to start with all ones is the same as to start at 0 with the first four bytes inverted.
    if not messages:
        return np.zeros(0, np.uint32)
    width = max(map(len, messages))
    width += width % 2
    padded = np.zeros((len(messages), width), np.uint8)
    for row, message in enumerate(messages):
        start = width - len(message)
        padded[row, start:] = np.frombuffer(message, np.uint8)
        padded[row, start : start + 4] ^= 0xFF
    return ~_registers(padded)


def crc32c_of(buffer):
    """Returns the CRC-32C of one message, which may be of gigabytes or empty.

    Args:
        buffer: bytes, or anything with the buffer interface.

    Returns:
        int.
    """
    data = np.frombuffer(buffer, np.uint8)
    if len(data) < 4:
        return _short(data.tolist())
    # About as many rows as each has bytes.
    doublings = min(max(_SHORTEST_ROW, len(data).bit_length() // 2), _LONGEST_ROW)
    width = 2**doublings
    whole = len(data) // width * width
    head, rows = data[: len(data) - whole], data[len(data) - whole :].reshape(-1, width)
    # The first four bytes are inverted, as in `crc32c`; a short head takes some of the rows'.
    first = np.zeros(len(head) + (width if len(head) < 4 else 0), np.uint8)
    first[: len(head)] = head
    if len(head) < 4:
        first[len(head) :], rows = rows[0], rows[1:]
    first[:4] ^= 0xFF
    if len(first) % 2:
        first = np.concatenate([np.zeros(1, np.uint8), first])
    registers = np.concatenate([_registers(first[None]), _registers(rows)])
    # Neighbours are joined in turn: the left one goes on over as many zeros as the right one has.
    while len(registers) > 1:
        if len(registers) % 2:
            registers = np.concatenate([np.zeros(1, np.uint32), registers])
        registers = _apply(_zeros_operator(doublings), registers[0::2]) ^ registers[1::2]
        doublings += 1
    return int(~registers[0])


def masked(crc):
    """Returns checksums as TensorFlow stores them, uint32 for an int or an array of them."""
    crc = np.asarray(crc).astype(np.uint64)
    return (((crc >> 15 | crc << 17) + _MASK) & 0xFFFFFFFF).astype(np.uint32)


def _registers(rows):
    """Returns the register after each row of uint8 (n, an even width), from 0; two bytes a step."""
    table = _crc_table()
    register = np.zeros(len(rows), np.uint32)
    for step in np.ascontiguousarray(rows.view("<u2").T):
        register = table[(register & 0xFFFF) ^ step] ^ (register >> 16)
    return register


def _crc_table():
    """Returns the effect of two bytes on the register: uint32 (65536,)."""
    global _table
    if _table is None:
        table = np.arange(65536, dtype=np.uint32)
        for _ in range(16):
            table = _one_bit(table)
        _table = table
    return _table


def _one_bit(register):
    return np.where(register & 1, register >> 1 ^ np.uint32(_POLYNOMIAL), register >> 1).astype(
        np.uint32
    )


@functools.cache
def _zeros_operator(doublings):
    """Returns what 2**doublings zero bytes make of each bit of the register: uint32 (32,)."""
    if doublings:
        half = _zeros_operator(doublings - 1)
        return _apply(half, half)
    columns = np.uint32(1) << np.arange(32, dtype=np.uint32)
    for _ in range(8):
        columns = _one_bit(columns)
    return columns


def _apply(operator, values):
    """Returns the sums (xor) of the operator's columns that the bits of each value choose."""
    result = np.zeros_like(values)
    for bit in range(32):
        result ^= np.where(values >> np.uint32(bit) & np.uint32(1), operator[bit], np.uint32(0))
    return result


def _short(values):
    register = 0xFFFFFFFF
    for value in values:
        register ^= value
        for _ in range(8):
            register = register >> 1 ^ (_POLYNOMIAL if register & 1 else 0)
    return register ^ 0xFFFFFFFF
