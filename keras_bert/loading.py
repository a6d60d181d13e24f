"""Loading a model: from our own folder or `.keras` file, or a checkpoint of another format."""

import dataclasses
import os

from keras_bert.bert import Bert, build_model
from keras_bert.config import PRESETS, RESCALING_FILE, BertConfig
from keras_bert.description import read_description, say_free_rows
from keras_bert.errors import InputError, name_of
from keras_bert.extras import naming_extras
from keras_bert.guesses import guess
from keras_bert.model_folder import WEIGHTS_FILE, ModelConfig, is_model_folder
from keras_bert.text.tokenizer import WordPieceTokenizer, guess_lower_case, load_vocabulary


@naming_extras()
def load(
    path, vocabulary=None, lower_case=None, pretraining=False, *, labels=None, num_choices=None
):  # fmt: skip
    """Loads a model folder, or a checkpoint in any of the formats that `convert` reads.

    Args:
        path: our model folder, a `.keras` file of a model that keeps its tokenizer, a Hugging
            Face folder, a Google checkpoint, a keras-hub preset folder; or the name of a preset,
            for random weights.
        vocabulary: path of a vocabulary, for checkpoints that come without one and for presets.
        lower_case: bool, for checkpoints that do not say; None guesses from the vocabulary.
        pretraining: whether to load a checkpoint of another format with the masked-LM head, and
            the pair head if it has one, that it was pretrained with. Our folders say it themselves.
        labels: list of str, names of the classes or tags in place of those that a checkpoint of
            another format states, which often are only LABEL_0, LABEL_1, ….
        num_choices: int, for multiple-choice checkpoints that do not state it.

    Returns:
        A `Bert`. What was guessed or left out is a warning, `keras_bert.Guess`, and one of its
        `notes`.

    Raises:
        InputError: something is missing, broken, or does not fit together; names file and fix.
    """
    path = os.fspath(path)
    if path in PRESETS and not os.path.exists(path):
        return _from_preset(path, vocabulary, lower_case)
    if not os.path.exists(path) and not os.path.exists(path + ".index"):
        raise InputError(
            f"{path}: no such file or folder. A checkpoint is a folder, for example the files "
            f"config.json, vocab.txt and model.safetensors of a BERT on the Hugging Face hub, "
            f"downloaded before; random weights are made for the presets {', '.join(PRESETS)}"
        )
    keras_file = path.endswith(".keras") and os.path.isfile(path)
    if keras_file or is_model_folder(path):
        for name, value in (("labels", labels), ("num_choices", num_choices)):
            if value is not None:
                raise InputError(f"{path}: is for checkpoints of other formats", name, value)
        if vocabulary is not None or lower_case is not None:
            kind = "a .keras file" if keras_file else "a model folder"
            raise InputError(
                f"{path}: {kind} has a vocabulary and its case: leave out "
                f"{name_of('vocab')} and {name_of('lower_case')}"
            )
        return _from_keras_file(path) if keras_file else _from_model_folder(path)
    return _from_checkpoint(path, vocabulary, lower_case, pretraining, labels, num_choices)


def _from_model_folder(path):
    from keras_bert.checkpoints.weights_file import check_size, load_weights

    config, tokenizer = read_description(path)
    weights = os.path.join(path, WEIGHTS_FILE)
    check_size(weights, config.encoder)
    bert = Bert.from_config(config, build_model(config), tokenizer)
    load_weights(bert.model, weights)
    rescaling = os.path.join(path, RESCALING_FILE)
    if config.quantize_aware or os.path.lexists(rescaling):
        from keras_bert.quantization.rescaling import Rescaling

        bert.rescaling = Rescaling.from_file(rescaling, bert.encoder)
    return bert


def _from_keras_file(path):
    from keras_bert.keras_file import extracted

    # Not by `load_model`, which builds what a file asks for: the description says it all.
    with extracted(path) as folder:
        try:
            return _from_model_folder(folder)
        except InputError as error:
            # The folder is not one that the user knows.
            line = str(error).replace(f"{folder}{os.sep}", f"{path}: ").replace(folder, path)
            raise InputError(line) from None


def _from_preset(name, vocabulary, lower_case):
    if vocabulary is None:
        raise InputError(
            f"preset {name} has no vocabulary of its own: give one ({name_of('vocab', 'FILE')}), "
            f"or make one from your texts with `keras-bert vocab`"
        )
    tokens = load_vocabulary(vocabulary)
    # A preset is a size; its table has as many rows as the vocabulary that is given.
    encoder = dataclasses.replace(BertConfig.from_preset(name), vocab_size=len(tokens))
    config = ModelConfig(encoder=encoder, max_length=encoder.max_position_embeddings)
    bert = Bert.from_config(config, build_model(config), _tokenizer(tokens, {}, lower_case))
    bert.notes.append(f"{name} is a size, not a checkpoint: it starts from random weights")
    return bert


def _from_checkpoint(path, vocabulary, lower_case, pretraining, labels, num_choices):
    from keras_bert.checkpoints import names, open_checkpoint
    from keras_bert.checkpoints.checkpoint import assign
    from keras_bert.checkpoints.tasks import model_fields, with_stated

    checkpoint = open_checkpoint(path, labels)
    tokens = load_vocabulary(vocabulary) if vocabulary else checkpoint.read_vocabulary()
    if tokens is None:
        fix = f"give one with {name_of('vocab', 'FILE')}"
        raise InputError(f"{path}: no vocabulary beside the weights: {fix}")
    try:
        checkpoint = with_stated(checkpoint, labels, num_choices)
        fields, notes = model_fields(checkpoint, pretraining)
        config = ModelConfig(encoder=checkpoint.config, **fields)
        tokenizer, more = _tokenizer_of(checkpoint, tokens, lower_case, path)
        bert = Bert.from_config(config, None, tokenizer)
    except InputError as error:
        raise error.within(path) from None
    bert.notes += [*notes, *more]
    if vocabulary is not None:
        bert.notes += say_free_rows(config, tokenizer, os.fspath(vocabulary))
    bert.model = build_model(config)
    without_pooler = assign(names.variables_of(bert.model), checkpoint)
    # What answers for each token has no use for one, and is often saved without.
    if without_pooler and not (bert.task and bert.task.per_token):
        bert.notes.append(f"{path} has no pooler: it starts from random weights")
    return bert


def _tokenizer_of(checkpoint, tokens, lower_case, path):
    """Returns the tokenizer of a checkpoint, and notes on what was guessed of it."""
    from keras_bert.checkpoints.added_tokens import with_added_tokens

    rows = checkpoint.config.vocab_size
    tokens, added, notes = with_added_tokens(tokens, checkpoint.added_tokens, rows)
    switches = {**checkpoint.tokenizer_switches, "added_tokens": added}
    if checkpoint.max_chars_per_word is not None:
        switches["max_chars_per_word"] = checkpoint.max_chars_per_word
    if lower_case is None and not switches.get("lower_case", guess_lower_case(tokens)):
        if "lower_case" not in switches:
            # Without capitals there is no choice.
            reason = "no file says it, and there are tokens with a capital"
            notes.append(guess(reason, "lower_case", False, path))
    return _tokenizer(tokens, switches, lower_case), notes


def _tokenizer(tokens, switches, lower_case):
    switches = dict(switches)
    if lower_case is not None:
        switches["lower_case"] = lower_case
    switches.setdefault("lower_case", guess_lower_case(tokens))
    return WordPieceTokenizer(tokens, **switches)
