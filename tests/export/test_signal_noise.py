"""Where a file differs from its model: tensors found by what leads where, and decibels."""

import dataclasses

import numpy as np
import pytest
from task_models import make_bert, write_data

import keras_bert
from keras_bert.bert import Bert, build_model
from keras_bert.config import BertConfig
from keras_bert.export.runners import open_exported
from keras_bert.export.signal_noise import _of_tokens, _Sums, lowest, signal_to_noise
from keras_bert.export.tflite import export_tflite
from keras_bert.export.tflite_graph import JOINED, KINDS, TFLiteGraph
from keras_bert.tasks.file_layout import FileLayout


def deep_bert():
    """Returns a tagger of two layers, so that a fault has a before and an after."""
    shallow = make_bert("tagging")
    sizes = {**shallow.config.encoder.to_dict(), "num_hidden_layers": 2}
    config = dataclasses.replace(shallow.config, encoder=BertConfig(**sizes))
    return Bert.from_config(config, build_model(config), shallow.tokenizer)


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """A tagger; the file of a copy whose second layer has a coarse last product."""
    folder = tmp_path_factory.mktemp("noise")
    bert = deep_bert()
    coarse = Bert.from_config(bert.config, build_model(bert.config), bert.tokenizer)
    coarse.model.set_weights(bert.model.get_weights())
    kernel = coarse.encoder.get_layer("layer_1").feed_forward_output.kernel
    step = np.abs(kernel.numpy()).max() / 3
    kernel.assign(np.round(kernel.numpy() / step) * step)
    export_tflite(coarse, folder / "coarse.tflite")
    return {
        "folder": folder,
        "references": {},
        "bert": bert,
        "data": write_data("tagging", bert, folder, 12),
    }


def table_of(work, name):
    runner = open_exported(work["folder"] / name)
    bert = work["bert"]
    examples = bert.task.read(work["data"], FileLayout())
    return signal_to_noise(
        bert, runner, bert.task.rows(examples, bert.tokenizer, bert.config), work["references"]
    )


def test_a_fault_is_shown_where_it_is(work):
    table = table_of(work, "coarse.tflite")
    kinds = [kind for kind in KINDS if kind in table]
    # Q, K and V are three products, or one.
    assert set(KINDS) - set(kinds) in ({JOINED}, {"Q", "K", "V"})
    order = [(layer, kind) for layer in range(2) for kind in kinds]
    fault = order.index((1, "FFN out"))
    before = [table[kind][layer] for layer, kind in order[:fault]]
    after = [table[kind][layer] for layer, kind in order[fault:]]
    assert min(before) > 100
    assert max(after) < 60
    assert lowest(table)[0] == min(after)
    assert table["FFN out"][1] < 25


@pytest.mark.slow
def test_a_last_block_for_cls_alone_has_one_token(tmp_path):
    bert = make_bert("classification")
    examples = bert.task.examples_from(["a film", "a very good film of a very good actor"], None)
    rows = bert.task.rows(examples, bert.tokenizer, bert.config)
    # 32 is the hidden size too, so that the vector of [CLS] could be taken for 32 tokens.
    for length in ("dynamic", 32):
        path = tmp_path / f"{length}.tflite"
        export_tflite(bert, path, length)
        table = signal_to_noise(bert, open_exported(path), rows)
        assert {"K", "scores", "attention", "context", "FFN in", "FFN out"} <= table.keys()
        assert all(min(values) > 100 for values in table.values())
    vector = np.arange(32.0)[None]
    np.testing.assert_array_equal(_of_tokens(vector, "FFN out", 32, 5, 32), vector)
    np.testing.assert_array_equal(_of_tokens(vector[None], "LayerNorm", 32, 5, 32), vector)
    assert _of_tokens(np.zeros((1, 2, 1, 32)), "scores", 32, 5, 32).shape == (10, 1)


def test_noise_of_a_known_size():
    rng = np.random.default_rng(0)
    one = rng.normal(size=(5000, 8))
    noise = rng.normal(size=one.shape)
    sums = _Sums()
    gain, offset = rng.uniform(0.1, 9, 8), rng.normal(size=8) * 5
    for part in range(5):
        rows = slice(1000 * part, 1000 * part + 1000)
        sums.add(one[rows], ((one + 0.1 * noise) * gain + offset)[rows])
    assert sums.decibels() == pytest.approx(20, abs=0.3)
    assert _Sums().decibels() is None
    same = _Sums()
    same.add(one, one * gain)
    assert same.decibels() == 120
    assert lowest({"Q": [3.0, None], "K": [5.0, 2.0]}) == (2.0, 1, "K")
    assert lowest({}) is None


def test_another_graph_has_no_places():
    import tensorflow as tf

    function = tf.function(
        lambda x: tf.nn.softmax(tf.nn.gelu(x)), input_signature=[tf.TensorSpec([2, 4], tf.float32)]
    )
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function()])
    assert TFLiteGraph(converter.convert()).places() == {}


@pytest.mark.slow
def test_verify_draws_it(work, tmp_path):
    picture, path = tmp_path / "noise.png", tmp_path / "open.tflite"
    export_tflite(work["bert"], path, "dynamic", "dynamic")
    export_tflite(work["bert"], work["folder"] / "int8.tflite", quantize="dynamic")
    files = [path, work["folder"] / "int8.tflite", work["folder"] / "coarse.tflite"]
    result, lines = keras_bert.verify(
        work["bert"], files, work["data"], max_drop=1.0, costs=False, picture=picture
    )
    assert picture.read_bytes().startswith(b"\x89PNG")
    tables = [each["signal_to_noise"] for each in result["files"]]
    assert tables[0].keys() == tables[1].keys() == tables[2].keys()
    # The same weights: only how rows are padded differs.
    for kind, values in tables[0].items():
        assert values == pytest.approx(tables[1][kind], abs=3), kind
    found = [value for values in tables[1].values() for value in values]
    assert None not in found
    assert all(15 < value < 60 for value in found)
    (line,) = (line for line in lines if line.startswith("coarse.tflite: lowest"))
    assert "layer 1" in line
