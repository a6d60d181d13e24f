"""Variants of texts by a masked language model: which words, which proposals, which seed."""

import dataclasses
import json

import numpy as np
import pytest
from conftest import toy_rows, write_tsv

import keras_bert
from keras_bert.bert import Bert, build_model
from keras_bert.config import BertConfig
from keras_bert.errors import InputError
from keras_bert.loading import load
from keras_bert.model_folder import ModelConfig
from keras_bert.tasks.sequence.texts import Examples
from keras_bert.text.tokenizer import WordPieceTokenizer, load_vocabulary
from keras_bert.training import augmentation, augmented_texts
from keras_bert.training.augmentation import augmented, variants_of, words_of
from keras_bert.training.proposals import is_word, proposals_for
from keras_bert.training.settings import FinetuneSettings

WORDS = ["film", "story", "actor", "scene", "plot", "voice", "good", "bad", "so", "2", "##s", "'"]
VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[unused1]", *"abcst", *WORDS]


def make_masked_lm(vocabulary=VOCABULARY, **changes):
    tokenizer = WordPieceTokenizer(vocabulary, lower_case=True)
    sizes = {
        "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
        "intermediate_size": 32, "max_position_embeddings": 32, "initializer_range": 0.5,
    }  # fmt: skip
    encoder = BertConfig(vocab_size=len(vocabulary), **{**sizes, **changes})
    config = ModelConfig(
        encoder=encoder, task="pretraining", max_length=32, tokenizer=tokenizer.get_config(),
    )  # fmt: skip
    import keras

    keras.utils.set_random_seed(3)
    return Bert.from_config(config, build_model(config), tokenizer)


@pytest.fixture(scope="module")
def masked_lm():
    return make_masked_lm()


def test_words_have_letters_and_all_of_their_pieces(masked_lm):
    text = "The Films, 2 so: don't"
    encoding = masked_lm.tokenizer.encode(text)
    found = [text[word.start : word.end] for word in words_of(text, encoding)]
    # "The" and "don" are not in the vocabulary, and yet words; "2" and "t" are none.
    assert found == ["The", "Films", "so", "don"]
    films = words_of(text, encoding)[1]
    assert encoding.tokens[films.first : films.last + 1] == ["film", "##s"]


def test_only_whole_words_are_proposed():
    words = [token for token in VOCABULARY if is_word(token)]
    assert words == [*"abcst", *WORDS[:9]]


def test_proposals_are_those_of_fill_mask(masked_lm):
    """One mask a row, of which `fill_mask` says all tokens in order."""
    texts = ["[MASK] story so good", "so good [MASK]", "the [MASK] plot film actor scene film bad"]
    rows = []
    for text in texts:
        encoding = masked_lm.tokenizer.encode_with_mask(text)
        ids = np.array(encoding.token_ids)
        rows.append(
            dataclasses.make_dataclass("Row", ["token_ids", "segment_ids", "places"])(
                ids, np.zeros(len(ids)), np.flatnonzero(ids == masked_lm.tokenizer.mask_id)
            )
        )
    found = proposals_for(rows, masked_lm, 4)
    for text, row in zip(texts, found, strict=True):
        (ranked,) = masked_lm.fill_mask(text, top=len(VOCABULARY))
        expected = [each["token"] for each in ranked if is_word(each["token"])][:4]
        assert [VOCABULARY[i] for i in row[0]] == expected


