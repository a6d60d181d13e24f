"""Damages the bytes of a file, at random but as a function of a generator.

The first kinds know nothing of the file. The others keep what a reader checks first, a checksum or
a length, so that the damage reaches what lies behind it.
"""

import gzip
import io
import json
import struct
import zipfile

import numpy as np

from keras_bert import checksums
from keras_bert.checkpoints import sorted_table

_NUMBERS = (0, 1, 2, 3, 127, 128, 255, 256, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1, 2**40,
            2**62, 2**63 - 1, 2**63, 2**64 - 1)  # fmt: skip
_TEXTS = (
    "", " ", "\n", "\r", "\r\n", "\t", ",", ";", '"', '""', "\\", "\0", "\x1a", "\ufeff", "\u2028",
    "\x85", "\xa0", "é", "中", "😀", "\u0301", "[UNK]", "[CLS]", "##", "-1", "0", "NaN", "1e400",
    "9" * 50, "9" * 5000, "null", "true", "{", "}", "[", "]", "[]", "{}", "[" * 3000,
    '{"a":' * 3000, "a" * 5000, "#", "# ", "-DOCSTART-", "1-2", "1.1", "_", "B-", "I-X", "O", "-",
    "\\ud800", "\\u0000", "label", "text", "data", "id",
)  # fmt: skip
_BYTES = (
    b"\xff", b"\xfe\xff", b"\xff\xfe", b"\xed\xa0\x80", b"\xc0\x80", b"\x80", b"\x1f\x8b",
    b"PK\x03\x04",
)  # fmt: skip
_VALUES = (
    None, True, False, 0, 1, -1, 2, 0.5, -0.0, 1e308, float("nan"), float("inf"), 2**31, 2**63,
    2**70, 10**400, "", " ", "x", "-1", "1", "a\nb", "\ud800", "\0", "é" * 300, [], {}, [None],
    [[]], [{}], ["x"], {"": 0}, {"x": {}}, [0] * 300, [["x"] * 3] * 3, "bert", "classification",
    "tagging", "question_answering", "multi_label", "regression", "multiple_choice", "pretraining",
)  # fmt: skip


def mutated(rng, content, kinds):
    """Returns damaged bytes.

    Args:
        rng: `random.Random`; all choices are drawn from it.
        content: bytes.
        kinds: tuple of names of `KINDS` that suit the file.
    """
    for _ in range(rng.choice((1, 1, 1, 2, 3, 6))):
        content = KINDS[rng.choice(kinds)](rng, content)
    return content


def _place(rng, content):
    """Returns a random range of the content, short ones more often than long ones."""
    start = rng.randrange(len(content) + 1)
    return start, min(len(content), start + int(rng.expovariate(1 / rng.choice((1, 8, 64, 2000)))))


def _bits(rng, content):
    content = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 8)) if content else 0):
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    return bytes(content)


def _cut(rng, content):
    return content[: rng.randrange(len(content) + 1)]


def _removed(rng, content):
    start, end = _place(rng, content)
    return content[:start] + content[end:]


def _repeated(rng, content):
    start, end = _place(rng, content)
    return content[:end] + content[start:end] * rng.choice((1, 1, 2, 50)) + content[end:]


def _moved(rng, content):
    start, end = _place(rng, content)
    rest = content[:start] + content[end:]
    to = rng.randrange(len(rest) + 1)
    return rest[:to] + content[start:end] + rest[to:]


def _noise(rng, content):
    start, end = _place(rng, content)
    return content[:start] + rng.randbytes(end - start) + content[end:]


def _number(rng, content):
    size, order = rng.choice((1, 2, 4, 8)), rng.choice(("little", "big"))
    number = rng.choice(_NUMBERS) + rng.choice((0, 0, 1, -1))
    start = rng.randrange(len(content) + 1)
    written = (number % 2 ** (8 * size)).to_bytes(size, order)
    return content[:start] + written + content[start + size :]


