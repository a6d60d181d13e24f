"""The manifest of a records folder: how the records were made, and which files it must have."""

import dataclasses
import hashlib
import json
import os
import re

from keras_bert.config import PAIR_LABELS
from keras_bert.errors import InputError
from keras_bert.reading import check_file, read_json
from keras_bert.text.vocabulary import load_vocabulary

MANIFEST, VOCABULARY = "records.json", "vocab.txt"
PAIRS = tuple(PAIR_LABELS)

_FORMAT = "keras-bert records 1"
_SHARD_NAME = re.compile(r"records-\d{5}-of-\d{5}\.tfrecord")
_SWITCHES = {
    "lower_case": bool,
    "strip_accents": bool,
    "tokenize_chinese_chars": bool,
    "max_chars_per_word": int,
}
# As `PrepareSettings` allows them; the vocabulary as `BertConfig` does.
_RANGES = {
    "length": (4, 2**16),
    "dupe_factor": (1, 1000),
    "vocabulary_size": (5, 2**24),
    "seed": (0, 2**63 - 1),
}
# A record has a length and two checksums.
_FEWEST_RECORD_BYTES = 16


@dataclasses.dataclass(frozen=True)
class RecordsManifest:
    """How the records of a folder were made.

    Args:
        length: int, the most tokens of a row.
        pair: "nsp", "sop" or "none".
        packed: bool, whether a row may hold several examples.
        whole_word: bool, whether whole words are to be masked.
        static_masking: bool, whether the masks are in the records.
        seed: int.
        dupe_factor: int, how many times the corpus was used.
        tokenizer: dict, the switches of the tokenizer (`WordPieceTokenizer.get_config`).
        vocabulary_size: int.
        vocabulary_sha256: str, see `vocabulary_sha256`.
        max_predictions: int, the most masked tokens of a row, or None without static masking.
        shards: tuple of dicts with `file`, `rows`, `examples`, `tokens` and `bytes`.
        counts: dict of numbers for people to read.
    """

    length: int
    pair: str
    packed: bool
    whole_word: bool
    static_masking: bool
    seed: int
    dupe_factor: int
    tokenizer: dict
    vocabulary_size: int
    vocabulary_sha256: str
    max_predictions: int | None
    shards: tuple
    counts: dict

    def to_json(self):
        """Returns the manifest as the text of records.json."""
        content = {"format": _FORMAT, **dataclasses.asdict(self)}
        return json.dumps(content, indent=1, ensure_ascii=False) + "\n"

    @classmethod
    def from_dict(cls, values, name=MANIFEST):
        """Makes a manifest from the dict of an untrusted file.

        Args:
            values: dict.
            name: the file's name, for messages.

        Raises:
            InputError: a value is missing, unknown, or not of its type or range.
        """
        if not isinstance(values, dict) or values.get("format") != _FORMAT:
            raise InputError(f'{name}: not a records manifest of this version ("{_FORMAT}")')
        values = {key: value for key, value in values.items() if key != "format"}
        fields = [field.name for field in dataclasses.fields(cls)]
        for key in fields:
            if key not in values:
                raise InputError(f"{name}: {key} is missing: run prepare again")
        for key in values:
            if key not in fields:
                raise InputError(f"{name}: {key!r} is not known: made by another version?")
        _check_values(values, name)
        _check_shards(values["shards"], name)
        return cls(**{**values, "shards": tuple(values["shards"])})


def _check_values(values, name):
    def expect(key, is_good, what):
        if not is_good(values[key]):
            raise InputError(f"{name}: {key} must be {what}, not {values[key]!r:.60}")

    for key in ("packed", "whole_word", "static_masking"):
        expect(key, lambda value: isinstance(value, bool), "true or false")
    for key, (low, high) in _RANGES.items():
        expect(
            key,
            lambda value, low=low, high=high: _is_int(value, low, high),
            f"an int from {low} to {high}",
        )
    expect("pair", lambda value: value in PAIRS, "nsp, sop or none")
    expect(
        "vocabulary_sha256",
        lambda value: isinstance(value, str) and re.fullmatch("[0-9a-f]{64}", value),
        "64 hexadecimal digits",
    )
    if values["static_masking"]:
        # What is masked is in the row, so there cannot be more.
        longest = values["length"]
        expect(
            "max_predictions",
            lambda value: _is_int(value, 1, longest),
            f"an int from 1 to {longest}, the length",
        )
    else:
        expect("max_predictions", lambda value: value is None, "null without static masking")
    expect(
        "tokenizer",
        lambda value: (
            isinstance(value, dict)
            and value.keys() == _SWITCHES.keys()
            and all(type(value[key]) is kind for key, kind in _SWITCHES.items())
        ),
        f"an object with {', '.join(_SWITCHES)}",
    )
    expect("counts", lambda value: isinstance(value, dict), "an object")


