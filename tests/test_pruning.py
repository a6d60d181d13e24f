"""Models with a pruned vocabulary: outputs bit for bit, files, the verb, bad input."""

import gzip
import json
import pathlib

import numpy as np
import pytest
from conftest import toy_rows
from small_networks import NETWORKS, VOCABULARY, make_encoder, make_network, make_tokenizer

import keras_bert
from keras_bert.bert import Bert
from keras_bert.errors import InputError
from keras_bert.pruning import prune_vocabulary
from keras_bert.quantization.rescaling import Rescaling

# Of words, which the characters of that vocabulary cannot spell; "dog" and "cat" can go.
CORPUS = ["good good bad", "good a"]


def pruned_of(bert):
    smaller, report = prune_vocabulary(bert, len(VOCABULARY) - 2, CORPUS, "corpus.txt")
    kept = [token for token in VOCABULARY if token not in ("dog", "cat")]
    assert smaller.tokenizer.vocabulary == kept
    return smaller, report, [VOCABULARY.index(token) for token in kept]


def batch(ids, seed=0):
    ids = np.random.default_rng(seed).permutation(ids)[None]
    zeros, ones = np.zeros_like(ids), np.ones_like(ids)
    return {"token_ids": ids, "segment_ids": zeros, "padding_mask": ones}


def equal(one, other):
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(equal(one[k], other[k]) for k in one)
    return np.array_equal(np.asarray(one), np.asarray(other))


@pytest.mark.parametrize("kind", [None, *NETWORKS])
def test_texts_of_kept_pieces_have_the_same_outputs_to_the_bit(kind):
    model = make_encoder() if kind is None else make_network(kind)
    bert = Bert(model, make_tokenizer())
    smaller, report, rows = pruned_of(bert)
    assert smaller.config.encoder.vocab_size == report["rows"] == len(rows)
    assert report["rows_before"] == len(VOCABULARY)
    assert report["bytes_before"] - report["bytes"] == 4 * 8 * 2
    assert smaller.config.labels == bert.config.labels
    assert smaller.config.settings == bert.config.settings
    new = batch(np.arange(len(rows)))
    old = {**new, "token_ids": np.take(rows, new["token_ids"])}
    if kind == "multiple_choice":
        new, old = ({n: np.stack([v] * 3, axis=1) for n, v in x.items()} for x in (new, old))
    assert equal(smaller.model(new, training=False), bert.model(old, training=False))


@pytest.mark.parametrize("tied", [True, False])
def test_the_masked_lm_head_goes_with_the_table(tied):
    model = keras_bert.BertPretrainer(make_encoder(), pair="nsp", tied=tied)
    rng = np.random.default_rng(4)
    model.set_weights([rng.normal(size=w.shape).astype("float32") for w in model.get_weights()])
    bert = Bert(model, make_tokenizer())
    smaller, _, rows = pruned_of(bert)
    new = {**batch(np.arange(len(rows))), "masked_positions": np.array([[1, 3]])}
    old = {**new, "token_ids": np.take(rows, new["token_ids"])}
    found, expected = (b.model(x, training=False) for b, x in ((smaller, new), (bert, old)))
    assert equal(found["pair"], expected["pair"])
    # The product with a smaller matrix may be summed in another order.
    np.testing.assert_allclose(
        found["masked_lm"], np.asarray(expected["masked_lm"])[..., rows], rtol=1e-5, atol=1e-5
    )
    assert smaller.fill_mask("a [MASK]")


def test_free_rows_of_a_table_go():
    bert = Bert(make_encoder(vocab_size=len(VOCABULARY) + 3), make_tokenizer())
    bert.rescaling = Rescaling({}, {})  # of training for a quantized file, and of channels alone
    smaller, report, _ = pruned_of(bert)
    assert smaller.rescaling is bert.rescaling
    assert (report["rows_before"], report["rows"]) == (len(VOCABULARY) + 3, len(VOCABULARY) - 2)
    again, _ = prune_vocabulary(smaller, len(VOCABULARY) - 3, ["good a"], "other.txt")
    assert again.config.pruned == {"from_size": len(VOCABULARY), "corpus": "other.txt"}