def _token(rng, content):
    """Puts a text that some reader may take for more than a text, mostly at a separator."""
    places = [i for i, byte in enumerate(content[:20_000]) if byte in b'\n\t,;:" {[']
    start = rng.choice(places) if places and rng.random() < 0.8 else rng.randrange(len(content) + 1)
    end = start if rng.random() < 0.6 else _place(rng, content[start:])[1] + start
    token = rng.choice(_BYTES) if rng.random() < 0.1 else rng.choice(_TEXTS).encode()
    return content[:start] + token + content[end:]


def _lines(rng, content):
    lines = content.split(b"\n")
    kind, at = rng.randrange(7), rng.randrange(len(lines))
    if kind == 0:
        lines.insert(at, rng.choice(lines))
    elif kind == 1:
        del lines[at]
    elif kind == 2:
        lines[at : at + 2] = [b"".join(lines[at : at + 2])]
    elif kind == 3:
        other = rng.randrange(len(lines))
        lines[at], lines[other] = lines[other], lines[at]
    elif kind == 4:
        cells = lines[at].split(rng.choice((b"\t", b",", b" ")))
        rng.shuffle(cells)
        lines[at] = rng.choice((b"\t", b",", b" ", b";", b"  ")).join(cells)
    elif kind == 5:
        return content.replace(b"\n", rng.choice((b"\r\n", b"\r", b"\n\n", b"\r\r\n")))
    else:
        lines[at] = b""
    return b"\n".join(lines)


def _encoding(rng, content):
    text = content.decode("utf-8", "surrogateescape")
    name = rng.choice(("utf-16", "utf-8-sig", "utf-16-le", "utf-32", "latin-1", "cp1252"))
    return text.encode(name, "replace")


def _json(rng, content):
    """Replaces, removes, renames or doubles one value inside a JSON text."""
    try:
        root = [json.loads(content)]
    except (ValueError, RecursionError):
        return _token(rng, content)
    holders = [(root, 0)]
    for holder, key in holders:  # grows while it is walked
        value = holder[key]
        if isinstance(value, dict):
            holders += [(value, k) for k in list(value)[:200]]
        elif isinstance(value, list):
            holders += [(value, i) for i in range(min(len(value), 200))]
        if len(holders) > 5000:
            break
    holder, key = rng.choice(holders[rng.randrange(len(holders)) :])
    kind = rng.randrange(6)
    if kind < 3:
        holder[key] = rng.choice(_VALUES)
    elif kind == 3 and isinstance(holder, dict):
        holder[rng.choice(("", "x", "label", f"{key}s", str(key).upper()))] = holder.pop(key)
    elif kind == 4 and holder is not root:
        del holder[key]
    else:
        _, other = rng.choice(holders), rng.choice(holders)
        holder[key] = json.loads(json.dumps(other[0][other[1]]))
    return json.dumps(root[0], ensure_ascii=rng.random() < 0.5).encode("utf-8", "surrogatepass")


def _json_lines(rng, content):
    lines = content.split(b"\n")
    at = rng.randrange(len(lines))
    lines[at] = _json(rng, lines[at])
    return b"\n".join(lines)


def _gzip(rng, content):
    packed = gzip.compress(content, mtime=0)
    return packed if rng.random() < 0.3 else KINDS[rng.choice(RAW)](rng, packed)


