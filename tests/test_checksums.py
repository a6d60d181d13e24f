"""CRC-32C of messages of any length, against the plain definition."""

import numpy as np
import pytest

from keras_bert import checksums


def defined(content):
    register = 0xFFFFFFFF
    for byte in content:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ (0x82F63B78 if register & 1 else 0)
    return register ^ 0xFFFFFFFF


# Around the sizes at which the rows that are processed together get longer.
@pytest.mark.parametrize(
    "sizes",
    [range(300), (1023, 1024, 1025, 1027, 1028, 4095, 4099), (2**16 - 1, 2**16 + 5, 70_001)],
)
def test_of_one_message(sizes):
    rng = np.random.default_rng(0)
    for size in sizes:
        content = rng.integers(0, 256, size, dtype=np.uint8).tobytes()
        assert checksums.crc32c_of(content) == defined(content), size
        if size >= 4:
            assert checksums.crc32c([content]).tolist() == [defined(content)]


def test_published_values():
    # RFC 3720, B.4, and the check value of the algorithm's definition.
    assert checksums.crc32c_of(b"123456789") == 0xE3069283
    assert checksums.crc32c_of(bytes(32)) == 0x8A9136AA
    assert checksums.crc32c_of(bytes(range(32))) == 0x46DD794E
