"""Reading a corpus: every form gives the same documents, every defect is named."""

import gzip
import json
import resource
import subprocess
import sys

import pytest
from pseudo_text import documents, write_json_lines, write_plain

from keras_bert.errors import InputError
from keras_bert.globs import find_files
from keras_bert.pretraining.corpus import make_blocks, read_documents, scan

TEXTS = ["One. Two.", "Zwei Sätze. 第二句。", "A line\nand another line", " three "]


def _gzip(data):
    # Without the time of day, which would give a test another name in every worker.
    return gzip.compress(data, mtime=0)


def _read(path, tmp_path, piece_bytes=10**6, **kwargs):
    pieces = scan(str(path), str(tmp_path / "copy"), piece_bytes, **kwargs)
    found = [document for piece in pieces for document in read_documents(piece)]
    assert len(found) == sum(piece.documents for piece in pieces)
    return found


def _fails(path, tmp_path, message, **kwargs):
    with pytest.raises(InputError) as caught:
        _read(path, tmp_path, **kwargs)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("piece_bytes", [1, 20, 10**6])
@pytest.mark.parametrize(
    "name", ["a.txt", "a.txt.gz", "a.jsonl", "a.jsonl.gz", "a.JSON", "a.ndjson"]
)
def test_all_forms_give_the_same_documents(name, piece_bytes, tmp_path):
    is_json = "json" in name.lower()
    path = (write_json_lines if is_json else write_plain)(tmp_path / name, TEXTS)
    found = _read(path, tmp_path, piece_bytes)
    assert [text.strip() for _, text in found] == [text.strip() for text in TEXTS]
    assert [row for row, _ in found] == ([1, 2, 3, 4] if is_json else [1, 3, 5, 8])


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_blank_lines_and_marks(end, tmp_path):
    lines = ["\ufeff", "", "  \t", "one", "two ", "\u3000", "", "three"]
    (tmp_path / "a.txt").write_bytes(end.join(lines).encode())
    found = _read(tmp_path / "a.txt", tmp_path, 1)
    assert [(row, text.split()) for row, text in found] == [(4, ["one", "two"]), (8, ["three"])]


@pytest.mark.parametrize("name", ["a.txt", "a.jsonl.gz"])
def test_byte_order_mark(name, tmp_path):
    content = b"\xef\xbb\xbf" + (b'{"text": "one"}\n' if "json" in name else b"one\n\ntwo")
    (tmp_path / name).write_bytes(gzip.compress(content) if "gz" in name else content)
    assert _read(tmp_path / name, tmp_path)[0] == (1, "one" if "json" in name else "one\n")


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n \n"])
@pytest.mark.parametrize("name", ["a.txt", "a.jsonl"])
def test_no_document(name, content, tmp_path):
    (tmp_path / name).write_bytes(content)
    assert _read(tmp_path / name, tmp_path) == []
    (tmp_path / f"{name}.gz").write_bytes(gzip.compress(content))
    assert _read(tmp_path / f"{name}.gz", tmp_path) == []


def test_json_without_a_visible_character_is_no_document(tmp_path):
    path = write_json_lines(tmp_path / "a.jsonl", ["one", "", " \n ", "two"])
    assert _read(path, tmp_path) == [(1, "one"), (4, "two")]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", b"good\n\nb\xffd\n", "a.txt:3: not UTF-8 (byte 0xff at byte 2 of the line)"),
        ("a.txt", "text".encode("utf-16"), "a.txt:1: not UTF-8"),
        ("a.jsonl", b'{"text": "a"}\n{"text": "\xe4"}\n', "a.jsonl:2: not UTF-8"),
        ("a.jsonl", b'{"text": "a"}\n{"text": "b"', "a.jsonl:2: not a JSON object on one line"),
        ("a.jsonl", b"\n[" + b"[" * 10**5, "a.jsonl:2: not a JSON object on one line"),
        ("a.jsonl", b'{"text": 1' + b"0" * 5000 + b"}", "a.jsonl:1: not a JSON object on one line"),
        ("a.jsonl", b'{"title": "a"}\n', "a.jsonl:1: expected a JSON object with a text"),
        ("a.jsonl", b'{"text": null}\n', "a.jsonl:1: expected a JSON object with a text"),
        ("a.jsonl", b'{"text": ["a"]}\n', "a.jsonl:1: expected a JSON object with a text"),
        ("a.jsonl", b'"text"\n', "a.jsonl:1: expected a JSON object with a text"),
        ("a.txt.gz", _gzip(b"one\n" * 9999)[:-20], "the gzip file is broken"),
        ("a.txt.gz", _gzip(b"one\n") + b"rest", "a.txt.gz:2: the gzip file is broken"),
        ("a.txt.gz", b"\x1f\x8bno", "a.txt.gz:1: the gzip file is broken"),
    ],
)
def test_defects_are_named(name, content, message, tmp_path):
    (tmp_path / name).write_bytes(content)
    _fails(tmp_path / name, tmp_path, message)


