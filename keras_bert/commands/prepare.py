"""Makes pretraining records from a corpus: sentences, pairs, tokens, shuffled and packed.

keras-bert prepare --corpus="texts/*.jsonl.gz" --vocab=vocab.txt --output=records --length=128

The corpus is plain text with blank lines between documents, or JSON lines with `text`, each also
gzip'd. The same corpus and seed give the same bytes for every number of workers.
"""

from keras_bert.commands import flags
from keras_bert.pretraining.prepare_settings import PrepareSettings

_COUNTED = ("documents", "sentences", "tokens", "examples", "rows")
_UNEVEN = 0.05


def define(values):
    flags.define(values, PrepareSettings)


def run(values):
    from keras_bert.pretraining.prepare import prepare

    manifest = prepare(**flags.chosen(values, PrepareSettings))
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
            "the pairs are uneven: too many documents have one sentence or are copies of others"
        )
    return result, lines
