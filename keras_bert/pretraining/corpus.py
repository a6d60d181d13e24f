"""Finds the documents of a corpus: plain text with blank lines between, or JSON lines; or gzip'd.

One pass finds the documents and needs the memory of one line or one document. It returns `Piece`s:
ranges of a file that hold whole documents. Reading cannot start in the middle of a gzip'd file, so
its content is written to a plain copy during the pass.
"""

import contextlib
import dataclasses
import gzip
import json
import zlib

from keras_bert.errors import InputError, name_of

MAX_DOCUMENT_CHARACTERS = 20_000_000

_BOM = b"\xef\xbb\xbf"
_JSON_NAMES = (".json", ".jsonl", ".ndjson")
# JSON writes a character with at most 12 bytes, \ud83d\ude00, but no text has only such ones.
_JSON_BYTES_PER_CHARACTER, _UTF8_BYTES_PER_CHARACTER = 6, 4
_JSON_REST = 2**16  # for the title, the address and other fields


@dataclasses.dataclass(frozen=True)
class Piece:
    """Consecutive whole documents of a file.

    Args:
        path: the file to read, which may be a plain copy of a gzip'd one.
        source: the file's name in messages.
        is_json: whether its lines are JSON objects.
        start: int, the first byte.
        end: int, the byte after the last.
        row: int, the line of the first byte, from 1.
        documents: int.
    """

    path: str
    source: str
    is_json: bool
    start: int
    end: int
    row: int
    documents: int


def scan(path, copy, piece_bytes, max_characters=MAX_DOCUMENT_CHARACTERS):
    """Checks a file from end to end and cuts it into pieces.

    Args:
        path: the file.
        copy: where to write the content if the file is gzip'd.
        piece_bytes: int, a piece ends with the document with which it reaches this size.
        max_characters: int, the most characters of a document.

    Returns:
        list of Piece; documents without a visible character are not counted.

    Raises:
        InputError: the file cannot be read, is not UTF-8, not JSON, or has too large a document;
            the message names the file and the line.
    """
    is_json = path.lower().removesuffix(".gz").endswith(_JSON_NAMES)
    pieces = []
    begun = None  # (start, row, documents) of the piece that is open
    with _open(path, copy) as (lines, read_path):
        for document in _documents(lines, path, is_json, max_characters):
            start, row, count = begun or (document.start, document.row, 0)
            begun = start, row, count + 1
            if document.end - start >= piece_bytes:
                pieces.append(Piece(read_path, path, is_json, start, document.end, row, begun[2]))
                begun = None
        if begun:
            start, row, count = begun
            pieces.append(Piece(read_path, path, is_json, start, document.end, row, count))
    return pieces


def read_documents(piece):
    """Yields (line, text) of each document of a piece."""
    with open(piece.path, "rb") as file:
        file.seek(piece.start)
        lines = _piece_lines(file, piece)
        for document in _documents(lines, piece.source, piece.is_json, None):
            yield document.row, document.text


@dataclasses.dataclass(frozen=True)
class _Document:
    text: str
    row: int
    start: int
    end: int


@contextlib.contextmanager
def _open(path, copy):
    """Yields a function (limit) -> (bytes, row, start, end) of lines, and the path to reread."""
    try:
        with open(path, "rb") as raw:
            if raw.peek(2)[:2] != b"\x1f\x8b":
                yield _lines(raw, path, None), path
            else:
                with gzip.GzipFile(fileobj=raw) as stream, open(copy, "wb") as spill:
                    yield _lines(stream, path, spill), copy
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except PermissionError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None


