"""Hugging Face folders: config.json, safetensors, vocab.txt."""

import os

from keras_bert.checkpoints import names
from keras_bert.checkpoints.checkpoint import Checkpoint, check_against_config, to_float32
from keras_bert.checkpoints.huggingface_heads import (
    ARCHITECTURES,
    classifier_names,
    head_config,
    read_head,
)
from keras_bert.checkpoints.safetensors_files import SafetensorsFiles
from keras_bert.checkpoints.writing import check_model, write_json, write_vocabulary
from keras_bert.config import BertConfig, read_json_object
from keras_bert.errors import InputError
from keras_bert.files import replacing_folder

_ANCHOR = "embeddings.word_embeddings.weight"
_ENCODER_PARTS = ("embeddings.", "encoder.", "pooler.")
# Buffers, not weights: files of transformers before 4.31 hold them.
_BUFFERS = {"embeddings.position_ids", "embeddings.token_type_ids"}
# Our tokenizer's switches, and their keys in tokenizer_config.json and in tokenizer.json.
_SWITCHES = {
    "lower_case": ("do_lower_case", "lowercase"),
    "strip_accents": ("strip_accents", "strip_accents"),
    "tokenize_chinese_chars": ("tokenize_chinese_chars", "handle_chinese_chars"),
}


def open_folder(path):
    """Opens a Hugging Face folder, or one of its `.safetensors` or `.safetensors.index.json` files.

    Args:
        path: folder or file.

    Returns:
        A `Checkpoint`.

    Raises:
        InputError: a file is missing or damaged, is not of a BERT, or does not fit its config.
    """
    folder = path if os.path.isdir(path) else os.path.dirname(os.path.abspath(path))
    config_path = os.path.join(folder, "config.json")
    files = SafetensorsFiles(_find_weights(folder) if path == folder else path)
    data = read_json_object(config_path)
    keys = _canonical_keys(files, classifier_names(data))
    shapes = {
        name: files.shapes[key][::-1] if name.endswith("/kernel") else files.shapes[key]
        for name, key in keys.items()
    }

    def read(name):
        value = to_float32(files.read(keys[name]), f"{files.path}: {keys[name]}")
        return value.T if name.endswith("/kernel") else value

    config = BertConfig.from_json(config_path)
    head = read_head(data, config, shapes, config_path, files.path)
    vocabulary_path = os.path.join(folder, "vocab.txt")
    tokenizer_json = os.path.join(folder, "tokenizer.json")
    pooling, pooling_notes = _read_pooling(folder) if head.task is None else ("cls", ())
    return check_against_config(
        Checkpoint(
            path=files.path,
            config=config,
            vocabulary_path=vocabulary_path if os.path.isfile(vocabulary_path) else None,
            tokenizer_switches=_read_switches(folder),
            labels=head.labels,
            shapes=shapes,
            read=read,
            tokenizer_json=tokenizer_json if os.path.isfile(tokenizer_json) else None,
            task=head.task,
            settings=head.settings,
            notes=(*head.notes, *pooling_notes),
            pooling=pooling,
        )
    )


def _find_weights(folder):
    for name in ("model.safetensors", "model.safetensors.index.json"):
        if os.path.isfile(os.path.join(folder, name)):
            return os.path.join(folder, name)
    pickles = [n for n in sorted(os.listdir(folder)) if n.startswith("pytorch_model")]
    if pickles:
        raise InputError(
            f"{os.path.join(folder, pickles[0])}: not read, because a pickle can run any code; "
            f"convert it to model.safetensors first (transformers' save_pretrained does)"
        )
    raise InputError(f"{os.path.join(folder, 'model.safetensors')}: no such file")


def _canonical_keys(files, classifier):
    """Returns a dict from canonical name to the file's key, buffers and unknown heads left out."""
    anchors = [key for key in files.shapes if key == _ANCHOR or key.endswith("." + _ANCHOR)]
    if len(anchors) != 1:
        found = f"{len(anchors)} of them: {', '.join(anchors)}" if anchors else "none"
        raise InputError(f"{files.path}: expected one tensor {_ANCHOR}, found {found}")
    prefix = anchors[0].removesuffix(_ANCHOR)
    # `bert.` is the encoder's attribute in a model with a head; the head is another attribute.
    head_prefix = prefix.removesuffix("bert.")
    keys = {}
    for key in files.shapes:
        inner = key.removeprefix(prefix)
        in_encoder = key.startswith(prefix) and (prefix or inner.startswith(_ENCODER_PARTS))
        if in_encoder and inner not in _BUFFERS:
            name = names.from_huggingface("bert." + inner)
        elif not in_encoder and key.startswith(head_prefix):
            name = names.from_huggingface(key.removeprefix(head_prefix), classifier)
        else:
            name = None
        if name in keys:
            raise InputError(f"{files.path}: {keys[name]} and {key} are the same weight")
        if name is not None:
            keys[name] = key
    return keys


