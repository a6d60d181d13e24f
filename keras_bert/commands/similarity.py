"""Compares one word in several sentences, or the sentences: cosines and a heat map.

keras-bert similarity --model=bert --word=bank --output=bank.png \\
    --text="He sat on the bank of the river." --text="The bank raised its interest rates."

A word's vector is the mean over its pieces at its place in the sentence; whole words only. Without
--word, sentences are compared by the mean of all their tokens. Vectors of several --layers are
concatenated.
"""

from keras_bert.commands import flags, inputs
from keras_bert.embedding.similarity import SimilaritySettings, similarity
from keras_bert.guesses import not_said
from keras_bert.tasks.file_layout import FileLayout


def define(values):
    flags.define(values, SimilaritySettings)
    flags.define(values, FileLayout, skip=("misaligned",))


def run(values):
    asked = flags.chosen(values, SimilaritySettings)
    asked["text"] = inputs.texts_of(asked["text"], "text")
    asked["word"] = inputs.text_of(asked["word"], "--word")
    result = similarity(inputs.layout_of(values), **asked)
    labels = [item["label"] for item in result["items"]]
    lines = [*not_said(result.pop("notes")), *_table(result["similarities"], labels)]
    return result, [*lines, *([result["output"]] if result["output"] is not None else [])]


def _table(matrix, labels):
    """Returns the matrix as lines of text, each with the label of its row."""
    width = len(str(len(labels)))
    numbers = range(1, len(labels) + 1)
    lines = [" " * width + "".join(f"{number:>7}" for number in numbers)]
    for number, row, label in zip(numbers, matrix, labels):
        cells = "".join(f"{value:>7.3f}" for value in row)
        lines.append(f"{number:>{width}}{cells}  {label}")
    return lines
