"""Turns a checkpoint into a model folder; with --to, a model folder into another's format.

keras-bert convert --from=uncased_L-4_H-512_A-8 --output=bert_small
keras-bert convert --from=my_model --to=huggingface --output=for_transformers
"""

import dataclasses
import importlib

from absl import flags

from keras_bert.commands import shared

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
    if values.pair is not None and bert.config.task == "classification":
        bert.config = dataclasses.replace(bert.config, pair=values.pair)
    notes = list(bert.notes)
    if values.to == "keras_bert":
        bert.save(values.output, _card(source, bert))
    else:
        from keras_bert.checkpoints import names

        writer = importlib.import_module(f"keras_bert.checkpoints.{values.to}")
        notes += writer.save(
            values.output,
            bert.config.encoder,
            names.arrays(names.variables_of(bert.model)),
            bert.tokenizer.vocabulary,
            bert.tokenizer.get_config(),
            labels=list(bert.config.labels) or None,
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


def _card(source, bert):
    encoder = bert.config.encoder
    name = source.rstrip("/").rsplit("/", 1)[-1]
    return f"""# {name}

A BERT of {encoder.num_hidden_layers} layers, {encoder.hidden_size} wide, \
{bert.model.count_params():,} parameters, converted from `{name}` by

    keras-bert convert --from={name} --output=…

Its data, scores and licence are those of `{name}`.
"""
