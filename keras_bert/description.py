"""What a network keeps beside its weights: what its outputs mean, and its tokenizer.

In a `.keras` file both are assets, in the two files that a model folder has of them. They may be a
stranger's: they are data, of limited size, and are compared with the network.
"""

import dataclasses
import os

from keras_bert.errors import InputError
from keras_bert.guesses import guess
from keras_bert.model_folder import CONFIG_FILE, VOCABULARY_FILE, ModelConfig, read_config
from keras_bert.tasks.registry import KINDS, get_task, network_class, task_of
from keras_bert.text.tokenizer import WordPieceTokenizer, load_vocabulary

FOLDER = "keras_bert"


def write_description(folder, config, tokenizer):
    """Writes `config.json` and `vocab.txt`.

    Args:
        folder: where; it exists.
        config: `ModelConfig`; the tokenizer's switches and the versions are filled in.
        tokenizer: `WordPieceTokenizer`.
    """
    config = dataclasses.replace(config, tokenizer=tokenizer.get_config(), versions=_versions())
    vocabulary = "".join(f"{token}\n" for token in tokenizer.vocabulary)
    for name, text in ((CONFIG_FILE, config.to_json()), (VOCABULARY_FILE, vocabulary)):
        with open(os.path.join(folder, name), "w", encoding="utf-8", newline="") as file:
            file.write(text)


def read_description(folder):
    """Returns the `ModelConfig` and the tokenizer that `write_description` wrote.

    Raises:
        InputError: a file is missing, too large or broken, or one does not fit the other.
    """
    config = read_config(folder)
    vocabulary = load_vocabulary(os.path.join(folder, VOCABULARY_FILE), is_ours=True)
    try:
        tokenizer = WordPieceTokenizer(vocabulary, **config.tokenizer)
        check_vocabulary_size(config, tokenizer)
    except (TypeError, InputError) as error:
        raise InputError(f"{folder}: {error}") from None
    return config, tokenizer


def check_vocabulary_size(config, tokenizer):
    """Raises InputError unless the embedding of a `ModelConfig` has a row for each token.

    It may have more rows: tables are padded to a multiple of 8, or were resized. They stay in the
    model, no text has their ids, and `fill_mask` never answers with one.
    """
    if tokenizer.vocabulary_size > config.encoder.vocab_size:
        raise InputError(
            f"the vocabulary has {tokenizer.vocabulary_size} tokens but the embedding "
            f"{config.encoder.vocab_size} rows: they are not of the same model"
        )


def say_free_rows(config, tokenizer, place=None):
    """Says that a table has more rows than a tokenizer, which did not come with it, has tokens.

    Returns:
        List of notes.
    """
    count, rows = tokenizer.vocabulary_size, config.encoder.vocab_size
    if count >= rows:
        return []
    reason = (
        f"the vocabulary has {count} tokens and the embedding {rows} rows: it is taken to be "
        f"padded, if they are of the same model"
    )
    return [guess(reason, place=place)]


def check_fits(config, network):
    """Raises InputError unless a `ModelConfig` describes a network."""
    fields = network_fields(network)
    found = {name: getattr(config, name) for name in fields}
    if found != fields:
        names = ", ".join(name for name in fields if fields[name] != found[name])
        raise InputError(f"the description is of another network: {names} differ")
    task = task_of(config)
    for name, value in (task.network_arguments(config) if task else {}).items():
        if getattr(network, name) != value:
            raise InputError(
                f"the description is of another network: {name} is {value!r} in it and "
                f"{getattr(network, name)!r} in the network"
            )


def network_fields(network):
    """Returns the fields of `ModelConfig` that a network itself knows, a dict.

    Raises:
        InputError: it is not a network of this package.
    """
    from keras_bert.models.encoder import BertEncoder
    from keras_bert.models.pretrainer import BertPretrainer

    if isinstance(network, BertEncoder):
        return {"encoder": network.bert_config, "task": None}
    if isinstance(network, BertPretrainer):
        encoder = network.encoder.bert_config
        fields = {"encoder": encoder, "task": "pretraining", "pair_head": network.pair}
        return {**fields, "settings": {} if network.tied else {"tied": False}}
    for kind in KINDS:
        if isinstance(network, network_class(kind)):
            pooling = {"pooling": network.pooling} if hasattr(network, "pooling") else {}
            return {"encoder": network.encoder.bert_config, "task": kind, **pooling}
    raise InputError(
        f"a {type(network).__name__} is not a network of keras_bert, such as BertClassifier"
    )


def config_of(network, labels=None, settings=None, max_length=None, pair=None):
    """Returns the `ModelConfig` of a network.

    Args:
        network: a `BertEncoder`, a `BertPretrainer` or a `TaskNetwork`.
        labels: list of str, one for each output; None numbers them, "0", "1", ….
        settings: dict, settings of the task that differ from the usual ones.
        max_length: the most tokens of a row; None takes what the position table and task allow.
        pair: whether it takes pairs of texts; None: the texts decide.

    Raises:
        InputError: it is not a network of this package, or something does not fit it.
    """
    fields = network_fields(network)
    positions = fields["encoder"].max_position_embeddings
    count = getattr(network, "num_classes", None)
    if count is None and labels:
        raise InputError(f"a {type(network).__name__} has no labels, found {list(labels)}")
    if count is not None:
        labels = [str(i) for i in range(count)] if labels is None else list(labels)
        if len(labels) != count:
            raise InputError(f"{len(labels)} labels for a network of {count} outputs: {labels}")
    decided = {"max_length": positions, "pair": None}
    if fields["task"] in KINDS:
        task, given = get_task(fields["task"]), settings or {}
        usual = network.default_settings()
        decided |= task.fields_from_checkpoint(labels, {**usual, **given}, positions)
        decided["settings"] = {**decided["settings"], **given}
        if max_length is not None:
            decided["settings"] = task.settings_for(decided["settings"], max_length, tuple(given))
    elif settings:
        raise InputError(f"a {type(network).__name__} has no settings, found {settings}")
    if max_length is not None:
        decided["max_length"] = max_length
    if pair is not None:
        decided["pair"] = pair
    return ModelConfig(**{**fields, **decided})


def changed_config(config, network, labels=None, settings=None, max_length=None, pair=None):
    """Returns a network's `ModelConfig` with other values where they are not None.

    Raises:
        InputError: they do not fit the network.
    """
    given = {"labels": labels, "max_length": max_length, "pair": pair}
    given = {name: value for name, value in given.items() if value is not None}
    if labels is not None:
        given["file_labels"] = ()
    changed = dataclasses.replace(config, **given, settings={**config.settings, **(settings or {})})
    check_fits(changed, network)
    return changed


def _versions():
    import keras

    import keras_bert

    return {"keras_bert": keras_bert.__version__, "keras": keras.__version__}
