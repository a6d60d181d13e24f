"""Added tokens and rows without a token in every exported file: the same answers as the model's."""

import dataclasses

import numpy as np
import pytest
from checkpoint_helpers import DATA

import keras_bert
from keras_bert.bert import Bert
from keras_bert.errors import InputError
from keras_bert.export.runners import open_exported
from keras_bert.text.tokenizer import WordPieceTokenizer

TEXTS = ["[E1] a in COVIDs", "b[E1]b", "covid a  [E2] a", "a"]
ADDED = [
    {"content": "[E1]"},
    {"content": "Covid", "normalized": True, "special": False, "word_piece": False},
    {"content": "[E2]", "lstrip": True, "rstrip": True, "word_piece": False},
]


def make_bert(**changes):
    """Returns the classifier of the fixtures with added tokens, and two rows without a token."""
    bert = keras_bert.load(DATA / "hf_tiny_bert_classifier")
    contents = [token["content"] for token in ADDED]
    vocabulary = [*bert.tokenizer.vocabulary[: -len(contents) - 2], *contents]
    added = [{**token, **changes} for token in ADDED]
    tokenizer = WordPieceTokenizer(vocabulary, lower_case=True, added_tokens=added)
    # Wide weights, so that other tokens give other answers.
    bert.model.set_weights([3 * w if w.ndim == 2 else w for w in bert.model.get_weights()])
    return Bert.from_config(dataclasses.replace(bert.config, pair=False), bert.model, tokenizer)


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("m.tflite", {"length": 16}),
        ("m", {"format": "saved_model"}),
        ("m.onnx", {"format": "onnx"}),
    ],
    ids=["tflite", "saved_model", "onnx"],
)
def test_exported_files_keep_added_tokens_whole(tmp_path, name, settings):
    bert = make_bert()
    expected = bert.probabilities(TEXTS)
    without = WordPieceTokenizer(bert.tokenizer.vocabulary, lower_case=True)
    plain = Bert.from_config(bert.config, bert.model, without).probabilities(TEXTS)
    assert np.abs(expected - plain)[:3].max(axis=1).min() > 1e-3
    assert bert.tokenizer.vocabulary_size + 2 == bert.config.encoder.vocab_size
    bert = make_bert()
    bert.export(tmp_path / name, **settings)
    runner = open_exported(str(tmp_path / name), 1)
    assert runner.tokenizer.added_tokens == bert.tokenizer.added_tokens
    np.testing.assert_allclose(runner.probabilities(TEXTS), expected, rtol=0, atol=1e-5)
    if name == "m":
        import tensorflow as tf

        serve = tf.saved_model.load(str(tmp_path / name)).signatures["serving_default"]
        found = serve(text=tf.constant(TEXTS))["probability"]
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_the_program_of_the_device(tmp_path, capsys):
    from keras_bert.device.main import main

    bert = make_bert()
    bert.export(tmp_path / "m.tflite", length=16)
    assert main(["classify", "--model", str(tmp_path / "m.tflite"), *TEXTS]) == 0
    lines = capsys.readouterr().out.splitlines()
    answers = bert.predict(TEXTS)
    assert [line.split("\t")[0] for line in lines] == [answer["label"] for answer in answers]
    for line, answer in zip(lines, answers, strict=True):
        assert abs(float(line.split("\t")[1]) - answer["probability"]) < 2e-4


def test_what_a_graph_cannot_find_is_refused(tmp_path):
    bert = make_bert(single_word=True)
    with pytest.raises(InputError, match="has single_word true: a TensorFlow graph"):
        bert.export(tmp_path / "m", format="saved_model")
    assert not (tmp_path / "m").exists()
