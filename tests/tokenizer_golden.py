"""The golden rows of the tokenizers and the vocabularies that they were made with."""

import functools
import gzip
import json
import pathlib

from keras_bert.text.tokenizer import WordPieceTokenizer, load_vocabulary

DATA = pathlib.Path(__file__).parent / "data"
UNCASED = pathlib.Path(__file__).parents[1] / "keras_bert/data/bert_base_uncased_vocab.txt"
LOWER_CASE = {"uncased": True, "cased": False, "chinese": True, "multilingual": False}


@functools.cache
def vocabulary(name):
    """Returns one of the vocabularies as a tuple of tokens."""
    if name == "uncased":
        return tuple(load_vocabulary(UNCASED))
    content = gzip.decompress((DATA / f"tokenizer_vocab_{name}.txt.gz").read_bytes())
    return tuple(content.decode().removesuffix("\n").split("\n"))


def tokenizer(name):
    """Returns the tokenizer that a golden column belongs to."""
    return WordPieceTokenizer(vocabulary(name), lower_case=LOWER_CASE[name])


@functools.cache
def rows():
    """Returns the golden rows: {"text": ..., "uncased": {"pieces": ..., "ids": ...}, ...}."""
    content = gzip.decompress((DATA / "tokenizer_golden.jsonl.gz").read_bytes())
    return [json.loads(line) for line in content.decode().removesuffix("\n").split("\n")]


def texts():
    """Returns the texts of the golden rows."""
    return [row["text"] for row in rows()]
