"""Tokens that a Hugging Face folder declares beside its word pieces, and their ids."""

import os

from keras_bert.config import read_json_object
from keras_bert.errors import InputError
from keras_bert.guesses import guess
from keras_bert.text.vocabulary import SPECIAL_TOKENS

_STANDARD = {
    "unk_token": "[UNK]", "sep_token": "[SEP]", "pad_token": "[PAD]", "cls_token": "[CLS]",
}  # fmt: skip
_LISTS = ("additional_special_tokens", "extra_special_tokens")


def read_if_there(path):
    """Returns the object of a JSON file, {} if there is no such file."""
    return read_json_object(path) if os.path.isfile(path) else {}


def declared_tokens(folder, config, data, config_path, json_path):
    """Reads the tokens that a folder declares beside the word pieces.

    Args:
        folder: path.
        config, data: the contents of `tokenizer_config.json` and `tokenizer.json`, {} for none.
        config_path, json_path: their paths.

    Returns:
        A tuple: dicts of `content`, `id` (or None), `place` (the file) and flags; list of notes.

    Raises:
        InputError: a declaration is broken, two contradict each other, or a token that BERT has
            is another one.
    """
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
    special = {_content(token) for _, token, _ in named if isinstance(_content(token), str)}
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
