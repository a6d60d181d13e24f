"""What the tokenizer's files of a folder say: added tokens, other tokenizers, lengths.

`tokenizers`, which reads `tokenizer.json` itself, says what is right.
"""

import json
import warnings

import pytest
from checkpoint_helpers import SWITCHES, TINY, random_weights
from tokenizers import (
    AddedToken,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
)

import keras_bert
from keras_bert.checkpoints import huggingface
from keras_bert.config import BertConfig
from keras_bert.converting import convert
from keras_bert.errors import InputError
from keras_bert.guesses import Guess

# One row for each, and two more.
PIECES = ["[PAD]", "[unused0]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcde[].,", "##a", "##b"]
CONFIG = BertConfig(**{**TINY.to_dict(), "vocab_size": len(PIECES) + 2})
PLAIN = {"lstrip": False, "rstrip": False, "normalized": False, "single_word": False}
TEXTS = ["a [E1] b", "[unused0]ab[E2]", "AB[e1] Xy", "a , b[E1]", "[SEP] a", "  [E2]  a  "]


@pytest.fixture
def folder(tmp_path):
    """A folder without tokenizer files, whose table has two rows more than `PIECES`."""
    path = tmp_path / "model"
    huggingface.save(path, CONFIG, random_weights(CONFIG), PIECES, SWITCHES)
    (path / "tokenizer_config.json").unlink()
    return path


def write(folder, **files):
    for name, data in files.items():
        (folder / f"{name}.json").write_text(json.dumps(data))


def truth(tokens=(), **parts):
    """Returns the tokenizer of `tokenizers` for `PIECES`, with some parts that are not BERT's."""
    options = {"unk_token": "[UNK]", **parts.pop("model", {})}
    ids = {piece: index for index, piece in enumerate(PIECES)}
    tokenizer = Tokenizer(models.WordPiece(ids, **options))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True, strip_accents=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 3), ("[SEP]", 4)],
    )
    tokenizer.decoder = decoders.WordPiece()
    for part, value in parts.items():
        setattr(tokenizer, part, value)
    for token in tokens:
        (tokenizer.add_special_tokens if token.special else tokenizer.add_tokens)([token])
    return tokenizer


def check(folder, tokenizer, added):
    """Checks the ids of texts, here and after a save, a conversion and a conversion back."""
    bert = keras_bert.load(folder)
    assert [t.content for t in bert.tokenizer.added_tokens] == added
    bert.save(folder.parent / "ours")
    bert.model.save(folder.parent / "ours.keras")
    settings = {"from_": str(folder.parent / "ours"), "output": str(folder.parent / "back")}
    convert(to="huggingface", **settings)
    for path in (folder, *(folder.parent / name for name in ("ours", "ours.keras", "back"))):
        ours = keras_bert.load(path).tokenizer
        for text, want in zip(TEXTS, tokenizer.encode_batch(TEXTS), strict=True):
            # Tokens that every BERT has are text like any other here.
            if "[SEP]" not in text:
                found = ours.encode(text)
                assert found.token_ids == want.ids, (path.name, text)
                assert found.offsets == want.offsets, (path.name, text)


E1, E2 = len(PIECES), len(PIECES) + 1


@pytest.mark.parametrize("where", ["decoder", "json", "added", "map", "config"])
def test_added_tokens_are_kept_whole(folder, where):
    special = where != "added"
    flags = {**PLAIN, "special": special, "normalized": not special}
    contents = ["[E1]", "[E2]", "[unused0]"]
    tokenizer = truth([AddedToken(content, **flags) for content in contents])
    numbered = dict(zip(contents, (E1, E2, 1), strict=True))
    if where == "decoder":
        decoder = {str(i): {"content": c, **flags} for c, i in numbered.items()}
        write(folder, tokenizer_config={"do_lower_case": True, "added_tokens_decoder": decoder})
    elif where == "json":
        tokenizer.save(str(folder / "tokenizer.json"))
        (folder / "vocab.txt").unlink()
    elif where == "added":
        write(folder, added_tokens=numbered)
    elif where == "map":
        extra = [{"content": c, **PLAIN} for c in contents]
        write(folder, special_tokens_map={"additional_special_tokens": extra, "pad_token": "[PAD]"})
    else:
        write(folder, tokenizer_config={"extra_special_tokens": contents, "strip_accents": False})
    kept = sorted(contents, key=numbered.get) if where == "decoder" else contents
    kept = sorted(contents, key=numbered.get) if where in ("json", "added", "decoder") else kept
    check(folder, tokenizer, kept)