def test_no_such_file(tmp_path):
    _fails(tmp_path / "a.txt", tmp_path, "a.txt: no such file")


@pytest.mark.parametrize("name", ["a.txt", "a.txt.gz", "a.jsonl"])
def test_largest_document(name, tmp_path):
    texts = ["short", "ä" * 60 + "\n" + "语" * 39, "short"]
    path = (write_json_lines if "json" in name else write_plain)(tmp_path / name, texts)
    assert len(_read(path, tmp_path, max_characters=100)) == 3
    row = 2 if "json" in name else 3
    _fails(path, tmp_path, f"{name}:{row}: the document that begins here", max_characters=98)
    _fails(path, tmp_path, "raise max_document_characters", max_characters=98)


def test_a_line_without_end_does_not_fill_the_memory(tmp_path):
    """300 MB of zeros, 300 kB as gzip, in a process that may take 1 GB of addresses."""
    path = tmp_path / "bomb.txt.gz"
    with gzip.open(path, "wb") as file:
        for _ in range(300):
            file.write(b"a" * 10**6)
    code = (
        "import sys\n"
        "from keras_bert.pretraining.corpus import scan\n"
        "try:\n"
        f"    scan({str(path)!r}, {str(tmp_path / 'copy')!r}, 10**6, 10**6)\n"
        "except ValueError as error:\n"
        "    print(error)\n"
    )
    limit = 2**30
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
    )
    assert "bomb.txt.gz:1: the document that begins here has more than 1,000,000" in done.stdout


def test_a_lone_surrogate_is_a_text(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"text": "a \\ud800 b"}\n')
    assert _read(tmp_path / "a.jsonl", tmp_path) == [(1, "a \ud800 b")]


def test_pieces_and_blocks_hold_each_document_once(tmp_path):
    texts = documents(300, seed=1)
    path = write_json_lines(tmp_path / "a.jsonl.gz", texts)
    pieces = scan(str(path), str(tmp_path / "copy"), 5000)
    assert 50 < len(pieces) < 200
    assert all(piece.end - piece.start >= 5000 for piece in pieces[:-1])
    assert all(a.end == b.start for a, b in zip(pieces, pieces[1:]))
    blocks = make_blocks(pieces, 20_000)
    assert [piece for block in blocks for piece in block] == pieces
    read = [text for block in blocks for piece in block for _, text in read_documents(piece)]
    assert read == texts


def test_a_block_has_other_documents(tmp_path):
    """One file a document: blocks reach over files; what is left at the end is not alone."""
    pieces = []
    for number in range(13):
        path = tmp_path / f"{number:02d}.txt"
        path.write_text("a long document " * 100)
        pieces += scan(str(path), str(tmp_path / "copy"), 100)
    blocks = make_blocks(pieces, 100, min_documents=4)
    assert [sum(piece.documents for piece in block) for block in blocks] == [4, 4, 5]


def test_find_files(tmp_path):
    for name in ("b.txt", "a.txt", "c.jsonl", "deep/d.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(json.dumps(name))

    def names(pattern):
        prefixed = ",".join(f"{tmp_path}/{part}" for part in pattern.split(","))
        return [path.removeprefix(f"{tmp_path}/") for path in find_files(prefixed)]

    assert names("*.txt") == ["a.txt", "b.txt"]
    assert names("*.txt,a.*,*.jsonl") == ["a.txt", "b.txt", "c.jsonl"]
    assert names("**/*.txt") == ["a.txt", "b.txt", "deep/d.txt"]
    for pattern, message in [
        ("*.txt,no*", "no*: no such file"),
        ("*", "deep: is a folder: name its files"),
        ("deep", "deep: is a folder"),
    ]:
        with pytest.raises(InputError, match=message.replace("*", r"\*")):
            names(pattern)
    with pytest.raises(InputError, match="names no file"):
        find_files(" , ")
    with pytest.raises(InputError, match="not a regular file"):
        find_files("/dev/null")
