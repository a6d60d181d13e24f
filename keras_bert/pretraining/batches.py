"""Batches of records, masked anew at every step, where a batch is a function of (seed, step).

Any step can be made without the steps before it. So a killed run continues exactly where it
stopped, and every worker makes the same batches.
"""

import collections
import threading

import numpy as np

from keras_bert.errors import InputError
from keras_bert.pretraining.masking import Masking, MaskingVocabulary, mask_batch
from keras_bert.pretraining.records import read_manifest, read_shard, read_vocabulary

SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
# Keeps the masks' generators apart from those of the order: (seed, epoch), (seed, epoch, shard).
_MASKS = 2**32
# The shard that is being read, and the next one: a batch at the border has rows of both.
_SHARDS_IN_MEMORY = 2
# The fewest tokens of a pair: [CLS] a [SEP] b [SEP].
_SHORTEST_PAIR = 5

_Loaded = collections.namedtuple("_Loaded", "shard example_numbers example_firsts")


class PretrainingBatches:
    """The batches of a run, from a folder that `keras-bert prepare` wrote.

    Every epoch has a new order of the shards, and of the rows in each shard. Batches cross the
    borders of shards and epochs, so each has exactly `batch_size` rows.

    Args:
        folder: the records folder.
        batch_size: number of rows in a batch.
        seed: int; order and masks are functions of it.
        masking: `Masking`, or None for 15 % as the records were prepared.
        shuffle: whether to shuffle shards and rows; otherwise the order is that of the files.
        pair: "none" to ignore the records' pair labels; None keeps them.

    Attributes:
        has_one_shape: whether all batches have one shape, for a backend that compiles a program
            for each; otherwise packed rows have as many `pair_positions` as the batch needs.

    Raises:
        InputError: the folder is broken or empty, or the masking does not fit its records.
    """

    def __init__(self, folder, batch_size, seed=0, masking=None, shuffle=True, pair=None):
        self.folder = folder
        self.batch_size = batch_size
        self.seed = seed
        self.shuffle = shuffle
        self.manifest = read_manifest(folder)
        self.pair = self.manifest.pair if pair is None else pair
        if self.pair not in ("none", self.manifest.pair):
            raise InputError(
                f"{folder}: has no {self.pair} labels: its records have {self.manifest.pair}"
            )
        self.masking = masking or Masking(whole_word=self.manifest.whole_word)
        self.vocabulary = read_vocabulary(folder, self.manifest)
        self.rows = sum(shard["rows"] for shard in self.manifest.shards)
        if not self.rows:
            raise InputError(f"{folder}: holds no records")
        if self.manifest.static_masking:
            if self.masking.left_to_right:
                raise InputError(f"{folder}: static masks do not work with left-to-right training")
            self.max_predictions = self.manifest.max_predictions
        else:
            self.max_predictions = self.masking.max_predictions(self.manifest.length)
        ids = {token: index for index, token in enumerate(self.vocabulary)}
        missing = [token for token in SPECIAL_TOKENS if token not in ids]
        if missing:
            raise InputError(f"{folder}: the vocabulary has no {', '.join(missing)}")
        self.pad_id = ids["[PAD]"]
        self._tokens = MaskingVocabulary(
            len(ids), ids["[MASK]"], tuple(ids[token] for token in SPECIAL_TOKENS)
        )
        self.has_one_shape = False
        self._lock = threading.RLock()  # of what is kept for reuse
        self._loaded = collections.OrderedDict()
        self._orders = collections.OrderedDict()

    def __getitem__(self, step):
        """Returns batch number `step`, counted from the start of the run.

        Returns:
            A tuple (inputs, targets, weights) of dicts as `BertPretrainer` takes them; the
            weights of each head sum to 1.
        """
        start = step * self.batch_size
        parts = [
            self._read(shard, rows) for shard, rows in self._places(start, start + self.batch_size)
        ]
        width = max(part["pair_positions"].shape[1] for part in parts)
        if self.has_one_shape and self.manifest.packed:
            most = max(self.manifest.length // _SHORTEST_PAIR, 1)
            width = -(-width // most) * most
        for part in parts:
            for name in ("pair_positions", "pair_labels", "pair_weights"):
                part[name] = np.pad(part[name], ((0, 0), (0, width - part[name].shape[1])))
        rows = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        if not self.manifest.static_masking:
            rows |= mask_batch(
                rows["token_ids"],
                rows["padding_mask"],
                rows["word_starts"],
                self.masking,
                self._tokens,
                self.max_predictions,
                np.random.default_rng([self.seed, _MASKS, step]),
            )
        inputs = ["token_ids", "segment_ids", "padding_mask", "masked_positions"]
        targets = {"masked_lm": rows["masked_token_ids"]}
        weights = {"masked_lm": _normalized(rows["masked_weights"])}
        if self.pair != "none":
            targets["pair"] = rows["pair_labels"]
            weights["pair"] = _normalized(rows["pair_weights"])
            if self.manifest.packed:
                inputs.append("pair_positions")
        return {name: rows[name] for name in inputs}, targets, weights

    def counts(self, step):
        """Returns the numbers of tokens (without padding) and examples in batch number `step`."""
        start = step * self.batch_size
        tokens = examples = 0
        for shard_index, rows in self._places(start, start + self.batch_size):
            shard = self._load(shard_index).shard
            tokens += int((shard.row_starts[rows + 1] - shard.row_starts[rows]).sum())
            examples += int((shard.example_starts[rows + 1] - shard.example_starts[rows]).sum())
        return tokens, examples

    def _places(self, start, end):
        """Yields (shard, row numbers in it) for the rows start to end - 1 of the endless stream."""
        while start < end:
            epoch, position = divmod(start, self.rows)
            shards, ends = self._order(epoch)
            index = int(np.searchsorted(ends, position, side="right"))
            shard = shards[index]
            size = self.manifest.shards[shard]["rows"]
            first = position - (ends[index] - size)
            count = min(end - start, size - first)
            # Before an order of as many rows as the manifest claims is made.
            self._load(shard)
            yield shard, self._row_order(epoch, shard, size)[first : first + count]
            start += count

    def _order(self, epoch):
        """Returns the shards of an epoch in their order, and the row at which each of them ends."""
        shards = self._permutation(len(self.manifest.shards), epoch)
        return shards, np.cumsum([self.manifest.shards[shard]["rows"] for shard in shards])

    def _row_order(self, epoch, shard, size):
        return self._permutation(size, epoch, int(shard))

    def _permutation(self, size, *key):
        """Returns the order that belongs to a key; the last few are kept for reuse."""
        with self._lock:
            if key not in self._orders:
                while len(self._orders) >= 2 * _SHARDS_IN_MEMORY:
                    self._orders.popitem(last=False)
                order = np.arange(size)
                if self.shuffle:
                    order = np.random.default_rng([self.seed, *key]).permutation(size)
                self._orders[key] = order
            self._orders.move_to_end(key)
            return self._orders[key]

    def _load(self, index):
        with self._lock:
            if index not in self._loaded:
                while len(self._loaded) >= _SHARDS_IN_MEMORY:
                    self._loaded.popitem(last=False)
                self._loaded[index] = self._read_shard(index)
            self._loaded.move_to_end(index)
            return self._loaded[index]

    def _read_shard(self, index):
        shard = read_shard(self.folder, self.manifest, index)
        of_row = np.diff(shard.example_starts)
        number = np.arange(len(shard.example_lengths)) + 1
        number -= np.repeat(shard.example_starts[:-1], of_row)
        ends = np.cumsum(shard.example_lengths)
        firsts = ends - shard.example_lengths - np.repeat(shard.row_starts[:-1], of_row)
        return _Loaded(shard, np.repeat(number, shard.example_lengths).astype("int16"), firsts)

    def _read(self, shard_index, rows):
        """Returns the rows of a shard as padded arrays."""
        shard, example_numbers, example_firsts = self._load(shard_index)
        index, valid = _grid(shard.row_starts, rows, self.manifest.length)
        pair_index, pair_valid = _grid(shard.example_starts, rows)
        labels = np.zeros(pair_index.shape, "int32")
        if self.manifest.pair != "none":
            labels = np.where(pair_valid, shard.pair_labels[pair_index], 0).astype("int32")
        part = {
            "token_ids": np.where(valid, shard.token_ids[index], self.pad_id).astype("int32"),
            "segment_ids": np.where(valid, shard.segment_ids[index], 0).astype("int32"),
            "padding_mask": np.where(valid, example_numbers[index], 0).astype("int32"),
            "word_starts": np.where(valid, shard.word_starts[index], True),
            "pair_positions": np.where(pair_valid, example_firsts[pair_index], 0).astype("int32"),
            "pair_labels": labels,
            "pair_weights": pair_valid.astype("float32"),
        }
        if self.manifest.static_masking:
            index, valid = _grid(shard.masked_starts, rows, self.max_predictions)
            for name in ("masked_positions", "masked_token_ids"):
                part[name] = np.where(valid, getattr(shard, name)[index], 0).astype("int32")
            part["masked_weights"] = valid.astype("float32")
        return part


def _grid(starts, rows, width=None):
    """Returns the positions of the items of some rows, int64 (rows, width), and which are valid."""
    lengths = starts[rows + 1] - starts[rows]
    if width is None:
        width = int(lengths.max())
    columns = np.arange(width)
    valid = columns < lengths[:, None]
    return np.where(valid, starts[rows][:, None] + columns, 0), valid


def _normalized(weights):
    return (weights / max(weights.sum(), 1.0)).astype("float32")
