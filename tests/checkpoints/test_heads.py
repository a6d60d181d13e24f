"""Checkpoints with the heads of tasks: parity with transformers, and every way out and back."""

import dataclasses
import json

import numpy as np
import pytest
from checkpoint_helpers import (
    DATA,
    SWITCHES,
    TINY,
    VOCABULARY,
    assert_same_weights,
    golden,
    random_weights,
    read_all,
)
from safetensors.numpy import load_file

import keras_bert
from keras_bert import models
from keras_bert.bert import Bert
from keras_bert.checkpoints import huggingface, names, open_checkpoint
from keras_bert.checkpoints.writing import with_scale

TAGGER = DATA / "hf_tiny_bert_tagger"
ANSWERER = DATA / "hf_tiny_bert_answerer"
CHOICE = DATA / "hf_tiny_bert_multiple_choice"
REGRESSOR = DATA / "hf_tiny_bert_regressor"
TAGS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")
# Of 32 positions, 3 go to special tokens, a third of 29 to the question, half of the rest shared.
ANSWERER_SETTINGS = {
    "doc_stride": 10,
    "max_question_length": 9,
    "max_answer_length": 30,
    "n_best": 20,
    "null_answers": False,
    "null_threshold": 0.0,
    "whole_words": True,
    "character_f1": False,
}
# By task: folder, further flags of convert, and what to ask.
PASSAGE = "you will find it, he said, beyond the hill and over the old stone bridge."
TASKS = {
    "tagging": (TAGGER, [], ("we saw kim, in a new hat", None)),
    "question_answering": (ANSWERER, [], ("where is it?", PASSAGE)),
    "multiple_choice": (CHOICE, ["--num_choices=3"], ("he ran", ["home.", "up a hill.", "a b c"])),
    "regression": (REGRESSOR, ["--pair"], ("he ran home", "she ran home")),
}


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    """By task, the model folder that `convert` made, and the model that it holds."""
    from keras_bert.commands.main import main

    found = {}
    for task, (source, flags, _) in TASKS.items():
        folder = tmp_path_factory.mktemp(task) / "ours"
        assert main(["convert", f"--from={source}", f"--output={folder}", *flags]) == 0
        found[task] = (folder, keras_bert.load(folder))
    return found


@pytest.fixture
def converted(cli, tmp_path):
    """Runs `convert` from a folder; gives the folder that it wrote, and what it printed."""

    def convert(source, name, *flags):
        output = tmp_path / name
        found = cli("convert", f"--from={source}", f"--output={output}", *flags)
        assert found.status == 0, found.err
        return output, found.out

    return convert


def weights_of(bert):
    return names.arrays(names.variables_of(bert.model))


def values_of(bert, texts):
    return np.array([answer["value"] for answer in bert.predict(texts, texts)])


def predict_logits(model, inputs):
    return model.predict(inputs, verbose=0)


def test_tags_equal_transformers():
    inputs, tokens, data = golden("heads_golden.npz")
    bert = keras_bert.load(TAGGER)
    assert (bert.config.task, bert.config.labels, bert.config.pair) == ("tagging", TAGS, False)
    assert bert.config.settings == {"scheme": "bio", "overlap": 16, "mark_capitals": False}
    assert (bert.config.max_length, bert.notes) == (32, [])
    logits = predict_logits(bert.model, inputs)
    np.testing.assert_allclose(logits[tokens], data["tagger_logits"][tokens], rtol=0, atol=1e-5)


def test_answers_equal_transformers():
    inputs, tokens, data = golden("heads_golden.npz")
    bert = keras_bert.load(ANSWERER)
    assert (bert.config.task, bert.config.labels, bert.config.pair) == (
        "question_answering", (), True,
    )  # fmt: skip
    assert bert.config.settings == ANSWERER_SETTINGS
    assert (bert.config.max_length, bert.notes) == (32, [])
    logits = predict_logits(bert.model, inputs)
    for name in ("start_logits", "end_logits"):
        expected = data[f"answerer_{name}"][tokens]
        np.testing.assert_allclose(logits[name][tokens], expected, rtol=0, atol=1e-5)


def test_values_equal_transformers():
    inputs, _, data = golden("heads_golden.npz")
    bert = keras_bert.load(REGRESSOR)
    assert (bert.config.task, bert.config.labels, bert.config.pair) == ("regression", (), None)
    assert (bert.config.settings, bert.notes) == ({"mean": 0.0, "scale": 1.0}, [])
    logits = predict_logits(bert.model, inputs)
    np.testing.assert_allclose(logits, data["regressor_logits"], rtol=0, atol=1e-5)


