"""Writes vectors of texts, or of their tokens, from any layers of a model to an .npz file.

keras-bert embed --model=bert --input=texts.csv --output=vectors.npz --pooling=mean --normalize
keras-bert embed --model=bert --text="the bank" --output=tokens.npz --pooling=tokens --layers=-1,-2

Poolings: mean, over all tokens, [CLS] and [SEP] included; cls, the vector of [CLS]; pooler, the
model's pooled output; tokens, each token's own. The file has `vectors`, of shape
(texts, hidden size), of several layers (texts, layers, hidden size); with tokens, (tokens, …) and,
for each token, `tokens`, `words`, `word_ids`, `offsets`, `segment_ids`; text i has the tokens
row_splits[i] to row_splits[i + 1] - 1.
"""

import math
import os
from functools import partial

import numpy as np
from absl import flags

from keras_bert.commands import shared
from keras_bert.embedding.vectors import POOLINGS
from keras_bert.errors import InputError
from keras_bert.files import check_file_replaceable
from keras_bert.progress import Progress
from keras_bert.tasks.sequence.texts import read_examples


def define(values):
    define_source_flags(values)
    flags.DEFINE_multi_string(
        "text_b", None, "the second text of a pair; as often as --text", flag_values=values
    )
    shared.define_string(values, "output", "the .npz file to write", required=True)
    flags.DEFINE_enum(
        "pooling", "mean", POOLINGS, "from tokens to a text: " + ", ".join(POOLINGS),
        flag_values=values,
    )  # fmt: skip
    flags.DEFINE_boolean(
        "normalize", False, "bring vectors to length 1", flag_values=values
    )  # fmt: skip


def define_source_flags(values):
    """Declares the flags of a model, its layers and texts that `similarity` has too."""
    shared.define_string(
        values, "model", "model folder of any task, or a checkpoint", required=True
    )  # fmt: skip
    shared.define_string(values, "vocab", "vocabulary, where --model has none")
    flags.DEFINE_boolean(
        "lower_case", None, "whether --vocab is uncased (default: by its look)", flag_values=values
    )
    flags.DEFINE_multi_string("text", None, "a text; may be given often", flag_values=values)
    shared.define_string(values, "input", "file of texts: CSV, TSV, JSON lines")
    shared.define_column_flags(values)
    flags.DEFINE_list(
        "layers", None, "0: the embeddings' output; 1, 2, …: blocks; -1: the last (default)",
        flag_values=values,
    )  # fmt: skip
    flags.DEFINE_integer(
        "length", None, "the most tokens of a text (default: the model's)", 3, flag_values=values
    )
    flags.DEFINE_integer("batch_size", 32, "texts a batch, at most", 1, flag_values=values)


def run(values):
    layers = layers_of(values)
    check_output(values, ".npz")
    source = read_texts(values)
    bert = load_encoder(values)
    from keras_bert.embedding.features import Features
    from keras_bert.embedding.npz import check_room, writing_npz

    features = Features(
        bert,
        source.texts,
        source.texts_b,
        values.pooling,
        layers,
        values.normalize,
        values.length,
        values.batch_size,
    )
    arrays, strings = {}, {}
    if features.sources is not None:
        arrays, strings = features.sources.arrays(), features.sources.strings()
    arrays.update(
        layers=np.array(features.layers, "int64"),
        pooling=np.array(values.pooling),
        normalized=np.array(values.normalize),
    )
    if source.lines is not None:
        arrays["lines"] = np.array(source.lines, "int64")
    size = math.prod(features.shape) * 4 + sum(array.nbytes for array in arrays.values())
    size += sum(np.dtype(dtype).itemsize for dtype, _ in strings.values()) * features.shape[0]
    check_room(values.output, size, "take fewer texts or --layers, or another --pooling")
    progress = Progress(len(source.texts))
    with writing_npz(values.output) as npz:
        npz.add_blocks(
            "vectors", "<f4", features.shape, features.blocks(partial(_show_texts, progress))
        )
        for name, (dtype, blocks) in strings.items():
            npz.add_blocks(name, dtype, features.shape[:1], blocks())
        for name, array in arrays.items():
            npz.add(name, array)
    progress.clear()
    result = {
        "output": values.output,
        "count": len(source.texts),
        "shape": list(features.shape),
        "pooling": values.pooling,
        "layers": list(features.layers),
        "normalized": values.normalize,
        "cut": features.cut_count,
        "bytes": os.path.getsize(values.output),
    }
    shape = " x ".join(map(str, features.shape))
    lines = [*bert.notes, *cut_lines(features, bert, values.length)]
    return result, [*lines, f"{len(source.texts)} texts, vectors {shape}: {values.output}"]


