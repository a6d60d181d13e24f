"""Makes one shard of records, shuffled and packed, from the examples of all blocks."""

import dataclasses
import os

import numpy as np

from keras_bert.pretraining.blocks import SPILLED, spill_path, tokenizer_of
from keras_bert.pretraining.packing import pack
from keras_bert.pretraining.records import Shard, shard_name, write_shard

_ROWS_AT_ONCE = 256


def work_on_shard(index, shards, blocks, settings):
    """Gathers the examples of a shard, puts them in a random order and writes them.

    Args:
        index: int, which shard.
        shards: int, the number of shards.
        blocks: int, the number of blocks.
        settings: Settings.

    Returns:
        dict: the shard's entry in the manifest, and `label_counts`, the numbers of pairs with the
        labels 0 and 1.
    """
    examples = _gather(index, blocks, settings.work)
    order = np.argsort(examples["keys"], kind="stable")
    lengths = examples["lengths"][order]
    if settings.packed:
        rows = pack(lengths.tolist(), settings.length)
        order = order[np.array([example for row in rows for example in row], np.int64)]
        lengths = examples["lengths"][order]
        examples_of_row = np.array([len(row) for row in rows], np.int64)
    else:
        examples_of_row = np.ones(len(order), np.int64)
    shard = _assemble(examples, order, lengths, examples_of_row, settings.pair != "none")
    if settings.static_masking:
        shard = _masked(shard, index, settings)
    path = os.path.join(settings.folder, shard_name(index, shards))
    temporary = os.path.join(settings.work, os.path.basename(path))
    entry = write_shard(temporary, shard)
    os.replace(temporary, path)
    counts = np.bincount(shard.pair_labels, minlength=2).tolist()
    return {**entry, "label_counts": counts}


def _gather(index, blocks, work):
    """Reads the shard's section of each block's spill file: name -> array."""
    parts = {name: [] for name in SPILLED}
    for block in range(blocks):
        with open(spill_path(work, block), "rb") as file:
            file.seek(8 * index)
            start, end = np.frombuffer(file.read(16), "<i8")
            if start == end:
                continue
            file.seek(start)
            section = {name: np.load(file) for name in SPILLED}
            tokens = len(section["token_ids"])
            section["word_starts"] = np.unpackbits(section["word_starts"], count=tokens)
            for name in SPILLED:
                parts[name].append(section[name])
    # token_ids stay uint16 if they are so in all sections.
    kinds = dict(zip(SPILLED, (np.uint64, np.int32, np.int32, np.int8, np.uint16, np.uint8)))
    return {name: np.concatenate([np.zeros(0, kinds[name]), *parts.pop(name)]) for name in SPILLED}


def _assemble(examples, order, lengths, examples_of_row, paired):
    """Returns the Shard with the examples in the given order."""
    starts = _starts(lengths)
    # int32 and in place: no other arrays of the program are as large.
    within = np.arange(starts[-1], dtype=np.int32)
    within -= np.repeat(starts[:-1].astype(np.int32), lengths)
    # For each token of the shard, its position in the gathered arrays.
    source = np.repeat(_starts(examples["lengths"])[:-1][order].astype(np.int32), lengths)
    source += within
    first_lengths = examples["first_lengths"][order]
    example_starts = _starts(examples_of_row)
    return Shard(
        token_ids=examples["token_ids"][source].astype(np.int32),
        segment_ids=(within >= np.repeat(first_lengths, lengths)).astype(np.int8),
        word_starts=examples["word_starts"][source].view(bool),
        row_starts=starts[example_starts],
        example_lengths=lengths.astype(np.int32),
        example_starts=example_starts,
        pair_labels=examples["labels"][order] if paired else np.zeros(0, np.int8),
    )


def _starts(lengths):
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths, dtype=np.int64)])


def _masked(shard, index, settings):
    """Returns the Shard with static masks."""
    from keras_bert.pretraining.masking import Masking, MaskingVocabulary, mask_batch

    masking = Masking(rate=settings.masking_rate, whole_word=settings.whole_word)
    tokenizer = tokenizer_of(settings.folder, tuple(settings.tokenizer.items()))
    specials = tokenizer.pad_id, tokenizer.unk_id, tokenizer.cls_id, tokenizer.sep_id
    vocabulary = MaskingVocabulary(tokenizer.vocabulary_size, tokenizer.mask_id, specials)
    generator = np.random.Generator(np.random.PCG64([settings.seed, index]))
    token_ids = shard.token_ids.copy()
    positions, true_ids, counts = [], [], []
    for first in range(0, shard.rows, _ROWS_AT_ONCE):
        last = min(first + _ROWS_AT_ONCE, shard.rows)
        padded = _padded(shard, first, last, settings.length, tokenizer.pad_id)
        ids, example_of, starts, present = padded
        answer = mask_batch(
            ids,
            example_of,
            starts,
            masking,
            vocabulary,
            masking.max_predictions(settings.length),
            generator,
        )
        token_ids[shard.row_starts[first] : shard.row_starts[last]] = answer["token_ids"][present]
        real = answer["masked_weights"] > 0
        positions.append(answer["masked_positions"][real])
        true_ids.append(answer["masked_token_ids"][real])
        counts.append(real.sum(1))
    return dataclasses.replace(
        shard,
        token_ids=token_ids,
        masked_positions=np.concatenate([np.zeros(0, np.int32), *positions]),
        masked_token_ids=np.concatenate([np.zeros(0, np.int32), *true_ids]),
        masked_starts=_starts(np.concatenate([np.zeros(0, np.int64), *counts])),
    )


def _padded(shard, first, last, length, pad_id):
    """Returns token_ids, example numbers, word_starts (rows, length) and where there are tokens."""
    begin, end = shard.row_starts[first], shard.row_starts[last]
    sizes = np.diff(shard.row_starts[first : last + 1])
    present = np.arange(length) < sizes[:, None]
    part = slice(shard.example_starts[first], shard.example_starts[last])
    per_row = np.diff(shard.example_starts[first : last + 1])
    number = np.arange(per_row.sum()) - np.repeat(_starts(per_row)[:-1], per_row) + 1
    ids = np.full((last - first, length), pad_id, np.int32)
    example_of = np.zeros((last - first, length), np.int32)
    starts = np.ones((last - first, length), bool)
    ids[present] = shard.token_ids[begin:end]
    example_of[present] = np.repeat(number, shard.example_lengths[part])
    starts[present] = shard.word_starts[begin:end]
    return ids, example_of, starts, present
