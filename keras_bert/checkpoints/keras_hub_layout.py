"""Where keras-hub keeps each thing in a preset folder of BERT.

Source: keras-hub 0.32 with Keras 3.15, `BertBackbone.save_to_preset` and
`BertTokenizer.save_to_preset`.
"""

import os

CONFIG_FILE = "config.json"
WEIGHTS_FILE = "model.weights.h5"
TOKENIZER_FILE = "tokenizer.json"
VOCABULARY_FILE = os.path.join("assets", "tokenizer", "vocabulary.txt")

# `BertConfig`'s fields, and their names in `BertBackbone`'s config.
CONFIG_KEYS = {
    "vocab_size": "vocabulary_size",
    "hidden_size": "hidden_dim",
    "num_hidden_layers": "num_layers",
    "num_attention_heads": "num_heads",
    "intermediate_size": "intermediate_dim",
    "hidden_dropout_prob": "dropout",
    "max_position_embeddings": "max_sequence_length",
    "type_vocab_size": "num_segments",
}

# Groups of the weights file and canonical names; a layer with two variables has the kernel or
# gamma as `vars/0` and the bias or beta as `vars/1`.
_TABLES = {
    "reversible_embedding": "bert/embeddings/word_embeddings",
    "position_embedding": "bert/embeddings/position_embeddings",
    "embedding": "bert/embeddings/token_type_embeddings",
}
_BLOCK = {
    "_self_attention_layer/query_dense": "attention/self/query",
    "_self_attention_layer/key_dense": "attention/self/key",
    "_self_attention_layer/value_dense": "attention/self/value",
    "_self_attention_layer/output_dense": "attention/output/dense",
    "_self_attention_layer_norm": "attention/output/LayerNorm",
    "_feedforward_intermediate_dense": "intermediate/dense",
    "_feedforward_output_dense": "output/dense",
    "_feedforward_layer_norm": "output/LayerNorm",
}


def dataset_names(num_layers):
    """Returns a dict from each dataset of the weights file to the canonical name."""
    pairs = {
        "layers/layer_normalization": "bert/embeddings/LayerNorm",
        "layers/dense": "bert/pooler/dense",
    }
    for i in range(num_layers):
        # Keras numbers the layers of a class from the second on.
        layer = "layers/transformer_encoder" + (f"_{i}" if i else "")
        for part, name in _BLOCK.items():
            pairs[f"{layer}/{part}"] = f"bert/encoder/layer_{i}/{name}"
    datasets = {f"layers/{layer}/vars/0": name for layer, name in _TABLES.items()}
    for group, name in pairs.items():
        variables = ("gamma", "beta") if name.endswith("LayerNorm") else ("kernel", "bias")
        datasets.update({f"{group}/vars/{i}": f"{name}/{v}" for i, v in enumerate(variables)})
    return datasets


def split_heads(name, value, num_heads):
    """Returns a weight with separate axes for heads, the inverse of `names.merge_heads`."""
    if "/attention/self/" in name:
        return value.reshape(*value.shape[:-1], num_heads, -1)
    if name.endswith("/attention/output/dense/kernel"):
        return value.reshape(num_heads, -1, value.shape[-1])
    return value


def backbone_json(config):
    """Returns the contents of `config.json` for a `BertConfig`."""
    return _serialized(
        "keras_hub.src.models.bert.bert_backbone",
        "BertBackbone",
        {
            "name": "bert_backbone",
            "trainable": True,
            "dtype": _policy("float32"),
            **{theirs: getattr(config, ours) for ours, theirs in CONFIG_KEYS.items()},
        },
    )


def tokenizer_json(lower_case, strip_accents):
    """Returns the contents of `tokenizer.json`."""
    return _serialized(
        "keras_hub.src.models.bert.bert_tokenizer",
        "BertTokenizer",
        {
            "name": "bert_tokenizer",
            "trainable": True,
            "dtype": _policy("int32"),
            "config_file": "tokenizer.json",
            "vocabulary": None,
            "sequence_length": None,
            "lowercase": lower_case,
            "strip_accents": strip_accents,
            "split": True,
            "suffix_indicator": "##",
            "oov_token": "[UNK]",
            "special_tokens": None,
            "special_tokens_in_strings": False,
        },
    )


def _policy(name):
    config = {"name": name}
    return {
        "module": "keras",
        "class_name": "DTypePolicy",
        "config": config,
        "registered_name": None,
    }


def _serialized(module, class_name, config):
    return {
        "module": module,
        "class_name": class_name,
        "config": config,
        "registered_name": f"keras_hub>{class_name}",
    }