def _read_switches(folder):
    config = _read_if_there(os.path.join(folder, "tokenizer_config.json"))
    if config.get("tokenizer_class") == "BertJapaneseTokenizer":
        raise InputError(
            f"{folder}: BertJapaneseTokenizer cuts text into words with MeCab; only BERT's own "
            f"tokenizer can be read"
        )
    normalizer = _read_if_there(os.path.join(folder, "tokenizer.json")).get("normalizer")
    normalizer = normalizer if isinstance(normalizer, dict) else {}
    switches = {}
    for switch, (config_key, normalizer_key) in _SWITCHES.items():
        value = config.get(config_key)
        if value is None:
            value = normalizer.get(normalizer_key)
        if value is not None:
            if not isinstance(value, bool):
                raise InputError(f"{folder}: the tokenizer's {config_key} is {value!r}, not a bool")
            switches[switch] = value
    return switches


def _read_pooling(folder):
    """Returns the pooling that sentence-transformers uses, and notes for the user.

    Older versions write a bool for each pooling, newer ones its name. Source:
    sentence-transformers, models/Pooling.py.
    """
    path = os.path.join(folder, "1_Pooling", "config.json")
    data = _read_if_there(path)
    modes = data.get("pooling_mode")
    if modes is None:
        prefix, names = "pooling_mode_", [key for key, value in data.items() if value is True]
        modes = [key.removeprefix(prefix) for key in names if key.startswith(prefix)]
    modes = [modes] if isinstance(modes, str) else modes
    if modes in ([], ["cls"], ["cls_token"]):
        return "cls", ()
    if modes in (["mean"], ["mean_tokens"]):
        return "mean", ()
    return "cls", (f"{path}: pools by {modes}, which is not supported: [CLS] is used",)


def _read_if_there(path):
    return read_json_object(path) if os.path.isfile(path) else {}


def save(
    folder, config, weights, vocabulary, tokenizer_switches, labels=None, settings=None, task=None
):  # fmt: skip
    """Writes a folder that transformers' `from_pretrained` loads.

    Args:
        folder: where; it must not exist, or be empty.
        config: `BertConfig`.
        weights: dict from canonical name to float32 array, as `names.arrays` makes it.
        vocabulary: list of word pieces.
        tokenizer_switches: dict with `lower_case`, `strip_accents`, `tokenize_chinese_chars`.
        labels: names of the classes or tags, where there is such a head; None names them LABEL_0, …
        settings: dict, the task's settings, or None.
        task: kind of task; None uses the default of the head, see `head_config`.

    Returns:
        List of notes, one line each, on what the format cannot hold: always empty.

    Raises:
        InputError: the parts do not fit together, or the folder cannot be replaced.
    """
    from safetensors.numpy import save_file

    check_model(config, weights, vocabulary, labels)
    architecture = _architecture(weights)
    data = {"architectures": [architecture], "model_type": "bert", **config.to_dict()}
    del data["left_to_right"]  # check_model requires that it is False
    data.update(head_config(architecture, weights, labels, settings, task))
    if "[PAD]" in vocabulary:
        data["pad_token_id"] = vocabulary.index("[PAD]")
    tokenizer = {
        config_key: tokenizer_switches[switch]
        for switch, (config_key, _) in _SWITCHES.items()
        if switch in tokenizer_switches
    }
    tensors = {}
    for name, value in weights.items():
        key = names.to_huggingface(name)
        if architecture == "BertModel":
            key = key.removeprefix("bert.")
        value = value.T if name.endswith("/kernel") else value
        tensors[key] = value.copy(order="C")
    with replacing_folder(folder) as temporary:
        # transformers refuses a file whose metadata does not name a framework.
        save_file(tensors, os.path.join(temporary, "model.safetensors"), metadata={"format": "pt"})
        write_json(os.path.join(temporary, "config.json"), data)
        write_json(
            os.path.join(temporary, "tokenizer_config.json"),
            {
                "tokenizer_class": "BertTokenizer",
                "model_max_length": config.max_position_embeddings,
                **tokenizer,
            },
        )
        write_vocabulary(os.path.join(temporary, "vocab.txt"), vocabulary)
    return []


def _architecture(weights):
    """Returns the name of transformers' class that has these heads."""
    heads = {name for name in weights if not name.startswith("bert/")}
    for architecture, head in ARCHITECTURES.items():
        if heads == set(head):
            return architecture
    raise InputError(f"transformers has no class with just the heads {', '.join(sorted(heads))}")
