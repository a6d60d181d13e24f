"""`tokenizer.json` of the library `tokenizers`: its vocabulary, and parts that are not BERT's."""

from keras_bert.errors import InputError
from keras_bert.guesses import guess
from keras_bert.text.vocabulary import SPECIAL_TOKENS, check_vocabulary

# The switches of BertNormalizer; `clean_text` is no switch of ours.
_SWITCHES = {
    "lowercase": "lower_case",
    "strip_accents": "strip_accents",
    "handle_chinese_chars": "tokenize_chinese_chars",
}
_NAMES = ("type", "clean_text", *_SWITCHES)
# Of the original WordPiece, in characters.
_LONGEST_WORD = 200
# Ids that a vocabulary may lack, as where its file had a token twice, beyond as many as it has.
_MOST_GAPS = 1024


def read_vocabulary(data, path):
    """Returns the word pieces of a `tokenizer.json` in the order of their ids, "" for gaps.

    Raises:
        InputError: it is not a WordPiece tokenizer, or two tokens have one id.
    """
    pieces = _model(data, path)["vocab"]
    ids = list(pieces.values())
    most = 2 * len(pieces) + _MOST_GAPS
    if not all(type(i) is int and 0 <= i < most for i in ids) or len(set(ids)) < len(ids):
        raise InputError(f"{path}: the ids of the vocabulary are not 0 to {len(pieces) - 1}")
    vocabulary = [""] * (max(ids, default=-1) + 1)
    for piece, index in pieces.items():
        vocabulary[index] = piece
    check_vocabulary(vocabulary, path)
    return vocabulary


def read_parts(data, path):
    """Reads how a `tokenizer.json` cuts texts.

    Args:
        data: its contents.
        path: for messages.

    Returns:
        A tuple: dict of switches of `WordPieceTokenizer`; the longest word in characters, or
        None; list of notes.

    Raises:
        InputError: a part is not BERT's; the message names it and its value.
    """
    switches = _read_normalizer(data.get("normalizer"), path)
    splitter = _only(data.get("pre_tokenizer"), "pretokenizers")
    if splitter != {"type": "BertPreTokenizer"}:
        raise _refused(path, "pre_tokenizer", data.get("pre_tokenizer"), "BertPreTokenizer")
    model = _model(data, path)
    for key, required in (("unk_token", "[UNK]"), ("continuing_subword_prefix", "##")):
        if model.get(key, required) != required:
            raise _refused(path, f"model.{key}", model[key], required)
    longest = model.get("max_input_chars_per_word")
    if longest is not None:
        if isinstance(longest, bool) or not isinstance(longest, int) or not 0 < longest < 2**31:
            raise InputError(f"{path}: model.max_input_chars_per_word is {longest!r}, not a number")
    notes = []
    if data.get("post_processor") is None:
        notes.append(guess("no post_processor: [CLS] and [SEP] are added all the same", place=path))
    elif not _is_berts(data["post_processor"]):
        raise _refused(path, "post_processor", data["post_processor"], "[CLS] A [SEP] B [SEP]")
    return switches, longest, notes


def make(pieces, decoder, switches):
    """Returns a tokenizer as the contents of a `tokenizer.json`.

    Args:
        pieces: list of str, the word pieces in the order of their ids.
        decoder: dict from the id of an added token to its flags; see
            `added_tokens.split_added_tokens`.
        switches: dict, what `WordPieceTokenizer.get_config` returned.

    Returns:
        A str; None if the library cannot give an added token the id that it has here.
    """
    from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers
    from tokenizers.pre_tokenizers import BertPreTokenizer
    from tokenizers.processors import TemplateProcessing

    ids = {piece: index for index, piece in enumerate(pieces) if piece}
    longest = switches.get("max_chars_per_word", _LONGEST_WORD)
    model = models.WordPiece(ids, unk_token="[UNK]", max_input_chars_per_word=longest)
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.BertNormalizer(
        clean_text=True,
        **{key: switches[switch] for key, switch in _SWITCHES.items() if switch in switches},
    )
    tokenizer.pre_tokenizer = BertPreTokenizer()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(token, ids[token]) for token in ("[CLS]", "[SEP]")],
    )
    tokenizer.decoder = decoders.WordPiece()
    if not decoder:
        tokenizer.add_special_tokens([token for token in SPECIAL_TOKENS if token in ids])
    for index, flags in decoder.items():
        token = AddedToken(**flags)
        (tokenizer.add_special_tokens if token.special else tokenizer.add_tokens)([token])
        if tokenizer.token_to_id(token.content) != int(index):
            return None
    return tokenizer.to_str(pretty=True)


