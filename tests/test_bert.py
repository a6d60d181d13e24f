"""`Bert` made of any network of ours, its folder after `fit`, and `.keras` files with assets."""

import functools
import importlib
import json
import logging
import subprocess
import sys
import warnings
import zipfile

import keras
import numpy as np
import pytest
from marks import slow_but
from small_networks import (
    LABELS,
    NETWORKS,
    VOCABULARY,
    make_batch,
    make_encoder,
    make_network,
    make_tokenizer,
    outputs_of,
)

import keras_bert
from keras_bert.errors import InputError
from keras_bert.guesses import Note

ASKED = {
    "question_answering": (["dog good"], ["cat bad dog a b"]),
    "multiple_choice": (["dog good"], [["cat", "a b", "bad"]]),
}
WITH_LABELS = ("classification", "multi_label", "tagging")


def make_bert(kind, **changes):
    labels = LABELS if kind in WITH_LABELS else None
    return keras_bert.Bert(make_network(kind, **changes), make_tokenizer(), labels=labels)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A compiled and trained tagger as a `.keras` file, and its `Bert`."""
    bert = make_bert("tagging")
    bert.model.compile()
    bert.model.fit(*make_batch("tagging"), verbose=0)
    path = tmp_path_factory.mktemp("saved") / "tagger.keras"
    bert.model.save(path)
    return path, bert


@pytest.mark.parametrize("kind", slow_but(NETWORKS, "tagging"))
def test_a_trained_model_is_saved_and_loaded(kind, tmp_path):
    bert = make_bert(kind)
    assert (bert.config.task, bert.config.max_length) == (kind, 24)
    assert bert.config.encoder == bert.model.encoder.bert_config
    assert bert.config.labels == (LABELS if kind in WITH_LABELS else ())
    bert.model.compile(1e-2)
    x, y = make_batch(kind)
    bert.model.fit(x, y, epochs=2, verbose=0)
    expected = outputs_of(bert.model, x)
    bert.save(tmp_path / "folder")
    bert.model.save(tmp_path / "model.keras")
    asked = ASKED.get(kind, (["dog good"], None))
    answer = bert.predict(*asked)
    for path in (tmp_path / "folder", tmp_path / "model.keras"):
        again = keras_bert.load(path)
        assert (again.config.task, again.config.labels) == (kind, bert.config.labels)
        assert (again.config.settings, again.config.pooling) == (
            bert.config.settings, bert.config.pooling,
        )  # fmt: skip
        assert again.tokenizer.vocabulary == VOCABULARY
        np.testing.assert_array_equal(outputs_of(again.model, x), expected)
        assert again.predict(*asked) == answer


def test_encoder_and_pretrainer(tmp_path):
    x, _ = make_batch("classification")
    bert = keras_bert.Bert(make_encoder(), make_tokenizer())
    bert.model.save(tmp_path / "encoder.keras")
    bert.save(tmp_path / "encoder")
    for path in (tmp_path / "encoder", tmp_path / "encoder.keras"):
        again = keras_bert.load(path)
        assert again.config.task is None
        np.testing.assert_array_equal(outputs_of(again.model, x), outputs_of(bert.model, x))
    packed = keras_bert.BertPretrainer(make_encoder(packed=True), pair="sop")
    bert = keras_bert.Bert(packed, make_tokenizer())
    bert.save(tmp_path / "pretrained")
    unpacked = keras_bert.load(tmp_path / "pretrained").model
    unpacked.save(tmp_path / "pretrained.keras")
    for path in (tmp_path / "pretrained", tmp_path / "pretrained.keras"):
        again = keras_bert.load(path)
        assert (again.config.task, again.config.pair_head) == ("pretraining", "sop")
        for one, other in zip(again.model.get_weights(), packed.get_weights(), strict=True):
            np.testing.assert_array_equal(one, other)
        assert len(again.fill_mask("good [MASK]")) == 1


def test_a_new_process_reads_what_fit_and_save_wrote(tmp_path, saved):
    path, bert = saved
    bert.save(tmp_path / "folder")
    x, _ = make_batch("tagging")
    np.savez(tmp_path / "x.npz", **x)
    script = f"""
import json, sys, keras_bert, keras, numpy as np
x = dict(np.load({str(tmp_path / "x.npz")!r}))
model = keras.saving.load_model({str(path)!r})
assert model.labels == {LABELS!r} and model.tokenizer.vocabulary == {VOCABULARY!r}
assert model.tokenizer.lower_case is False
bert = keras_bert.Bert(model)
assert bert.config.settings["scheme"] == "none"
folder = keras_bert.load({str(tmp_path / "folder")!r})
print(json.dumps([m.predict(x, verbose=0).tolist() for m in (bert.model, folder.model)]))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for found in json.loads(done.stdout):
        np.testing.assert_allclose(np.ravel(found), outputs_of(bert.model, x), atol=1e-6)


