"""Makes pretraining records of a corpus: sentences, pairs, tokens, shuffled and packed.

keras-bert prepare --corpus="texts/*.jsonl.gz" --vocab=vocab.txt --output=records --length=128

The corpus is plain text with blank lines between documents, or JSON lines with `text`, each also
gzip'd. The same corpus and seed give the same bytes for every number of workers.
"""

import os

from absl import flags

from keras_bert.commands import shared
from keras_bert.errors import InputError
from keras_bert.pretraining.manifest import PAIRS

_MAX_LENGTH = 2**16
_BLOCK_BYTES = 4 * 2**20
_UNEVEN = 0.05


def define(values):
    shared.define_string(
        values, "corpus", "files, as globs with commas between: text or JSON lines", required=True
    )
    shared.define_string(values, "vocab", "the vocabulary, one token a line", required=True)
    shared.define_string(values, "output", "the records folder to write", required=True)
    _define_examples(values)
    _define_work(values)


def _define_examples(values):
    flags.DEFINE_integer(
        "length", 128, "the most tokens of a row", 8, _MAX_LENGTH, flag_values=values
    )
    flags.DEFINE_enum(
        "pair", "nsp", PAIRS,
        "nsp: is b the next segment or a random one; sop: are a and b swapped; none: no pairs",
        flag_values=values,
    )  # fmt: skip
    flags.DEFINE_boolean("pack", False, "fill rows with several examples", flag_values=values)
    flags.DEFINE_integer(
        "dupe_factor", 1, "go through the corpus so often, each time with other random choices",
        1, 1000, flag_values=values,
    )  # fmt: skip
    flags.DEFINE_float(
        "short_probability", 0.1, "share of examples that aim at a random shorter length",
        0, 1, flag_values=values,
    )  # fmt: skip
    flags.DEFINE_boolean(
        "whole_word", False, "mask whole words (noted for pretrain; see --static_masking)",
        flag_values=values,
    )  # fmt: skip
    flags.DEFINE_boolean(
        "static_masking", False, "mask now, once, and not anew for each batch of pretrain",
        flag_values=values,
    )  # fmt: skip
    flags.DEFINE_float(
        "masking_rate", 0.15, "share of tokens that --static_masking hides", 0.001, 1,
        flag_values=values,
    )  # fmt: skip
    flags.DEFINE_boolean(
        "lower_case", None, "lower the case first (default: what the vocabulary looks like)",
        flag_values=values,
    )  # fmt: skip
    flags.DEFINE_enum(
        "segmenter", None, ("jieba",), "finds the words of Chinese text, for whole-word masking",
        flag_values=values,
    )  # fmt: skip


def _define_work(values):
    flags.DEFINE_integer("seed", 1, "random choices follow from it", 0, 2**32, flag_values=values)
    flags.DEFINE_integer(
        "shards", None, "number of record files (default: one for 32 MB of text)", 1, 10**5,
        flag_values=values,
    )  # fmt: skip
    flags.DEFINE_integer(
        "workers", None, "processes on this machine (default: one a core)", 1, 1024,
        flag_values=values,
    )  # fmt: skip
    flags.DEFINE_string(
        "runner", None, "a Beam runner in place of this machine: FlinkRunner, SparkRunner, …",
        flag_values=values,
    )  # fmt: skip
    flags.DEFINE_string(
        "beam_options", "", 'options for --runner: "--flink_master=host:8081 --parallelism=16"',
        flag_values=values,
    )  # fmt: skip
    flags.DEFINE_integer(
        "max_document_characters", 20_000_000, "a longer document is an error", 1, 10**9,
        flag_values=values,
    )  # fmt: skip


def run(values):
    from keras_bert.pretraining.prepare import prepare

    if values.beam_options and not values.runner:
        raise InputError("--beam_options: are for a --runner; this machine takes --workers")
    if values.segmenter:
        __import__(values.segmenter)  # a missing one is told of before the work
    workers = values.workers or len(os.sched_getaffinity(0))
    manifest = prepare(
        corpus=values.corpus,
        vocabulary=values.vocab,
        output=values.output,
        length=values.length,
        pair=values.pair,
        packed=values.pack,
        whole_word=values.whole_word,
        static_masking=values.static_masking,
        masking_rate=values.masking_rate,
        seed=values.seed,
        dupe_factor=values.dupe_factor,
        short_probability=values.short_probability,
        lower_case=values.lower_case,
        segmenter=values.segmenter,
        shards=values.shards,
        workers=workers,
        runner=values.runner,
        beam_options=values.beam_options,
        max_document_characters=values.max_document_characters,
        block_bytes=_BLOCK_BYTES,
    )
    counts = manifest.counts
    result = {"output": values.output, "shards": len(manifest.shards), **counts}
    lines = [
        f"{values.output}: {len(manifest.shards):,} shards, {counts['bytes']:,} bytes",
        *(f"{name:<14} {counts[name]:,}" for name in _COUNTED),
        f"{'padding':<14} {counts['padding']:.4f}",
        *(f"{name:<14} {share:.4f}" for name, share in counts["pair_labels"].items()),
    ]
    if counts["left_out"]:
        lines.append(f"{'left out':<14} {counts['left_out']:,} sentences that have no partner")
    if abs(counts["pair_labels"].get("random", 0.5) - 0.5) > _UNEVEN:
        lines.append(
            "the pairs are uneven: too many documents are of one sentence, or copies of each other"
        )
    return result, lines


_COUNTED = ("documents", "sentences", "tokens", "examples", "rows")