@pytest.fixture
def corpus(tmp_path):
    """The same texts in files of four kinds."""
    texts = [text for _, text in toy_rows(40, seed=1)]
    (tmp_path / "a.txt").write_text("\n".join(texts[:10]) + "\n\n")
    with gzip.open(tmp_path / "b.txt.gz", "wt") as file:
        file.write("\n".join(texts[10:20]))
    (tmp_path / "c.tsv").write_text(
        "label\tsentence\n" + "".join(f"x\t{t}\n" for t in texts[20:30])
    )
    words = ["".join(f"{word}\tO\n" for word in text.split()) for text in texts[30:]]
    (tmp_path / "d.conll").write_text("\n".join(words))
    return texts, f"{tmp_path}/[ab].*,{tmp_path}/c.tsv, {tmp_path}/d.conll"


def test_the_verb_writes_a_model_that_says_what_was_pruned(cli, toy, corpus, tmp_path):
    texts, globs = corpus
    flags = [f"--from={toy.model}", "--prune_vocabulary=60", f"--corpus={globs}"]
    call = cli("convert", *flags, f"--output={tmp_path / 'small'}", "--json")
    assert call.status == 0, call.err
    result = json.loads(call.out.splitlines()[-1])
    old, new = keras_bert.load(toy.model), keras_bert.load(tmp_path / "small")
    _, report = prune_vocabulary(old, 60, texts)
    assert result["pruned"] == report
    assert report["words"] == sum(len(t.split()) for t in texts)
    shown = "[ab].*,c.tsv,d.conll"
    assert new.config.pruned == {"from_size": old.tokenizer.vocabulary_size, "corpus": shown}
    card = (tmp_path / "small" / "README.md").read_text()
    assert f"60 of {old.tokenizer.vocabulary_size} tokens" in card
    assert shown in card
    assert str(tmp_path) not in card
    assert "-> 60 tokens" in call.out + call.err
    kept = set(new.tokenizer.vocabulary)
    same = [t for t in toy.texts if kept.issuperset(old.tokenizer.tokenize(t))]
    assert 10 < len(same) < len(toy.texts)
    np.testing.assert_array_equal(new.probabilities(same), old.probabilities(same))
    # Older versions, which know no such key, read what was not pruned.
    assert "pruned" not in json.loads(pathlib.Path(toy.model, "config.json").read_text())


@pytest.mark.slow
def test_a_model_trained_from_it_says_so_too(cli, toy, corpus, tmp_path):
    out = tmp_path / "small"
    keras_bert.convert(from_=toy.model, output=out, prune_vocabulary=60, corpus=corpus[1])
    flags = [f"--train={toy.dev}", f"--eval={toy.dev}", "--epochs=1", "--length=16"]
    assert cli("finetune", f"--init={out}", *flags, f"--output={tmp_path / 'tuned'}").status == 0
    tuned = keras_bert.load(tmp_path / "tuned")
    assert tuned.config.pruned == keras_bert.load(out).config.pruned
    assert "60 of" in (tmp_path / "tuned" / "README.md").read_text()


BAD = {
    "--prune_vocabulary needs --corpus": ["--prune_vocabulary=60"],
    "--corpus needs --prune_vocabulary": ["--corpus={dev}"],
    "none*.txt: no such file": ["--prune_vocabulary=60", "--corpus=none*.txt"],
    "--prune_vocabulary=20: at least": ["--prune_vocabulary=20", "--corpus={dev}"],
    "--prune_vocabulary=99999: expected fewer": ["--prune_vocabulary=99999", "--corpus={dev}"],
    "--prune_vocabulary=0: 0 is not integer >= 10": ["--prune_vocabulary=0", "--corpus={dev}"],
    "column": ["--prune_vocabulary=60", "--corpus={folder}/none.csv"],
    "hold no words": ["--prune_vocabulary=60", "--corpus={folder}/blank.txt"],
}


@pytest.mark.parametrize("message", BAD)
def test_bad_input_is_one_line_and_nothing_is_written(cli, toy, tmp_path, message):
    (tmp_path / "none.csv").write_text("a,b\n1,2\n")
    (tmp_path / "blank.txt").write_text("\n \n")
    flags = [flag.format(dev=toy.dev, folder=tmp_path) for flag in BAD[message]]
    call = cli("convert", f"--from={toy.model}", *flags, f"--output={tmp_path / 'out'}")
    assert call.status == 2
    lines = [line for line in call.err.splitlines() if not line.startswith("note:")]
    assert message in lines[-1], call.err
    assert not (tmp_path / "out").exists()


def test_a_config_that_says_nonsense_is_refused():
    config = Bert(make_encoder(), make_tokenizer()).config
    for pruned in ({"from_size": "9", "corpus": "a"}, {"corpus": "a"}, {"x": 1}, [1]):
        with pytest.raises(InputError, match="pruned must be"):
            type(config)(encoder=config.encoder, max_length=8, pruned=pruned)
