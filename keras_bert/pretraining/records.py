"""The rows of one shard of records: written by `prepare`, read by `pretrain`."""

import dataclasses
import os

import numpy as np

from keras_bert.errors import InputError
from keras_bert.pretraining import tfrecord
from keras_bert.pretraining.example_lists import NotOurs, int64_lists
from keras_bert.pretraining.manifest import (
    RecordsManifest,
    is_records_folder,
    read_manifest,
    read_vocabulary,
    shard_name,
    vocabulary_sha256,
    write_manifest,
    write_vocabulary,
)

__all__ = [
    "RecordsManifest",
    "Shard",
    "is_records_folder",
    "read_manifest",
    "read_shard",
    "read_vocabulary",
    "shard_name",
    "vocabulary_sha256",
    "write_manifest",
    "write_shard",
    "write_vocabulary",
]

_ROWS_AT_ONCE = 1024
# Of each token six lists have a number, of at most 11 bytes; the names take less than a kilobyte.
_RECORD_BYTES, _RECORD_REST = 66, 4096
_LISTS = ("token_ids", "segment_ids", "word_starts", "example_lengths", "pair_labels")
_MASKED_LISTS = ("masked_positions", "masked_token_ids")


@dataclasses.dataclass(frozen=True)
class Shard:
    """All rows' tokens in one array; row r is `[row_starts[r] : row_starts[r + 1]]`.

    Args:
        token_ids: int32 (tokens,).
        segment_ids: int8 (tokens,), 0 for [CLS] a [SEP], 1 for b [SEP].
        word_starts: bool (tokens,), whether the token begins a word.
        row_starts: int64 (rows + 1,).
        example_lengths: int32 (examples,), the tokens of each example.
        example_starts: int64 (rows + 1,), row r has the examples [r] up to, not with, [r + 1].
        pair_labels: int8 (examples,), or (0,) where examples are not pairs.
        masked_positions: int32 (masked,), places in the row; None without static masking.
        masked_token_ids: int32 (masked,), the true tokens there; None without static masking.
        masked_starts: int64 (rows + 1,); None without static masking.
    """

    token_ids: np.ndarray
    segment_ids: np.ndarray
    word_starts: np.ndarray
    row_starts: np.ndarray
    example_lengths: np.ndarray
    example_starts: np.ndarray
    pair_labels: np.ndarray
    masked_positions: np.ndarray | None = None
    masked_token_ids: np.ndarray | None = None
    masked_starts: np.ndarray | None = None

    @property
    def rows(self):
        """The number of rows."""
        return len(self.row_starts) - 1


def write_shard(path, shard):
    """Writes a shard as a TFRecord file; equal shards give equal bytes.

    Args:
        path: the file.
        shard: Shard.

    Returns:
        dict with `file`, `rows`, `examples`, `tokens` and `bytes`, as the manifest lists it.
    """
    columns = {
        "token_ids": (shard.token_ids, shard.row_starts),
        "segment_ids": (shard.segment_ids, shard.row_starts),
        "word_starts": (shard.word_starts, shard.row_starts),
        "example_lengths": (shard.example_lengths, shard.example_starts),
    }
    labelled = len(shard.pair_labels) > 0
    label_starts = shard.example_starts if labelled else np.zeros_like(shard.row_starts)
    columns["pair_labels"] = (shard.pair_labels, label_starts)
    if shard.masked_starts is not None:
        columns["masked_positions"] = (shard.masked_positions, shard.masked_starts)
        columns["masked_token_ids"] = (shard.masked_token_ids, shard.masked_starts)
    with open(path, "wb") as file:
        for first in range(0, shard.rows, _ROWS_AT_ONCE):
            part = {}
            for name, (values, starts) in columns.items():
                starts = starts[first : first + _ROWS_AT_ONCE + 1]
                part[name] = (values[starts[0] : starts[-1]], starts - starts[0])
            file.write(tfrecord.frame_records(tfrecord.encode_examples(part)))
    return {
        "file": os.path.basename(path),
        "rows": shard.rows,
        "examples": len(shard.example_lengths),
        "tokens": len(shard.token_ids),
        "bytes": os.path.getsize(path),
    }