def test_flags_of_added_tokens(folder):
    tokens = [
        AddedToken("[E1]", **{**PLAIN, "lstrip": True, "rstrip": True}),
        AddedToken("[E2]", **{**PLAIN, "single_word": True}),
    ]
    tokenizer = truth(tokens)
    tokenizer.save(str(folder / "tokenizer.json"))
    check(folder, tokenizer, ["[E1]", "[E2]"])


def test_never_split(folder):
    write(folder, tokenizer_config={"never_split": ["[unused0]"], "do_lower_case": True})
    with pytest.warns(Guess, match=r"never_split: \[unused0\] are kept whole"):
        assert keras_bert.load(folder).tokenizer.tokenize("a [unused0]") == ["a", "[unused0]"]


def test_a_declared_token_without_a_row_is_left_out(folder):
    extra = ["[E1]", "[E2]", "[E3]"]
    write(folder, special_tokens_map={"bos_token": "[CLS]", "additional_special_tokens": extra})
    with pytest.warns(Guess, match=r"no id and no row for the declared \[E3\]: left out"):
        bert = keras_bert.load(folder)
    assert bert.tokenizer.vocabulary == [*PIECES, "[E1]", "[E2]"]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"added_tokens": {"[E1]": E1 + 1}}, f"'[E1]' is {E1 + 1}, which is not the next, {E1}"),
        ({"added_tokens": {"[E1]": 6}}, "the id of '[E1]' is 6, which is that of 'a'"),
        ({"added_tokens": {"a": 7}}, "the id of 'a' is 7, in the vocabulary 6"),
        ({"added_tokens": {"[E1]": "x"}}, "the id of '[E1]' is 'x', not a number"),
        (
            {"added_tokens": {"[E1]": E1, "[E2]": E2, "[E3]": E2 + 1}},
            "has 20 tokens but the embedding 19 rows",
        ),
        (
            {"special_tokens_map": {"unk_token": "<unk>"}},
            "unk_token is '<unk>'; it must be '[UNK]'",
        ),
        ({"tokenizer_config": {"cls_token": "<s>"}}, "cls_token is '<s>'; it must be '[CLS]'"),
        ({"tokenizer_config": {"do_basic_tokenize": False}}, "do_basic_tokenize must be True, not"),
        ({"tokenizer_config": {"tokenizer_class": "XLNetTokenizer"}}, "is 'XLNetTokenizer'"),
        ({"tokenizer_config": {"model_max_length": "long"}}, "model_max_length is 'long', not a"),
        ({"tokenizer_config": {"added_tokens_decoder": {"x": {}}}}, "'x' is no id"),
        ({"tokenizer_config": {"added_tokens_decoder": {"1": {"odd": 1}}}}, "is no token"),
        (
            {"tokenizer_config": {"added_tokens_decoder": {"1": {"content": "[unused0]", "x": 1}}}},
            "added token '[unused0]': has",
        ),
    ],
    ids=range(13),
)
def test_files_that_contradict_the_vocabulary_or_bert(folder, files, message):
    write(folder, **files)
    with pytest.raises(InputError) as error:
        keras_bert.load(folder)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_japanese_class_that_only_the_models_config_names(folder):
    data = json.loads((folder / "config.json").read_text())
    write(folder, config={**data, "tokenizer_class": "BertJapaneseTokenizer"})
    with pytest.raises(InputError, match="MeCab"):
        keras_bert.load(folder)


def test_sides_are_said(folder):
    write(folder, tokenizer_config={"padding_side": "left", "truncation_side": "left"})
    with pytest.warns(Guess, match="padding_side is left"):
        notes = keras_bert.load(folder).notes
    assert len(notes) == 2


