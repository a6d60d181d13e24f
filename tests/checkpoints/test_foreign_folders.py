"""Folders as other programs and other years left them: names, layouts, configs, missing files."""

import json
import pickle
import shutil

import h5py
import numpy as np
import pytest
from checkpoint_helpers import (
    DATA,
    SWITCHES,
    TINY,
    VOCABULARY,
    assert_same_weights,
    random_weights,
    read_all,
)
from safetensors.numpy import load_file, save_file

import keras_bert
from keras_bert.checkpoints import google, huggingface, open_checkpoint
from keras_bert.errors import InputError
from keras_bert.guesses import Guess

CLASSIFIER = DATA / "hf_tiny_bert_classifier"
TAGGER = DATA / "hf_tiny_bert_tagger"
ANSWERER = DATA / "hf_tiny_bert_answerer"
PRETRAINING = DATA / "hf_tiny_bert_pretraining"

LFS_POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 133508397\n"
PAGE = "<!DOCTYPE html>\n<html><head><title>Not found</title></head></html>\n"


@pytest.fixture
def folder(tmp_path):
    """A written folder without a head, for tests to change."""
    huggingface.save(tmp_path / "model", TINY, random_weights(), VOCABULARY, SWITCHES)
    return tmp_path / "model"


def edit_json(path, drop=(), **changes):
    data = {**json.loads(path.read_text()), **changes}
    path.write_text(json.dumps({key: value for key, value in data.items() if key not in drop}))


def refuse(path, *parts):
    """Checks that loading gives one line with all parts."""
    with pytest.raises(InputError) as error:
        keras_bert.load(path)
    assert "\n" not in str(error.value)
    for part in parts:
        assert part in str(error.value)


def tensorflow_name(key):
    """Returns the name of transformers' TensorFlow classes for a PyTorch key, and if it is turned.

    Source: transformers 4.57, modeling_tf_bert.py: the layers' names.
    """
    for name, attribute in (("cls.predictions", "mlm___cls"), ("cls.seq_rel", "nsp___cls")):
        if key.startswith(name):
            key = attribute + key.removeprefix("cls")
    key = key.replace("LayerNorm.weight", "LayerNorm.gamma").replace(
        "LayerNorm.bias", "LayerNorm.beta"
    )
    for table in ("position_embeddings", "token_type_embeddings"):
        key = key.replace(f"{table}.weight", f"{table}.embeddings")
    turned = key.endswith(".weight") and "embeddings" not in key
    if turned:
        key = key.removesuffix("weight") + "kernel"
    return key.replace("encoder.layer.", "encoder.layer_._").replace(".", "/").replace(
        "layer_/_", "layer_._"
    ), turned


def as_tensorflow(folder, to, model, h5):
    """Copies a folder as transformers' TensorFlow classes would have saved it."""
    shutil.copytree(folder, to)
    tensors = load_file(to / "model.safetensors")
    (to / "model.safetensors").unlink()
    named = {}
    for key, value in tensors.items():
        name, turned = tensorflow_name(key)
        named[name] = np.ascontiguousarray(value.T) if turned else value
    if not h5:
        tensors = {f"{name}:0": value for name, value in named.items()}
        save_file(tensors, to / "model.safetensors", metadata={"format": "tf"})
        return to
    with h5py.File(to / "tf_model.h5", "w") as file:
        for name, value in named.items():
            file[f"{name.split('/')[0]}/{model}/{name}:0"] = value
        if "mlm___cls" in file:
            # The masked-LM head holds the embeddings' layer, and so its weights.
            inner = "bert/embeddings/word_embeddings/weight:0"
            file[f"mlm___cls/{model}/{inner}"] = named[inner.removesuffix(":0")]
        file.create_group("dropout_37")
        file.attrs["backend"] = "tensorflow"
    return to