def _zip(rng, content):
    """Damages one member, or what the directory says of it, and packs the archive anew."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [(item.filename, archive.read(item)) for item in archive.infolist()]
    except Exception:  # it is damaged already
        return _bits(rng, content)
    if not members:
        return content
    start = content.find(b"PK\x03\x04")
    at = rng.randrange(len(members))
    name, inside = members[at]
    kind = rng.randrange(5)
    if kind == 0:
        del members[at]
    elif kind == 1:
        members[at] = (rng.choice((name.upper(), "../" + name, name + "/", "x")), inside)
    elif kind == 2:
        members.append((name, rng.choice(members)[1]))
    else:
        suits = (
            TEXT_JSON if inside[:1] in b"{[" else (*RAW, "npy") if b"NUMPY" in inside[:8] else RAW
        )
        members[at] = (name, mutated(rng, inside, suits))
    stream = io.BytesIO()
    stream.write(content[:start])
    method = rng.choice(
        (zipfile.ZIP_STORED, zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA)
    )
    with zipfile.ZipFile(stream, "a", method) as archive:
        for name, inside in members:
            archive.writestr(zipfile.ZipInfo(name or "x", (1980, 1, 1, 0, 0, 0)), inside, method)
    return stream.getvalue()


def _npy(rng, content):
    """Changes the header of an array, which is a Python literal."""
    end = content.find(b"\n")
    header = rng.choice((
        b"{}", b"[]", b"(" * 500, b"-" * 5000,
        b"{'descr': '<f4', 'fortran_order': False, 'shape': (%d,)}" % rng.choice(_NUMBERS),
        b"{'descr': '|O', 'fortran_order': False, 'shape': (1,)}",
        b"{'descr': [('a', '<f4')], 'fortran_order': 1, 'shape': ()}", b"\xff" * 40,
    ))  # fmt: skip
    return content[:8] + struct.pack("<H", len(header) + 1) + header + content[end:]


def _safetensors(rng, content):
    """Damages the JSON header and states its new length."""
    size = int.from_bytes(content[:8], "little")
    header = mutated(rng, content[8 : 8 + size], ("json", "json", "json", "token"))
    return len(header).to_bytes(8, "little") + header + content[8 + size :]


def _records(rng, content):
    """Damages one record and gives it its checksums."""
    position, starts = 0, []
    while position + 12 <= len(content):
        length = int.from_bytes(content[position : position + 8], "little")
        starts.append((position, length))
        position += length + 16
    if not starts:
        return content
    start, length = rng.choice(starts)
    inside = KINDS[rng.choice(RAW)](rng, content[start + 12 : start + 12 + length])
    stated = rng.choice(_NUMBERS) if rng.random() < 0.1 else len(inside)
    head = stated.to_bytes(8, "little")
    parts = [head, _check(head), inside, _check(inside)]
    return content[:start] + b"".join(parts) + content[start + length + 16 :]


def _index(rng, content):
    """Damages a block of a checkpoint's index and gives it its checksum."""
    try:
        blocks = _blocks(content)
    except ValueError:
        return _bits(rng, content)
    start, end = rng.choice(blocks)
    block = KINDS[rng.choice(("bits", "number", "noise", "moved"))](rng, content[start:end])
    block = block[: end - start].ljust(end - start, b"\0") + content[end : end + 1]
    return content[:start] + block + _check(block) + content[end + 5 :]


def _blocks(content):
    """Returns where the blocks of a checkpoint's index begin and end."""
    if len(content) < 48:
        raise ValueError("it has no footer")
    position, numbers = len(content) - 48, []
    for _ in range(4):
        number, position = sorted_table.read_varint(content, position)
        numbers.append(number)
    blocks = [(numbers[2], numbers[2] + numbers[3])]
    for handle in sorted_table._entries(content[slice(*blocks[0])]).values():
        offset, position = sorted_table.read_varint(handle, 0)
        blocks.append((offset, offset + sorted_table.read_varint(handle, position)[0]))
    return blocks


def _check(content):
    return np.uint32(checksums.masked(checksums.crc32c_of(content))).tobytes()


KINDS = {
    "bits": _bits, "cut": _cut, "removed": _removed, "repeated": _repeated, "moved": _moved,
    "noise": _noise, "number": _number, "token": _token, "lines": _lines, "encoding": _encoding,
    "json": _json, "json_lines": _json_lines, "gzip": _gzip, "zip": _zip, "npy": _npy,
    "safetensors": _safetensors, "records": _records, "index": _index,
}  # fmt: skip
RAW = ("bits", "cut", "removed", "repeated", "moved", "noise", "number")
TEXT = (*RAW, "token", "token", "token", "lines", "lines", "lines", "encoding")
TEXT_JSON = (*TEXT, *["json"] * 14)
TEXT_JSON_LINES = (*TEXT, *["json_lines"] * 14)
