"""Makes the golden files that hold the page's TypeScript to the Python.

    python tests/web/make_golden.py

Places are in code points, as Python counts them. Texts are given by the numbers of the lines of
tests/data/tokenizer_golden.jsonl.gz that they are joined of, and the outputs of models by a seed:
both sides compute them. tests/web/test_golden.py checks that the files are of today's Python.
"""

import gzip
import json
import pathlib
import sys
import unicodedata
import zlib

FOLDER = pathlib.Path(__file__).parent
sys.path.insert(0, str(FOLDER.parent))

import golden_tasks  # noqa: E402
import tokenizer_golden  # noqa: E402
from passages import EMPTY, NASTY  # noqa: E402

from keras_bert.tasks.question_answering.metrics import normalize  # noqa: E402
from keras_bert.tasks.question_answering.word_bounds import belongs_to_word  # noqa: E402
from keras_bert.tasks.tagging.words import words_of  # noqa: E402
from keras_bert.text import cleaning  # noqa: E402
from keras_bert.text.tokenizer import WordPieceTokenizer  # noqa: E402

# Classes of characters by their names in unicode.ts.
CLASSES = {
    "CONTROL": cleaning.is_control,
    "SPACE": cleaning.is_whitespace,
    "PUNCTUATION": cleaning.is_punctuation,
    "ACCENT": cleaning.is_accent,
    "CJK": cleaning.is_cjk,
    "MARK": lambda char: unicodedata.category(char)[0] == "M",
    "ALPHA": str.isalpha,
    "ALNUM": str.isalnum,
    "UPPER": str.isupper,
    "RUST_WORD": lambda char: (
        char.isalnum() or unicodedata.category(char) in ("Mn", "Mc", "Me", "Nd", "Nl", "Pc")
        or char in "\u200c\u200d"
    ),
    "word letter": belongs_to_word,
    "space of str": str.isspace,
}  # fmt: skip
PIECES = [
    "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[unused0]", *"<>[],._!", *"abdefilmorvxy", "ada",
    "film", "very", "##s", "##y", "##d", "##ork", "new", "é", "e", "你", "covid", "##o",
    "##vid",
]  # fmt: skip
ADDED = [
    {"content": "[E1]"},
    {"content": "[E1]]"},
    {"content": "<x>", "lstrip": True},
    {"content": "<y>", "rstrip": True},
    {"content": "lm b", "special": False, "word_piece": False},
    {"content": "film", "single_word": True},
    {"content": "Covid", "normalized": True},
    {"content": "é", "normalized": True, "single_word": True},
    {"content": "你", "normalized": True},
    {"content": "New York", "normalized": True, "single_word": True},
]
SWITCHES = [
    {},
    {"lower_case": False},
    {"strip_accents": False},
    {"lower_case": False, "strip_accents": True},
    {"tokenize_chinese_chars": False},
    {"max_chars_per_word": 6},
    {"added_tokens": ADDED},
    {"added_tokens": ADDED, "lower_case": False},
]
TEXTS = [
    *NASTY, *EMPTY, "", " ", "\0", "\ud800", "a\udc00b film", "film\ud83d film", "😀" * 40,
    "👍🏽 👨‍👩‍👧‍👦", "[E1]film <x>  film<y>  x", "films film 你film filmé é",
    "a film [E1]] lm b lm", "COVID covid19", "NEW\tyork new  york a\u0301da É e\u0301",
    "ÅÄÖ ΑΣ ΑΣ. ΣΑΣ Σ İi",
    "\x1c\x1d a\x85b\x0bc \u2028d", "very " * 4 + "x" * 7, "ada,ada.ADA!",
    "<x> \u00a0<x>\u2003film", "film\u200dada 你film", "a\u180eb \u1680c ﷺ Ǆ ŉ ẞ ﬃ",
    "ᾳ ΐ ῼ \u0345 \u1e9b\u0323", "각 \u1100\u1161\u11a8 ½ x² Ⅷ ٣٤",
]  # fmt: skip
# For the words of tagging and the keys of answers.
PHRASES = [
    "Don't go to Mary-Jane's, isn't it? 'tis DON’T we’ll",
    "See https://example.org/a?b=1. or www.x.de, mail a.b@c.de! @name #topic U.S.A. and e.g. that",
    "1,000.5 at 12:30 on 3/4/2020 ... -- ==!! ??? __x__ 5. a.b",
    "The  Rhine, a river; an\tAnt and the\u0301 the-the THE end a",
    "naïve e\u0301t\u00e9 'S 's o'clock 'll can't've n't",
    "北京 'n't 大学's ٣,٤٥ x\u200by \u200b z\u0085 \x1cq",
]


