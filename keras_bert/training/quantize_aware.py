"""Fine-tuning for a quantized file: the re-scaling, and what the user hears of it.

The start is a model that is fine-tuned already. Its ranges on training examples make the
re-scaling of the file that will be written; then the network trains, and is scored, with the
numbers that this file will hold (`quantization.fake`). The re-scaling stays as it is from the first
step on, so a killed run reads it back from beside its states.
"""

import os

import numpy as np

from keras_bert.config import EXPORTED_AS, QUANTIZED_WEIGHTS, RESCALING_FILE
from keras_bert.errors import InputError, name_of
from keras_bert.guesses import counted
from keras_bert.quantization.ranges import measure
from keras_bert.quantization.rescaling import Rescaling, rescaling_of
from keras_bert.training.devices import writes_files

# Of those that the ranges come from, 32 do as well as 512.
_MOST_EXAMPLES = 128


def field_of(settings):
    """Returns `ModelConfig.quantize_aware` of `FinetuneSettings`."""
    weights = settings.quantize_aware
    if weights is None:
        return {}
    return {"weights": weights, "table_bits": settings.table_bits or QUANTIZED_WEIGHTS[weights]}


def needs_fine_tuned(start, field):
    """Returns the InputError of a start whose head is not that of the network in training.

    Args:
        start: its `ModelConfig`.
        field: `ModelConfig.quantize_aware` of the network.
    """
    kind = "is an encoder without a task" if start.task is None else f"answers {start.task}"
    if start.labels:
        kind += f" with the labels {', '.join(start.labels)}"
    return InputError(
        f"goes on with a model that is fine-tuned for this task, these labels and this pooling, "
        f"and {name_of('init')} {kind}: run the command without it first, and start from its model",
        "quantize_aware",
        field["weights"],
    )


def rescaling_for(bert, examples, folder=None, resume=False, strategy=None):
    """Returns the re-scaling of the file that a run trains for.

    Args:
        bert: `Bert`, the start, in float32.
        examples: the task's examples to train on.
        folder: where the run keeps its states, or None.
        resume: whether the run goes on: the re-scaling is then the one it began with.
        strategy: what `several_devices` returned.
    """
    path = folder and os.path.join(folder, RESCALING_FILE)
    if path and resume and os.path.exists(path):
        return Rescaling.from_file(path, bert.encoder)
    places = np.linspace(0, len(examples) - 1, min(len(examples), _MOST_EXAMPLES)).astype(int)
    found = rescaling_of(bert.encoder, measure(bert, examples.take(places)))
    if path and writes_files(strategy):
        os.makedirs(folder, exist_ok=True)
        found.to_file(path)
    return found


def lines_of(field, count):
    """Returns the lines that say what a run trains for.

    Args:
        field: `ModelConfig.quantize_aware`.
        count: int, the examples to train on.
    """
    weights, table_bits = field["weights"], field["table_bits"]
    return [
        f"trains and scores with the numbers of {name_of('quantize', EXPORTED_AS[weights])}: "
        f"weights of {QUANTIZED_WEIGHTS[weights]} bits, word table of {table_bits} bits; ranges of "
        f"{counted(min(count, _MOST_EXAMPLES), 'training example')}"
    ]