def _check_shards(shards, name):
    if not isinstance(shards, (list, tuple)) or not shards:
        raise InputError(f"{name}: shards must be a list of at least one")
    for index, shard in enumerate(shards):
        expected = shard_name(index, len(shards))
        if not isinstance(shard, dict) or shard.get("file") != expected:
            raise InputError(f"{name}: shard {index} must have the file {expected}")
        for key in ("rows", "examples", "tokens", "bytes"):
            if not _is_int(shard.get(key), 0):
                raise InputError(f"{name}: {expected}: {key} must be an int, not negative")
        if _FEWEST_RECORD_BYTES * shard["rows"] > shard["bytes"]:
            raise InputError(
                f"{name}: {expected}: {shard['rows']} rows do not fit into {shard['bytes']} bytes"
            )


def _is_int(value, low, high=2**63 - 1):
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def shard_name(index, count):
    """Returns the file name of a shard."""
    return f"records-{index:05d}-of-{count:05d}.tfrecord"


def vocabulary_sha256(tokens):
    """Returns the sha256, in hexadecimal, of a vocabulary (list of str) as vocab.txt holds it."""
    return hashlib.sha256(_vocabulary_bytes(tokens)).hexdigest()


def _vocabulary_bytes(tokens):
    return "".join(f"{token}\n" for token in tokens).encode()


def write_vocabulary(folder, tokens):
    """Writes vocab.txt of a records folder."""
    with open(os.path.join(folder, VOCABULARY), "wb") as file:
        file.write(_vocabulary_bytes(tokens))


def write_manifest(folder, manifest):
    """Writes records.json of a records folder."""
    with open(os.path.join(folder, MANIFEST), "w", encoding="utf-8") as file:
        file.write(manifest.to_json())


def read_manifest(folder):
    """Reads records.json and checks that all files that it names are complete.

    Args:
        folder: a folder that `keras-bert prepare` wrote.

    Returns:
        RecordsManifest.

    Raises:
        InputError: not a records folder, a broken manifest, a file missing or cut short.
    """
    path = os.path.join(folder, MANIFEST)
    if not os.path.exists(path):
        raise InputError(
            f"{folder}: not a records folder: it has no {MANIFEST}; `keras-bert prepare` makes one"
        )
    values = read_json(path)
    manifest = RecordsManifest.from_dict(values, path)
    for shard in manifest.shards:
        shard_path = os.path.join(folder, shard["file"])
        if not os.path.exists(shard_path):
            raise InputError(f"{shard_path}: is missing, the manifest names it: run prepare again")
        check_file(shard_path, what="records file")
        size = os.path.getsize(shard_path)
        if size != shard["bytes"]:
            how = "was cut short" if size < shard["bytes"] else "is not the one that was written"
            raise InputError(
                f"{shard_path}: {size:,} bytes where the manifest states {shard['bytes']:,}: "
                f"the file {how}; run prepare again"
            )
    return manifest


def read_vocabulary(folder, manifest):
    """Reads the vocabulary that the records were made with.

    Args:
        folder: the records folder.
        manifest: its RecordsManifest.

    Returns:
        list of str.

    Raises:
        InputError: vocab.txt is missing, or not the one that the manifest states.
    """
    path = os.path.join(folder, VOCABULARY)
    tokens = load_vocabulary(path)
    if (
        len(tokens) != manifest.vocabulary_size
        or vocabulary_sha256(tokens) != manifest.vocabulary_sha256
    ):
        raise InputError(
            f"{path}: not the vocabulary that the records were made with: run prepare again"
        )
    return tokens


def is_records_folder(path):
    """Returns whether a folder holds records and nothing else, so that it may be replaced."""
    names = os.listdir(path)
    return MANIFEST in names and all(
        name in (MANIFEST, VOCABULARY) or _SHARD_NAME.fullmatch(name) for name in names
    )