LOWER = normalizers.Lowercase()
OTHERS = {
    "pre_tokenizer is {'type': 'WhitespaceSplit'}": {
        "pre_tokenizer": pre_tokenizers.WhitespaceSplit()
    },
    "pre_tokenizer is {'type': 'Whitespace'}": {"pre_tokenizer": pre_tokenizers.Whitespace()},
    "normalizer is {'type': 'Sequence'": {
        "normalizer": normalizers.Sequence([normalizers.NFD(), LOWER, normalizers.StripAccents()])
    },
    "normalizer is {'type': 'Lowercase'}": {"normalizer": LOWER},
    "normalizer.clean_text is False": {"normalizer": normalizers.BertNormalizer(clean_text=False)},
    "model.continuing_subword_prefix is @@": {"model": {"continuing_subword_prefix": "@@"}},
    "model.unk_token is [PAD]": {"model": {"unk_token": "[PAD]"}},
    "post_processor is {'type': 'TemplateProcessing'": {
        "post_processor": processors.TemplateProcessing(
            single="$A [SEP]", special_tokens=[("[SEP]", 4)]
        )
    },
    "post_processor is {'type': 'RobertaProcessing'": {
        "post_processor": processors.RobertaProcessing(("[SEP]", 4), ("[CLS]", 3))
    },
}


@pytest.mark.parametrize("message", OTHERS)
def test_parts_of_another_tokenizer_are_refused_by_name(folder, message):
    truth(**OTHERS[message]).save(str(folder / "tokenizer.json"))
    with pytest.raises(InputError) as error:
        keras_bert.load(folder)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_parts_that_are_berts_are_used(folder):
    tokenizer = truth(
        model={"max_input_chars_per_word": 3},
        normalizer=normalizers.Sequence(
            [normalizers.BertNormalizer(lowercase=False, handle_chinese_chars=False)]
        ),
        post_processor=processors.BertProcessing(("[SEP]", 4), ("[CLS]", 3)),
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ours = keras_bert.load(folder).tokenizer
    for text in ("aab abab abb", "A a\u4e00b", "a\u0301b ab"):
        assert ours.encode(text).token_ids == tokenizer.encode(text).ids
    config = ours.get_config()
    assert config["max_chars_per_word"] == 3
    assert (config["lower_case"], config["tokenize_chinese_chars"]) == (False, False)


def test_the_longest_word_is_transformers_own(folder):
    write(folder, tokenizer_config={"do_lower_case": True})
    tokenizer = truth()  # 100 characters, the default of its WordPiece
    ours = keras_bert.load(folder).tokenizer
    for count in (100, 101, 200):
        word = "a" * count
        assert ours.encode(word).token_ids == tokenizer.encode(word).ids


def test_no_post_processor_is_a_guess(folder):
    data = json.loads(truth().to_str())
    write(folder, tokenizer={**data, "post_processor": None})
    with pytest.warns(Guess, match="no post_processor"):
        assert keras_bert.load(folder).tokenizer.encode("a").token_ids == [3, 6, 4]


def test_two_vocabularies(folder):
    data = json.loads(truth().to_str())
    data["model"]["vocab"] |= {"a": 7, "b": 6}
    write(folder, tokenizer=data)
    with pytest.raises(InputError, match="the id of 'a' is 7 in tokenizer.json and 6 in vocab.txt"):
        keras_bert.load(folder)
    (folder / "vocab.txt").unlink()
    assert keras_bert.load(folder).tokenizer.encode("a").token_ids == [3, 7, 4]


def test_ids_that_a_vocabulary_lacks(folder):
    data = json.loads(truth().to_str())
    data["model"]["vocab"]["##b"] += 1
    write(folder, tokenizer=data)
    (folder / "vocab.txt").unlink()
    assert keras_bert.load(folder).tokenizer.encode("ab").token_ids == [3, 6, len(PIECES), 4]
    data["model"]["vocab"]["##b"] = 10**12
    write(folder, tokenizer=data)
    with pytest.raises(InputError, match="ids of the vocabulary are not 0 to"):
        keras_bert.load(folder)