@pytest.mark.parametrize("h5", [True, False], ids=["h5", "safetensors"])
@pytest.mark.parametrize(
    "source", [CLASSIFIER, TAGGER, ANSWERER, PRETRAINING], ids=lambda p: p.name
)
def test_folders_of_transformers_tensorflow_classes(tmp_path, source, h5):
    copy = as_tensorflow(source, tmp_path / "tf", "tf_bert_for_something", h5)
    first, second = open_checkpoint(source), open_checkpoint(copy)
    assert_same_weights(read_all(second), read_all(first))
    assert (second.task, second.labels) == (first.task, first.labels)
    assert second.notes == ()


def test_damaged_tensorflow_weights(tmp_path):
    copy = as_tensorflow(CLASSIFIER, tmp_path / "tf", "tf_bert_model", h5=True)
    path = copy / "tf_model.h5"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    refuse(copy, "tf_model.h5: truncated or damaged HDF5", "transformers' TensorFlow classes")
    path.write_bytes(b"x" * 100)
    refuse(copy, "tf_model.h5: truncated or damaged HDF5 file")
    path.write_bytes(whole)
    with h5py.File(path, "a") as file:
        del file["classifier/tf_bert_model/classifier/kernel:0"]
        file["classifier/tf_bert_model/classifier/kernel:0"] = np.zeros((3, 2), "float32")
    refuse(copy, "classifier.weight has shape (2, 3)")
    with h5py.File(path, "a") as file:
        key = "bert/tf_bert_model/bert/pooler/dense/bias:0"
        del file[key]
        file.create_dataset(key, (8,), "float32", external=[("/etc/hostname", 0, 32)])
    refuse(copy, "is kept in another file")


def test_a_config_without_a_model_type(folder):
    edit_json(folder / "config.json", drop=("model_type", "architectures"))
    with pytest.warns(Guess, match="no model_type: by its keys and tensors it is a BERT"):
        checkpoint = open_checkpoint(folder)
    assert_same_weights(read_all(checkpoint), random_weights())
    with pytest.warns(Guess):
        assert any("no model_type" in note for note in keras_bert.load(folder).notes)
    edit_json(folder / "config.json", architectures=["RobertaModel"])
    refuse(folder, "has no model_type, and its architectures and tensors are not those of a BERT")
    edit_json(folder / "config.json", drop=("architectures",))
    tensors = load_file(folder / "model.safetensors")
    tensors = {f"roberta.{key}": value for key, value in tensors.items()}
    save_file(tensors, folder / "model.safetensors")
    refuse(folder, "has no model_type")


def test_the_config_of_2018_beside_safetensors(folder):
    (folder / "config.json").rename(folder / "bert_config.json")
    edit_json(folder / "bert_config.json", drop=("model_type", "architectures"))
    with pytest.warns(Guess, match="bert_config.json: no model_type"):
        assert_same_weights(read_all(open_checkpoint(folder)), random_weights())


# `BertConfig().to_dict()` of transformers 4.30 but for the sizes.
FULL_DUMP = {
    "_name_or_path": "", "add_cross_attention": False, "architectures": None,
    "bad_words_ids": None, "begin_suppress_tokens": None, "bos_token_id": None,
    "chunk_size_feed_forward": 0, "classifier_dropout": None,
    "cross_attention_hidden_size": None, "decoder_start_token_id": None,
    "diversity_penalty": 0.0, "do_sample": False, "early_stopping": False,
    "encoder_no_repeat_ngram_size": 0, "eos_token_id": None,
    "exponential_decay_length_penalty": None, "finetuning_task": None,
    "forced_bos_token_id": None, "forced_eos_token_id": None,
    "id2label": {"0": "LABEL_0", "1": "LABEL_1"}, "is_decoder": False,
    "is_encoder_decoder": False, "label2id": {"LABEL_0": 0, "LABEL_1": 1}, "length_penalty": 1.0,
    "max_length": 20, "min_length": 0, "no_repeat_ngram_size": 0, "num_beam_groups": 1,
    "num_beams": 1, "num_return_sequences": 1, "output_attentions": False,
    "output_hidden_states": False, "output_scores": False, "pad_token_id": 0,
    "position_embedding_type": "absolute", "prefix": None, "problem_type": None,
    "pruned_heads": {}, "remove_invalid_values": False, "repetition_penalty": 1.0,
    "return_dict": True, "return_dict_in_generate": False, "sep_token_id": None,
    "suppress_tokens": None, "task_specific_params": None, "temperature": 1.0,
    "tf_legacy_loss": False, "tie_encoder_decoder": False, "tie_word_embeddings": True,
    "tokenizer_class": None, "top_k": 50, "top_p": 1.0, "torch_dtype": None,
    "torchscript": False, "transformers_version": "4.30.2", "typical_p": 1.0,
    "use_bfloat16": False, "use_cache": True,
}  # fmt: skip


