"""What the teachers answer for all rows: computed once, kept beside the state of the run.

A run that goes on reads it back and checks that it is of the same weights and the same rows, so it
learns from the same bits; a file that is damaged or gone is made again.
"""

import hashlib
import os

import numpy as np

from keras_bert.errors import InputError, name_of
from keras_bert.files import replacing_file
from keras_bert.guesses import counted
from keras_bert.tasks.task import Rows
from keras_bert.training import checkpoint_files
from keras_bert.training.checkpoints import TEACHER_NAME
from keras_bert.training.devices import writes_files
from keras_bert.training.taught_targets import TaughtTargets
from keras_bert.training.teachers import digest_of, mean_logits, reads_alike, rows_of

# Above that numbers have 16 bits, on disk and in memory.
_MOST_BYTES_OF_FLOAT32 = 2**28


def taught_targets(
    teachers, parts, targets, config, tokenizer, folder=None, resume=False, strategy=None, say=print
):
    """Returns the `TaughtTargets` of rows.

    Args:
        teachers: `Teachers`.
        parts: list of tuples: examples of the task; their `Rows` for the network in training; the
            share of their labels in the loss.
        targets: the labels of the rows of all parts; see `TrainingBatches`.
        config, tokenizer: those of the network in training.
        folder: where the run keeps its state, or None.
        resume: whether the run goes on.
        strategy: what `several_devices` returned.
        say: function that takes a line for the user.

    Raises:
        InputError: what is kept is of other teachers or other rows, or cannot be written.
    """
    shares = [np.full(len(rows) // rows.group, share) for _, rows, share in parts]
    own = joined([rows for _, rows, _ in parts])
    rows = [
        own
        if reads_alike(model, tokenizer)
        else joined([rows_of(model, examples) for examples, _, _ in parts])
        for model in teachers.models
    ]
    expected = _expected(own, config, teachers.models[0].task)
    fingerprint = _fingerprint(teachers, [own, *rows], config)
    path = folder and os.path.join(folder, TEACHER_NAME)
    logits = _read(path, fingerprint, expected, say) if path and resume else None
    if logits is None:
        logits = _computed(teachers, rows, config, expected, fingerprint, say)
        if path and writes_files(strategy):
            _write(path, fingerprint, logits)
    sizes = None
    if isinstance(targets, dict | list):
        sizes = [len(row.token_ids) for row in own.encodings]
    return TaughtTargets(targets, logits, np.concatenate(shares), sizes)


def joined(rows):
    """Returns several `Rows` as one, of encodings alone."""
    encodings = [encoding for each in rows for encoding in each.encodings]
    return Rows(encodings, np.arange(len(encodings)), group=rows[0].group)


def _computed(teachers, rows, config, expected, fingerprint, say):
    if fingerprint not in teachers.known:
        who = " and ".join(teachers.names)
        say(f"{who}: answers {counted(len(rows[0]), 'row')} once, to be learned from")
        found = mean_logits(teachers.models, rows, config)
        # Of several seeds the next has the same rows.
        teachers.known.clear()
        teachers.known[fingerprint] = {
            name: values.astype(expected[name].dtype) for name, values in found.items()
        }
    return teachers.known[fingerprint]


def _expected(rows, config, task):
    """Returns arrays of the shapes and types of the logits; they take no memory."""
    tokens = sum(len(row.token_ids) for row in rows.encodings)
    shape = task.output_shape(config, len(rows), 1)
    if task.per_token:
        shape = (tokens, *shape[2:])
    elif rows.group > 1:
        shape = (len(rows) // rows.group, rows.group)
    names = list(task.outputs) if len(task.outputs) > 1 else ["logits"]
    size = 4 * len(names) * int(np.prod(shape))
    dtype = "float32" if size <= _MOST_BYTES_OF_FLOAT32 else "float16"
    return {name: np.broadcast_to(np.zeros((), dtype), shape) for name in names}


def _fingerprint(teachers, rows, config):
    """Returns a text that names weights and rows, and the unit of numbers."""
    digest = hashlib.sha256(repr([digest_of(model) for model in teachers.models]).encode())
    digest.update(repr(config.settings if config.task == "regression" else {}).encode())
    for each in rows:
        for row in each.encodings:
            for ids in (row.token_ids, row.segment_ids):
                ids = np.asarray(ids, "int32")
                digest.update(len(ids).to_bytes(4, "little"))
                digest.update(ids.tobytes())
    return digest.hexdigest()


def _write(path, fingerprint, logits):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with replacing_file(path) as temporary, open(temporary, "r+b") as file:
        checkpoint_files.write(file, {"fingerprint": fingerprint, "step": 0}, logits, {})


def _read(path, fingerprint, expected, say):
    """Returns the logits that are kept; None where there are none, or they are damaged."""
    if not os.path.exists(path):
        return None
    try:
        return checkpoint_files.read(path, fingerprint, expected)[1]
    except checkpoint_files.OfAnotherRun:
        raise InputError(
            f"{path}: is of another teacher, or of other rows: repeat the command that began the "
            f"run, or drop {name_of('resume')} to start anew"
        ) from None
    except (OSError, ValueError) as error:
        say(f"{path}: is damaged ({' '.join(str(error).split())[:300]}): made again")
        return None