def test_scores_of_choices_equal_transformers(ours):
    inputs, _, data = golden("heads_golden.npz")
    encoder = keras_bert.load(CHOICE)
    assert encoder.config.task is None
    assert len(encoder.notes) == 1
    assert "`keras-bert convert --num_choices=N` keeps the head" in encoder.notes[0]
    bert = ours["multiple_choice"][1]
    assert (bert.config.task, bert.config.pair) == ("multiple_choice", True)
    assert bert.config.settings == {"num_choices": 3}
    inputs = {key: value.reshape(2, 3, -1) for key, value in inputs.items()}
    logits = predict_logits(bert.model, inputs)
    np.testing.assert_allclose(logits, data["multiple_choice_logits"], rtol=0, atol=1e-5)


@pytest.mark.parametrize("task", TASKS)
def test_to_hugging_face_and_back(task, ours, converted):
    source, _, texts = TASKS[task]
    folder, bert = ours[task]
    theirs, printed = converted(folder, "theirs", "--to=huggingface")
    assert "note" not in printed
    # Key for key and bit for bit what transformers wrote, and the pooler where it has none.
    original, written = (load_file(f / "model.safetensors") for f in (source, theirs))
    pooler = {"bert.pooler.dense.weight", "bert.pooler.dense.bias"}
    assert written.keys() - original.keys() in (set(), pooler)
    for key, value in original.items():
        np.testing.assert_array_equal(written[key], value, err_msg=key)
    said, expected = (json.loads((f / "config.json").read_text()) for f in (theirs, source))
    for key in ("architectures", "id2label", "label2id"):
        assert said.get(key) == expected.get(key)
    assert said.get("problem_type") == ("regression" if task == "regression" else None)
    back = keras_bert.load(theirs)
    assert_same_weights(weights_of(back), weights_of(bert))
    for name in ("task", "labels", "settings", "max_length"):
        assert getattr(back.config, name) == getattr(bert.config, name)
    assert back.predict(*texts) == bert.predict(*texts)


@pytest.mark.parametrize("task", TASKS)
def test_model_folders_keep_every_head(task, ours, tmp_path):
    _, _, texts = TASKS[task]
    folder, bert = ours[task]
    bert.save(tmp_path / "again")
    copy = keras_bert.load(tmp_path / "again")
    assert_same_weights(weights_of(copy), weights_of(bert))
    assert copy.config == bert.config
    assert copy.predict(*texts) == bert.predict(*texts)


def test_an_answerer_goes_to_google_and_back(ours, converted):
    flags = ["--to=google", "--null_answers"]
    theirs, printed = converted(ours["question_answering"][0], "theirs", *flags)
    assert "--version_2_with_negative --null_score_diff_threshold=0.0" in printed
    back = keras_bert.load(theirs)
    assert (back.config.task, back.notes) == ("question_answering", [])
    assert back.config.settings == ANSWERER_SETTINGS
    expected = weights_of(ours["question_answering"][1])
    assert expected["cls/squad/output_weights"].shape == (2, 16)
    assert_same_weights(weights_of(back), expected)


def test_null_answers_are_kept_where_there_is_a_place(ours, converted):
    there, _ = converted(
        ours["question_answering"][0], "there", "--to=huggingface", "--null_answers"
    )
    assert keras_bert.load(there).config.settings == ANSWERER_SETTINGS | {"null_answers": True}


@pytest.mark.parametrize(
    ("task", "target", "head"),
    [
        ("tagging", "google", "tagger/"),
        ("multiple_choice", "google", "multiple_choice/"),
        ("tagging", "keras_hub", "tagger/"),
        ("multiple_choice", "keras_hub", "multiple_choice/"),
        ("regression", "keras_hub", ""),
        ("question_answering", "keras_hub", "cls/squad/"),
    ],
)
def test_heads_that_a_format_does_not_have_are_told(task, target, head, ours, converted):
    theirs, printed = converted(ours[task][0], "theirs", f"--to={target}")
    assert f"not written are {head}output_weights, {head}output_bias" in printed
    back = open_checkpoint(theirs)
    assert (back.task, set(back.shapes)) == (None, set(names.expected_shapes(back.config)))


