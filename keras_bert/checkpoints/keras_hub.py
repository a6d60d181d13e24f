"""Reads and writes keras-hub's preset folders of BERT, without keras-hub.

Its encoder always computes the tanh form of GELU and an epsilon of 1e-12 (keras-hub 0.32,
models/bert/bert_backbone.py).
"""

import os
import re

from keras_bert.checkpoints import keras_hub_layout as layout
from keras_bert.checkpoints import names
from keras_bert.checkpoints.checkpoint import Checkpoint, check_against_config
from keras_bert.checkpoints.hdf5_file import list_datasets, read_dataset
from keras_bert.checkpoints.writing import (
    check_model,
    contents,
    write_json,
    write_vocabulary,
)
from keras_bert.config import BertConfig, read_json_object
from keras_bert.errors import InputError
from keras_bert.files import replacing_folder, write_bytes
from keras_bert.in_memory import hdf5_bytes

_EPSILON = 1e-12


def open_folder(folder):
    """Opens a preset folder; for a task's preset, its backbone.

    Args:
        folder: path.

    Returns:
        A `Checkpoint`, whose `hidden_act` is "gelu_new".

    Raises:
        InputError: a file is missing or damaged, is not of a BERT, or does not fit its config.
    """
    config = _read_config(os.path.join(folder, layout.CONFIG_FILE))
    path = os.path.join(folder, layout.WEIGHTS_FILE)
    datasets = list_datasets(path)
    known = layout.dataset_names(min(config.num_hidden_layers, len(datasets)))
    stored = {}
    for key in datasets:
        # Some versions of Keras save the attention's layers by their private attributes, and the
        # state of dropout's random numbers.
        usual = re.sub(r"/_(query|key|value|output)_dense/", r"/\1_dense/", key)
        if "/seed_generator/" not in usual and not usual.startswith("optimizer/"):
            # A weight that BERT does not have keeps its name, so the comparison reports it.
            stored[known.get(usual, f"bert/{usual}")] = key
    shapes = {
        name: names.merge_heads(name, datasets[key], config.num_attention_heads)
        for name, key in stored.items()
    }

    def read(name):
        return read_dataset(path, stored[name]).reshape(shapes[name])

    vocabulary_path = os.path.join(folder, layout.VOCABULARY_FILE)
    return check_against_config(
        Checkpoint(
            path=path,
            config=config,
            vocabulary_path=vocabulary_path if os.path.isfile(vocabulary_path) else None,
            tokenizer_switches=_read_switches(os.path.join(folder, layout.TOKENIZER_FILE)),
            labels=None,
            shapes=shapes,
            read=read,
        )
    )


def _read_config(path):
    data = read_json_object(path)
    if data.get("class_name") != "BertBackbone":
        raise InputError(
            f"{path}: class_name is {data.get('class_name')!r}; of keras-hub's models only "
            f"BertBackbone can be read"
        )
    inner = data.get("config")
    missing = sorted(
        set(layout.CONFIG_KEYS.values()) - set(inner if isinstance(inner, dict) else ())
    )
    if missing:
        raise InputError(f"{path}: config is missing {', '.join(missing)}")
    try:
        return BertConfig(
            **{ours: inner[theirs] for ours, theirs in layout.CONFIG_KEYS.items()},
            attention_probs_dropout_prob=inner["dropout"],
            hidden_act="gelu_new",
            layer_norm_eps=_EPSILON,
        )
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def _read_switches(path):
    """Reads the tokenizer's switches; keras-hub does not save the one for Chinese characters."""
    if not os.path.isfile(path):
        return {}
    config = read_json_object(path).get("config")
    config = config if isinstance(config, dict) else {}
    switches = {
        "lower_case": config.get("lowercase"),
        "strip_accents": config.get("strip_accents"),
    }
    return {switch: value for switch, value in switches.items() if isinstance(value, bool)}


def save(
    folder, config, weights, vocabulary, tokenizer_switches, labels=None, settings=None, task=None
):  # fmt: skip
    """Writes a folder that keras-hub's `from_preset` loads: the backbone and the tokenizer.

    Args:
        folder: where; it must not exist, or be empty.
        config: `BertConfig`.
        weights: dict from canonical name to float32 array, as `names.arrays` makes it.
        vocabulary: list of word pieces.
        tokenizer_switches: dict with `lower_case`; `strip_accents` and `tokenize_chinese_chars`
            may be left out if they have their defaults.
        labels: names of the classes or tags, where there is such a head.
        settings: dict, the task's settings, or None; not used, because they belong to the head.
        task: kind of task; not used, because the format has no place for it.

    Returns:
        List of notes, one line each, on what the format cannot hold.

    Raises:
        InputError: the parts do not fit together, the format cannot express the config or the
            tokenizer, or the folder cannot be replaced.
    """
    check_model(config, weights, vocabulary, labels)
    _check_tokenizer(tokenizer_switches)
    notes = _check_config(config)
    heads = [name for name in weights if not name.startswith("bert/")]
    if heads:
        notes.append(f"a preset holds the encoder alone: not written are {', '.join(heads)}")
    added = tokenizer_switches.get("added_tokens")
    if added:
        notes.append(f"a preset does not hold added tokens: it cuts {contents(added)} into pieces")
    if labels is not None:
        notes.append(f"a preset does not hold the labels: {', '.join(labels)}")
    lower_case = tokenizer_switches["lower_case"]
    strip_accents = tokenizer_switches.get("strip_accents")
    if strip_accents is None:
        strip_accents = lower_case
    with replacing_folder(folder) as temporary:
        arrays = (
            (key, layout.split_heads(name, weights[name], config.num_attention_heads))
            for key, name in layout.dataset_names(config.num_hidden_layers).items()
        )
        write_bytes(os.path.join(temporary, layout.WEIGHTS_FILE), hdf5_bytes(arrays))
        write_json(os.path.join(temporary, layout.CONFIG_FILE), layout.backbone_json(config))
        write_json(
            os.path.join(temporary, layout.TOKENIZER_FILE),
            layout.tokenizer_json(lower_case, strip_accents),
        )
        vocabulary_path = os.path.join(temporary, layout.VOCABULARY_FILE)
        os.makedirs(os.path.dirname(vocabulary_path))
        write_vocabulary(vocabulary_path, vocabulary)
    return notes


def _check_config(config):
    """Raises for what keras-hub cannot compute; returns notes on what it computes differently."""
    if config.layer_norm_eps != _EPSILON:
        raise InputError(
            f"layer_norm_eps {config.layer_norm_eps} cannot be written: keras-hub has {_EPSILON}"
        )
    if config.hidden_act == "relu":
        raise InputError("hidden_act relu cannot be written: keras-hub has gelu only")
    notes = []
    if config.hidden_act == "gelu":
        notes.append(
            "hidden_act gelu (erf) becomes keras-hub's tanh approximation: outputs differ slightly"
        )
    if config.hidden_dropout_prob != config.attention_probs_dropout_prob:
        notes.append(
            f"attention_probs_dropout_prob {config.attention_probs_dropout_prob} becomes "
            f"{config.hidden_dropout_prob}: keras-hub has one dropout"
        )
    return notes


def _check_tokenizer(switches):
    if "lower_case" not in switches:
        raise InputError("the tokenizer's lower_case must be known: keras-hub's default is False")
    if not switches.get("tokenize_chinese_chars", True):
        raise InputError("tokenize_chinese_chars False cannot be written: keras-hub has no place")