def assigned():
    """Yields the code points that this Python's tables know."""
    for code in range(sys.maxunicode + 1):
        if unicodedata.category(chr(code)) not in ("Cn", "Cs"):
            yield code


def bounds(codes, holds):
    """Returns the bounds of the runs, in a list of code points, for which a function holds."""
    found, inside = [], False
    for code in codes:
        if bool(holds(chr(code))) != inside:
            found.append(code)
            inside = not inside
    return found


def characters():
    """Returns the classes and forms of all known characters."""
    codes = list(assigned())
    starts = [code for code, before in zip(codes, [-2, *codes]) if code != before + 1]
    ends = [code for code, later in zip(codes, [*codes[1:], -2]) if later != code + 1]
    lower, decomposed = (
        [[code, form] for code in codes if (form := function(chr(code))) != chr(code)]
        for function in (str.lower, lambda char: unicodedata.normalize("NFD", char))
    )
    return {
        "unicode": unicodedata.unidata_version,
        "assigned": [code for pair in zip(starts, ends) for code in pair],
        "classes": {name: bounds(codes, holds) for name, holds in CLASSES.items()},
        "lower": lower,
        # Of all forms the checksum is enough: they never change.
        "decomposed": [len(decomposed), checksum(decomposed)],
    }


def checksum(value):
    """Returns the checksum of a value's JSON without spaces, whose text is ASCII."""
    return zlib.crc32(json.dumps(value, separators=(",", ":")).encode())


def pieces_of(tokenizer, text):
    pieces = tokenizer.cut([text])[0]
    offsets = [list(offset) for offset in pieces.offsets]
    return [list(pieces.ids), offsets]


def tokenizers():
    """Returns the places of all golden lines as checksums, and pieces with other switches."""
    offsets = {}
    for name in tokenizer_golden.LOWER_CASE:
        tokenizer = golden_tasks.tokenizer_of(name)
        places = (pieces_of(tokenizer, text)[1] for text in tokenizer_golden.texts())
        offsets[name] = [checksum(each) for each in places]
    cases = []
    for switches in SWITCHES:
        contents = [token["content"] for token in switches.get("added_tokens", ())]
        vocabulary = [*PIECES, *(each for each in contents if each not in PIECES)]
        tokenizer = WordPieceTokenizer(vocabulary, **switches)
        cases.append([switches, vocabulary, [pieces_of(tokenizer, text) for text in TEXTS]])
    return {
        "offsets": offsets,
        "texts": TEXTS,
        "cases": cases,
        "phrases": PHRASES,
        "words": [[list(span) for span in words_of(text)] for text in [*PHRASES, *TEXTS]],
        "keys": [normalize(text) for text in [*PHRASES, *TEXTS]],
    }


FILES = {
    "characters": characters,
    "tokenizers": tokenizers,
    "tasks": golden_tasks.tasks,
    "parts": golden_tasks.parts,
}


def main():
    for name, make in FILES.items():
        content = json.dumps(make(), separators=(",", ":")).encode()
        path = FOLDER / f"{name}.json.gz"
        path.write_bytes(gzip.compress(content, 9, mtime=0))
        print(f"{path.name}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
