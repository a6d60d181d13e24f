"""The in-graph tokenizer against the original BERT's answers and against the Python tokenizer."""

import itertools
import json
import subprocess
import sys
import unicodedata

import numpy as np
import pytest
import tensorflow as tf
import tokenizer_golden as golden

from keras_bert.errors import InputError
from keras_bert.text import cleaning
from keras_bert.text.graph_characters import Sequence, decoded, encoded
from keras_bert.text.graph_tokenizer import GraphTokenizer
from keras_bert.text.tokenizer import WordPieceTokenizer


def assert_equal(found, expected):
    assert found.keys() == expected.keys()
    for name, tensor in found.items():
        assert tensor.dtype == tf.int32
        np.testing.assert_array_equal(tensor.numpy(), expected[name], err_msg=name)


@pytest.mark.parametrize("name", golden.LOWER_CASE)
def test_equals_the_original(name):
    graph = GraphTokenizer(golden.tokenizer(name))
    found = graph.tokenize(golden.texts()).to_list()
    for row, ids in zip(golden.rows(), found, strict=True):
        assert ids == row[name]["ids"], row["text"]


def test_normalizes_each_character_as_python():
    codes = (*range(0xD800), *range(0xE000, 0x30000), *range(0xE0000, 0xE1000))
    chars = [char for char in map(chr, codes) if unicodedata.category(char) != "Cn"]
    texts = [f"a{char}b" for char in chars]
    for lower_case in (True, False):
        tokenizer = WordPieceTokenizer(golden.vocabulary("cased"), lower_case=lower_case)
        sequence = Sequence.of(decoded(tf.constant(texts)))
        words, rows, _ = GraphTokenizer(tokenizer)._cutter._words(sequence)
        found = [[] for _ in texts]
        for row, word in zip(rows.numpy(), encoded(words).numpy(), strict=True):
            found[row].append(word.decode())
        for text, words in zip(texts, found, strict=True):
            expected = cleaning.split_words(text, lower_case, lower_case)
            assert words == [word for word, _ in expected], text


@pytest.mark.parametrize("switches", list(itertools.product([True, False], repeat=3)))
def test_equals_the_python_tokenizer(switches):
    names = ("lower_case", "strip_accents", "tokenize_chinese_chars")
    tokenizer = WordPieceTokenizer(
        golden.vocabulary("multilingual"), **dict(zip(names, switches, strict=True))
    )
    graph = GraphTokenizer(tokenizer)
    assert_equal(graph(golden.texts(), length=64), tokenizer(golden.texts(), length=64))


def test_pairs_and_truncation():
    tokenizer = golden.tokenizer("uncased")
    graph = GraphTokenizer(tokenizer)
    words = ["one two three four five six seven eight"[:n] for n in range(0, 40, 3)]
    pairs = list(itertools.product(words, words))
    first, second = ([pair[side] for pair in pairs] for side in (0, 1))
    for length in (3, 4, 5, 8, 9, 30):
        assert_equal(graph(first, second, length), tokenizer(first, second, length))
        assert_equal(graph(first, length=length), tokenizer(first, length=length))
    with pytest.raises(InputError, match="length 2 has no room"):
        graph(first, second, length=2)


def test_inside_a_dataset():
    tokenizer = golden.tokenizer("chinese")
    graph = GraphTokenizer(tokenizer)
    first, second = golden.texts(), golden.texts()[::-1]
    dataset = tf.data.Dataset.from_tensor_slices((first, second)).batch(100)
    dataset = dataset.map(lambda a, b: graph(a, b, length=48))
    assert dataset.element_spec["token_ids"].shape.as_list() == [None, 48]
    batches = list(dataset)
    found = {name: tf.concat([batch[name] for batch in batches], 0) for name in batches[0]}
    assert_equal(found, tokenizer(first, second, length=48))


def test_invalid_utf8_is_dropped():
    graph = GraphTokenizer(golden.tokenizer("uncased"))
    texts = [b"caf\xc3\xa9 \xff\xfetime\xe4\xb8", b"a\xed\xa0\x80b"]
    decoded = [text.decode("utf-8", "ignore") for text in texts]
    assert graph.tokenize(texts).to_list() == graph.tokenize(decoded).to_list()


LOAD = """
import json, sys
import tensorflow as tf
import tensorflow_text
texts = json.load(sys.stdin)
serve = tf.saved_model.load(sys.argv[1]).signatures["serving_default"]
outputs = serve(texts=tf.constant(texts), texts_b=tf.constant(texts[::-1]))
print(json.dumps({name: tensor.numpy().tolist() for name, tensor in outputs.items()}))
assert not any(name.startswith("keras_bert") for name in sys.modules)
"""


def test_saved_model_gives_the_same_in_a_fresh_process(tmp_path):
    tokenizer = golden.tokenizer("cased")
    module = tf.Module()
    module.tokenizer = GraphTokenizer(tokenizer)
    strings = tf.TensorSpec([None], tf.string)

    @tf.function(input_signature=[strings, strings])
    def serve(texts, texts_b):
        return module.tokenizer(texts, texts_b, length=32)

    tf.saved_model.save(module, str(tmp_path), signatures=serve)
    texts = golden.texts()
    run = subprocess.run(
        [sys.executable, "-c", LOAD, str(tmp_path)],
        input=json.dumps(texts),
        capture_output=True,
        text=True,
        check=True,
    )
    expected = tokenizer(texts, texts[::-1], length=32)
    assert json.loads(run.stdout) == {name: array.tolist() for name, array in expected.items()}


def test_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_text", None)
    with pytest.raises(InputError, match=r"tensorflow_text .* pip install .*\[tokenizers\]"):
        GraphTokenizer(golden.tokenizer("chinese"))


def test_a_dataset_that_is_not_batched_is_refused_with_the_fix():
    tokenizer = GraphTokenizer(WordPieceTokenizer(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a"]))
    with pytest.raises(InputError, match="call `Dataset.batch` before"):
        tokenizer(tf.constant("a"))
