"""Heads that no task can have are told and left; files that contradict themselves are refused."""

import dataclasses
import json
import shutil

import numpy as np
import pytest
from checkpoint_helpers import DATA, SWITCHES, TINY, VOCABULARY, random_weights
from safetensors.numpy import load_file, save_file

import keras_bert
from keras_bert.checkpoints import google, huggingface, open_checkpoint
from keras_bert.checkpoints.tasks import model_fields
from keras_bert.errors import InputError

TAGGER = DATA / "hf_tiny_bert_tagger"
ANSWERER = DATA / "hf_tiny_bert_answerer"
CHOICE = DATA / "hf_tiny_bert_multiple_choice"
REGRESSOR = DATA / "hf_tiny_bert_regressor"
CLASSIFIER = DATA / "hf_tiny_bert_classifier"


@pytest.fixture
def edit(tmp_path):
    """Copies a folder, with other entries of its config.json; None as a tensor takes it out."""

    def edited(folder, tensors=None, **changes):
        copy = shutil.copytree(folder, tmp_path / "edited", dirs_exist_ok=True)
        config = json.loads((folder / "config.json").read_text())
        (copy / "config.json").write_text(json.dumps(config | changes))
        kept = load_file(folder / "model.safetensors") | (tensors or {})
        kept = {key: value for key, value in kept.items() if value is not None}
        save_file(kept, copy / "model.safetensors")
        return copy

    return edited


def refuse(path, *parts):
    """Checks that loading gives one line with all parts."""
    with pytest.raises(InputError) as error:
        keras_bert.load(path)
    assert "\n" not in str(error.value)
    for part in parts:
        assert part in str(error.value)


def zeros(*shape):
    return np.zeros(shape, "float32")


@pytest.mark.parametrize("count", [1, 4, 6])
@pytest.mark.parametrize("folder", [TAGGER, REGRESSOR, CLASSIFIER])
def test_labels_of_another_number(edit, folder, count):
    labels = {str(i): f"B-{i}" for i in range(count)}
    if (folder, count) == (REGRESSOR, 1):
        labels = {"1": "B-1"}
    found = {TAGGER: 5, REGRESSOR: 1, CLASSIFIER: 3}[folder]
    refuse(edit(folder, id2label=labels), "config.json: id2label does not name", f"{found} classes")


def test_labels_that_cannot_be(edit):
    labels = {"0": "O", "1": "B-PER", "2": "I-PER", "3": "O", "4": "I-LOC"}
    refuse(edit(TAGGER, id2label=labels), "edited: ", "a label appears twice")
    refuse(edit(TAGGER, id2label=["O"]), "id2label does not name 5 classes")
    one = {"classifier.weight": zeros(1, 16), "classifier.bias": zeros(1)}
    refuse(edit(TAGGER, one, id2label={"0": "O"}), "at least two labels")


def test_a_taggers_default_labels(edit):
    bert = keras_bert.load(edit(TAGGER, id2label=None, label2id=None))
    assert bert.config.labels == tuple(f"LABEL_{i}" for i in range(5))
    assert bert.config.settings["scheme"] == "none"


@pytest.mark.parametrize(
    ("folder", "key", "shape", "expected"),
    [
        (ANSWERER, "qa_outputs.weight", (3, 16), "(2, 16)"),
        (ANSWERER, "qa_outputs.weight", (2, 15), "(2, 16)"),
        (ANSWERER, "qa_outputs.weight", (2,), "(2, 16)"),
        (ANSWERER, "qa_outputs.weight", (), "(2, 16)"),
        (CHOICE, "classifier.weight", (2, 16), "(1, 16)"),
        (TAGGER, "classifier.weight", (5, 15), "(labels, 16)"),
        (TAGGER, "classifier.weight", (0, 16), "(labels, 16)"),
        (REGRESSOR, "classifier.weight", (), "(labels, 16)"),
    ],
)
def test_heads_of_another_shape(edit, folder, key, shape, expected):
    path = edit(folder, {key: zeros(*shape)})
    refuse(path, "model.safetensors", f"{key} has shape {shape}, expected {expected}")


