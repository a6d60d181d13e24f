"""Makes the tokenizers' golden files with the original BERT tokenizer, no code of ours in it.

The original is `bert/tokenization.py` inside the wheel bert-tensorflow 1.0.4 (PyPI, Apache-2.0,
the google-research/bert code); of TensorFlow it needs only a file reader, which is replaced here.
The vocabularies are those of Google's released models, named bert-base-uncased-vocab.txt,
bert-base-cased-vocab.txt, bert-base-chinese-vocab.txt, bert-base-multilingual-cased-vocab.txt.

    pip download --no-deps bert-tensorflow==1.0.4
    python tests/data/make_tokenizer_golden.py \
        bert_tensorflow-1.0.4-py2.py3-none-any.whl FOLDER_WITH_THE_VOCABULARIES

Reads tokenizer_lines.txt and writes, beside this file, the reduced vocabularies
tokenizer_vocab_*.txt.gz and tokenizer_golden.jsonl.gz: one JSON object a text, with its pieces and
ids for each vocabulary. The same Python gives the same bytes (made with 3.11, Unicode 14).
"""

import argparse
import functools
import gzip
import importlib
import io
import json
import pathlib
import random
import sys
import tempfile
import types
import unicodedata

HERE = pathlib.Path(__file__).parent
# name: (vocabulary file, do_lower_case). The uncased one is shipped whole with the package.
VOCABULARIES = {
    "uncased": ("bert-base-uncased-vocab.txt", True),
    "cased": ("bert-base-cased-vocab.txt", False),
    "chinese": ("bert-base-chinese-vocab.txt", True),
    "multilingual": ("bert-base-multilingual-cased-vocab.txt", False),
}
SPECIAL_TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("wheel", help="bert_tensorflow-1.0.4-py2.py3-none-any.whl")
    parser.add_argument("vocabularies", type=pathlib.Path, help="folder of the vocabulary files")
    arguments = parser.parse_args()
    original = load_original(arguments.wheel)
    texts = list(dict.fromkeys(make_texts()))
    rows = [{"text": text} for text in texts]
    for name, (file_name, lower_case) in VOCABULARIES.items():
        tokenizer = original.FullTokenizer(arguments.vocabularies / file_name, lower_case)
        if name != "uncased":
            tokens = reduced_vocabulary(tokenizer, texts)
            content = "".join(token + "\n" for token in tokens).encode()
            write_gzip(HERE / f"tokenizer_vocab_{name}.txt.gz", content)
            with tempfile.TemporaryDirectory() as folder:
                path = pathlib.Path(folder) / "vocab.txt"
                path.write_bytes(content)
                tokenizer = original.FullTokenizer(path, lower_case)
        for row in rows:
            pieces = tokenizer.tokenize(row["text"])
            ids = tokenizer.convert_tokens_to_ids(pieces)
            row[name] = {"pieces": " ".join(pieces), "ids": ids}
    lines = (json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in rows)
    write_gzip(HERE / "tokenizer_golden.jsonl.gz", "".join(f"{line}\n" for line in lines).encode())
    print(f"{len(rows)} texts, {len(VOCABULARIES)} vocabularies")


def load_original(wheel):
    """Imports the wheel's tokenization.py as it is, with stand-ins for what it imports."""
    tensorflow = types.ModuleType("tensorflow.compat.v1")
    # Like GFile.readline, this ends a line at \n only.
    reader = functools.partial(open, encoding="utf-8", newline="\n")
    tensorflow.gfile = types.SimpleNamespace(GFile=reader)
    flags = types.ModuleType("absl.flags")
    flags.FLAGS = types.SimpleNamespace(preserve_unused_tokens=False)
    flags.DEFINE_bool = lambda *arguments: None
    absl, compat = types.ModuleType("absl"), types.ModuleType("tensorflow.compat")
    absl.flags, compat.v1 = flags, tensorflow
    six = types.ModuleType("six")
    six.PY3, six.PY2 = True, False
    sys.modules |= {
        "absl": absl,
        "absl.flags": flags,
        "six": six,
        "tensorflow": types.ModuleType("tensorflow"),
        "tensorflow.compat": compat,
        "tensorflow.compat.v1": tensorflow,
    }
    sys.path.insert(0, wheel)
    return importlib.import_module("bert.tokenization")