def test_what_differs_from_the_usual():
    tokenizer = make_tokenizer()
    network = make_network("classification")
    assert (network.tokenizer, network.labels, network.task_config) == (None, None, None)
    bert = keras_bert.Bert(network, tokenizer)
    assert bert.config.labels == ("0", "1", "2")
    assert (network.labels, network.tokenizer) == (bert.config.labels, tokenizer)
    # What the model came with stays, but for what is given.
    bert = keras_bert.Bert(network, max_length=10)
    again = keras_bert.Bert(network, labels=LABELS, pair=True)
    assert again.config.labels == LABELS == network.labels
    assert (again.config.max_length, again.config.pair) == (10, True)
    answerer = keras_bert.Bert(
        make_network("question_answering"), tokenizer, settings={"n_best": 2}, max_length=12
    )
    assert answerer.config.settings["n_best"] == 2
    assert answerer.config.max_length == 12
    regressor = keras_bert.Bert(
        make_network("regression"), tokenizer, settings={"mean": 3.0, "scale": 2.0}
    )
    assert regressor.config.settings == {"mean": 3.0, "scale": 2.0}


@pytest.mark.parametrize(
    ("kind", "arguments", "message"),
    [
        ("classification", {"labels": ["a", "b"]}, "2 labels for a network of 3 outputs"),
        ("classification", {"labels": ["a", "b", "b"]}, "twice"),
        ("regression", {"labels": ["a", "b"]}, "BertRegressor has no labels"),
        ("tagging", {"settings": {"overlap": -1}}, "overlap"),
        ("multiple_choice", {"max_length": 25}, "outside 3 to 24"),
    ],
)
def test_refuses_what_does_not_fit(kind, arguments, message):
    with pytest.raises(InputError, match=message):
        keras_bert.Bert(make_network(kind), make_tokenizer(), **arguments)


def test_refuses_other_models_and_vocabularies():
    network = make_network("classification")
    with pytest.raises(InputError, match="came with no tokenizer"):
        keras_bert.Bert(network)
    with pytest.raises(InputError, match="Functional is not a network of keras_bert"):
        keras_bert.Bert(keras.Model(network.input, network.output), make_tokenizer())
    with pytest.raises(InputError, match="the vocabulary has 19 tokens but the embedding 18"):
        keras_bert.Bert(make_encoder(vocab_size=18), make_tokenizer())
    with pytest.warns(keras_bert.Guess, match="has 19 tokens and the embedding 30 rows: it is"):
        keras_bert.Bert(make_encoder(vocab_size=30), make_tokenizer())
    keras_bert.Bert(network, make_tokenizer(), labels=LABELS)
    with pytest.raises(InputError, match="another network: num_classes"):
        keras_bert.Bert(network, labels=["a", "b"])


def test_a_keras_file_without_assets(tmp_path):
    network = make_network("classification")
    path = tmp_path / "plain.keras"
    network.save(path)
    again = keras.saving.load_model(path)
    assert again.tokenizer is None
    assert again.labels is None
    with pytest.raises(InputError, match=r"plain.keras: holds no tokenizer.*Bert\(model, tok"):
        keras_bert.load(path)
    bert = keras_bert.Bert(again, make_tokenizer(), labels=LABELS)
    bert.model.save(path)
    assert keras_bert.load(path).config.labels == LABELS


