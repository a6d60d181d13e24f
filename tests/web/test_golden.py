"""The golden files of the page are what today's Python makes: else it is held to an old one."""

import gzip
import json
import pathlib
import sys
import unicodedata

import pytest

FOLDER = pathlib.Path(__file__).parent
sys.path.insert(0, str(FOLDER))

import make_golden  # noqa: E402
import make_tables  # noqa: E402


@pytest.mark.parametrize("name", make_golden.FILES)
def test_golden_file_is_of_today(name):
    written = json.loads(gzip.decompress((FOLDER / f"{name}.json.gz").read_bytes()))
    version = written.get("unicode") if name == "characters" else unicodedata.unidata_version
    if version != unicodedata.unidata_version:
        pytest.skip(f"its characters are of Unicode {version}")
    assert json.loads(json.dumps(make_golden.FILES[name]())) == written


def test_golden_files_are_small():
    assert sum(path.stat().st_size for path in FOLDER.glob("*.json.gz")) < 200_000


def test_letters_of_words_are_of_today():
    written = make_tables.OUTPUT.read_text(encoding="utf-8")
    version = unicodedata.unidata_version
    if f"of Unicode {version}:" not in written:
        pytest.skip(f"the table is not of Unicode {version}")
    numbers = written.split("[", 1)[1].split("]")[0].split(",")
    found = [int(number, 16) for number in numbers if number.strip()]
    assert found == make_tables.letter_bounds()
