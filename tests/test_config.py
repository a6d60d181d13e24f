"""Presets have the published sizes; configs of both families are read, and nonsense is refused."""

import json
import math

import pytest

from keras_bert.checkpoints.names import expected_shapes
from keras_bert.config import PRESETS, BertConfig
from keras_bert.errors import InputError

# keras-hub's bert_presets.py (0.32) states these for its presets; mini's is that of the released
# checkpoint uncased_L-4_H-256_A-4.
PUBLISHED = {
    "bert_tiny_en_uncased": 4_385_920,
    "bert_mini_en_uncased": 11_170_560,
    "bert_small_en_uncased": 28_763_648,
    "bert_medium_en_uncased": 41_373_184,
    "bert_base_en_uncased": 109_482_240,
    "bert_large_en_uncased": 335_141_888,
    "bert_base_en": 108_310_272,
    "bert_large_en": 333_579_264,
    "bert_base_multi": 177_853_440,
    "bert_base_zh": 102_267_648,
    "all_minilm_l6_v2_en": 22_713_216,
    "all_minilm_l12_v2_en": 33_360_000,
}

GOOGLE = {
    "vocab_size": 100,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "hidden_act": "gelu",
}
HUGGINGFACE = {**GOOGLE, "model_type": "bert", "position_embedding_type": "absolute"}


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameter_counts_are_the_published_ones(name):
    shapes = expected_shapes(BertConfig.from_preset(name))
    assert sum(math.prod(shape) for shape in shapes.values()) == PUBLISHED[name]


@pytest.mark.parametrize("name", ["bert_tiny_en_uncased", "bert_small_en_uncased"])
def test_built_encoders_have_the_published_counts(name):
    from keras_bert import BertEncoder

    assert BertEncoder.from_preset(name, load_weights=False).count_params() == PUBLISHED[name]


def test_every_preset_is_in_the_table():
    assert set(PRESETS) == set(PUBLISHED)


@pytest.mark.parametrize("data", [GOOGLE, HUGGINGFACE])
def test_reads_both_families(tmp_path, data):
    path = tmp_path / "config.json"
    path.write_text(json.dumps(data))
    config = BertConfig.from_json(path)
    assert (config.hidden_size, config.num_attention_heads, config.hidden_act) == (32, 4, "gelu")
    assert BertConfig(**config.to_dict()) == config


@pytest.mark.parametrize(
    ("base", "change", "named"),
    [
        (GOOGLE, {"hidden_act": "swish"}, "hidden_act"),
        (GOOGLE, {"num_attention_heads": 5}, "num_attention_heads"),
        (GOOGLE, {"hidden_size": "32"}, "hidden_size"),
        (GOOGLE, {"vocab_size": 0}, "vocab_size"),
        (GOOGLE, {"num_hidden_layers": 10**20}, "num_hidden_layers"),
        (GOOGLE, {"vocab_size": True}, "vocab_size"),
        (GOOGLE, {"hidden_dropout_prob": 1.5}, "hidden_dropout_prob"),
        (GOOGLE, {"layer_norm_eps": 0.0}, "layer_norm_eps"),
        (GOOGLE, {"pooler_fc_size": 64}, "pooler_fc_size"),
        (GOOGLE, {"directionality": "left"}, "directionality"),
        (GOOGLE, {"embedding_size": 16}, "embedding_size"),
        (HUGGINGFACE, {"model_type": "roberta"}, "model_type"),
        (HUGGINGFACE, {"position_embedding_type": "relative_key"}, "position_embedding_type"),
        (HUGGINGFACE, {"is_decoder": True}, "is_decoder"),
        (HUGGINGFACE, {"pruned_heads": {"0": [1]}}, "pruned_heads"),
    ],
)
def test_refuses_what_is_unknown_or_contradictory_and_names_the_key(tmp_path, base, change, named):
    path = tmp_path / "config.json"
    path.write_text(json.dumps({**base, **change}))
    with pytest.raises(InputError, match=named) as caught:
        BertConfig.from_json(path)
    assert str(path) in str(caught.value)


def test_refuses_a_missing_key_and_names_it(tmp_path):
    path = tmp_path / "bert_config.json"
    path.write_text(json.dumps({k: v for k, v in GOOGLE.items() if k != "vocab_size"}))
    with pytest.raises(InputError, match="vocab_size"):
        BertConfig.from_json(path)


@pytest.mark.parametrize("content", ["", "{", "[1]", '{"a":' * 100_000])
def test_refuses_a_file_that_is_no_json_object(tmp_path, content):
    path = tmp_path / "config.json"
    path.write_text(content)
    with pytest.raises(InputError, match=r"config\.json"):
        BertConfig.from_json(path)
