"""What the tokenizer's files of a Hugging Face folder say, and what of it is not BERT's.

transformers writes `vocab.txt` or `tokenizer.json`, `tokenizer_config.json`, and until version 5
`special_tokens_map.json` and `added_tokens.json`. What they say is used or refused by its name.
"""

import dataclasses
import os

from keras_bert.checkpoints import tokenizer_json
from keras_bert.config import read_json_object
from keras_bert.errors import InputError
from keras_bert.guesses import guess
from keras_bert.text.vocabulary import SPECIAL_TOKENS

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
_STANDARD = {
    "unk_token": "[UNK]", "sep_token": "[SEP]", "pad_token": "[PAD]", "cls_token": "[CLS]",
}  # fmt: skip
_LISTS = ("additional_special_tokens", "extra_special_tokens")
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
    tokens, more = _added_tokens(folder, config, data, config_path, json_path)
    return TokenizerFiles(
        vocabulary_path=vocabulary_path if os.path.isfile(vocabulary_path) else None,
        pieces=pieces,
        switches=switches,
        max_chars_per_word=longest,
        added_tokens=tokens,
        max_length=_max_length(config, config_path),
        notes=(*notes, *more),
    )


def read_if_there(path):
    """Returns the object of a JSON file, {} if there is no such file."""
    return read_json_object(path) if os.path.isfile(path) else {}


def _check_class(folder, config, model_config, json_path):
    for name in (config.get("tokenizer_class"), model_config.get("tokenizer_class")):
        if name == "BertJapaneseTokenizer":
            raise InputError(
                f"{folder}: BertJapaneseTokenizer cuts text into words with MeCab; only BERT's own "
                f"tokenizer can be read"
            )
        plain = name.removesuffix("Fast") if isinstance(name, str) else name
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


def _added_tokens(folder, config, data, config_path, json_path):
    """Returns the declared tokens as dicts with `content`, `id` (or None) and flags, and notes."""
    map_path = os.path.join(folder, "special_tokens_map.json")
    added_path = os.path.join(folder, "added_tokens.json")
    declared = {}

    def declare(token, place, number=None, **flags):
        token = {"content": token} if isinstance(token, str) else token
        if not isinstance(token, dict) or not isinstance(token.get("content"), str):
            raise InputError(f"{place}: {token!r:.60} is no token")
        if number is not None and (isinstance(number, bool) or not isinstance(number, int)):
            raise InputError(f"{place}: the id of {token['content']!r} is {number!r}, not a number")
        token = {key: value for key, value in token.items() if key not in ("__type", "id")}
        token = {**token, **flags}
        token.setdefault("special", False)
        token.setdefault("normalized", not token["special"])
        before = declared.get(token["content"])
        if before is not None and number is not None and before["id"] not in (None, number):
            raise InputError(
                f"{place}: the id of {token['content']!r} is {number}, elsewhere {before['id']}"
            )
        if before is None:
            declared[token["content"]] = {**token, "id": number, "place": place}

    for key, token in _object(config, "added_tokens_decoder", config_path).items():
        if not (key.isascii() and key.isdecimal() and len(key) < 10):
            raise InputError(f"{config_path}: added_tokens_decoder: {key!r} is no id")
        declare(token, config_path, int(key))
    for token in _list(data, "added_tokens", json_path):
        declare(token, json_path, token.get("id") if isinstance(token, dict) else None)
    special_map = read_if_there(map_path)
    named = list(_named(special_map, map_path)) + list(_named(config, config_path))
    special = {_content(token) for _, token, _ in named}
    for content, number in read_if_there(added_path).items():
        declare(content, added_path, number, special=content in special)
    for key, token, place in named:
        usual = _STANDARD.get(key)
        if usual is not None and _content(token) != usual:
            raise InputError(f"{place}: {key} is {_content(token)!r}; it must be {usual!r}")
        declare(token, place, special=True)
    notes = []
    never = config.get("never_split")
    if never:
        for token in _list(config, "never_split", config_path):
            declare(token, config_path, special=True)
        kept = ", ".join(map(str, never))
        notes.append(
            guess(f"never_split: {kept:.100} are kept whole wherever they are", place=config_path)
        )
    tokens = [token for content, token in declared.items() if content not in SPECIAL_TOKENS]
    return tuple(tokens), notes


