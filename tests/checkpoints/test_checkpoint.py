"""`assign` is all or nothing, and every bad checkpoint gets one line that names it."""

import json
import os
import pickle
import struct
import subprocess
import sys

import numpy as np
import pytest
from checkpoint_helpers import (
    DATA,
    SWITCHES,
    TINY,
    VOCABULARY,
    assert_same_weights,
    random_weights,
)
from safetensors.numpy import load_file, save_file

from keras_bert.checkpoints import huggingface, names, open_checkpoint
from keras_bert.checkpoints.checkpoint import assign, describe_differences
from keras_bert.errors import InputError
from keras_bert.models.classifier import BertClassifier
from keras_bert.models.encoder import BertEncoder

WEIGHTS = "model.safetensors"


@pytest.fixture
def folder(tmp_path):
    """A written Hugging Face folder, for tests to change."""
    huggingface.save(tmp_path / "model", TINY, random_weights(), VOCABULARY, SWITCHES)
    return tmp_path / "model"


def rewrite(folder, change):
    """Applies `change` to the folder's tensors."""
    save_file(change(load_file(folder / WEIGHTS)), folder / WEIGHTS)


def edit_config(folder, **changes):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def refuse(path, match):
    """Checks that opening gives one line that matches."""
    with pytest.raises(InputError, match=match) as error:
        open_checkpoint(path)
    assert "\n" not in str(error.value)


def refuse_to_assign(model, checkpoint, match):
    """Checks that assigning gives one line that matches, and leaves the model as it was."""
    encoder = isinstance(model, BertEncoder)
    variables = names.encoder_variables if encoder else names.variables_of
    before = names.arrays(variables(model))
    with pytest.raises(InputError, match=match) as error:
        assign(variables(model), checkpoint)
    assert "\n" not in str(error.value)
    assert_same_weights(names.arrays(variables(model)), before)


def test_assign_sets_every_variable(folder):
    encoder = BertEncoder.from_bert_config(TINY)
    assert assign(names.encoder_variables(encoder), open_checkpoint(folder)) == []
    assert_same_weights(names.arrays(names.encoder_variables(encoder)), random_weights())


def test_without_a_pooler_the_rest_is_loaded_and_it_is_said(folder):
    rewrite(folder, lambda tensors: {k: v for k, v in tensors.items() if "pooler" not in k})
    encoder = BertEncoder.from_bert_config(TINY)
    variables = names.encoder_variables(encoder)
    before = names.arrays(variables)
    assert assign(variables, open_checkpoint(folder)) == list(names.POOLER)
    kept = {name: before[name] for name in names.POOLER}
    assert_same_weights(names.arrays(variables), random_weights() | kept)


def test_half_a_pooler_is_an_error(folder):
    rewrite(folder, lambda tensors: {k: v for k, v in tensors.items() if k != "pooler.dense.bias"})
    refuse(folder, f"{WEIGHTS}: weights do not fit its config: bert/pooler/dense/bias is missing$")


def test_weights_that_are_not_finite(folder):
    for value in (np.nan, np.inf):

        def spoil(tensors, value=value):
            tensors["encoder.layer.1.output.dense.weight"][3, 5] = value
            return tensors

        rewrite(folder, spoil)
        refuse_to_assign(
            BertEncoder.from_bert_config(TINY),
            open_checkpoint(folder),
            f"{WEIGHTS}: bert/encoder/layer_1/output/dense/kernel has values that are not finite",
        )


def test_a_model_of_another_size(folder):
    checkpoint = open_checkpoint(folder)
    for changes, match in (
        ({"num_hidden_layers": 3}, "the model: 2 layers, expected 3; bert/encoder/layer_2/"),
        ({"num_hidden_layers": 1}, "the model: 2 layers, expected 1; bert/encoder/layer_1/"),
        (
            {"hidden_size": 16},
            r"word_embeddings has shape \(17, 8\), expected \(17, 16\).* more$",
        ),
        ({"vocab_size": 18}, r"the model: bert/embeddings/word_embeddings has shape \(17, 8\)"),
    ):
        model = BertEncoder.from_bert_config(TINY, **changes)
        refuse_to_assign(model, checkpoint, match)


def test_a_classifier_needs_a_head_of_its_size(tmp_path, folder):
    classifier = BertClassifier(BertEncoder.from_bert_config(TINY), num_classes=3)
    message = "output_weights is missing; output_bias is missing$"
    refuse_to_assign(classifier, open_checkpoint(folder), message)
    other = tmp_path / "other"
    huggingface.save(other, TINY, random_weights(num_labels=2), VOCABULARY, SWITCHES)
    message = r"output_weights has shape \(2, 8\), expected \(3, 8\); output_bias has"
    refuse_to_assign(classifier, open_checkpoint(other), message)


def test_differences_are_counted_beyond_five():
    expected = {f"bert/{i}": (2,) for i in range(9)}
    line = describe_differences({"bert/0": (3,), "bert/x": (1,), "head": (1,)}, expected)
    assert line == "; ".join(f"bert/{i} is missing" for i in range(1, 6)) + "; and 5 more"
    assert describe_differences(expected | {"head": (1,)}, expected) == ""


def test_config_of_another_size(folder):
    edit_config(folder, num_hidden_layers=3)
    refuse(folder, f"{WEIGHTS}: weights do not fit its config: 2 layers, expected 3")
    edit_config(folder, num_hidden_layers=999)
    refuse(folder, "2 layers, expected 999$")
    edit_config(folder, num_hidden_layers=10**18)
    refuse(folder, "num_hidden_layers must be at most 1000$")
    edit_config(folder, num_hidden_layers=2, intermediate_size=13)
    refuse(folder, r"intermediate/dense/kernel has shape \(8, 12\), expected \(8, 13\)")


