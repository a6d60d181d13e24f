"""Turns a checkpoint into a model folder; with --to, a model folder into another's format.

keras-bert convert --from=uncased_L-4_H-512_A-8 --output=bert_small
keras-bert convert --from=my_model --to=huggingface --output=for_transformers
"""

from keras_bert.commands import flags
from keras_bert.converting import ConvertSettings, convert
from keras_bert.guesses import not_said


def define(values):
    flags.define(values, ConvertSettings)


def run(values):
    result = convert(**flags.chosen(values, ConvertSettings))
    output, count = result["output"], result["parameters"]
    lines = [f"{output}: {count:,} parameters, format {result['format']}"]
    return result, [*lines, *(f"note: {note}" for note in not_said(result["notes"]))]