def _show_texts(progress, count):
    """Shows that some more texts are done."""
    progress.done += count
    if progress.is_due():
        progress.show(
            f"text {progress.done}/{progress.total}  {progress.rate():.1f} texts/s  "
            f"ETA {progress.eta()}"
        )


def layers_of(values):
    """Returns the numbers in --layers."""
    if values.layers is None:
        return (-1,)
    try:
        return tuple(int(layer) for layer in values.layers)
    except ValueError:
        raise InputError(
            f"--layers={','.join(values.layers)}: whole numbers with commas between them, such as "
            f"-1,-2"
        ) from None


def check_output(values, extension):
    """Raises InputError if --output cannot be written, before the model is loaded."""
    if not values.output.endswith(extension):
        raise InputError(f"{values.output}: name the output {extension}")
    if values.input is not None:
        shared.check_not_input(values.output, values.input)
    check_file_replaceable(values.output)


class Source:
    """Texts of a file or of flags.

    Attributes:
        texts, texts_b: list of str; the latter None without pairs.
        lines: list of int, the line of the file for each; None if they come from flags.
        names: list of str, what messages call each.
    """

    def __init__(self, texts, texts_b, path=None, lines=None):
        self.texts, self.texts_b, self.lines = texts, texts_b, lines
        if lines is not None:
            self.names = [f"{path}:{line}" for line in lines]
        else:
            self.names = [f"--text number {n}" for n in range(1, len(texts) + 1)]


def read_texts(values):
    """Returns the `Source` that --input or --text names."""
    if (values.text is None) == (values.input is None):
        raise InputError("give either --text, once or more, or --input")
    texts_b = values["text_b"].value if "text_b" in values else None
    if values.input is not None:
        if texts_b is not None:
            raise InputError("--text_b goes with --text; a file has a --text_b_column")
        examples = read_examples(shared.check_path(values.input), shared.file_layout(values), False)
        return Source(examples.texts, examples.texts_b, examples.path, examples.lines)
    if texts_b is not None and len(texts_b) != len(values.text):
        raise InputError(f"{len(values.text)} times --text but {len(texts_b)} times --text_b")
    return Source(
        _checked(values.text, "text"), None if texts_b is None else _checked(texts_b, "text_b")
    )


def _checked(texts, flag):
    return [utf8_text(text, f"--{flag} number {n}") for n, text in enumerate(texts, start=1)]


def utf8_text(text, name):
    """Returns a flag's text; in the C locale Python has not decoded what is not ASCII.

    Args:
        text: str.
        name: what messages call it.

    Raises:
        InputError: it is empty or not UTF-8.
    """
    if not text.strip():
        raise InputError(f"{name} is empty")
    try:
        return os.fsencode(text).decode("utf-8")
    except UnicodeError:
        raise InputError(f"{name} is not UTF-8") from None


def load_encoder(values):
    """Returns the `Bert` of --model."""
    if not os.path.exists(values.model + ".index"):  # Google's checkpoints are named by a prefix
        shared.check_path(values.model)
    return shared.load_bert(values.model, vocabulary=values.vocab, lower_case=values.lower_case)


def cut_lines(features, bert, length):
    """Returns what to tell of texts that were too long."""
    if not features.cut_count:
        return []
    length = bert.config.max_length if length is None else length
    longer = "is longer than" if features.cut_count == 1 else "are longer than"
    return [f"{features.cut_count} of the texts {longer} {length} tokens: the rest is cut off"]
