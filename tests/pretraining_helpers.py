"""Small records folders and configs for the tests of pretraining."""

import json
import os

import numpy as np

from keras_bert.pretraining.records import (
    RecordsManifest,
    Shard,
    shard_name,
    vocabulary_sha256,
    write_manifest,
    write_shard,
    write_vocabulary,
)

WORDS = 55
VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(f"w{i}" for i in range(WORDS))]
PAD, CLS, SEP, MASK = 0, 2, 3, 4
SIZES = {
    "vocab_size": len(VOCABULARY),
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "max_position_embeddings": 32,
}


def write_config(path, **changes):
    """Writes a bert_config.json of a tiny model."""
    path.write_text(json.dumps({**SIZES, **changes}), encoding="utf-8")
    return path


def make_example(generator, longest, pair="nsp"):
    """Returns (token_ids, segment_ids, pair label): one word over and over, easy to learn.

    In a random second segment it is another word.
    """
    size = int(generator.integers(7, longest + 1))
    words = np.full(size, 5 + generator.integers(WORDS))
    words[0], words[-1] = CLS, SEP
    segments = np.zeros(size, int)
    if pair == "none":
        return words, segments, 0
    cut = int(generator.integers(3, size - 2))
    words[cut] = SEP
    segments[cut + 1 :] = 1
    label = int(generator.integers(2))
    if label:
        words[cut + 1 : -1] = 5 + generator.integers(WORDS)
    return words, segments, label


def make_shard(generator, rows, length=24, pair="nsp", packed=False):
    """Returns a `Shard` of random rows; packed ones have two or three examples each."""
    tokens, segments, labels, example_lengths, row_sizes, row_examples = [], [], [], [], [], []
    for _ in range(rows):
        count = int(generator.integers(2, 4)) if packed else 1
        of_row = [make_example(generator, length // count, pair) for _ in range(count)]
        tokens += [example[0] for example in of_row]
        segments += [example[1] for example in of_row]
        labels += [example[2] for example in of_row]
        example_lengths += [len(example[0]) for example in of_row]
        row_sizes.append(sum(len(example[0]) for example in of_row))
        row_examples.append(count)
    return Shard(
        token_ids=np.concatenate(tokens).astype("int32"),
        segment_ids=np.concatenate(segments).astype("int8"),
        word_starts=np.ones(sum(row_sizes), bool),
        row_starts=np.concatenate([[0], np.cumsum(row_sizes)]).astype("int64"),
        example_lengths=np.array(example_lengths, "int32"),
        example_starts=np.concatenate([[0], np.cumsum(row_examples)]).astype("int64"),
        pair_labels=np.array([] if pair == "none" else labels, "int8"),
    )


def make_records(folder, rows=(40, 30, 23), pair="nsp", packed=False, length=24, seed=5):
    """Writes a records folder with one shard for each number in `rows`."""
    folder = os.fspath(folder)
    os.makedirs(folder)
    generator = np.random.default_rng(seed)
    shards = tuple(
        write_shard(
            os.path.join(folder, shard_name(index, len(rows))),
            make_shard(generator, count, length, pair, packed),
        )
        for index, count in enumerate(rows)
    )
    write_vocabulary(folder, VOCABULARY)
    write_manifest(
        folder,
        RecordsManifest(
            length=length,
            pair=pair,
            packed=packed,
            whole_word=False,
            static_masking=False,
            seed=seed,
            dupe_factor=1,
            tokenizer={
                "lower_case": True,
                "strip_accents": True,
                "tokenize_chinese_chars": True,
                "max_chars_per_word": 200,
            },
            vocabulary_size=len(VOCABULARY),
            vocabulary_sha256=vocabulary_sha256(VOCABULARY),
            max_predictions=None,
            shards=shards,
            counts={},
        ),
    )
    return folder
