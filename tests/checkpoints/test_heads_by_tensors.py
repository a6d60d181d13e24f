"""Heads without a class that says them, heads of pretraining, label names, and what is left out."""

import json
import shutil
import warnings

import numpy as np
import pytest
from checkpoint_helpers import (
    DATA,
    SWITCHES,
    TINY,
    VOCABULARY,
    assert_same_weights,
    random_weights,
    read_all,
)
from safetensors.numpy import load_file, save_file

import keras_bert
from keras_bert.checkpoints import google, huggingface, names, open_checkpoint
from keras_bert.converting import convert
from keras_bert.errors import InputError
from keras_bert.guesses import Guess, Said

HEADS = {
    "classification": DATA / "hf_tiny_bert_classifier",
    "tagging": DATA / "hf_tiny_bert_tagger",
    "question_answering": DATA / "hf_tiny_bert_answerer",
}
PRETRAINING = DATA / "hf_tiny_bert_pretraining"


@pytest.fixture
def edit(tmp_path):
    """Copies a folder with other tensors and other entries of its config.json."""

    def edited(folder, tensors=None, drop=(), **changes):
        copy = shutil.copytree(folder, tmp_path / "edited", dirs_exist_ok=True)
        config = json.loads((folder / "config.json").read_text()) | changes
        config = {key: value for key, value in config.items() if key not in drop}
        (copy / "config.json").write_text(json.dumps(config))
        kept = load_file(folder / "model.safetensors") | (tensors or {})
        kept = {key: value for key, value in kept.items() if value is not None}
        save_file(kept, copy / "model.safetensors")
        return copy

    return edited


@pytest.mark.parametrize("architectures", [None, [], ["MyBert"], ["BertModel"]], ids=str)
@pytest.mark.parametrize("task", HEADS)
def test_heads_are_found_by_their_tensors(edit, task, architectures):
    stated = open_checkpoint(HEADS[task])
    copy = edit(HEADS[task], architectures=architectures)
    with pytest.warns(Guess, match="by its .*weight it is a BertFor"):
        found = open_checkpoint(copy)
    assert (found.task, found.labels) == (task, stated.labels)
    assert_same_weights(read_all(found), read_all(stated))
    assert [type(note) for note in found.notes] == [Said]


def test_a_head_that_can_be_two_things_is_said_and_left(edit):
    one = {"classifier.weight": np.ones((1, 16), "float32"), "classifier.bias": np.ones(1, "f4")}
    folder = HEADS["classification"]
    width = json.loads((folder / "config.json").read_text())["hidden_size"]
    one["classifier.weight"] = np.ones((1, width), "float32")
    copy = edit(folder, one, drop=("architectures", "id2label", "label2id"))
    with pytest.warns(Guess, match="one output, for regression or for choices: only the encoder"):
        assert open_checkpoint(copy).task is None
    copy = edit(folder, one, drop=("architectures", "id2label"), problem_type="regression")
    with pytest.warns(Guess, match="BertForSequenceClassification"):
        assert open_checkpoint(copy).task == "regression"
    both = {
        "qa_outputs.weight": np.ones((2, width), "float32"),
        "qa_outputs.bias": np.ones(2, "f4"),
    }
    with pytest.warns(Guess, match="classifier.weight, qa_outputs.weight are heads of different"):
        assert open_checkpoint(edit(folder, both, drop=("architectures",))).task is None


def test_tensors_of_no_part_are_counted(edit, cli, tmp_path):
    extra = {f"crf.part{i}": np.ones(3, "float32") for i in range(5)}
    copy = edit(HEADS["tagging"], extra)
    with pytest.warns(Guess, match="5 tensors are of no part.*: crf.part0, .*crf.part3, …"):
        bert = keras_bert.load(copy)
    assert bert.config.task == "tagging"
    found = cli("convert", f"--from={copy}", f"--output={tmp_path / 'x'}")
    assert (found.status, found.err.count("5 tensors are of no part")) == (0, 1)
    assert "5 tensors" not in found.out  # said once
    found = cli("convert", f"--from={copy}", f"--output={tmp_path / 'y'}", "--strict")
    assert (found.status, (tmp_path / "y").exists()) == (2, False)
    found = cli("convert", f"--from={copy}", f"--output={tmp_path / 'z'}", "--json")
    assert "5 tensors are of no part" in json.loads(found.out.splitlines()[-1])["notes"][0]