@pytest.mark.parametrize("target", ["huggingface", "google"])
def test_a_regressors_mean_and_scale_go_into_its_weights(target, ours, converted, tmp_path):
    texts = ["he ran home", "a b c", "?"]
    folder, bert = ours["regression"]
    expected = values_of(bert, texts) * 12.25 + 30.5
    copy = Bert.from_config(bert.config, bert.model, bert.tokenizer)
    copy.config = dataclasses.replace(bert.config, settings={"mean": 30.5, "scale": 12.25})
    copy.save(tmp_path / "scaled")
    np.testing.assert_allclose(values_of(copy, texts), expected, rtol=1e-6)
    theirs, _ = converted(tmp_path / "scaled", "theirs", f"--to={target}")
    assert_same_weights(
        read_all(open_checkpoint(theirs)), with_scale(weights_of(bert), 30.5, 12.25)
    )
    if target == "huggingface":
        back = keras_bert.load(theirs)
        assert back.config.settings == {"mean": 0.0, "scale": 1.0}
        np.testing.assert_allclose(values_of(back, texts), expected, rtol=1e-6)


def test_a_head_on_the_mean_is_left_out_with_its_labels(ours, converted, tmp_path):
    """Also where the labels of files have other names."""
    _, bert = ours["regression"]
    network = models.BertClassifier(bert.encoder, num_classes=2, pooling="mean")
    config = dataclasses.replace(
        bert.config,
        task="classification",
        labels=("bad", "good"),
        file_labels=("0", "1"),
        settings={},
        pooling="mean",
    )
    Bert.from_config(config, network, bert.tokenizer).save(tmp_path / "mean")
    theirs, printed = converted(tmp_path / "mean", "theirs", "--to=huggingface")
    assert "no head on the mean of the tokens: only the encoder" in printed
    assert open_checkpoint(theirs).task is None


def test_with_scale():
    weights = {"a": np.ones(2), "output_weights": np.array([[1, -2]], "float32")}
    weights["output_bias"] = np.array([0.5], "float32")
    found = with_scale(weights, mean=3.0, scale=4.0)
    assert (found["output_weights"].tolist(), found["output_bias"].tolist()) == ([[4, -8]], [5])
    assert found["a"] is weights["a"]
    assert weights["output_bias"].tolist() == [0.5]


def test_every_network_has_names_of_its_own():
    encoder = models.BertEncoder.from_bert_config(TINY)
    heads = [
        (models.BertClassifier(encoder, num_classes=3), names.CLASSIFIER, (3, 8)),
        (models.BertTagger(encoder, num_classes=3), names.TAGGER, (3, 8)),
        (models.BertQuestionAnswerer(encoder), names.ANSWERER, (2, 8)),
        (models.BertMultipleChoice(encoder, num_choices=4), names.CHOICE, (1, 8)),
    ]
    for model, head, shape in heads:
        variables = names.variables_of(model)
        assert {id(v) for v in variables.values()} == {id(v) for v in model.weights}
        assert set(variables) - set(names.encoder_variables(encoder)) == set(head)
        assert names.canonical_shape(head[0], variables[head[0]]) == shape
        assert names.arrays(variables)[head[0]].shape == shape
    assert names.variables_of(encoder).keys() == names.encoder_variables(encoder).keys()


@pytest.mark.parametrize(
    ("labels", "scheme"),
    [
        (["O", "B-PER", "I-PER", "B-LOC", "I-LOC"], "bio"),
        (["B-LOC", "B-PER", "I-LOC", "I-PER", "O"], "bio"),
        # dbmdz/bert-large-cased-finetuned-conll03-english: persons never stand side by side.
        (["B-LOC", "B-MISC", "B-ORG", "I-LOC", "I-MISC", "I-ORG", "I-PER", "O"], "iob1"),
        (["O", "I-PER", "I-LOC"], "io"),
        (["B", "M", "E", "S"], "bmes"),
        (["O", "B-PER", "I-PER", "L-PER", "U-PER"], "bilou"),
        (["ADJ", "NOUN", "VERB"], "none"),
        (["LABEL_0", "LABEL_1"], "none"),
        (["[PAD]", "O", "B-PER", "I-PER"], "none"),
    ],
)
def test_the_scheme_that_labels_tell(labels, scheme, tmp_path):
    weights = random_weights(num_labels=len(labels))
    for name in names.CLASSIFIER:
        weights[f"tagger/{name}"] = weights.pop(name)
    huggingface.save(tmp_path / "m", TINY, weights, VOCABULARY, SWITCHES, labels)
    bert = keras_bert.load(tmp_path / "m")
    assert bert.config.labels == tuple(labels)
    assert bert.config.settings == {"scheme": scheme, "overlap": 16, "mark_capitals": False}