def changed_file(path, target, **changes):
    """Copies a `.keras` file; entries by the ends of their names become other bytes, or go."""
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(target, "w") as new:
        for item in old.infolist():
            content = old.read(item)
            for ending, change in changes.items():
                if item.filename.replace(".", "_").endswith(ending):
                    content = change(content)
            if content is not None:
                new.writestr(item.filename, content)
    return target


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"vocab_txt": lambda b: b + b"more\n"}, "20 tokens but the embedding 19"),
        ({"vocab_txt": lambda b: None}, "vocab.txt"),
        ({"keras_bert/config_json": lambda b: b"{"}, "config.json"),
        ({"weights_h5": lambda b: b[: len(b) // 2]}, "model.weights.h5"),
        ({"weights_h5": lambda b: None}, "not a .keras file"),
        ({"metadata_json": lambda b: None}, "not a .keras file"),
    ],
)
def test_a_broken_keras_file_gets_one_line(tmp_path, saved, changes, message):
    path = changed_file(saved[0], tmp_path / "broken.keras", **changes)
    with pytest.raises(InputError, match=message) as caught:
        keras_bert.load(path)
    text = str(caught.value)
    assert text.startswith(f"{path}: ")
    assert "\n" not in text
    assert "/tmp/tmp" not in text


def test_a_description_of_another_network_is_refused(tmp_path, saved):
    def other(content):
        data = json.loads(content)
        data["labels"].append("more")
        return json.dumps(data).encode()

    path = changed_file(saved[0], tmp_path / "other.keras", **{"keras_bert/config_json": other})
    with pytest.raises(ValueError, match="another network: num_classes"):
        keras.saving.load_model(path)
    with pytest.raises(InputError, match="does not fit the model"):
        keras_bert.load(path)


def test_no_zip_no_lambda_no_vocabulary_flag(tmp_path, saved):
    broken = tmp_path / "no.keras"
    broken.write_bytes(b"PK\x03\x04 not a zip")
    with pytest.raises(InputError, match="not a readable .keras file"):
        keras_bert.load(broken)
    with pytest.raises(InputError, match="leave out vocab"):
        keras_bert.load(saved[0], vocabulary="vocab.txt")


def test_load_never_builds_what_the_file_of_keras_asks_for(tmp_path, saved):
    def lambda_layer(content):
        data = json.loads(content)
        return content if "format_version" in data else b'{"class_name": "Lambda"}'

    path = changed_file(saved[0], tmp_path / "code.keras", config_json=lambda_layer)
    x, _ = make_batch("tagging")
    with pytest.raises(Exception, match="Lambda"):
        keras.saving.load_model(path)
    np.testing.assert_array_equal(
        outputs_of(keras_bert.load(path).model, x), outputs_of(saved[1].model, x)
    )


def test_names_of_the_second_texts():
    answerer, chooser = make_bert("question_answering"), make_bert("multiple_choice")
    passage, choices = "cat bad dog a b", ["cat", "a b", "bad"]
    assert answerer.predict("dog", context=passage) == answerer.predict("dog", passage)
    assert answerer.predict(["dog"], context=[passage]) == answerer.predict(["dog"], [passage])
    assert chooser.predict("dog", choices=choices) == chooser.predict("dog", choices)
    classifier = make_bert("classification")
    encoder = keras_bert.Bert(make_encoder(), make_tokenizer())
    for bert, name, kind in (
        (classifier, "context", "classification"),
        (answerer, "choices", "question_answering"),
        (chooser, "context", "multiple_choice"),
        (encoder, "context", "an encoder without a task"),
    ):
        with pytest.raises(InputError, match=f"{name}=... is not for {kind}"):
            bert.predict("dog", **{name: passage})
    with pytest.raises(InputError, match="give one of them"):
        answerer.predict("dog", passage, context=passage)


def test_export_and_verify_from_a_script(tmp_path):
    bert = make_bert("classification")
    bert.model.encoder.enable_lora(2)
    bert.model.compile(1e-2)
    bert.model.fit(*make_batch("classification"), epochs=2, verbose=0)
    path = tmp_path / "model.tflite"
    written = bert.export(path, quantize="none", length=12)
    assert written["bytes"] == path.stat().st_size
    texts = ["dog good", "cat", "bad a b"]
    labels = [answer["label"] for answer in bert.predict(texts)]
    result, lines = keras_bert.verify(bert, path, (texts, labels))
    assert (result["count"], result["agreement"], result["passed"]) == (3, 1.0, True)
    assert result["max_difference"] < 1e-5
    assert lines
    with pytest.raises(InputError, match="quantize"):
        bert.export(tmp_path / "model", format="saved_model", quantize="dynamic")


def test_scripts_see_no_warnings_of_retracing():
    importlib.import_module("keras_bert.bert")
    logger = logging.getLogger("tensorflow")
    make = functools.partial(logger.makeRecord, "tensorflow", logging.WARNING, "f", 1)
    assert not logger.filter(make("triggered tf.function retracing", (), None))
    assert logger.filter(make("something else", (), None))


def test_a_bert_is_shown_in_a_line():
    bert = make_bert("classification")
    size = bert.config.encoder
    assert repr(bert) == (
        f"<Bert: classification, {size.num_hidden_layers} layers, {size.hidden_size} wide, "
        f"{len(LABELS)} labels, {len(VOCABULARY)} tokens>"
    )


def test_one_second_text_is_for_all():
    bert = make_bert("question_answering")
    questions, passage = ["dog good", "cat"], "cat bad dog a b"
    found = bert.predict(questions, passage)
    assert found == bert.predict(questions, [passage] * 2)
    assert found == bert.predict(questions, context=passage)
    with pytest.raises(InputError, match="2 first texts but 3 second ones"):
        bert.predict(questions, ["a", "b", "cat"])


@pytest.mark.parametrize("texts", [None, 3])
def test_what_is_no_text_is_refused(texts):
    with pytest.raises(InputError, match=f"expected a text or several texts, not {texts}"):
        make_bert("classification").predict(texts)


def test_a_cut_that_was_asked_for_is_no_guess():
    bert = make_bert("classification")
    text = "dog " * 100
    with warnings.catch_warnings():
        warnings.simplefilter("error", keras_bert.Guess)
        with pytest.raises(keras_bert.Guess, match="is longer than .* and is cut: windows"):
            bert.predict(text)
        with pytest.warns(Note, match="1 of 1 texts is longer than .* tokens and is cut$"):
            bert.predict(text, windows=False)