def check_same(vocabulary, other, added, path):
    """Raises InputError unless `vocab.txt` and `tokenizer.json` have the same ids.

    Args:
        vocabulary, other: lists of str, of the two files.
        added: set of str, added tokens, which either may have or not.
        path: their folder, for the message.
    """
    ids, others = ({token: i for i, token in enumerate(v) if token} for v in (vocabulary, other))
    everything = [token for token in {**ids, **others} if token not in added]
    different = [token for token in everything if ids.get(token) != others.get(token)]
    if different:
        token = different[0]
        raise InputError(
            f"{path}: the id of {token!r} is {others.get(token)} in tokenizer.json and "
            f"{ids.get(token)} in vocab.txt: remove the file that is not the model's"
        )


def _model(data, path):
    model = data.get("model")
    usual = isinstance(model, dict) and isinstance(model.get("vocab"), dict)
    # Files of 2020 have no type; of the others only WordPiece has this key.
    kind = model.get("type") if usual else None
    if not usual or kind != "WordPiece" and (kind or "continuing_subword_prefix" not in model):
        raise InputError(f"{path}: not a WordPiece tokenizer")
    return model


def _read_normalizer(stated, path):
    normalizer = _only(stated, "normalizers")
    usual = isinstance(normalizer, dict) and normalizer.get("type") == "BertNormalizer"
    if not usual or not normalizer.keys() <= set(_NAMES):
        raise _refused(path, "normalizer", stated, "BertNormalizer")
    if normalizer.get("clean_text", True) is not True:
        raise _refused(path, "normalizer.clean_text", normalizer["clean_text"], "true")
    switches = {}
    for key, switch in _SWITCHES.items():
        value = normalizer.get(key)
        if value is not None and not isinstance(value, bool):
            raise InputError(f"{path}: normalizer.{key} is {value!r}, not a bool")
        if value is not None:
            switches[switch] = value
    return switches


def _only(part, name):
    """Returns the one part of a sequence of one."""
    if isinstance(part, dict) and part.get("type") == "Sequence":
        parts = part.get(name)
        return _only(parts[0], name) if isinstance(parts, list) and len(parts) == 1 else part
    return part


def _is_berts(processor):
    if not isinstance(processor, dict):
        return False
    if processor.get("type") == "BertProcessing":
        pairs = (processor.get("sep"), processor.get("cls"))
        names = [pair[0] if isinstance(pair, list) and pair else None for pair in pairs]
        return names == ["[SEP]", "[CLS]"]
    single = (("[CLS]", 0), ("A", 0), ("[SEP]", 0))
    return (
        processor.get("type") == "TemplateProcessing"
        and _template(processor.get("single")) == single
        and _template(processor.get("pair")) == (*single, ("B", 1), ("[SEP]", 1))
    )


def _template(pieces):
    found = []
    for piece in pieces if isinstance(pieces, list) else ():
        inner = next(iter(piece.values()), None) if isinstance(piece, dict) else None
        inner = inner if isinstance(inner, dict) else {}
        found.append((inner.get("id"), inner.get("type_id")))
    return tuple(found)


def _refused(path, part, value, required):
    shown = str(value) if len(str(value)) <= 200 else f"{str(value)[:197]}…"
    return InputError(
        f"{path}: {part} is {shown}; only BERT's own can be read, which is {required}"
    )
