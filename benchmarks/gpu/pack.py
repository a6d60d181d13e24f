"""Prepares the folder that `run.py` needs, in parts that fit where little can be carried at once.

    python benchmarks/gpu/pack.py --data=DATA --init=MINILM --records=RECORDS --output=PACKED
    python benchmarks/gpu/pack.py --unpack PACKED/start PACKED/corpus DATA

PACKED/start holds the weights to start from, in float16, and the labelled data; PACKED/corpus the
records of the masked-LM training (`keras-bert prepare --length=384 --pair=none --pack
--whole_word`). Each is at most 58 MB, and can be carried by itself. `--unpack` makes the folder for
`run.py` of those parts that are there. DATA and MINILM are as in `scores/expected_scores.py`.
"""

import argparse
import os
import shutil
import sys

import float16
import records

# What travels beside it: wheels and the source without models and tests, 6 MB of 64 MiB.
_MOST_BYTES = 58 * 10**6

_FILES = {
    "squad_train.json.gz": "squad/train-v1.1-rebuilt.json.gz",
    "squad_dev.json.gz": "squad/dev-v1.1-33articles.json.gz",
    "sst2_train.tsv.gz": "glue/SST-2/train.tsv.gz",
    "sst2_dev.tsv": "glue/SST-2/dev.tsv",
}
_START, _CORPUS, _PACKED = "start", "corpus", "records.npz.xz"


def pack(options):
    """Writes both parts."""
    start, corpus = (os.path.join(options.output, part) for part in (_START, _CORPUS))
    os.makedirs(start)
    os.makedirs(corpus)
    float16.halve(options.init, os.path.join(start, "minilm"))
    unused = os.path.join(start, "minilm", "tokenizer.json")
    if os.path.exists(unused) and os.path.exists(os.path.join(start, "minilm", "vocab.txt")):
        os.remove(unused)
    for name, source in _FILES.items():
        shutil.copyfile(os.path.join(options.data, source), os.path.join(start, name))
    records.pack(options.records, os.path.join(corpus, _PACKED))
    for part in (start, corpus):
        size = sum(
            os.path.getsize(os.path.join(folder, name))
            for folder, _, names in os.walk(part)
            for name in names
        )
        print(f"{part}: {size:,} bytes")
        if size > _MOST_BYTES:
            sys.exit(f"{part}: more than {_MOST_BYTES:,} bytes: prepare fewer texts")


def unpack(parts, target):
    """Adds what is in some parts to the folder for `run.py`."""
    os.makedirs(target, exist_ok=True)
    for part in parts:
        for name in os.listdir(part):
            source = os.path.join(part, name)
            if name == _PACKED:
                records.unpack(source, os.path.join(target, "records"))
            elif os.path.isdir(source):
                shutil.copytree(source, os.path.join(target, name), dirs_exist_ok=True)
            else:
                shutil.copyfile(source, os.path.join(target, name))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data")
    parser.add_argument("--init")
    parser.add_argument("--records")
    parser.add_argument("--output")
    parser.add_argument("--unpack", nargs="+", metavar="PART", help="parts, and the folder to make")
    options = parser.parse_args()
    if options.unpack:
        unpack(options.unpack[:-1], options.unpack[-1])
    else:
        pack(options)


if __name__ == "__main__":
    main()
