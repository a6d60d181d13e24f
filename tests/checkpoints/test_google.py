"""Google's checkpoints: TF1 names, TF2 objects, damaged files, round trip."""

import dataclasses
import json
import os
import shutil

import numpy as np
import pytest
import tensorflow as tf
from checkpoint_helpers import (
    DATA,
    SWITCHES,
    TINY,
    VOCABULARY,
    assert_same_weights,
    load_encoder,
    random_weights,
    read_all,
)

from keras_bert.checkpoints import google, names, open_checkpoint
from keras_bert.checkpoints.checkpoint import assign
from keras_bert.errors import InputError
from keras_bert.models.encoder import BertEncoder

FIXTURE = DATA / "tf1_ckpt_fixture"
DATA_FILE = "bert_model.ckpt.data-00000-of-00001"


@pytest.fixture
def folder(tmp_path):
    """A copy of the fixture, for tests to change."""
    return shutil.copytree(FIXTURE, tmp_path / "model")


def write_config(folder, config=TINY):
    folder.mkdir(exist_ok=True)
    (folder / "bert_config.json").write_text(json.dumps(config.to_dict()))


def test_fixture_equals_what_tensorflow_reads():
    reader = tf.train.load_checkpoint(str(FIXTURE / "bert_model.ckpt"))
    checkpoint = open_checkpoint(FIXTURE)
    wanted = {
        name: reader.get_tensor(name)
        for name in reader.get_variable_to_shape_map()
        if "/adam_" not in name and name != "global_step"
    }
    assert_same_weights(read_all(checkpoint), wanted)
    assert set(names.expected_shapes(checkpoint.config)) == {
        name for name in wanted if name.startswith("bert/")
    }
    assert checkpoint.tokenizer_switches == {}
    assert checkpoint.labels is None
    assert checkpoint.read_vocabulary()[-2:] == ["dull", "boy"]
    encoder = load_encoder(checkpoint)
    variables = names.arrays(names.encoder_variables(encoder))
    assert_same_weights(variables, {name: wanted[name] for name in variables})


@pytest.mark.parametrize("path", ["", "bert_model.ckpt", "bert_model.ckpt.index"])
def test_every_way_to_name_it(path, monkeypatch):
    assert open_checkpoint(FIXTURE / path).config.hidden_size == 4
    monkeypatch.chdir(FIXTURE)
    assert open_checkpoint(path or ".").vocabulary_path == str(FIXTURE / "vocab.txt")


def test_round_trip_is_exact(tmp_path):
    first = open_checkpoint(FIXTURE)
    weights = read_all(first)
    notes = google.save(tmp_path / "copy", first.config, weights, first.read_vocabulary(), SWITCHES)
    assert notes == [
        "bert_config.json does not hold the tokenizer's switches: lower_case True, "
        "strip_accents False, tokenize_chinese_chars True"
    ]
    assert sorted(os.listdir(tmp_path / "copy")) == [
        "bert_config.json",
        DATA_FILE,
        "bert_model.ckpt.index",
        "vocab.txt",
    ]
    copy = open_checkpoint(tmp_path / "copy")
    assert_same_weights(read_all(copy), weights)
    assert copy.config == first.config
    assert copy.read_vocabulary() == first.read_vocabulary()
    reader = tf.train.load_checkpoint(str(tmp_path / "copy" / "bert_model.ckpt"))
    assert_same_weights({n: reader.get_tensor(n) for n in weights}, weights)
    assert set(reader.get_variable_to_shape_map()) == set(weights)


def test_classifier_round_trip(tmp_path):
    weights = random_weights(num_labels=3)
    notes = google.save(tmp_path / "m", TINY, weights, VOCABULARY, {}, ["a", "b", "c"])
    assert notes == ["bert_config.json does not hold the labels: a, b, c"]
    assert_same_weights(read_all(open_checkpoint(tmp_path / "m")), weights)


def test_what_the_format_cannot_express(tmp_path):
    other = dataclasses.replace(TINY, layer_norm_eps=1e-5)
    with pytest.raises(InputError, match="layer_norm_eps 1e-05 cannot be written"):
        google.save(tmp_path / "m", other, random_weights(), VOCABULARY, {})
    assert os.listdir(tmp_path) == []
    other = dataclasses.replace(TINY, hidden_act="gelu_new")
    notes = google.save(tmp_path / "m", other, random_weights(), VOCABULARY, {})
    assert len(notes) == 1
    assert "gelu_new is written as gelu" in notes[0]


def test_data_file_truncated(folder):
    data = (folder / DATA_FILE).read_bytes()
    for size in (0, 100, len(data) - 1):
        (folder / DATA_FILE).write_bytes(data[:size])
        with pytest.raises(InputError, match=rf"{DATA_FILE}: truncated: {size} bytes"):
            open_checkpoint(folder)