def reduced_vocabulary(tokenizer, texts):
    """Keeps the special tokens, the pieces that the texts need and the characters they hold."""
    needed, characters = set(SPECIAL_TOKENS), set()
    for text in texts:
        needed.update(tokenizer.tokenize(text))
        for word in tokenizer.basic_tokenizer.tokenize(text):
            characters.update(word)
    needed |= characters | {"##" + character for character in characters}
    return [token for token in tokenizer.vocab if token in needed]


def make_texts():
    """Yields the written lines, then lines made for one difficulty each."""
    yield from (HERE / "tokenizer_lines.txt").read_text("utf-8").rstrip("\n").split("\n")
    yield from ["", " ", "\t\n\r ", "\u3000\u00a0", "\u200b", "\u0301", "\x00", "\ufffd"]
    yield from whitespace_and_controls()
    yield from long_words()
    yield from sigmas()
    yield from random_lines()


def whitespace_and_controls():
    spaces = "\t\n\r\x0b\x0c\x1c\x1d\x1e\x1f\x85\xa0\u1680\u180e\u2000\u2003\u2009\u200a"
    spaces += "\u2028\u2029\u202f\u205f\u3000\u200b\u2060\ufeff"
    for space in spaces:
        yield f"one{space}two {space} three{space}{space}four{space}"
    controls = (
        "\x00\x01\x07\x08\x1b\x7f\x80\x9f\xad\u0600\u061c\u06dd\u070f\u08e2\u200c\u200d\u200e"
    )
    controls += "\u202a\u202e\u2061\u2066\u206f\ufe0f\ufff9\ufffa\ufffc\ufffd\ufffe\uffff"
    controls += "\U000110bd\U0001d173\U000e0001\U000e0041\U000e0100"
    for control in controls:
        yield f"{control}one{control}two {control} three,{control}four{control}"
    yield from ["private \ue000 u\uf8ffse \U000f0000 \U0010ffff", "soft\xadhyphen co\xad\xadop"]


def long_words():
    for count in (99, 100, 101, 199, 200, 201, 1000):
        yield "a" * count
        yield "before " + "ab" * (count // 2) + " after"
        yield "é" * count
        yield "e\u0301" * count + " x"
        yield "я" * count + "."
        yield "ー" * count
        yield "한" * (count // 2)
        yield "😀" * count
        yield "." * min(count, 101) + "中" * min(count, 101)
        yield "İ" * count
        yield "\u200d".join("a" * count)


def sigmas():
    for left in ("", "Α", "1", "Α.", "Α\u0301", "Α\u00ad", "'", "中", "A"):
        for right in ("", "Α", "1", ".Α", "\u0301", "\x01Α", "'", "中", " Α"):
            yield f"x {left}Σ{right}"


def random_lines():
    generator = random.Random(20181031)
    skipped = ("Cn", "Cs", "Co")
    assigned = [chr(c) for c in range(0x110000) if unicodedata.category(chr(c)) not in skipped]
    basic = [char for char in assigned if char < "\U00010000"]
    astral = [char for char in assigned if char >= "\U00010000"]
    marks = [char for char in basic if unicodedata.category(char).startswith(("M", "P", "C", "Z"))]
    cased = [char for char in basic if char.lower() != char]
    for pool, lines in ((basic, 60), (marks, 60), (cased, 40), (astral, 30)):
        for _ in range(lines):
            words = ("".join(generator.choices(pool, k=generator.randint(1, 4))) for _ in range(4))
            letters = generator.choices("abcXYZé中", k=4)
            yield " ".join(letter + word + "b" for letter, word in zip(letters, words, strict=True))


def write_gzip(path, content):
    """Writes without name and time, so that the same content gives the same bytes."""
    buffer = io.BytesIO()
    with gzip.GzipFile("", "wb", 9, buffer, mtime=0) as file:
        file.write(content)
    path.write_bytes(buffer.getvalue())


if __name__ == "__main__":
    main()
