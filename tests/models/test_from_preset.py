"""`BertEncoder.from_preset`: sizes by name, weights by path."""

import numpy as np
import pytest
from conftest import DATA
from small_networks import make_encoder, make_tokenizer, outputs_of

import keras_bert
from keras_bert.errors import InputError

X = {name: np.ones((2, 5), "int32") for name in ("token_ids", "segment_ids", "padding_mask")}


def test_a_size_has_no_weights():
    name = "bert_tiny_en_uncased"
    with pytest.raises(InputError, match="is a size, which has no weights.*keras_bert.load"):
        keras_bert.BertEncoder.from_preset(name)
    encoder = keras_bert.BertEncoder.from_preset(name, load_weights=False, vocab_size=30)
    assert (encoder.hidden_size, encoder.vocab_size) == (128, 30)
    with pytest.raises(InputError, match="bert_huge: no such file or folder"):
        keras_bert.BertEncoder.from_preset("bert_huge")


def test_a_folder_has_them(tmp_path):
    saved = make_encoder()
    keras_bert.Bert(saved, make_tokenizer()).save(tmp_path / "folder")
    encoder = keras_bert.BertEncoder.from_preset(tmp_path / "folder")
    np.testing.assert_array_equal(outputs_of(encoder, X), outputs_of(saved, X))
    changed = keras_bert.BertEncoder.from_preset(
        tmp_path / "folder", packed=True, hidden_dropout_prob=0.2, dtype="mixed_bfloat16"
    )
    assert (changed.packed, changed.hidden_dropout_prob) == (True, 0.2)
    assert changed.pooler.compute_dtype == "bfloat16"
    for one, other in zip(changed.get_weights(), saved.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    random = keras_bert.BertEncoder.from_preset(tmp_path / "folder", load_weights=False)
    assert np.abs(random.get_weights()[0] - saved.get_weights()[0]).max() > 0.1


def test_other_formats_and_what_they_lack():
    path = DATA / "hf_tiny_bert_classifier"
    expected = keras_bert.load(path).encoder.get_weights()
    for one, other in zip(
        keras_bert.BertEncoder.from_preset(path).get_weights(), expected, strict=True
    ):
        np.testing.assert_array_equal(one, other)