def test_foreign_weights_in_the_encoder(folder):
    extra = {
        "encoder.layer.2.output.dense.bias": "bert/encoder/layer_2/output/dense/bias",
        "encoder.layer.0.attention.adapter.down.weight": "layer_0/attention/adapter/down/kernel",
        "embeddings.extra_embeddings.weight": "bert/embeddings/extra_embeddings",
    }
    for key, name in extra.items():
        before = load_file(folder / WEIGHTS)
        rewrite(folder, lambda tensors, key=key: tensors | {key: np.zeros(8, "float32")})
        refuse(folder, f"{name} is unexpected")
        save_file(before, folder / WEIGHTS)


def test_two_encoders_or_none(folder):
    rewrite(folder, lambda t: {f"{p}.{k}": v for p in ("query", "passage") for k, v in t.items()})
    refuse(folder, "expected one tensor embeddings.word_embeddings.weight, found 2 of them")
    rewrite(folder, lambda tensors: {"something": np.zeros(3, "float32")})
    refuse(folder, "expected one tensor embeddings.word_embeddings.weight, found none")


def test_the_same_weight_twice(folder):
    name = "encoder.layer.0.output.LayerNorm."
    rewrite(folder, lambda tensors: tensors | {name + "gamma": tensors[name + "weight"]})
    refuse(folder, f"{WEIGHTS}: .* are the same weight")


def test_truncated_safetensors(folder):
    data = (folder / WEIGHTS).read_bytes()
    header = 8 + struct.unpack("<Q", data[:8])[0]
    for size in (0, 4, 8, 100, header - 1, header, header + 1, len(data) // 2, len(data) - 1):
        (folder / WEIGHTS).write_bytes(data[:size])
        refuse(folder, f"{WEIGHTS}: truncated or damaged safetensors file")


@pytest.mark.parametrize(
    "header",
    [
        b'{"a":{"dtype":"F32","shape":[4000000000,4000000000],"data_offsets":[0,8]}}',
        b'{"a":{"dtype":"F32","shape":[1000000000000],"data_offsets":[0,4000000000000]}}',
        b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}',
        b'{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}',
        b'{"a":{"dtype":"F99","shape":[2],"data_offsets":[0,8]}}',
        b'{"a":1}',
        b"[]",
        b"\xff\xfe",
    ],
)
def test_headers_that_lie(folder, header):
    data = struct.pack("<Q", len(header)) + header + bytes(8)
    (folder / WEIGHTS).write_bytes(data)
    refuse(folder, f"{WEIGHTS}: truncated or damaged safetensors file")


def test_header_of_a_huge_length(folder):
    (folder / WEIGHTS).write_bytes(struct.pack("<Q", 1 << 62) + b"{}")
    refuse(folder, f"{WEIGHTS}: truncated or damaged safetensors file")


class Exploit:
    """A pickle that would leave a file behind."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_pickles_are_never_opened(folder, tmp_path):
    (folder / WEIGHTS).unlink()
    path = folder / "pytorch_model.bin"
    path.write_bytes(pickle.dumps(Exploit(tmp_path / "exploited")))
    refuse(folder, "pytorch_model.bin: not read, because a pickle can run any code; convert it to")
    refuse(path, "pytorch_model.bin: not read, because a pickle can run any code")
    assert not (tmp_path / "exploited").exists()


def test_nothing_there(folder, tmp_path):
    refuse(tmp_path / "nowhere", "nowhere: no such file, folder or checkpoint")
    (tmp_path / "empty").mkdir()
    refuse(tmp_path / "empty", "empty: no config.json and no bert_config.json")
    (tmp_path / "text.txt").write_text("hello")
    refuse(tmp_path / "text.txt", "text.txt: not a checkpoint in a known format")
    (folder / WEIGHTS).unlink()
    refuse(folder, f"{WEIGHTS}: no such file")


def test_configs_that_are_none(folder):
    path = folder / "config.json"
    path.write_text("{}")
    refuse(folder, "config.json: neither Hugging Face's .* nor keras-hub's")
    path.write_text('{"vocab_size": 3}')
    refuse(folder, "config.json: neither Hugging Face's .* nor keras-hub's")
    path.write_text("{")
    refuse(folder, "config.json: not a readable JSON file")
    path.write_text('{"model_type": "roberta"}')
    refuse(folder, "config.json: model_type must be 'bert', not 'roberta'")
    path.unlink()
    refuse(folder / WEIGHTS, "config.json: no such file")


@pytest.mark.parametrize(
    ("model", "match"),
    [
        ({"type": "Unigram", "vocab": [["a", 0.0]]}, "not a WordPiece tokenizer"),
        (
            {"type": "WordPiece", "vocab": {"[PAD]": 0, "a": 0}},
            "the ids of the vocabulary are not 0",
        ),
        ({"type": "WordPiece", "vocab": {"[PAD]": 0, "a": 1}}, r"is the token \[UNK\]"),
    ],
)
def test_tokenizer_json_without_a_vocabulary(folder, model, match):
    (folder / "vocab.txt").unlink()
    assert open_checkpoint(folder).read_vocabulary() is None
    (folder / "tokenizer.json").write_text(json.dumps({"model": model}))
    with pytest.raises(InputError, match=match):
        open_checkpoint(folder).read_vocabulary()


def test_opening_needs_neither_tensorflow_nor_keras():
    code = (
        "import sys; from keras_bert.checkpoints import open_checkpoint;"
        f"c = open_checkpoint({str(DATA / 'hf_tiny_bert')!r});"
        "c.read('bert/pooler/dense/kernel');"
        "print([m for m in ('tensorflow', 'keras', 'h5py', 'torch') if m in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"