def read_shard(folder, manifest, index):
    """Reads a shard and checks each of its records.

    Args:
        folder: the records folder.
        manifest: its RecordsManifest.
        index: int, which shard.

    Returns:
        Shard.

    Raises:
        InputError: the file is broken, or a record contradicts itself or the manifest; the
            message names the file and the number of the record, from 1.
    """
    path = os.path.join(folder, manifest.shards[index]["file"])
    lists = _read_lists(path, manifest)
    _check_lists(lists, manifest, path)
    if (rows := len(lists["token_ids"][1]) - 1) != manifest.shards[index]["rows"]:
        raise InputError(
            f"{path}: {rows} records where the manifest states {manifest.shards[index]['rows']}: "
            f"run prepare again"
        )
    masked = {}
    if manifest.static_masking:
        masked = {name: lists[name][0].astype(np.int32) for name in _MASKED_LISTS}
        masked["masked_starts"] = lists["masked_positions"][1]
    return Shard(
        token_ids=lists["token_ids"][0].astype(np.int32),
        segment_ids=lists["segment_ids"][0].astype(np.int8),
        word_starts=lists["word_starts"][0].astype(bool),
        row_starts=lists["token_ids"][1],
        example_lengths=lists["example_lengths"][0].astype(np.int32),
        example_starts=lists["example_lengths"][1],
        pair_labels=lists["pair_labels"][0].astype(np.int8),
        **masked,
    )


def _read_lists(path, manifest):
    """Returns name -> (values, starts) of all records of a file, int64."""
    names = _LISTS + (_MASKED_LISTS if manifest.static_masking else ())
    values = {name: [np.zeros(0, np.int64)] for name in names}
    sizes = {name: [np.zeros(1, np.int64)] for name in names}
    done = 0
    try:
        for records in tfrecord.read_records(path, _RECORD_BYTES * manifest.length + _RECORD_REST):
            for name, (found, counts) in int64_lists(records, names).items():
                values[name].append(found)
                sizes[name].append(counts)
            done += len(records)
    except (tfrecord.Damaged, NotOurs) as error:
        damaged = isinstance(error, tfrecord.Damaged)
        what = f"is damaged ({error})" if damaged else "is not one of ours"
        raise InputError(f"{path}: a record from {done + 1} on {what}: run prepare again") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    return {
        name: (np.concatenate(values[name]), np.cumsum(np.concatenate(sizes[name])))
        for name in names
    }


def _check_lists(lists, manifest, path):
    """Raises InputError for the first record that does not fit the manifest."""
    lengths = {name: np.diff(starts) for name, (_, starts) in lists.items()}
    tokens, examples = lengths["token_ids"], lengths["example_lengths"]

    def expect(good, what):
        if not good.all():
            raise InputError(
                f"{path}: record {int(np.argmin(good)) + 1}: {what}: run prepare again"
            )

    def expect_within(name, low, end):
        values, starts = lists[name]
        bad = np.concatenate([[0], np.cumsum((values < low) | (values >= end))])
        expect(bad[starts[1:]] == bad[starts[:-1]], f"{name} not from {low} to {end - 1}")

    expect((tokens >= 1) & (tokens <= manifest.length), f"not 1 to {manifest.length} token_ids")
    for name in ("segment_ids", "word_starts"):
        expect(lengths[name] == tokens, f"as many {name} as token_ids expected")
        expect_within(name, 0, 2)
    expect_within("token_ids", 0, manifest.vocabulary_size)
    expect(examples >= 1 if manifest.packed else examples == 1, "wrong number of example_lengths")
    expect_within("example_lengths", 1, manifest.length + 1)
    sums = np.concatenate([[0], np.cumsum(lists["example_lengths"][0])])
    starts = lists["example_lengths"][1]
    expect(
        sums[starts[1:]] - sums[starts[:-1]] == tokens, "example_lengths do not sum to its tokens"
    )
    labels = examples if manifest.pair != "none" else 0 * examples
    expect(lengths["pair_labels"] == labels, "wrong number of pair_labels")
    expect_within("pair_labels", 0, 2)
    if manifest.static_masking:
        masked = lengths["masked_positions"]
        expect(masked == lengths["masked_token_ids"], "masked lists of different lengths")
        expect(masked <= manifest.max_predictions, f"over {manifest.max_predictions} masked tokens")
        expect_within("masked_token_ids", 0, manifest.vocabulary_size)
        expect_within("masked_positions", 0, manifest.length)
        positions, starts = lists["masked_positions"]
        past = positions >= np.repeat(tokens, masked)
        bad = np.concatenate([[0], np.cumsum(past)])
        expect(bad[starts[1:]] == bad[starts[:-1]], "masked_positions past the record's end")