def test_biases_of_another_shape(edit):
    for bias in (zeros(3), zeros(1, 2), zeros()):
        refuse(
            edit(ANSWERER, {"qa_outputs.bias": bias}),
            "model.safetensors",
            f"cls/squad/output_bias has shape {bias.shape}, expected (2,)",
        )
    refuse(edit(ANSWERER, {"qa_outputs.bias": None}), "cls/squad/output_bias is missing")
    refuse(edit(TAGGER, {"classifier.bias": None}), "tagger/output_bias is missing")


@pytest.mark.parametrize(
    ("folder", "key"),
    [
        (ANSWERER, "qa_outputs.weight"),
        (TAGGER, "classifier.weight"),
        (CHOICE, "classifier.weight"),
        (REGRESSOR, "classifier.weight"),
    ],
)
def test_without_its_head_the_encoder_is_loaded_and_it_is_said(edit, folder, key):
    checkpoint = open_checkpoint(edit(folder, {key: None}))
    fields, notes = model_fields(checkpoint)
    assert (fields["task"], fields["labels"]) == (None, ())
    assert len(notes) == 1
    assert notes[0].endswith(f"the weights have no {key}: only the encoder is loaded")


@pytest.mark.parametrize(
    ("folder", "changes", "note"),
    [
        (CLASSIFIER, {"problem_type": "regression"}, "regression with several outputs"),
        (REGRESSOR, {"problem_type": "single_label_classification"}, "a single label"),
        (REGRESSOR, {"id2label": None, "label2id": None}, "a single label"),
    ],
)
def test_heads_that_are_no_task(edit, folder, changes, note):
    path = edit(folder, **changes)
    bert = keras_bert.load(path)
    assert (bert.config.task, bert.config.labels) == (None, ())
    assert len(bert.notes) == 1
    assert note in bert.notes[0]
    assert bert.notes[0].endswith("only the encoder is loaded")


@pytest.mark.parametrize(
    ("changes", "notes"),
    [
        ({"problem_type": "regression"}, 0),
        ({"problem_type": "regression", "id2label": None}, 0),
        ({"num_labels": 1, "id2label": None}, 0),
        ({"sentence_transformers": {"version": "4.1.0"}}, 0),
        ({"sentence_transformers": {"activation_fn": "torch.nn.modules.linear.Identity"}}, 0),
        (
            {"sentence_transformers": {"activation_fn": "torch.nn.modules.activation.Sigmoid"}},
            1,
        ),
    ],
)
def test_one_output_is_a_number(edit, changes, notes):
    checkpoint = open_checkpoint(edit(REGRESSOR, **changes))
    assert (checkpoint.task, checkpoint.labels) == ("regression", None)
    assert len(checkpoint.notes) == notes
    assert all("applies a sigmoid to them" in note for note in checkpoint.notes)


@pytest.mark.parametrize(
    ("folder", "task", "settings", "message"),
    [
        (TAGGER, "tagging", {"scheme": "x"}, "scheme must be one of"),
        (TAGGER, "tagging", {"colour": 1}, "settings of tagging are scheme, overlap"),
        (TAGGER, "tagging", {"overlap": "1"}, "setting overlap must be int"),
        (TAGGER, "tagging", ["a"], "settings of tagging must be dict"),
        (ANSWERER, "question_answering", {"n_best": 0}, "setting n_best must be from 1 to 65535"),
        (ANSWERER, "question_answering", {"a": 0}, "settings of question_answering are doc_stride"),
        (ANSWERER, "question_answering", {"doc_stride": 21}, "doc_stride 21 would skip tokens"),
        (CHOICE, "multiple_choice", {"num_choices": 1}, "num_choices must be at least 2"),
        (CHOICE, "multiple_choice", {"num_choices": "4"}, "setting num_choices must be int"),
        (CHOICE, "multiple_choice", {"choices": 4}, "settings must be num_choices"),
        (CHOICE, "multiple_choice", 4, "settings of multiple_choice must be dict"),
    ],
)
def test_settings_that_are_none(edit, folder, task, settings, message):
    refuse(edit(folder, task_specific_params={task: settings}), "edited: ", message)


