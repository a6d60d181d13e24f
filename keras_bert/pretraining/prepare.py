"""Makes a records folder from a corpus: checks, then the pipeline, then the manifest."""

import importlib
import os
import shutil

from keras_bert.config import PAIR_LABELS
from keras_bert.errors import InputError
from keras_bert.files import check_replaceable, replacing_folder
from keras_bert.globs import find_files
from keras_bert.locking import locked
from keras_bert.pretraining.blocks import Settings
from keras_bert.pretraining.manifest import (
    RecordsManifest,
    is_records_folder,
    vocabulary_sha256,
    write_manifest,
    write_vocabulary,
)
from keras_bert.pretraining.pipeline import run_pipeline
from keras_bert.pretraining.prepare_settings import PrepareSettings
from keras_bert.pretraining.progress import BlockProgress
from keras_bert.text.tokenizer import WordPieceTokenizer, guess_lower_case, load_vocabulary

_GZIP_RATIO = 4  # about, for text


def prepare(block_bytes=4 * 2**20, **settings):
    """Makes a records folder; it is written completely or not at all.

    Args:
        block_bytes: int, the size of the text that is processed as one block.
        **settings: of `PrepareSettings`: `corpus`, `vocab`, `output`, `length`, ….

    Returns:
        RecordsManifest.

    Raises:
        InputError: the corpus or the vocabulary is broken, or the folder cannot be written.
    """
    asked = PrepareSettings(**settings)
    if asked.segmenter:
        importlib.import_module(asked.segmenter)  # a missing package is reported at once
    check_replaceable(asked.output, is_records_folder)
    tokens = load_vocabulary(asked.vocab)
    lower_case = guess_lower_case(tokens) if asked.lower_case is None else asked.lower_case
    tokenizer = WordPieceTokenizer(tokens, lower_case=lower_case)
    max_predictions = None
    if asked.static_masking:
        from keras_bert.pretraining.masking import Masking

        tokenizer.mask_id  # noqa: B018  InputError without one
        max_predictions = Masking(rate=asked.masking_rate).max_predictions(asked.length)
    files = find_files(asked.corpus)
    with (
        locked(asked.output, asked.force),
        replacing_folder(asked.output, is_records_folder) as folder,
    ):
        work = os.path.join(folder, "work")
        os.mkdir(work)
        write_vocabulary(folder, tokens)
        settings = Settings(
            folder=folder,
            work=work,
            length=asked.length,
            pair=asked.pair,
            packed=asked.pack,
            whole_word=asked.whole_word,
            static_masking=asked.static_masking,
            seed=asked.seed,
            dupe_factor=asked.dupe_factor,
            tokenizer=tokenizer.get_config(),
            short_probability=asked.short_probability,
            masking_rate=asked.masking_rate,
            segmenter=asked.segmenter,
            max_document_characters=asked.max_document_characters,
            block_bytes=block_bytes,
        )
        with BlockProgress(work):
            workers = asked.workers or len(os.sched_getaffinity(0))
            processes = min(workers, _most_blocks(files, block_bytes))
            made = run_pipeline(
                files, asked.shards, settings, processes, asked.runner, asked.beam_options
            )
        counts = _counts(made, asked.pair, asked.length)
        if not counts["examples"]:
            raise InputError(f"{asked.corpus}: the corpus is empty: no sentence makes an example")
        manifest = RecordsManifest(
            length=asked.length,
            pair=asked.pair,
            packed=asked.pack,
            whole_word=asked.whole_word,
            static_masking=asked.static_masking,
            seed=asked.seed,
            dupe_factor=asked.dupe_factor,
            tokenizer=tokenizer.get_config(),
            vocabulary_size=tokenizer.vocabulary_size,
            vocabulary_sha256=vocabulary_sha256(tokens),
            max_predictions=max_predictions,
            shards=tuple(
                {key: shard[key] for key in ("file", "rows", "examples", "tokens", "bytes")}
                for shard in made["shards"]
            ),
            counts=counts,
        )
        write_manifest(folder, manifest)
        shutil.rmtree(work)
    return manifest


def _most_blocks(files, block_bytes):
    """Returns the largest possible number of blocks: more processes would have no work."""
    sizes = (os.path.getsize(path) * (_GZIP_RATIO if path.endswith(".gz") else 1) for path in files)
    return sum(sizes) // block_bytes + 1


def _counts(made, pair, length):
    """Returns the counts of the manifest."""
    counts = {
        name: sum(block[name] for block in made["blocks"])
        for name in ("documents", "sentences", "left_out")
    }
    for name in ("tokens", "examples", "rows", "bytes"):
        counts[name] = sum(shard[name] for shard in made["shards"])
    counts["padding"] = 1 - counts["tokens"] / max(counts["rows"] * length, 1)
    counts["pair_labels"] = {
        label: sum(shard["label_counts"][number] for shard in made["shards"])
        / max(counts["examples"], 1)
        for number, label in enumerate(PAIR_LABELS[pair])
    }
    return counts