def test_data_file_damaged(folder):
    data = bytearray((folder / DATA_FILE).read_bytes())
    for i in range(0, len(data), 8):
        data[i] ^= 1
    (folder / DATA_FILE).write_bytes(data)
    checkpoint = open_checkpoint(folder)
    encoder = BertEncoder.from_bert_config(checkpoint.config)
    before = encoder.get_weights()
    with pytest.raises(InputError, match=rf"{DATA_FILE}: bert/.* cannot be read") as error:
        assign(names.encoder_variables(encoder), checkpoint)
    assert "\n" not in str(error.value)
    for old, new in zip(before, encoder.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_data_file_missing(folder):
    (folder / DATA_FILE).unlink()
    with pytest.raises(InputError, match=f"{DATA_FILE}: no such file"):
        open_checkpoint(folder)


def test_index_damaged(folder):
    index = folder / "bert_model.ckpt.index"
    data = index.read_bytes()
    for size in (0, 47, len(data) // 2, len(data) - 1):
        index.write_bytes(data[:size])
        with pytest.raises(InputError, match="bert_model.ckpt.index: damaged") as error:
            open_checkpoint(folder)
        assert "\n" not in str(error.value)


def test_config_missing(folder):
    (folder / "bert_config.json").unlink()
    with pytest.raises(InputError, match="no config.json and no bert_config.json"):
        open_checkpoint(folder)
    with pytest.raises(InputError, match="bert_config.json: no such file"):
        open_checkpoint(folder / "bert_model.ckpt")


def test_config_of_another_size(folder):
    path = folder / "bert_config.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps(config | {"num_hidden_layers": 3}))
    with pytest.raises(InputError, match="2 layers, expected 3; bert/encoder/layer_2/.* is mis"):
        open_checkpoint(folder)
    path.write_text(json.dumps(config | {"num_hidden_layers": 1}))
    with pytest.raises(InputError, match="2 layers, expected 1; bert/encoder/layer_1/.* is unexp"):
        open_checkpoint(folder)
    path.write_text(json.dumps(config | {"vocab_size": 16}))
    message = r"word_embeddings has shape \(15, 4\), expected \(16, 4\)$"
    with pytest.raises(InputError, match=message):
        open_checkpoint(folder)


def test_several_checkpoints(folder):
    for ending in (".index", ".data-00000-of-00001"):
        old = folder / f"bert_model.ckpt{ending}"
        shutil.copy(old, folder / f"model.ckpt-100{ending}")
        shutil.copy(old, folder / f"model.ckpt-200{ending}")
    assert open_checkpoint(folder).path.endswith("bert_model.ckpt")
    (folder / "bert_model.ckpt.index").unlink()
    with pytest.raises(InputError, match="several checkpoints .*model.ckpt-100.index, model.ckpt-"):
        open_checkpoint(folder)
    assert open_checkpoint(folder / "model.ckpt-200").path.endswith("model.ckpt-200")


def test_checkpoint_without_a_bert(tmp_path):
    write_config(tmp_path)
    tf.train.Checkpoint(other=tf.Variable([1.0])).write(str(tmp_path / "bert_model.ckpt"))
    with pytest.raises(InputError, match="no BERT in it"):
        open_checkpoint(tmp_path)


def module(**children):
    """A trackable object whose attributes, dots and slashes allowed, are the arguments."""
    node = tf.Module()
    for name, child in children.items():
        setattr(node, name, tf.Variable(child) if isinstance(child, np.ndarray) else child)
    return node


def block(weights, i, split_output):
    """One Model Garden transformer block; its heads apart, as Keras's attention has them."""

    def pair(name, kernel_shape=None, bias_shape=None):
        if name.endswith("LayerNorm"):
            gamma, beta = (weights[f"bert/encoder/layer_{i}/{name}/{w}"] for w in ("gamma", "beta"))
            return module(gamma=gamma, beta=beta)
        kernel, bias = (weights[f"bert/encoder/layer_{i}/{name}/{w}"] for w in ("kernel", "bias"))
        return module(
            kernel=kernel.reshape(kernel_shape or kernel.shape),
            bias=bias.reshape(bias_shape or bias.shape),
        )

    attention = {
        f"_{part}_dense": pair(f"attention/self/{part}", (8, 4, 2), (4, 2))
        for part in ("query", "key", "value")
    }
    if split_output:
        outside = {"_attention_output_dense": pair("attention/output/dense")}
    else:
        outside = {}
        attention["_output_dense"] = pair("attention/output/dense", (4, 2, 8))
    return module(
        _attention_layer=module(**attention),
        _attention_layer_norm=pair("attention/output/LayerNorm"),
        _intermediate_dense=pair("intermediate/dense"),
        _output_dense=pair("output/dense"),
        _output_layer_norm=pair("output/LayerNorm"),
        **outside,
    )


def encoder_objects(weights, layout):
    """The Model Garden's encoder, its layers counted or named."""

    def embedding(name):
        return module(embeddings=weights[f"bert/embeddings/{name}"])

    norm = module(
        gamma=weights["bert/embeddings/LayerNorm/gamma"],
        beta=weights["bert/embeddings/LayerNorm/beta"],
    )
    pooler = module(kernel=weights[names.POOLER[0]], bias=weights[names.POOLER[1]])
    blocks = [block(weights, i, split_output=layout == "old") for i in range(2)]
    tables = [embedding(f"{kind}_embeddings") for kind in ("word", "position", "token_type")]
    if layout == "named":
        return module(
            _embedding_layer=tables[0],
            _position_embedding_layer=tables[1],
            _type_embedding_layer=tables[2],
            _embedding_norm_layer=norm,
            _transformer_layers=blocks,
            _pooler_layer=pooler,
        )
    layers = [*tables, norm, *blocks, pooler]
    return module(**{f"layer_with_weights-{i}": layer for i, layer in enumerate(layers)})


@pytest.mark.parametrize("layout", ["counted", "named", "old"])
@pytest.mark.parametrize("root", ["model", "encoder"])
def test_tf2_objects(tmp_path, layout, root):
    weights = random_weights()
    write_config(tmp_path)
    encoder = encoder_objects(weights, layout)
    # Its slots are saved under the names of the variables that they belong to.
    optimizer = tf.compat.v1.train.AdamOptimizer(learning_rate=0.0)
    optimizer.apply_gradients([(tf.ones_like(v), v) for v in encoder.trainable_variables])
    # `save` adds a counter to the names, as in Google's bert_model.ckpt-1.
    prefix = tf.train.Checkpoint(**{root: encoder, "optimizer": optimizer}).save(
        str(tmp_path / "bert_model.ckpt")
    )
    assert prefix.endswith("bert_model.ckpt-1")
    for path in (tmp_path, prefix):
        assert_same_weights(read_all(open_checkpoint(path)), weights)
    stored = tf.train.load_checkpoint(prefix).get_variable_to_shape_map()
    assert sum(".OPTIMIZER_SLOT" in name for name in stored) == 2 * len(weights)
    if layout == "counted":
        name = f"{root}/layer_with_weights-4/_attention_layer/_query_dense/kernel"
        assert stored[f"{name}/.ATTRIBUTES/VARIABLE_VALUE"] == [8, 4, 2]


def test_tf2_encoder_inside_a_classifier(tmp_path):
    weights = random_weights()
    write_config(tmp_path)
    head = module(kernel=np.zeros((8, 2), "float32"), bias=np.zeros(2, "float32"))
    inner = encoder_objects(weights, "counted")
    model = module(**{"layer_with_weights-0": inner, "layer_with_weights-1": head})
    tf.train.Checkpoint(model=model).write(str(tmp_path / "bert_model.ckpt"))
    assert_same_weights(read_all(open_checkpoint(tmp_path)), weights)


def test_tf2_pretrainer(tmp_path):
    # The masked language model shares the word embeddings, and names them; the pooler that was
    # trained is the next sentence head's.
    weights = random_weights()
    write_config(tmp_path)
    encoder = encoder_objects(weights, "counted")
    words = getattr(encoder, "layer_with_weights-0").embeddings
    trained = {
        names.POOLER[0]: np.full((8, 8), 2, "float32"),
        names.POOLER[1]: np.full(8, 3, "float32"),
    }
    bias = np.arange(17, dtype="float32")
    head = module(embedding_table=words, **{"output_bias/bias": bias})
    pooler = module(kernel=trained[names.POOLER[0]], bias=trained[names.POOLER[1]])
    parts = {"encoder": encoder, "masked_lm": head, "next_sentence.pooler_dense": pooler}
    prefix = str(tmp_path / "bert_model.ckpt")
    tf.train.Checkpoint(**parts).write(prefix)
    stored = tf.train.load_checkpoint(prefix).get_variable_to_shape_map()
    assert "masked_lm/embedding_table/.ATTRIBUTES/VARIABLE_VALUE" in stored
    assert "next_sentence..pooler_dense/kernel/.ATTRIBUTES/VARIABLE_VALUE" in stored
    wanted = weights | trained | {"cls/predictions/output_bias": bias}
    assert_same_weights(read_all(open_checkpoint(tmp_path)), wanted)


def test_tf2_of_another_number_of_heads(tmp_path):
    write_config(tmp_path, dataclasses.replace(TINY, num_attention_heads=2))
    objects = encoder_objects(random_weights(), "counted")
    tf.train.Checkpoint(model=objects).write(str(tmp_path / "bert_model.ckpt"))
    with pytest.raises(InputError, match="bert_model.ckpt: bert/.* has 4 heads, the config states"):
        open_checkpoint(tmp_path)


def test_tf2_of_another_number_of_layers(tmp_path):
    write_config(tmp_path, dataclasses.replace(TINY, num_hidden_layers=3))
    objects = encoder_objects(random_weights(), "counted")
    tf.train.Checkpoint(model=objects).write(str(tmp_path / "bert_model.ckpt"))
    with pytest.raises(InputError, match="2 layers, expected 3"):
        open_checkpoint(tmp_path)