def test_heads_of_pretraining_are_noted(cli, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error", Guess)  # it is no guess
        bert = keras_bert.load(PRETRAINING)
    assert "its heads of pretraining are not loaded" in "".join(bert.notes)
    found = cli("convert", f"--from={PRETRAINING}", f"--output={tmp_path / 'x'}")
    assert found.out.count("--pretraining of `convert` keeps them") == 1
    found = cli("convert", f"--from={PRETRAINING}", f"--output={tmp_path / 'y'}", "--pretraining")
    assert "not loaded" not in found.out


def test_a_next_sentence_head_alone(edit):
    tensors = load_file(PRETRAINING / "model.safetensors")
    without = {key: None for key in tensors if key.startswith("cls.predictions")}
    copy = edit(PRETRAINING, without, architectures=["BertForNextSentencePrediction"])
    with pytest.warns(Guess, match="a next-sentence head alone is not supported"):
        assert keras_bert.load(copy).config.task is None


def gelu(x):
    from scipy.special import erf

    return x * (1 + erf(x / np.sqrt(2))) / 2


def test_an_output_matrix_of_its_own_is_used(edit, tmp_path):
    tensors = load_file(PRETRAINING / "model.safetensors")
    key = next(k for k in tensors if k.endswith("word_embeddings.weight"))
    generator = np.random.default_rng(3)
    own = generator.normal(0, 0.3, tensors[key].shape).astype("float32")
    copy = edit(PRETRAINING, {"cls.predictions.decoder.weight": own}, tie_word_embeddings=False)
    bert = keras_bert.load(copy, pretraining=True)
    assert bert.config.settings == {"tied": False}
    texts = bert.tokenizer(["a [MASK] b c"])
    at = np.array([[1, 2]], "int32")
    logits = bert.model({**texts, "masked_positions": at}, training=False)["masked_lm"]
    # The head of run_pretraining.py, written out.
    hidden = np.asarray(bert.encoder(texts, training=False)["sequence_output"], "float64")[0, 1:3]
    w = {k.removeprefix("cls.predictions."): v.astype("float64") for k, v in tensors.items()}
    x = gelu(hidden @ w["transform.dense.weight"].T + w["transform.dense.bias"])
    x = (x - x.mean(-1, keepdims=True)) / np.sqrt(
        x.var(-1, keepdims=True) + bert.config.encoder.layer_norm_eps
    )
    x = x * w["transform.LayerNorm.weight"] + w["transform.LayerNorm.bias"]
    np.testing.assert_allclose(np.asarray(logits)[0], x @ own.T + w["bias"], rtol=0, atol=2e-5)
    # It lasts: our folder, a .keras file, and the way back.
    bert.save(tmp_path / "ours")
    bert.model.save(tmp_path / "m.keras")
    convert(from_=str(tmp_path / "ours"), to="huggingface", output=str(tmp_path / "back"))
    for path in (tmp_path / "ours", tmp_path / "m.keras", tmp_path / "back"):
        again = keras_bert.load(path, **({"pretraining": True} if path.name == "back" else {}))
        found = again.model({**texts, "masked_positions": at}, training=False)["masked_lm"]
        np.testing.assert_array_equal(found, logits, err_msg=str(path))
    config = json.loads((tmp_path / "back" / "config.json").read_text())
    assert config["tie_word_embeddings"] is False
    # Google's format has no place for it; a copy of the word-piece table is no other matrix.
    with pytest.raises(InputError, match="output matrix of its own cannot be written"):
        convert(from_=str(tmp_path / "ours"), to="google", output=str(tmp_path / "google"))
    copy = edit(PRETRAINING, {"cls.predictions.decoder.weight": tensors[key]})
    assert keras_bert.load(copy, pretraining=True).config.settings == {}


def test_the_bias_under_its_other_name(edit):
    bias = load_file(PRETRAINING / "model.safetensors")["cls.predictions.bias"]
    renamed = {"cls.predictions.bias": None, "cls.predictions.decoder.bias": bias}
    for tensors in (renamed, {"cls.predictions.decoder.bias": bias}):
        found = open_checkpoint(edit(PRETRAINING, tensors))
        np.testing.assert_array_equal(found.read(names.MASKED_LM[-1]), bias)
        assert found.notes == ()


def test_default_label_names_are_numbers(edit, cli, tmp_path):
    copy = edit(HEADS["classification"], drop=("id2label", "label2id"))
    data = tmp_path / "d.csv"
    data.write_text("text,label\na b,2\nc,0\nd,1\n")
    named = tmp_path / "n.csv"
    named.write_text("text,label\na b,LABEL_2\nc,LABEL_0\nd,LABEL_1\n")
    bert = keras_bert.load(copy)
    scores, _ = keras_bert.evaluate(model=bert, data=data)
    expected, _ = keras_bert.evaluate(model=bert, data=named)
    assert {**scores, "data": ""} == {**expected, "data": ""}
    assert scores["count"] == 3
    wrong = tmp_path / "w.csv"
    wrong.write_text("text,label\na b,3\n")
    with pytest.raises(InputError, match="w.csv:2: label '3' is not a label of the model"):
        keras_bert.evaluate(model=bert, data=wrong)
    output = tmp_path / "x"
    found = cli("convert", f"--from={copy}", f"--output={output}", "--labels=bad,so so,good")
    assert found.status == 0
    assert keras_bert.load(output).config.labels == ("bad", "so so", "good")
    # Of a model folder they can be changed, too; never to another number.
    found = cli("convert", f"--from={output}", f"--output={tmp_path / 'y'}", "--labels=a,b,c")
    assert keras_bert.load(tmp_path / "y").config.labels == ("a", "b", "c")
    for source in (copy, output):
        found = cli("convert", f"--from={source}", f"--output={tmp_path / 'z'}", "--labels=a,b")
        assert (found.status, found.err.count("\n")) == (2, 1)
        assert "--labels=a,b: 2 names for 3" in found.err
    found = cli(
        "convert", f"--from={HEADS['question_answering']}", f"--output={tmp_path / 'z'}",
        "--labels=a,b",
    )  # fmt: skip
    assert found.status == 2
    assert "it has no classes or tags to name" in found.err


def test_a_classifier_of_google_with_its_labels(tmp_path):
    weights = random_weights(num_labels=2)
    google.save(tmp_path / "m", TINY, weights, VOCABULARY, {}, ["a", "b"])
    bert = keras_bert.load(tmp_path / "m", labels=["bad", "good"])
    assert (bert.config.task, bert.config.labels) == ("classification", ("bad", "good"))
    assert_same_weights(names.arrays(names.variables_of(bert.model)), weights)
    with pytest.raises(InputError, match="3 names for 2 outputs"):
        keras_bert.load(tmp_path / "m", labels=["a", "b", "c"])


def test_a_table_with_more_rows_than_tokens(tmp_path, cli):
    huggingface.save(tmp_path / "m", TINY, random_weights(), VOCABULARY[:-3], SWITCHES)
    bert = keras_bert.load(tmp_path / "m")
    assert (bert.config.encoder.vocab_size, bert.tokenizer.vocabulary_size) == (17, 14)
    bert.save(tmp_path / "ours")
    for to in ("huggingface", "google", "keras_hub", "keras_bert"):
        output = tmp_path / to
        found = cli("convert", f"--from={tmp_path / 'ours'}", f"--output={output}", f"--to={to}")
        assert found.status == 0, found.err
        again = keras_bert.load(output)
        assert again.tokenizer.vocabulary == VOCABULARY[:-3]
        table = names.encoder_variables(again.encoder)["bert/embeddings/word_embeddings"]
        np.testing.assert_array_equal(table, random_weights()["bert/embeddings/word_embeddings"])
    # A vocabulary that came from elsewhere may be another model's.
    (tmp_path / "other.txt").write_text("\n".join(VOCABULARY[:-1]) + "\n")
    with pytest.warns(Guess, match="other.txt: the vocabulary has 16 tokens and the embedding 17"):
        keras_bert.load(tmp_path / "google", vocabulary=tmp_path / "other.txt")
    # More tokens than rows are not of one model.
    (tmp_path / "m" / "vocab.txt").write_text("\n".join([*VOCABULARY, "m"]) + "\n")
    with pytest.raises(InputError, match="has 18 tokens but the embedding 17 rows"):
        keras_bert.load(tmp_path / "m")
    (tmp_path / "m" / "vocab.txt").write_text("\n".join([*VOCABULARY, "", ""]) + "\n")
    assert keras_bert.load(tmp_path / "m").tokenizer.vocabulary == VOCABULARY


def test_a_row_without_a_token_is_never_the_answer(tmp_path):
    shutil.copytree(PRETRAINING, tmp_path / "m")
    bert = keras_bert.load(PRETRAINING, pretraining=True)
    count = bert.tokenizer.vocabulary_size
    tensors = load_file(tmp_path / "m" / "model.safetensors")
    # The last rows are the likeliest.
    tensors["cls.predictions.bias"][count - 4 :] = 100
    save_file(tensors, tmp_path / "m" / "model.safetensors")
    vocabulary = bert.tokenizer.vocabulary[: count - 4]
    for file in (tmp_path / "m").glob("tokenizer*.json"):
        file.unlink()
    (tmp_path / "m" / "vocab.txt").write_text("\n".join(vocabulary) + "\n")
    padded = keras_bert.load(tmp_path / "m", pretraining=True)
    (best,) = padded.fill_mask("a [MASK]", top=count)
    assert len(best) == count - 4 - 5
    assert {each["token"] for each in best} <= set(vocabulary)
    assert max(each["probability"] for each in best) < 1e-20