def _named(data, path):
    """Yields the (key, token, file) of the special tokens that have a name, then of the others."""
    for key, token in data.items():
        if key.endswith("_token") and isinstance(token, (str, dict)):
            yield key, token, path
    for key in _LISTS:
        tokens = data.get(key) or []
        if isinstance(tokens, dict):
            tokens = list(tokens.values())
        if not isinstance(tokens, list):
            raise InputError(f"{path}: {key} must be a list, not {tokens!r:.60}")
        for token in tokens:
            yield key, token, path


def _content(token):
    return token.get("content") if isinstance(token, dict) else token


def _object(data, key, path):
    value = data.get(key) or {}
    if not isinstance(value, dict):
        raise InputError(f"{path}: {key} must be an object, not {value!r:.60}")
    return value


def _list(data, key, path):
    value = data.get(key) or []
    if not isinstance(value, list):
        raise InputError(f"{path}: {key} must be a list, not {value!r:.60}")
    return value


def with_added_tokens(vocabulary, added_tokens, rows):
    """Gives added tokens their places in a vocabulary.

    As transformers does: a token of the vocabulary keeps its id, others follow it in the order of
    their ids; then those that are declared without an id, as far as the table has rows for them.

    Args:
        vocabulary: list of str.
        added_tokens: those of a `Checkpoint`.
        rows: of the table, int.

    Returns:
        A tuple: the whole vocabulary; list of dicts for `WordPieceTokenizer`; list of notes.

    Raises:
        InputError: an id is another token's, or leaves a gap.
    """
    whole, kept, notes = list(vocabulary), [], []
    ids = {token: index for index, token in enumerate(vocabulary)}
    numbered = [token for token in added_tokens if token["id"] is not None]
    others = [token for token in added_tokens if token["id"] is None]
    for token in sorted(numbered, key=lambda token: token["id"]):
        content, number, place = token["content"], token["id"], token["place"]
        if ids.get(content, number) != number:
            raise InputError(
                f"{place}: the id of {content!r} is {number}, in the vocabulary {ids[content]}"
            )
        if content not in ids:
            if number < len(whole) and not whole[number]:
                whole[number] = content  # a blank line, which no text has
            elif number == len(whole):
                whole.append(content)
            else:
                is_there = number < len(whole)
                what = f"that of {whole[number]!r}" if is_there else f"not the next, {len(whole)}"
                raise InputError(f"{place}: the id of {content!r} is {number}, which is {what}")
        kept.append(token)
    left_out = []
    for token in others:
        if token["content"] not in ids:
            if len(whole) >= rows:
                left_out.append(token)
                continue
            whole.append(token["content"])
        kept.append(token)
    if left_out:
        contents = ", ".join(token["content"] for token in left_out)
        notes.append(
            guess(
                f"no id and no row for the declared {contents:.100}: left out",
                place=left_out[0]["place"],
            )
        )
    tokens = [
        {
            **{key: value for key, value in token.items() if key not in ("id", "place")},
            "word_piece": token["content"] in ids,
        }
        for token in kept
    ]
    return whole, tokens, notes


def split_added_tokens(vocabulary, added_tokens):
    """Returns the vocabulary that words are cut into, and `added_tokens_decoder` for the rest.

    Args:
        vocabulary: list of str.
        added_tokens: list of dicts, `WordPieceTokenizer`'s.

    Returns:
        A tuple: list of str, the vocabulary without added tokens at its end that are no word
        pieces; dict from id to flags, empty if there are no added tokens.
    """
    if not added_tokens:
        return vocabulary, {}
    ids = {token: index for index, token in enumerate(vocabulary)}
    not_pieces = {token["content"] for token in added_tokens if not token["word_piece"]}
    pieces = list(vocabulary)
    while pieces and pieces[-1] in not_pieces:
        pieces.pop()
    usual = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
    standard = [{"content": token, **usual, "special": True} for token in SPECIAL_TOKENS]
    decoder = {}
    for token in [*standard, *added_tokens]:
        if token["content"] in ids:
            flags = {key: value for key, value in token.items() if key != "word_piece"}
            decoder[str(ids[token["content"]])] = flags
    return pieces, dict(sorted(decoder.items(), key=lambda item: int(item[0])))