def test_a_variant_has_words_of_the_proposals_and_nothing_else_changed(masked_lm, monkeypatch):
    # Longer than the stride, so that rows have several masks.
    text = "So Good film:  the story, ACTOR; scene plot voice bad films 2 so!"
    encoding = masked_lm.tokenizer.encode(text)
    words = words_of(text, encoding)
    (proposed,) = augmentation._proposed([encoding], [words], masked_lm)
    assert len(proposed) == len(words) > augmentation._STRIDE
    (found,) = variants_of([text], masked_lm, 200, seed=1)
    counts = np.zeros(len(words))
    for variant in found:
        place, rest = 0, variant
        for i, word in enumerate(words):
            between = text[place : word.start]
            assert rest.startswith(between)
            rest = rest[len(between) :]
            written = text[word.start : word.end]
            new = rest[
                : len(rest)
                - len(rest.lstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"))
            ]
            rest, place = rest[len(new) :], word.end
            if new != written:
                counts[i] += 1
                assert new.lower() in proposed[i]
                assert new.istitle() == written.istitle() or len(new) == 1
                assert new.isupper() == written.isupper() or len(new) == 1
        assert rest == text[place:]
    # 200 times a chance of 0.4: within four standard deviations.
    assert (np.abs(counts / 200 - 0.4) < 4 * np.sqrt(0.24 / 200)).all()


def test_variants_are_a_function_of_seed_and_number(masked_lm):
    texts = ["so good film", "bad story", "so good film", "2", "plot " * 60]
    found = variants_of(texts, masked_lm, 3, seed=5)
    assert found == variants_of(texts, masked_lm, 3, seed=5)
    assert found != variants_of(texts, masked_lm, 3, seed=6)
    assert found[0] != found[2]
    assert found[3] == ["2"] * 3
    # Words beyond the model's length stay.
    assert all(variant.endswith("plot " * 30) for variant in found[4])
    monkeypatch = pytest.MonkeyPatch()
    with monkeypatch.context() as patch:
        patch.setattr(augmentation, "_TEXTS_AT_ONCE", 2)
        assert variants_of(texts, masked_lm, 3, seed=5) == found


def test_pairs_and_copies(masked_lm):
    examples = Examples("x.csv", ["so good", "2"], ["a film", "3"], ["1", "0"], [2, 3])
    found = augmented(examples, masked_lm, 8, seed=0)
    pairs = list(zip(found.texts, found.texts_b))
    assert len(set(pairs)) == len(pairs) > 1
    assert not {("so good", "a film"), ("2", "3")} & set(pairs)
    assert found.labels is None
    assert set(found.lines) == {2}
    none = augmented(examples.take([1]), masked_lm, 8, seed=0)
    assert (len(none), none.texts_b) == (0, [])


def test_they_are_kept_for_a_run_that_goes_on(masked_lm, tmp_path, monkeypatch):
    masked_lm.save(tmp_path / "lm")
    path, lines = str(tmp_path / "out.variants.jsonl"), []
    examples = Examples("x.csv", ["so good film", "bad story"], None, ["1", "0"], [2, 3])
    given = {"augment": 4, "augment_model": str(tmp_path / "lm"), "teacher": "x"}
    first = augmented_texts.augmented_texts(
        examples, FinetuneSettings(**given), path, say=lines.append
    )
    assert len(lines) == 2
    goes_on = FinetuneSettings(**given, resume=True)
    with monkeypatch.context() as patch:
        patch.setattr(augmented_texts, "augmented", None)
        again = augmented_texts.augmented_texts(examples, goes_on, path, say=lines.append)
    assert again == first
    text = (tmp_path / "out.variants.jsonl").read_text(encoding="utf-8")
    for damaged in (text[:-9], "[" * 99999, ""):
        (tmp_path / "out.variants.jsonl").write_text(damaged, encoding="utf-8")
        assert augmented_texts.augmented_texts(examples, goes_on, path, say=lines.append) == first
    other = FinetuneSettings(**{**given, "augment": 2}, resume=True)
    assert len(augmented_texts.augmented_texts(examples, other, path, say=lines.append)) < len(
        first
    )


def test_what_proposes_nothing_is_refused(toy, tmp_path):
    def made(**given):
        FinetuneSettings(**{"teacher": "x", **given})

    with pytest.raises(InputError, match="augment: goes with augment_model"):
        made(augment=2)
    with pytest.raises(InputError, match="augment_model: goes with augment"):
        made(augment_model="x")
    with pytest.raises(InputError, match="augment: goes with teacher"):
        made(teacher=None, augment=2, augment_model="x")
    with pytest.raises(InputError, match="augment_model=the name: has no masked-LM head"):
        augmentation.check_masked_lm(load(toy.model), "the name")
    one_way = make_masked_lm(left_to_right=True)
    with pytest.raises(InputError, match="augment_model=x: reads from left to right only"):
        augmentation.check_masked_lm(one_way, "x")
    (tmp_path / "train.conll").write_text("a\tO\n\nb\tB-X\n", encoding="utf-8")
    with pytest.raises(InputError, match="augment is for classification, .*not for task=tagging"):
        keras_bert.finetune(
            toy.model, "tagging", str(tmp_path / "train.conll"), augment=2, augment_model="x"
        )


@pytest.mark.slow
def test_the_command_learns_from_variants(cli, toy, tmp_path):
    make_masked_lm(load_vocabulary(toy.vocabulary)).save(tmp_path / "lm")
    train = write_tsv(tmp_path / "train.tsv", toy_rows(20, seed=5))
    found = cli(
        "finetune", f"--init={toy.model}", f"--train={train}", f"--eval={toy.dev}",
        "--length=32", "--epochs=1", f"--teacher={toy.model}", "--augment=3",
        f"--augment_model={tmp_path / 'lm'}", f"--output={tmp_path / 'out'}", "--json",
    )  # fmt: skip
    assert found.status == 0, found.err
    report = json.loads(found.out.splitlines()[-1])
    count = report["teacher"]["unlabeled"]
    assert 40 < count <= 60
    assert f"answers {20 + count} rows once" in found.err
    assert {path.name for path in tmp_path.iterdir()} == {"lm", "train.tsv", "out"}
