"""Vocabulary files, good and bad, and the training of a vocabulary."""

import json
import os
import subprocess
import sys
import warnings

import pytest
import tokenizer_golden as golden

from keras_bert.errors import InputError
from keras_bert.guesses import Guess
from keras_bert.text.tokenizer import (
    WordPieceTokenizer,
    guess_lower_case,
    load_vocabulary,
    train_vocabulary,
)

ODD = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "\u2028", "##\u2028", "\u3000x", "\xa0", "", "\x0b", "z"]


def test_guess_lower_case():
    for name, lower_case in golden.LOWER_CASE.items():
        assert guess_lower_case(golden.vocabulary(name)) is lower_case


def test_vocabulary_file(tmp_path):
    path = tmp_path / "vocab.txt"
    for line_end in ("\n", "\r\n"):
        for last in (line_end, ""):
            path.write_bytes((line_end.join(ODD) + last).encode())
            assert load_vocabulary(path) == ODD
    assert WordPieceTokenizer.from_file(path).vocabulary_size == len(ODD)
    assert load_vocabulary(golden.UNCASED)[30521] == "##～"


def test_line_ends_blank_lines_and_doubled_tokens(tmp_path):
    path = tmp_path / "vocab.txt"
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "", "a", "b", ""]
    for before, line_end in ((b"", "\n"), (b"", "\r\n"), (b"\xef\xbb\xbf", "\n"), (b"", "\r")):
        path.write_bytes(before + "".join(token + line_end for token in tokens).encode())
        assert load_vocabulary(path) == tokens
        # Line by line as Python's text files have it, and so transformers' load_vocab.
        with open(path, encoding="utf-8-sig") as file:
            assert load_vocabulary(path) == [line.rstrip("\n") for line in file.readlines()]
    path.write_text("\n".join([*tokens, "c \t", " d", "e "]))
    with pytest.warns(Guess, match="vocab.txt, line 9: the spaces at the line's .* 1 more lines"):
        assert load_vocabulary(path) == [*tokens, "c", " d", "e"]
    path.write_text("\n".join([*tokens, "a", "b", "c"]))
    with pytest.warns(Guess, match="vocab.txt, line 9: the token 'a' is on line 6 too.* for 1 mo"):
        vocabulary = load_vocabulary(path)
    tokenizer = WordPieceTokenizer(vocabulary)
    assert tokenizer.encode("a b c").token_ids == [2, 8, 9, 10, 3]
    assert tokenizer.vocabulary_size == 11
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert load_vocabulary(path, is_ours=True) == vocabulary


BAD_VOCABULARIES = {
    "a Git LFS pointer, not the file itself: run `git lfs pull`": (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 231508\n"
    ),
    "an HTML page, not the file itself": b"\n<!DOCTYPE html>\n<html><body>404</body></html>",
    "empty": b"",
    "line 3: not UTF-8": b"[PAD]\n[UNK]\n\xff\n",
    r"none of its 4 lines is the token \[CLS\]": b"[PAD]\n[UNK]\n[SEP]\na",
}


@pytest.mark.parametrize("message", BAD_VOCABULARIES)
def test_bad_vocabulary_file(tmp_path, message):
    path = tmp_path / "vocab.txt"
    path.write_bytes(BAD_VOCABULARIES[message])
    with pytest.raises(InputError, match=message) as error:
        load_vocabulary(path)
    assert str(path) in str(error.value)


def test_no_vocabulary_file(tmp_path):
    for path in (tmp_path / "none.txt", tmp_path):
        with pytest.raises(InputError, match=str(path)):
            load_vocabulary(path)


TRAIN = """
import json, random, sys
from keras_bert.text.tokenizer import train_vocabulary
texts = json.load(sys.stdin)
random.Random(sys.argv[1]).shuffle(texts)
print(json.dumps(train_vocabulary(iter(texts), 1500)))
"""


def test_training_gives_the_same_vocabulary_in_any_process():
    texts = json.dumps(golden.texts())
    results = set()
    for seed, threads in (("1", "1"), ("2", "2"), ("3", "8")):
        environment = os.environ | {"PYTHONHASHSEED": seed, "RAYON_NUM_THREADS": threads}
        command = [sys.executable, "-c", TRAIN, seed]
        run = subprocess.run(
            command, input=texts, capture_output=True, text=True, check=True, env=environment
        )
        results.add(run.stdout)
    assert len(results) == 1
    vocabulary = json.loads(results.pop())
    assert len(vocabulary) == len(set(vocabulary)) == 1500
    assert vocabulary[:5] == ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def test_trained_vocabulary_spells_its_texts():
    texts = ["low lower lowest", "new newer newest ÉTÉ wider été"] * 1500
    vocabulary = train_vocabulary(texts, 60)
    tokenizer = WordPieceTokenizer(vocabulary)
    assert tokenizer.tokenize("Lowest newest") == ["lowest", "newest"]
    assert "[UNK]" not in tokenizer.tokenize(" ".join(texts[:2]))
    assert guess_lower_case(vocabulary)
    assert "É" in train_vocabulary(texts, 60, lower_case=False)
    assert len(train_vocabulary(texts, 12)) == 12
    rare = train_vocabulary(["aaa aab x"], 60)
    assert "x" not in rare
    assert {"a", "##a"} <= set(rare)
    with pytest.raises(InputError, match="no words"):
        train_vocabulary([" ", ""], 60)
    with pytest.raises(InputError, match="size 5 is too small"):
        train_vocabulary(texts, 5)
