"""Canonical names: those of real releases, of our variables, of Hugging Face's keys."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from checkpoint_helpers import DATA, TINY

from keras_bert.checkpoints import names
from keras_bert.config import BertConfig
from keras_bert.errors import InputError
from keras_bert.models.classifier import BertClassifier
from keras_bert.models.encoder import BertEncoder

RELEASES = ["uncased_L-8_H-512_A-8", "chinese_wwm_L-12_H-768_A-12"]


def released_shapes(name):
    prefix = str(DATA / "bert_ckpt_index" / name / "bert_model.ckpt")
    shapes = tf.train.load_checkpoint(prefix).get_variable_to_shape_map()
    return {key: tuple(shape) for key, shape in shapes.items() if key != "global_step"}


@pytest.mark.parametrize("name", RELEASES)
def test_released_checkpoints_have_the_expected_names_and_shapes(name):
    config = BertConfig.from_json(DATA / "bert_ckpt_index" / name / "bert_config.json")
    found = {k: v for k, v in released_shapes(name).items() if not k.startswith("cls/")}
    assert names.expected_shapes(config) == found


@pytest.mark.parametrize("name", RELEASES)
def test_every_released_name_has_a_hugging_face_key_and_comes_back(name):
    released = released_shapes(name)
    keys = {names.to_huggingface(key) for key in released}
    assert len(keys) == len(released)
    assert {names.from_huggingface(key) for key in keys} == set(released)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("bert/embeddings/word_embeddings", "bert.embeddings.word_embeddings.weight"),
        ("bert/embeddings/LayerNorm/gamma", "bert.embeddings.LayerNorm.weight"),
        ("bert/embeddings/LayerNorm/beta", "bert.embeddings.LayerNorm.bias"),
        (
            "bert/encoder/layer_11/attention/self/query/kernel",
            "bert.encoder.layer.11.attention.self.query.weight",
        ),
        (
            "bert/encoder/layer_0/attention/output/LayerNorm/beta",
            "bert.encoder.layer.0.attention.output.LayerNorm.bias",
        ),
        ("bert/encoder/layer_3/output/dense/bias", "bert.encoder.layer.3.output.dense.bias"),
        ("bert/pooler/dense/kernel", "bert.pooler.dense.weight"),
        ("output_weights", "classifier.weight"),
        ("cls/predictions/output_bias", "cls.predictions.bias"),
    ],
)
def test_translation_to_hugging_face_and_back(name, key):
    assert names.to_huggingface(name) == key
    assert names.from_huggingface(key) == name


def test_old_hugging_face_keys():
    for part in ("bert.embeddings", "bert.encoder.layer.2.output", "cls.predictions.transform"):
        new = names.from_huggingface(f"{part}.LayerNorm.weight")
        assert names.from_huggingface(f"{part}.LayerNorm.gamma") == new
        assert new.endswith("LayerNorm/gamma")
        new = names.from_huggingface(f"{part}.LayerNorm.bias")
        assert names.from_huggingface(f"{part}.LayerNorm.beta") == new
        assert new.endswith("LayerNorm/beta")


def test_foreign_tensors_get_names_that_stand_out():
    expected = names.expected_shapes(TINY)
    for key in (
        "bert.encoder.layer.0.output.adapter.down.weight",
        "bert.encoder.layer.2.output.dense.weight",
        "bert.encoder.rel_pos_bias.weight",
    ):
        assert names.from_huggingface(key) not in expected
    assert names.from_huggingface("cls.predictions.decoder.weight") == names.MASKED_LM_TABLE
    assert names.from_huggingface("some.decoder.weight") is None


def test_encoder_variables_are_all_of_the_encoder():
    encoder = BertEncoder.from_bert_config(TINY)
    variables = names.encoder_variables(encoder)
    shapes = {name: tuple(v.shape) for name, v in variables.items()}
    assert shapes == names.expected_shapes(TINY)
    assert {id(v) for v in variables.values()} == {id(v) for v in encoder.weights}


def test_head_is_transposed_in_and_out():
    classifier = BertClassifier(BertEncoder.from_bert_config(TINY), num_classes=3)
    variables = names.variables_of(classifier)
    assert len(variables) == len(classifier.weights)
    assert tuple(variables["output_weights"].shape) == (8, 3)
    assert names.canonical_shape("output_weights", variables["output_weights"]) == (3, 8)
    arrays = names.arrays(variables)
    kernel = keras.ops.convert_to_numpy(classifier.get_layer("logits").kernel)
    np.testing.assert_array_equal(arrays["output_weights"], kernel.T)
    name = "bert/encoder/layer_1/intermediate/dense/kernel"
    assert arrays[name].shape == (8, 12)
    np.testing.assert_array_equal(arrays[name], keras.ops.convert_to_numpy(variables[name]))


@pytest.mark.parametrize(
    ("name", "stored", "merged"),
    [
        ("bert/encoder/layer_0/attention/self/key/kernel", (8, 4, 2), (8, 8)),
        ("bert/encoder/layer_0/attention/self/key/bias", (4, 2), (8,)),
        ("bert/encoder/layer_0/attention/output/dense/kernel", (4, 2, 8), (8, 8)),
        ("bert/encoder/layer_0/attention/output/dense/bias", (8,), (8,)),
        ("bert/encoder/layer_0/attention/self/key/kernel", (8, 8), (8, 8)),
    ],
)
def test_merge_heads(name, stored, merged):
    assert names.merge_heads(name, stored, 4) == merged


def test_merge_heads_refuses_another_number_of_heads():
    # The weights would fit all the same, and compute something else.
    with pytest.raises(InputError, match="has 2 heads, the config states 4"):
        names.merge_heads("bert/encoder/layer_0/attention/self/key/kernel", (8, 2, 4), 4)
