"""Hugging Face folders: config.json, safetensors or tf_model.h5, vocab.txt."""

import os

from keras_bert.checkpoints import names, sentence_transformers, tokenizer_json
from keras_bert.checkpoints.added_tokens import split_added_tokens
from keras_bert.checkpoints.checkpoint import Checkpoint, check_against_config, to_float32
from keras_bert.checkpoints.huggingface_heads import (
    ARCHITECTURES,
    choose_architecture,
    classifier_names,
    head_config,
    read_head,
)
from keras_bert.checkpoints.huggingface_tokenizer import SWITCHES, read_tokenizer_files
from keras_bert.checkpoints.huggingface_weights import (
    canonical_keys,
    check_kind,
    find_weights,
    left_out,
    open_weights,
)
from keras_bert.checkpoints.writing import check_model, write_json, write_vocabulary
from keras_bert.config import BertConfig, read_json_object
from keras_bert.errors import InputError
from keras_bert.files import replacing_folder, write_bytes


def open_folder(path, outer=None):
    """Opens a Hugging Face folder, or one of its `.safetensors` or `.safetensors.index.json` files.

    Args:
        path: folder or file.
        outer: the folder of sentence-transformers that it is in; None for the folder itself.

    Returns:
        A `Checkpoint`.

    Raises:
        InputError: a file is missing or damaged, is not of a BERT, or does not fit its config.
    """
    folder = path if os.path.isdir(path) else os.path.dirname(os.path.abspath(path))
    config_path = find_config(folder)
    files = open_weights(find_weights(folder) if path == folder else path)
    data = read_json_object(config_path)
    notes = check_kind(data, files, config_path)
    try:
        config = BertConfig.from_huggingface(data)
    except InputError as error:
        raise InputError(f"{config_path}: {error}") from None
    keys, unknown = canonical_keys(files)
    architecture, more = choose_architecture(data, keys, files.shapes, config_path)
    notes += more
    own = classifier_names(architecture)
    if own is not names.CLASSIFIER:
        renamed = dict(zip(names.CLASSIFIER, own, strict=True))
        keys = {renamed.get(name, name): key for name, key in keys.items()}
    shapes = {
        name: files.shapes[key][::-1] if name.endswith("/kernel") else files.shapes[key]
        for name, key in keys.items()
    }

    def read(name):
        value = to_float32(files.read(keys[name]), f"{files.path}: {keys[name]}")
        return value.T if name.endswith("/kernel") else value

    head = read_head(data, architecture, config, shapes, config_path, files.path)
    notes += head.notes
    notes += left_out(keys, unknown, architecture, files.path)
    tokenizer = read_tokenizer_files(folder, data)
    outer = folder if outer is None else outer
    pooling, more = ("cls", ()) if head.task else sentence_transformers.read_pooling(outer)
    notes += [*tokenizer.notes, *more]
    normalize = None
    if head.task is None:
        notes += sentence_transformers.read_modules(outer)
        normalize = sentence_transformers.read_normalize(outer)
    length, lower_first = sentence_transformers.read_length(folder)
    switches = tokenizer.switches
    if lower_first and switches.get("lower_case") is False:
        switches = {"strip_accents": False, **switches, "lower_case": True}
    return check_against_config(
        Checkpoint(
            path=files.path,
            config=config,
            vocabulary_path=tokenizer.vocabulary_path,
            tokenizer_switches=switches,
            labels=head.labels,
            shapes=shapes,
            read=read,
            pieces=tokenizer.pieces,
            task=head.task,
            settings=head.settings,
            notes=tuple(notes),
            pooling=pooling,
            normalize=normalize,
            added_tokens=tokenizer.added_tokens,
            max_chars_per_word=tokenizer.max_chars_per_word,
            max_length=length or tokenizer.max_length,
        )
    )


def find_config(folder):
    """Returns the path of a folder's config, which before 2019 was `bert_config.json`."""
    old = os.path.join(folder, "bert_config.json")
    path = os.path.join(folder, "config.json")
    return old if os.path.isfile(old) and not os.path.isfile(path) else path


def save(
    folder, config, weights, vocabulary, tokenizer_switches, labels=None, settings=None, task=None,
    with_tokenizer_json=False,
):  # fmt: skip
    """Writes a folder that transformers' `from_pretrained` loads.

    A table with more rows than tokens keeps them; added tokens go to `tokenizer_config.json`.

    Args:
        folder: where; it must not exist, or be empty.
        config: `BertConfig`.
        weights: dict from canonical name to float32 array, as `names.arrays` makes it.
        vocabulary: list of word pieces.
        tokenizer_switches: dict with `lower_case`, `strip_accents`, `tokenize_chinese_chars`, and
            `added_tokens` where there are some.
        labels: names of the classes or tags, where there is such a head; None names them LABEL_0, …
        settings: dict, the task's settings, or None.
        task: kind of task; None uses the default of the head, see `head_config`.
        with_tokenizer_json: whether to write `tokenizer.json` too, which transformers.js needs.

    Returns:
        List of notes, one line each, on what the format cannot hold.

    Raises:
        InputError: the parts do not fit together, or the folder cannot be replaced.
    """
    from safetensors.numpy import save_file

    check_model(config, weights, vocabulary, labels)
    architecture = _architecture(weights)
    data = {"architectures": [architecture], "model_type": "bert", **config.to_dict()}
    del data["left_to_right"]  # check_model requires that it is False
    data.update(head_config(architecture, weights, labels, settings, task))
    if names.MASKED_LM_TABLE in weights:
        data["tie_word_embeddings"] = False
    if "[PAD]" in vocabulary:
        data["pad_token_id"] = vocabulary.index("[PAD]")
    tokenizer = {
        config_key: tokenizer_switches[switch]
        for switch, (config_key, _) in SWITCHES.items()
        if switch in tokenizer_switches
    }
    pieces, decoder = split_added_tokens(vocabulary, tokenizer_switches.get("added_tokens", ()))
    if decoder:
        tokenizer["added_tokens_decoder"] = decoder
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
        write_vocabulary(os.path.join(temporary, "vocab.txt"), pieces)
        if with_tokenizer_json:
            content = tokenizer_json.make(pieces, decoder, tokenizer_switches)
            if content is None:
                return ["no tokenizer.json: the ids of added tokens do not follow the word pieces"]
            write_bytes(os.path.join(temporary, "tokenizer.json"), content.encode())
    return []


def _architecture(weights):
    """Returns the name of transformers' class that has these heads."""
    heads = {name for name in weights if not name.startswith("bert/")}
    heads.discard(names.MASKED_LM_TABLE)
    for architecture, head in ARCHITECTURES.items():
        if heads == set(head):
            return architecture
    raise InputError(f"transformers has no class with just the heads {', '.join(sorted(heads))}")