def test_a_full_dump_of_a_config_loads(folder):
    edit_json(folder / "config.json", **FULL_DUMP)
    checkpoint = open_checkpoint(folder)
    assert (checkpoint.config, checkpoint.notes) == (TINY, ())
    edit_json(folder / "config.json", chunk_size_feed_forward=4)  # the same numbers in parts
    assert open_checkpoint(folder).config == TINY


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("position_embedding_type", "relative_key", "must be 'absolute'"),
        ("is_decoder", True, "must be False"),
        ("add_cross_attention", True, "must be False"),
        ("pruned_heads", {"0": [1]}, "not {'0': [1]}"),
        ("hidden_act", "silu", "hidden_act 'silu' is not one of"),
        ("rotary_dim", 32, "unknown key rotary_dim (32)"),
    ],
)
def test_keys_that_change_the_network_are_refused(folder, key, value, message):
    edit_json(folder / "config.json", **{key: value})
    refuse(folder, "config.json", key, message)


@pytest.mark.parametrize("name", ["model.safetensors", "vocab.txt", "config.json"])
def test_stand_ins_for_files(folder, name):
    for text, message in (
        (LFS_POINTER, "a Git LFS pointer, not the file itself: run `git lfs pull`"),
        (PAGE, "an HTML page, not the file itself: download it again"),
    ):
        (folder / name).write_text(text)
        refuse(folder, f"{folder / name}: {message}")


def test_stand_ins_for_weights_of_other_formats(tmp_path):
    copy = as_tensorflow(CLASSIFIER, tmp_path / "tf", "tf_bert_model", h5=True)
    (copy / "tf_model.h5").write_text(LFS_POINTER)
    refuse(copy, "tf_model.h5: a Git LFS pointer")
    google.save(tmp_path / "google", TINY, random_weights(), VOCABULARY, SWITCHES)
    (tmp_path / "google" / "bert_model.ckpt.index").write_text(LFS_POINTER)
    refuse(tmp_path / "google", "bert_model.ckpt.index: a Git LFS pointer")
    keras_bert.load(CLASSIFIER).save(tmp_path / "ours")
    (tmp_path / "ours" / "model.weights.h5").write_text(PAGE)
    refuse(tmp_path / "ours", "model.weights.h5: an HTML page")


def test_a_pickle_beside_what_can_be_read(folder, tmp_path):
    bomb = pickle.dumps(list(range(3)))
    (folder / "pytorch_model.bin").write_bytes(bomb)
    assert_same_weights(read_all(open_checkpoint(folder)), random_weights())
    # The released folder of Google with a config of transformers and a pickle.
    google.save(tmp_path / "google", TINY, random_weights(seed=1), VOCABULARY, SWITCHES)
    shutil.copy(folder / "config.json", tmp_path / "google")
    (tmp_path / "google" / "pytorch_model.bin").write_bytes(bomb)
    assert_same_weights(read_all(open_checkpoint(tmp_path / "google")), random_weights(seed=1))
    # Another name of the only safetensors.
    (folder / "model.safetensors").rename(folder / "pytorch_model.safetensors")
    with pytest.warns(Guess, match="no model.safetensors: pytorch_model.safetensors has the wei"):
        open_checkpoint(folder)
    (folder / "pytorch_model.safetensors").unlink()
    refuse(folder, "pytorch_model.bin: not read", "convert it to model.safetensors first")
    (folder / "pytorch_model.bin").rename(folder / "flax_model.msgpack")
    refuse(folder, "flax_model.msgpack: not read")
