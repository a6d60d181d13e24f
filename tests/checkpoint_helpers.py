"""What the tests of checkpoints share."""

import pathlib

import numpy as np

from keras_bert.checkpoints import names
from keras_bert.config import BertConfig
from keras_bert.models.encoder import BertEncoder

DATA = pathlib.Path(__file__).parent / "data"

# No two sizes alike, so that a swapped axis cannot pass.
TINY = BertConfig(
    vocab_size=17,
    hidden_size=8,
    num_hidden_layers=2,
    num_attention_heads=4,
    intermediate_size=12,
    max_position_embeddings=10,
    type_vocab_size=3,
)
VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefghijkl"]
SWITCHES = {"lower_case": True, "strip_accents": False, "tokenize_chinese_chars": True}


def random_weights(config=TINY, num_labels=0, seed=0):
    """Returns every weight of an encoder, and of a head if `num_labels`, drawn at random."""
    generator = np.random.default_rng(seed)
    shapes = names.expected_shapes(config)
    if num_labels:
        shapes |= {"output_weights": (num_labels, config.hidden_size), "output_bias": (num_labels,)}
    return {n: generator.normal(0, 0.5, s).astype("float32") for n, s in shapes.items()}


def read_all(checkpoint):
    """Returns every weight of a checkpoint by canonical name."""
    return {name: checkpoint.read(name) for name in checkpoint.shapes}


def assert_same_weights(found, expected):
    """Checks that two dicts of weights are the same bit for bit."""
    assert set(found) == set(expected)
    for name, value in expected.items():
        assert found[name].dtype == np.float32
        np.testing.assert_array_equal(found[name], value, err_msg=name)


def load_encoder(checkpoint, **changes):
    """Returns a new encoder with a checkpoint's weights."""
    from keras_bert.checkpoints.checkpoint import assign

    encoder = BertEncoder.from_bert_config(checkpoint.config, **changes)
    assert assign(names.encoder_variables(encoder), checkpoint) == []
    return encoder


def golden(name):
    """Returns a golden file's model inputs, its mask as bool, and the file itself."""
    data = dict(np.load(DATA / name))
    inputs = {key: data[key] for key in ("token_ids", "segment_ids", "padding_mask")}
    return inputs, inputs["padding_mask"].astype(bool), data
