"""Turns a block of documents into tokenized examples, in a file that is sorted by shard."""

import dataclasses
import functools
import os
import random

import numpy as np

from keras_bert.pretraining.corpus import read_documents
from keras_bert.pretraining.manifest import VOCABULARY
from keras_bert.pretraining.pairs import SPECIAL_TOKENS, make_examples
from keras_bert.pretraining.tokens import segmenter_named, tokenize
from keras_bert.text.tokenizer import WordPieceTokenizer, load_vocabulary

# The arrays of a shard's section of a spill file, in their order.
SPILLED = ("keys", "lengths", "first_lengths", "labels", "token_ids", "word_starts")


@dataclasses.dataclass(frozen=True)
class Settings:
    """What `prepare` makes; see `PrepareSettings` for the meaning of each value.

    Args:
        folder: the records folder that is being made; it holds vocab.txt.
        work: the folder of temporary files.
        length, pair, packed, whole_word, static_masking, seed, dupe_factor: as in the manifest.
        tokenizer: dict, the tokenizer's switches.
        short_probability: float.
        masking_rate: float, for static masking.
        segmenter: name of the word segmenter, or None; see `segmenter_named`.
        max_document_characters: int.
        block_bytes: int, the size of the text that is processed as one block.
    """

    folder: str
    work: str
    length: int
    pair: str
    packed: bool
    whole_word: bool
    static_masking: bool
    seed: int
    dupe_factor: int
    tokenizer: dict
    short_probability: float
    masking_rate: float
    segmenter: str | None
    max_document_characters: int
    block_bytes: int


@functools.lru_cache(maxsize=2)
def tokenizer_of(folder, switches):
    """Returns the tokenizer of a records folder; it is made once in each process.

    Args:
        folder: holds vocab.txt.
        switches: tuple of (name, value).
    """
    return WordPieceTokenizer(load_vocabulary(os.path.join(folder, VOCABULARY)), **dict(switches))


def spill_path(work, block):
    """Returns the path of the file with a block's examples."""
    return os.path.join(work, f"block-{block:06d}")


def work_on_block(block, pieces, shards, settings):
    """Reads a block of documents and spills its examples.

    Args:
        block: int, its number.
        pieces: list of Piece.
        shards: int, the number of shards.
        settings: Settings.

    Returns:
        dict of counts: documents, sentences, left_out.
    """
    tokenizer = tokenizer_of(settings.folder, tuple(settings.tokenizer.items()))
    room = settings.length - SPECIAL_TOKENS[settings.pair]
    texts = (text for piece in pieces for _, text in read_documents(piece))
    tokens = tokenize(texts, tokenizer, room, segmenter_named(settings.segmenter))
    made, keys, left_out = [], [], 0
    for copy in range(settings.dupe_factor):
        rng = random.Random(f"{settings.seed} {copy} {block}")
        examples, alone = make_examples(
            tokens.documents,
            tokens.word_starts,
            settings.pair,
            settings.length,
            settings.short_probability,
            rng,
        )
        made += examples
        keys += (rng.getrandbits(64) for _ in examples)
        left_out += alone
    specials = tokenizer.cls_id, tokenizer.sep_id
    path = spill_path(settings.work, block)
    _spill(path, tokens, made, keys, shards, specials, settings.pair != "none")
    return {
        "documents": len(tokens.documents),
        "sentences": tokens.sentences,
        "left_out": left_out,
    }


def _spill(path, tokens, examples, keys, shards, specials, paired):
    """Writes (shards + 1) offsets, then the section of each shard."""
    keys = np.array(keys, np.uint64)
    shard_of = (keys % np.uint64(shards)).astype(np.int64)
    order = np.argsort(shard_of, kind="stable")
    ends = np.searchsorted(shard_of[order], np.arange(shards), side="right")
    offsets, first = [8 * (shards + 1)], 0
    temporary = f"{path}.part"
    with open(temporary, "wb") as file:
        file.seek(offsets[0])
        for end in ends:
            chosen = order[first:end]
            if len(chosen):
                section = _section(tokens, [examples[i] for i in chosen], specials, paired)
                for array in (keys[chosen], *section):
                    np.save(file, array)
            offsets.append(file.tell())
            first = end
        file.seek(0)
        file.write(np.array(offsets, "<i8").tobytes())
    os.replace(temporary, path)


def _section(tokens, examples, specials, paired):
    """Returns the arrays of `SPILLED` except the keys."""
    cls_id, sep_id = specials
    first_lengths = np.array([a_end - a_start + 2 for a_start, a_end, _, _, _ in examples])
    second_lengths = np.array([b_end - b_start + 1 for _, _, b_start, b_end, _ in examples])
    lengths = first_lengths + second_lengths if paired else first_lengths
    ids = np.empty(lengths.sum(), np.int32)
    starts = np.ones(len(ids), bool)
    position = 0
    for a_start, a_end, b_start, b_end, _ in examples:
        ids[position] = cls_id
        for start, end in ((a_start, a_end), (b_start, b_end))[: 2 if paired else 1]:
            begin, position = position + 1, position + 1 + end - start
            ids[begin:position] = tokens.token_ids[start:end]
            starts[begin:position] = tokens.word_starts[start:end]
            starts[begin] = True  # even if it is the rest of a word that was cut
            ids[position] = sep_id
        position += 1
    labels = np.array([label for *_, label in examples], np.int8)
    small = np.uint16 if ids.max() < 2**16 else np.int32
    return (
        lengths.astype(np.int32),
        first_lengths.astype(np.int32),
        labels,
        ids.astype(small),
        np.packbits(starts),
    )
