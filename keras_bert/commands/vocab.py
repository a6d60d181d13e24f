"""Makes a WordPiece vocabulary from a corpus; the same corpus always gives the same file.

keras-bert vocab --corpus="texts/*.txt.gz" --size=8000 --output=vocab.txt --lower_case
"""

from keras_bert.commands import flags
from keras_bert.training.vocab import VocabSettings, vocab


def define(values):
    flags.define(values, VocabSettings)


def run(values):
    result = vocab(**flags.chosen(values, VocabSettings))
    return result, [f"{result['output']}: {result['size']} tokens from {result['files']} files"]
