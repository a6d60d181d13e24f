"""Turns a checkpoint into a model folder; with --to, a model folder into another's format.

keras-bert convert --from=uncased_L-4_H-512_A-8 --output=bert_small
keras-bert convert --from=my_model --to=huggingface --output=for_transformers
keras-bert convert --from=MODEL --output=small --prune_vocabulary=8000 --corpus=train.txt
"""

from keras_bert.commands import flags
from keras_bert.converting import ConvertSettings, convert
from keras_bert.guesses import not_said
from keras_bert.pruning import report_lines


def define(values):
    flags.define(values, ConvertSettings)


def run(values):
    result = convert(**flags.chosen(values, ConvertSettings))
    output, count = result["output"], result["parameters"]
    lines = [f"{output}: {count:,} parameters, format {result['format']}"]
    if "pruned" in result:
        lines += report_lines(result["pruned"])
    return result, [*lines, *(f"note: {note}" for note in not_said(result["notes"]))]