def test_params_of_other_programs_are_left_alone(edit):
    for params in (["a"], "a", {"question-answering": {"a": 1}}, {"summarization": None}):
        bert = keras_bert.load(edit(ANSWERER, task_specific_params=params))
        assert bert.config.settings["doc_stride"] == 10


@pytest.mark.parametrize(
    ("positions", "length", "question", "stride"),
    [(512, 384, 64, 128), (384, 384, 64, 128), (256, 256, 64, 94), (128, 128, 41, 42),
     (24, 24, 7, 7), (5, 5, 1, 1)],
)  # fmt: skip
def test_an_answerers_length_fits_its_table(positions, length, question, stride):
    checkpoint = open_checkpoint(ANSWERER)
    config = dataclasses.replace(checkpoint.config, max_position_embeddings=positions)
    fields, _ = model_fields(dataclasses.replace(checkpoint, config=config))
    assert fields["max_length"] == length
    assert fields["settings"]["max_question_length"] == question
    assert fields["settings"]["doc_stride"] == stride


def test_an_answerers_own_settings_get_the_length_that_they_need():
    checkpoint = open_checkpoint(ANSWERER)
    config = dataclasses.replace(checkpoint.config, max_position_embeddings=512)
    settings = {"doc_stride": 400, "max_question_length": 64}
    checkpoint = dataclasses.replace(checkpoint, config=config, settings=settings)
    assert model_fields(checkpoint)[0]["max_length"] == 467
    config = dataclasses.replace(config, max_position_embeddings=4)
    with pytest.raises(InputError, match="length 4 leaves no room for a passage"):
        model_fields(dataclasses.replace(checkpoint, config=config, settings={}))


def test_flags_for_models_that_they_do_not_concern(cli, tmp_path):
    output = f"--output={tmp_path / 'x'}"
    for folder, flag, message in (
        (TAGGER, "--num_choices=4", "is no multiple-choice model"),
        (CHOICE, "--num_choices=1", "num_choices must be at least 2"),
        (REGRESSOR, "--null_answers", "is no question answerer"),
    ):
        found = cli("convert", f"--from={folder}", output, flag)
        assert (found.status, found.out) == (2, "")
        assert message in found.err
        assert found.err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_classifier_of_google_says_no_labels(tmp_path):
    google.save(tmp_path / "m", TINY, random_weights(num_labels=2), VOCABULARY, {}, ["a", "b"])
    checkpoint = open_checkpoint(tmp_path / "m")
    assert checkpoint.task is None
    assert len(checkpoint.notes) == 1
    assert "has a classifier, but its labels are not said" in checkpoint.notes[0]


def test_an_answerer_of_google_has_two_outputs(tmp_path):
    import tensorflow as tf

    weights = random_weights()
    weights |= {"cls/squad/output_weights": zeros(3, 8), "cls/squad/output_bias": zeros(3)}
    tf.raw_ops.SaveV2(
        prefix=str(tmp_path / "bert_model.ckpt"),
        tensor_names=list(weights),
        shape_and_slices=[""] * len(weights),
        tensors=list(weights.values()),
    )
    (tmp_path / "bert_config.json").write_text(json.dumps(TINY.to_dict()))
    (tmp_path / "vocab.txt").write_text("".join(f"{piece}\n" for piece in VOCABULARY))
    refuse(tmp_path, "cls/squad/output_weights has shape (3, 8), expected (2, 8)")


def test_a_writer_refuses_heads_of_another_size(tmp_path):
    for head, rows in (("cls/squad", 3), ("multiple_choice", 2)):
        weights = random_weights()
        weights |= {f"{head}/output_weights": zeros(rows, 8), f"{head}/output_bias": zeros(rows)}
        with pytest.raises(InputError, match=rf"{head}/output_weights has shape \({rows}, 8\)"):
            huggingface.save(tmp_path / "m", TINY, weights, VOCABULARY, SWITCHES)
