"""A folder of records as one small file, to carry it to a machine, and back again.

    python benchmarks/gpu/records.py pack RECORDS FILE.npz.xz
    python benchmarks/gpu/records.py unpack FILE.npz.xz RECORDS

For records without pairs and with dynamic masks. 24 million tokens take 107 MB as records and about
a third of that here: ids in 16 bits, one bit for the start of a word, and xz.
"""

import argparse
import io
import json
import lzma
import os

import numpy as np

from keras_bert.pretraining.records import (
    RecordsManifest,
    Shard,
    read_manifest,
    read_shard,
    read_vocabulary,
    shard_name,
    write_manifest,
    write_shard,
    write_vocabulary,
)


def pack(folder, path):
    """Writes a records folder as one file."""
    manifest = read_manifest(folder)
    if manifest.pair != "none" or manifest.static_masking:
        raise SystemExit(f"{folder}: only records of `prepare --pair=none` with dynamic masks")
    vocabulary = read_vocabulary(folder, manifest)
    if len(vocabulary) > 2**16:
        raise SystemExit(f"{folder}: {len(vocabulary):,} ids do not fit in 16 bits")
    arrays = {"manifest": np.frombuffer(manifest.to_json().encode(), "uint8")}
    arrays["vocabulary"] = np.frombuffer("\n".join(vocabulary).encode(), "uint8")
    for index in range(len(manifest.shards)):
        shard = read_shard(folder, manifest, index)
        arrays[f"ids_{index}"] = shard.token_ids.astype("uint16")
        arrays[f"starts_{index}"] = np.packbits(shard.word_starts)
        arrays[f"rows_{index}"] = np.diff(shard.row_starts).astype("uint16")
        arrays[f"lengths_{index}"] = shard.example_lengths.astype("uint16")
        arrays[f"examples_{index}"] = np.diff(shard.example_starts).astype("uint16")
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    with lzma.open(path, "wb", preset=6) as file:
        file.write(buffer.getbuffer())


def unpack(path, folder):
    """Writes the records folder that `pack` made a file of."""
    with lzma.open(path) as file:
        arrays = np.load(io.BytesIO(file.read()), allow_pickle=False)
    os.makedirs(folder)
    manifest = RecordsManifest.from_dict(json.loads(arrays["manifest"].tobytes()))
    write_vocabulary(folder, arrays["vocabulary"].tobytes().decode().split("\n"))
    for index in range(len(manifest.shards)):
        ids = arrays[f"ids_{index}"].astype("int32")
        shard = Shard(
            token_ids=ids,
            segment_ids=np.zeros(len(ids), "int8"),
            word_starts=np.unpackbits(arrays[f"starts_{index}"], count=len(ids)).astype(bool),
            row_starts=_starts(arrays[f"rows_{index}"]),
            example_lengths=arrays[f"lengths_{index}"].astype("int32"),
            example_starts=_starts(arrays[f"examples_{index}"]),
            pair_labels=np.zeros(0, "int8"),
        )
        path = os.path.join(folder, shard_name(index, len(manifest.shards)))
        written = write_shard(path, shard)
        if written != manifest.shards[index]:
            raise SystemExit(f"{path}: {json.dumps(written)} is not what was packed")
    write_manifest(folder, manifest)


def _starts(lengths):
    return np.concatenate([[0], np.cumsum(lengths, dtype="int64")])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("verb", choices=("pack", "unpack"))
    parser.add_argument("source")
    parser.add_argument("target")
    options = parser.parse_args()
    {"pack": pack, "unpack": unpack}[options.verb](options.source, options.target)