def _lines(stream, path, spill):
    """Returns a function from the most bytes wanted to the next (line, row, start, end)."""

    def generate():
        row, position = 0, 0
        limit = yield
        while True:
            row += 1
            try:
                line = stream.readline(limit)
            except (EOFError, zlib.error, gzip.BadGzipFile) as error:
                raise InputError(f"{path}:{row}: the gzip file is broken: {error}") from None
            if spill is not None:
                spill.write(line)
            start, position = position, position + len(line)
            if row == 1 and line.startswith(_BOM):
                line, start = line[len(_BOM) :], len(_BOM)
                if not line:
                    line = b"\n"  # the file holds nothing but the mark
            limit = yield line, row, start, position

    generator = generate()
    next(generator)
    return generator.send


def _piece_lines(file, piece):
    rows = iter(range(piece.row, 2**63))
    position = piece.start

    def read(limit):
        nonlocal position
        row, start = next(rows), position
        line = file.readline(min(piece.end - position, limit))
        position += len(line)
        return line, row, start, position

    return read


def _documents(read, path, is_json, max_characters):
    if is_json:
        return _json_documents(read, path, max_characters)
    return _plain_documents(read, path, max_characters)


def _json_documents(read, path, max_characters):
    limit = 2**62
    if max_characters is not None:
        limit = _JSON_BYTES_PER_CHARACTER * max_characters + _JSON_REST
    while True:
        line, row, start, end = read(limit)
        if not line:
            return
        if len(line) >= limit:
            raise _too_large(path, row, max_characters)
        if not line.strip():
            continue
        text = _text_of(_decoded(line, path, row), path, row)
        if max_characters is not None and len(text) > max_characters:
            raise _too_large(path, row, max_characters)
        if text.strip():
            yield _Document(text, row, start, end)


def _text_of(line, path, row):
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}:{row}: not a JSON object on one line: {error}") from None
    text = value.get("text") if isinstance(value, dict) else None
    if not isinstance(text, str):
        raise InputError(f'{path}:{row}: expected a JSON object with a text, {{"text": "…"}}')
    return text


def _plain_documents(read, path, max_characters):
    limit = 2**62
    if max_characters is not None:
        limit = _UTF8_BYTES_PER_CHARACTER * max_characters + len(_BOM) + 2
    texts, characters, begin, end = [], 0, None, None
    while True:
        line, row, start, line_end = read(limit)
        text = "" if len(line) >= limit else _decoded(line, path, row)
        characters += len(text)
        if max_characters is not None and (
            len(line) >= limit or characters - len(texts) > max_characters + 1
        ):
            raise _too_large(path, begin[0] if begin else row, max_characters)
        if text.strip():
            begin = begin or (row, start)
            texts.append(text)
            end = line_end
        else:
            if texts:
                yield _Document("".join(texts), *begin, end)
            texts, characters, begin = [], 0, None
            if not line:
                return


def _decoded(line, path, row):
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}:{row}: not UTF-8 (byte 0x{line[error.start]:02x} at byte {error.start + 1} of "
            f"the line): save the file as UTF-8"
        ) from None


def _too_large(path, row, max_characters):
    return InputError(
        f"{path}:{row}: the document that begins here has more than {max_characters:,} "
        f"characters: put blank lines between documents (in JSON lines, one object for each), or "
        f"raise {name_of('max_document_characters')}"
    )


def make_blocks(pieces, block_bytes, min_documents=4):
    """Groups pieces, in order, into blocks; a block is processed as one.

    Args:
        pieces: list of Piece.
        block_bytes: int, a block ends with the piece with which it reaches this size.
        min_documents: int, the fewest documents of a block, if the corpus has so many: random
            segments come from other documents of the same block.

    Returns:
        list of lists of Piece.
    """
    blocks, block = [], []
    for piece in pieces:
        block.append(piece)
        if _bytes(block) >= block_bytes and _documents_of(block) >= min_documents:
            blocks.append(block)
            block = []
    if block and blocks and _documents_of(block) < min_documents:
        blocks[-1] += block
    elif block:
        blocks.append(block)
    return blocks


def _bytes(block):
    return sum(piece.end - piece.start for piece in block)


def _documents_of(block):
    return sum(piece.documents for piece in block)
