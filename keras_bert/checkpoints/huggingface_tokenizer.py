"""What the tokenizer's files of a Hugging Face folder say, and what of it is not BERT's.

transformers writes `vocab.txt` or `tokenizer.json`, `tokenizer_config.json`, and until version 5
`special_tokens_map.json` and `added_tokens.json`. What they say is used or refused by its name.
"""

import dataclasses
import os

from keras_bert.checkpoints import tokenizer_json
from keras_bert.checkpoints.added_tokens import declared_tokens, read_if_there
from keras_bert.config import read_json_object
from keras_bert.errors import InputError
from keras_bert.guesses import guess

# Our tokenizer's switches, and their keys in tokenizer_config.json and in tokenizer.json.
SWITCHES = {
    "lower_case": ("do_lower_case", "lowercase"),
    "strip_accents": ("strip_accents", "strip_accents"),
    "tokenize_chinese_chars": ("tokenize_chinese_chars", "handle_chinese_chars"),
}
# transformers' classes that cut texts as BERT does, without "Fast"; None is the default.
_CLASSES = {
    "BertTokenizer", "ConvBertTokenizer", "DistilBertTokenizer", "ElectraTokenizer",
    "LxmertTokenizer", "MobileBertTokenizer", "PreTrainedTokenizer", "RetriBertTokenizer",
    "SqueezeBertTokenizer", "TokenizersBackend", None,
}  # fmt: skip
# Keys of tokenizer_config.json that change the tokens unless they have this value.
_REQUIRED = {"do_basic_tokenize": True, "clean_text": True, "wordpieces_prefix": "##"}
# The default of transformers' WordPiece; the original's is 200.
_MAX_CHARS_PER_WORD = 100
# A model_max_length above it means that there is none (transformers writes 10^30).
_NO_LENGTH = 10**6


@dataclasses.dataclass(frozen=True)
class TokenizerFiles:
    """The contents of a folder's tokenizer files; see `Checkpoint` for the fields."""

    vocabulary_path: str | None
    pieces: list | None
    switches: dict
    max_chars_per_word: int
    added_tokens: tuple
    max_length: int | None
    notes: tuple


def read_tokenizer_files(folder, model_config):
    """Reads the tokenizer's files.

    Args:
        folder: path.
        model_config: the contents of `config.json`, which may name the tokenizer's class.

    Returns:
        `TokenizerFiles`.

    Raises:
        InputError: a file is broken, or says what BERT's tokenizer does not do.
    """
    config_path = os.path.join(folder, "tokenizer_config.json")
    config = read_if_there(config_path)
    json_path = os.path.join(folder, "tokenizer.json")
    json_path = json_path if os.path.isfile(json_path) else None
    vocabulary_path = os.path.join(folder, "vocab.txt")
    data = read_json_object(json_path) if json_path else {}
    _check_class(folder, config, model_config, json_path)
    _check_required(config, config_path)
    notes = [*_sides(config, config_path)]
    switches, pieces, longest = {}, None, _MAX_CHARS_PER_WORD
    if json_path:
        pieces = tokenizer_json.read_vocabulary(data, json_path)
        switches, stated, more = tokenizer_json.read_parts(data, json_path)
        longest = stated or longest
        notes += more
    for switch, (key, _) in SWITCHES.items():
        value = config.get(key)
        if value is not None and not isinstance(value, bool):
            raise InputError(f"{folder}: the tokenizer's {key} is {value!r}, not a bool")
        if value is not None:
            switches[switch] = value
    tokens, more = declared_tokens(folder, config, data, config_path, json_path)
    return TokenizerFiles(
        vocabulary_path=vocabulary_path if os.path.isfile(vocabulary_path) else None,
        pieces=pieces,
        switches=switches,
        max_chars_per_word=longest,
        added_tokens=tokens,
        max_length=_max_length(config, config_path),
        notes=(*notes, *more),
    )


def _check_class(folder, config, model_config, json_path):
    for name in (config.get("tokenizer_class"), model_config.get("tokenizer_class")):
        if name == "BertJapaneseTokenizer":
            raise InputError(
                f"{folder}: BertJapaneseTokenizer cuts text into words with MeCab; only BERT's own "
                f"tokenizer can be read"
            )
        plain = name.removesuffix("Fast") if isinstance(name, str) else name and repr(name)
        # Where there is a tokenizer.json, it says what is done.
        if json_path is None and plain not in _CLASSES:
            raise InputError(
                f"{folder}: tokenizer_class is {name!r}; only BERT's own tokenizer can be read"
            )


def _check_required(config, path):
    for key, required in _REQUIRED.items():
        if config.get(key, required) not in (required, None):
            raise InputError(f"{path}: {key} must be {required!r}, not {config[key]!r}")


def _sides(config, path):
    """Yields notes on rows that transformers would cut or fill up on the left."""
    if config.get("truncation_side") == "left":
        yield guess("truncation_side is left: texts are cut on the right", place=path)
    if config.get("padding_side") == "left":
        yield guess("padding_side is left: rows are filled up on the right", place=path)


def _max_length(config, path):
    value = config.get("model_max_length", config.get("max_len"))
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not value >= 3:
        raise InputError(f"{path}: model_max_length is {value!r}, not a number of tokens from 3 on")
    return int(value) if value < _NO_LENGTH else None
