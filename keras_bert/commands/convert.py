"""Turns a checkpoint into a model folder; with --to, a model folder into another's format.

keras-bert convert --from=uncased_L-4_H-512_A-8 --output=bert_small
keras-bert convert --from=my_model --to=huggingface --output=for_transformers
"""

import dataclasses
import importlib

from absl import flags

from keras_bert.commands import shared
from keras_bert.errors import InputError
from keras_bert.model_folder import is_model_folder

FORMATS = ("keras_bert", "huggingface", "google", "keras_hub")


def define(values):
    shared.define_string(
        values,
        "from",
        "Hugging Face folder, Google checkpoint, keras-hub preset folder, or model folder",
        required=True,
    )
    shared.define_string(values, "output", "the folder to write", required=True)
    flags.DEFINE_enum("to", "keras_bert", FORMATS, "format to write", flag_values=values)
    shared.define_string(values, "vocab", "vocabulary, where --from has none")
    flags.DEFINE_boolean(
        "lower_case", None, "whether text is lowered (default: by what the checkpoint says)",
        flag_values=values,
    )  # fmt: skip
    flags.DEFINE_boolean(
        "pair", None, "whether a classifier takes pairs of texts (default: not said, both pass)",
        flag_values=values,
    )  # fmt: skip
    flags.DEFINE_boolean(
        "null_answers", None, "whether a question answerer's passage may hold no answer, as in "
        "SQuAD 2 (default: it holds one)", flag_values=values,
    )  # fmt: skip
    flags.DEFINE_integer(
        "num_choices", None, "choices a question of a multiple-choice model, where --from does not "
        "say", flag_values=values,
    )  # fmt: skip
    flags.DEFINE_boolean(
        "pretraining", False, "keep the masked-LM head, for fill-mask and to go on pretraining",
        flag_values=values,
    )  # fmt: skip


def run(values):
    source = values["from"].value
    shared.check_not_input(values.output, source)
    bert = shared.load_bert(
        source,
        vocabulary=values.vocab,
        lower_case=values.lower_case,
        pretraining=values.pretraining,
    )
    if values.num_choices is not None:
        bert = _with_choices(bert, source, values.num_choices)
    if values.pair is not None and bert.config.task in ("classification", "regression"):
        bert.config = dataclasses.replace(bert.config, pair=values.pair)
    if values.null_answers is not None:
        if bert.config.task != "question_answering":
            raise InputError(f"--null_answers: {source} is no question answerer")
        settings = {**bert.config.settings, "null_answers": values.null_answers}
        bert.config = dataclasses.replace(bert.config, settings=settings)
    from keras_bert.bert import Bert

    notes = list(bert.notes)
    if values.to == "keras_bert":
        bert.save(values.output, _card(source, bert))
    else:
        if bert.config.pooling != "cls":
            notes.append(f"{values.to} has no head on the mean of the tokens: only the encoder")
            config = dataclasses.replace(
                bert.config, task=None, labels=(), settings={}, pooling="cls", benchmark=""
            )
            bert = Bert.from_config(config, bert.encoder, bert.tokenizer)
        if bert.config.settings.get("mark_capitals"):
            notes.append("it takes segment_ids of 1 for words with a capital: give them to it")
        writer = importlib.import_module(f"keras_bert.checkpoints.{values.to}")
        notes += writer.save(
            values.output,
            bert.config.encoder,
            _weights(bert),
            bert.tokenizer.vocabulary,
            bert.tokenizer.get_config(),
            labels=list(bert.config.labels) or None,
            settings=bert.config.settings,
        )
    result = {
        "output": values.output,
        "format": values.to,
        "parameters": bert.model.count_params(),
        "task": bert.config.task,
        "notes": notes,
    }
    lines = [f"{values.output}: {bert.model.count_params():,} parameters, format {values.to}"]
    return result, [*lines, *(f"note: {note}" for note in notes)]


def _with_choices(bert, source, num_choices):
    """Returns the model with the multiple-choice head that its checkpoint has."""
    from keras_bert.bert import Bert, build_model
    from keras_bert.checkpoints import names, open_checkpoint
    from keras_bert.checkpoints.checkpoint import assign

    checkpoint = None if is_model_folder(source) else open_checkpoint(source)
    if checkpoint is None or checkpoint.task != "multiple_choice":
        raise InputError(f"--num_choices: {source} is no multiple-choice model of another format")
    config = dataclasses.replace(
        bert.config, task="multiple_choice", pair=True, settings={"num_choices": num_choices}
    )
    model = build_model(config)
    assign(names.variables_of(model), checkpoint)
    return Bert.from_config(config, model, bert.tokenizer)


def _weights(bert):
    """Returns the weights as the writers take them, such that logits need no settings of ours."""
    from keras_bert.checkpoints import names
    from keras_bert.checkpoints.writing import with_scale

    weights = names.arrays(names.variables_of(bert.model))
    if bert.config.task != "regression":
        return weights
    settings = bert.config.settings
    return with_scale(weights, settings["mean"], settings["scale"])


def _card(source, bert):
    encoder = bert.config.encoder
    name = source.rstrip("/").rsplit("/", 1)[-1]
    return f"""# {name}

A BERT of {encoder.num_hidden_layers} layers, {encoder.hidden_size} wide, \
{bert.model.count_params():,} parameters, converted from `{name}` by

    keras-bert convert --from={name} --output=…

Its data, scores and licence are those of `{name}`.
"""
