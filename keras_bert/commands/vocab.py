"""Makes a WordPiece vocabulary from a corpus; the same corpus always gives the same file.

keras-bert vocab --corpus="texts/*.txt.gz" --size=8000 --output=vocab.txt --lower_case
"""

import glob
import json

from absl import flags

from keras_bert.commands import shared
from keras_bert.errors import InputError
from keras_bert.files import check_file_replaceable, replacing_file
from keras_bert.tasks.tables import decoded_lines
from keras_bert.text.vocabulary import train_vocabulary


def define(values):
    shared.define_string(
        values, "corpus", "files, as a glob: plain text, or JSON lines with `text`", required=True
    )
    # The trainer takes memory for all of them at once; multilingual ones have 250,000.
    flags.DEFINE_integer("size", None, "number of tokens", 10, 10**6, flag_values=values)
    flags.mark_flag_as_required("size", flag_values=values)
    shared.define_string(values, "output", "the file to write", required=True)
    flags.DEFINE_boolean("lower_case", False, "make an uncased vocabulary", flag_values=values)


def run(values):
    paths = sorted(glob.glob(values.corpus, recursive=True))
    if not paths:
        raise InputError(f"{values.corpus}: no such file")
    for path in paths:
        shared.check_not_input(values.output, path)
    check_file_replaceable(values.output)
    vocabulary = train_vocabulary(_texts(paths), values.size, lower_case=values.lower_case)
    with (
        replacing_file(values.output) as temporary,
        open(temporary, "w", encoding="utf-8", newline="") as file,
    ):
        file.writelines(f"{token}\n" for token in vocabulary)
    result = {"output": values.output, "size": len(vocabulary), "files": len(paths)}
    return result, [f"{values.output}: {len(vocabulary)} tokens from {len(paths)} files"]


def _texts(paths):
    for path in paths:
        is_json = path.removesuffix(".gz").endswith((".json", ".jsonl", ".ndjson"))
        for number, line in enumerate(decoded_lines(path), start=1):
            if not is_json:
                yield line
            elif line.strip():
                yield _json_text(path, number, line)


def _json_text(path, number, line):
    try:
        text = json.loads(line)["text"]
    except (ValueError, KeyError, TypeError, RecursionError):
        text = None
    if not isinstance(text, str):
        raise InputError(f'{path}:{number}: expected a JSON object with a text, {{"text": "…"}}')
    return text
