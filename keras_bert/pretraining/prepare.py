"""From a corpus to a records folder: checks first, then the pipeline, then the manifest."""

import os
import shutil

from keras_bert.config import PAIR_LABELS
from keras_bert.errors import InputError
from keras_bert.files import check_replaceable, replacing_folder
from keras_bert.pretraining.blocks import Settings
from keras_bert.pretraining.corpus import MAX_DOCUMENT_CHARACTERS, find_files
from keras_bert.pretraining.manifest import (
    RecordsManifest,
    is_records_folder,
    vocabulary_sha256,
    write_manifest,
    write_vocabulary,
)
from keras_bert.pretraining.pipeline import run_pipeline
from keras_bert.pretraining.progress import BlockProgress
from keras_bert.text.tokenizer import WordPieceTokenizer, guess_lower_case, load_vocabulary

_GZIP_RATIO = 4  # text's, about


def prepare(
    corpus,
    vocabulary,
    output,
    length=128,
    pair="nsp",
    packed=False,
    whole_word=False,
    static_masking=False,
    masking_rate=0.15,
    seed=1,
    dupe_factor=1,
    short_probability=0.1,
    lower_case=None,
    segmenter=None,
    shards=None,
    workers=1,
    runner=None,
    beam_options="",
    max_document_characters=MAX_DOCUMENT_CHARACTERS,
    block_bytes=4 * 2**20,
):
    """Makes a records folder; it is there whole or not at all.

    Args:
        corpus: str, globs with commas between.
        vocabulary: path of the vocabulary file.
        output: the folder to write.
        length: int, the most tokens of a row.
        pair: "nsp", "sop" or "none".
        packed: bool, whether rows are filled with several examples.
        whole_word: bool, whether masks are to hide whole words.
        static_masking: bool, whether to mask now.
        masking_rate: float, the share that static masking hides.
        seed: int.
        dupe_factor: int, how often to go through the corpus.
        short_probability: float, the share of examples that aim at a random shorter length.
        lower_case: bool, or None for what the vocabulary looks like.
        segmenter: "jieba" or None.
        shards: int, or None for as many as suit the size of the corpus.
        workers: int, processes on this machine.
        runner: str, a Beam runner in place of this machine, or None.
        beam_options: str, options for `runner`.
        max_document_characters: int, a longer document is an error.
        block_bytes: int, the text that is worked on as one.

    Returns:
        RecordsManifest.

    Raises:
        InputError: the corpus or the vocabulary is broken, or the folder cannot be written.
    """
    check_replaceable(output, is_records_folder)
    tokens = load_vocabulary(vocabulary)
    tokenizer = WordPieceTokenizer(
        tokens, lower_case=guess_lower_case(tokens) if lower_case is None else lower_case
    )
    max_predictions = None
    if static_masking:
        from keras_bert.pretraining.masking import Masking

        tokenizer.mask_id  # noqa: B018  InputError without one
        max_predictions = Masking(rate=masking_rate).max_predictions(length)
    files = find_files(corpus)
    with replacing_folder(output, is_records_folder) as folder:
        work = os.path.join(folder, "work")
        os.mkdir(work)
        write_vocabulary(folder, tokens)
        settings = Settings(
            folder=folder,
            work=work,
            length=length,
            pair=pair,
            packed=packed,
            whole_word=whole_word,
            static_masking=static_masking,
            seed=seed,
            dupe_factor=dupe_factor,
            tokenizer=tokenizer.get_config(),
            short_probability=short_probability,
            masking_rate=masking_rate,
            segmenter=segmenter,
            max_document_characters=max_document_characters,
            block_bytes=block_bytes,
        )
        with BlockProgress(work):
            processes = min(workers, _most_blocks(files, block_bytes))
            made = run_pipeline(files, shards, settings, processes, runner, beam_options)
        counts = _counts(made, pair, length)
        if not counts["examples"]:
            raise InputError(f"{corpus}: the corpus is empty: no sentence makes an example")
        manifest = RecordsManifest(
            length=length,
            pair=pair,
            packed=packed,
            whole_word=whole_word,
            static_masking=static_masking,
            seed=seed,
            dupe_factor=dupe_factor,
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
    """Returns how many blocks there can be: more processes would stand idle."""
    sizes = (os.path.getsize(path) * (_GZIP_RATIO if path.endswith(".gz") else 1) for path in files)
    return sum(sizes) // block_bytes + 1


def _counts(made, pair, length):
    """Returns what people want to know of the records."""
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
