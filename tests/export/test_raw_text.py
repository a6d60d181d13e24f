"""A SavedModel's signature for raw text: its runner, its warm-up file, older and broken folders."""

import dataclasses
import json
import os
import shutil
import subprocess
import sys
import warnings

import numpy as np
import pytest
from environments import make_environment, run_in
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from marks import slow_but
from task_models import KINDS, asked_of, make_bert

from keras_bert.errors import InputError
from keras_bert.export import contents, raw_text, warmup
from keras_bert.export.functions import tokens_function
from keras_bert.export.runners import open_exported
from keras_bert.export.saved_model import export_saved_model
from keras_bert.guesses import Guess
from keras_bert.text.tokenizer import WordPieceTokenizer

WARMUP = "assets.extra/tf_serving_warmup_requests"


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A function that exports a task's model, once, and returns it with the folder."""
    made, folder = {}, tmp_path_factory.mktemp("raw")

    def of(kind):
        if kind not in made:
            made[kind] = make_bert(kind), folder / kind
            export_saved_model(*made[kind])
        return made[kind]

    return of


def as_before(bert, path):
    """Writes a SavedModel as version 0.2 did for tasks without raw text."""
    import tensorflow as tf

    function = tokens_function(bert)
    module = tf.Module()
    module.weights = [variable.value for variable in bert.model.variables]
    tf.saved_model.save(
        module, str(path), signatures={"serving_default": function, "tokens": function}
    )
    (path / "assets.extra").mkdir()
    for name, content in contents.exported_files(bert, None).items():
        (path / "assets.extra" / name).write_bytes(content)


def without_numbers(answer):
    if isinstance(answer, list):
        return [without_numbers(each) for each in answer]
    if isinstance(answer, dict):
        return {k: without_numbers(v) for k, v in answer.items() if k != "probabilities"}
    return None if isinstance(answer, float) else answer


# === The runner ===


@pytest.mark.parametrize("kind", slow_but(raw_text.INPUTS, "tagging"))
def test_the_runner_answers_with_what_the_graph_answers(exported, kind, monkeypatch):
    bert, path = exported(kind)
    texts, second = (each and each[:12] for each in asked_of(kind))
    runner = open_exported(path)
    expected = bert.predict(texts, second)
    assert without_numbers(runner.predict(texts, second)) == without_numbers(expected)

    # An answer that only the graph can have: it shows in the runner's.
    real = raw_text.RawText._found

    def other(self, **inputs):
        for each in real(self, **inputs):
            if kind == "tagging":
                yield {**each, "tags": np.full_like(each["tags"], b"B-LOC")}
            elif kind == "question_answering":
                yield {**each, "text": b"Lima"}
            else:
                yield {**each, "choice": np.int32(2)}

    monkeypatch.setattr(raw_text.RawText, "_found", other)
    answers = runner.predict(texts, second)
    key, value = {
        "tagging": ("tags", None), "question_answering": ("text", "Lima"),
        "multiple_choice": ("choice", 2),
    }[kind]  # fmt: skip
    for answer in answers:
        assert answer[key] == (value or ["B-LOC"] * len(answer["words"]))
    if kind == "tagging":
        assert [e["type"] for e in answers[0]["entities"]] == ["LOC"] * len(answers[0]["words"])


@pytest.mark.slow
def test_words_in_hand_and_lone_surrogates_go_by_token_ids(exported):
    bert, path = exported("tagging")
    asked = [["a", "great", "film"], "a \ud800 film", "one film"]
    found, expected = (each.predict(asked) for each in (open_exported(path), bert))
    assert without_numbers(found) == without_numbers(expected)


@pytest.mark.parametrize("kind", slow_but(raw_text.INPUTS, "multiple_choice"))
def test_a_saved_model_of_the_version_before_is_read(tmp_path, kind):
    bert = make_bert(kind)
    as_before(bert, tmp_path / "old")
    runner = open_exported(tmp_path / "old")
    texts, second = (each and each[:6] for each in asked_of(kind))
    found, expected = runner.predict(texts, second), bert.predict(texts, second)
    assert without_numbers(found) == without_numbers(expected)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": ["O", "B-PER", "I-PER", "B-LOC", "I-X"]}, "other words or tags than those of"),
        ({"task": "classification", "settings": {}}, "has no probability: it is not the model"),
    ],
)
def test_a_description_that_does_not_fit_is_refused(exported, tmp_path, change, message):
    _, source = exported("tagging")
    shutil.copytree(source, tmp_path / "bad")
    config = tmp_path / "bad" / "assets.extra" / "keras_bert.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), **change}))
    texts, _ = asked_of("tagging")
    with pytest.raises(InputError, match=message) as caught:
        open_exported(tmp_path / "bad").predict(texts)
    assert str(caught.value).startswith(str(tmp_path / "bad"))
    assert "\n" not in str(caught.value)


def test_a_signature_of_another_task_is_refused(exported, tmp_path):
    _, source = exported("tagging")
    shutil.copytree(source, tmp_path / "bad")
    config = tmp_path / "bad" / "assets.extra" / "keras_bert.json"
    outputs = {"words": ("string", 2), "tags": ("int32", 2)}
    runner = type("Runner", (), {"path": config, "config": make_bert("tagging").config})
    from keras_bert.export import tensors

    found = {"text": ("string", [None])}, {"words": ("string", [None, None])}
    with pytest.raises(InputError, match="serving_default has words, for tagging it must have"):
        tensors.check_raw_text(runner, found[0], {"text": 1}, found[1], outputs)
    with pytest.raises(InputError, match="serving_default has text, for tagging it must have cont"):
        tensors.check_raw_text(runner, found[0], {"context": 1}, {}, {})
    with pytest.raises(InputError, match="text has 1 dimensions, it must have 2"):
        tensors.check_raw_text(runner, found[0], {"text": 2}, {}, {})


# === What a graph cannot find ===


@pytest.mark.slow
def test_added_tokens_that_stand_alone_leave_token_ids_with_a_guess(tmp_path):
    bert = make_bert("tagging")
    added = [{"content": bert.tokenizer.vocabulary[-1], "single_word": True, "special": False}]
    bert.tokenizer = WordPieceTokenizer(bert.tokenizer.vocabulary, added_tokens=added)
    with pytest.warns(Guess, match="serving_default takes token ids and no raw text: the added"):
        export_saved_model(bert, tmp_path / "m")
    texts = asked_of("tagging")[0][:4]
    found = open_exported(tmp_path / "m").predict(texts)
    assert without_numbers(found) == without_numbers(bert.predict(texts))
    with warnings.catch_warnings():
        warnings.simplefilter("error", Guess)
        with pytest.raises(Guess):
            export_saved_model(bert, tmp_path / "strict")
    assert not (tmp_path / "strict").exists()


@pytest.mark.slow
def test_capitals_are_marked_in_the_graph(tmp_path):
    settings = {"scheme": "bio", "overlap": 4, "mark_capitals": True}
    bert = make_bert("tagging", settings=settings)
    export_saved_model(bert, tmp_path / "m")
    texts, _ = asked_of("tagging")
    capitals = [text.title() for text in texts]
    found = open_exported(tmp_path / "m")._asked({"text": capitals}, ["tags", "probabilities"])
    for tags, numbers, answer in zip(*found.values(), bert.predict(capitals), strict=True):
        count = len(answer["words"])
        assert [tag.decode() for tag in tags[:count]] == answer["tags"]
        assert numbers[:count].tolist() == pytest.approx(answer["probabilities"], abs=1e-5)
    answers = bert.predict(capitals)
    bert.config = dataclasses.replace(bert.config, settings={**settings, "mark_capitals": False})
    assert bert.predict(capitals) != answers


@pytest.mark.slow
@pytest.mark.parametrize("kind", raw_text.INPUTS)
def test_a_shorter_export_and_more_rows_than_go_at_once(tmp_path, kind):
    bert = make_bert(kind)
    texts, second = asked_of(kind)
    texts, second = texts * 3, second and second * 3
    export_saved_model(bert, tmp_path / "m", 24)
    runner = open_exported(tmp_path / "m")
    bert.config = dataclasses.replace(
        bert.config, max_length=24, settings=bert.task.settings_for(bert.config.settings, 24)
    )
    inputs = dict(zip(raw_text.INPUTS[kind], (texts, second)))
    key = {"tagging": "tags", "question_answering": "text", "multiple_choice": "text"}[kind]
    found = runner._asked(inputs, [key])[key]
    for each, answer in zip(found, bert.predict(texts, second), strict=True):
        if kind == "tagging":
            assert [tag.decode() for tag in each[: len(answer["tags"])]] == answer["tags"]
        else:
            assert each.decode() == answer[key]


@pytest.mark.slow
def test_an_empty_batch_and_texts_without_words(exported):
    import tensorflow as tf

    _, path = exported("tagging")
    serve = tf.saved_model.load(str(path)).signatures["serving_default"]
    none = serve(text=tf.zeros([0], tf.string))
    assert none["words"].shape == none["starts"].shape == (0, 0)
    found = serve(text=tf.constant(["", " \t", "\u200b"]))
    assert found["count"].numpy().tolist() == [0, 0, 0]
    found = serve(text=tf.constant(["", "a film", b"\xff"]))
    assert found["count"].numpy().tolist() == [0, 2, 0]
    assert found["starts"].numpy().tolist() == [[-1, -1], [0, 2], [-1, -1]]


@pytest.mark.slow
def test_answers_about_nothing(exported):
    import tensorflow as tf

    bert, path = exported("question_answering")
    serve = tf.saved_model.load(str(path)).signatures["serving_default"]
    none = serve(question=tf.zeros([0], tf.string), context=tf.zeros([0], tf.string))
    assert none["text"].shape == (0,)
    contexts = ["", "\u200b", "a film"]
    found = serve(question=tf.constant(["", "why", ""]), context=tf.constant(contexts))
    assert found["text"].numpy().tolist()[:2] == [b"", b""]
    assert found["start"].numpy().tolist()[:2] == found["end"].numpy().tolist()[:2] == [0, 0]
    answer = bert.predict("why", "\u200b")
    assert found["null_odds"].numpy()[1] == answer["null_odds"] == 0
    assert found["probability"].numpy()[1] == pytest.approx(answer["probability"])


# === For servers ===


def messages():
    """Returns the classes of the warm-up file's messages, made of their published definitions.

    Source: tensorflow/serving, tensorflow_serving/apis/{prediction_log,predict,model}.proto; and
    tensorflow/core/framework/tensor.proto, whose class TensorFlow has.
    """
    from tensorflow.core.framework import tensor_pb2

    file = descriptor_pb2.FileDescriptorProto(name="apis.proto", package="tensorflow.serving")
    file.syntax = "proto3"
    file.dependency.append(tensor_pb2.DESCRIPTOR.name)
    kinds = descriptor_pb2.FieldDescriptorProto

    def message(name, /, **fields):
        made = file.message_type.add(name=name)
        for field, (number, kind) in fields.items():
            is_name = isinstance(kind, str)
            made.field.add(
                name=field,
                number=number,
                label=kinds.LABEL_OPTIONAL,
                type=kinds.TYPE_MESSAGE if is_name else kind,
                type_name=kind if is_name else None,
            )
        return made

    message("ModelSpec", name=(1, kinds.TYPE_STRING), signature_name=(3, kinds.TYPE_STRING))
    request = message("PredictRequest", model_spec=(1, ".tensorflow.serving.ModelSpec"))
    entry = request.nested_type.add(name="InputsEntry")
    entry.options.map_entry = True
    entry.field.add(name="key", number=1, label=kinds.LABEL_OPTIONAL, type=kinds.TYPE_STRING)
    entry.field.add(
        name="value", number=2, label=kinds.LABEL_OPTIONAL, type=kinds.TYPE_MESSAGE,
        type_name=".tensorflow.TensorProto",
    )  # fmt: skip
    request.field.add(
        name="inputs", number=2, label=kinds.LABEL_REPEATED, type=kinds.TYPE_MESSAGE,
        type_name=".tensorflow.serving.PredictRequest.InputsEntry",
    )  # fmt: skip
    message("PredictLog", request=(1, ".tensorflow.serving.PredictRequest"))
    message("PredictionLog", predict_log=(6, ".tensorflow.serving.PredictLog"))
    pool = descriptor_pool.Default()
    pool.AddSerializedFile(file.SerializeToString())
    name = "tensorflow.serving.PredictionLog"
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(name))


@pytest.fixture(scope="module")
def prediction_log():
    return messages()


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_the_warm_up_file_has_requests_that_both_signatures_answer(exported, kind, prediction_log):
    import tensorflow as tf

    _, path = exported(kind)
    model = tf.saved_model.load(str(path))
    names = []
    for record in tf.data.TFRecordDataset(str(path / WARMUP)):
        log = prediction_log.FromString(record.numpy())
        assert log.SerializeToString(deterministic=True)
        request = log.predict_log.request
        names.append(request.model_spec.signature_name)
        inputs = {name: tf.make_ndarray(value) for name, value in request.inputs.items()}
        function = model.signatures[names[-1]]
        assert inputs.keys() == function.structured_input_signature[1].keys()
        dtypes = {name: spec.dtype for name, spec in function.structured_input_signature[1].items()}
        outputs = function(**{n: tf.constant(value, dtypes[n]) for n, value in inputs.items()})
        assert all(value.shape[0] == 1 for value in outputs.values())
    assert names == ["serving_default", "tokens"]


def test_requests_have_the_wire_format_of_their_messages(prediction_log):
    import tensorflow as tf

    long = ["x" * 300, "é"]  # a length of two bytes
    log = prediction_log.FromString(warmup.prediction_log("s", {"a": long, "b": [[1, 2]]}))
    request = log.predict_log.request
    assert request.model_spec.signature_name == "s"
    assert tf.make_ndarray(request.inputs["a"]).tolist() == [text.encode() for text in long]
    assert tf.make_ndarray(request.inputs["b"]).tolist() == [[1, 2]]


PARSE = """
import sys, tensorflow as tf
from google.protobuf.unknown_fields import UnknownFieldSet
from tensorflow_serving.apis import prediction_log_pb2
for record in tf.data.TFRecordDataset(sys.argv[1]):
    log = prediction_log_pb2.PredictionLog.FromString(record.numpy())
    assert log.WhichOneof("log_type") == "predict_log"
    request = log.predict_log.request
    spec = request.model_spec
    assert not any(len(UnknownFieldSet(each)) for each in (log, log.predict_log, request, spec))
    print(request.model_spec.signature_name, *sorted(request.inputs))
"""


@pytest.mark.slow
def test_the_classes_of_tensorflow_serving_read_the_warm_up_file(exported, tmp_path):
    _, path = exported("question_answering")
    python = make_environment(
        tmp_path / "env", ["--no-deps", "tensorflow-serving-api>=2.19,<3"], ["grpcio"]
    )
    site = next((tmp_path / "env").glob("lib/python*/site-packages"))
    ours = os.pathsep.join(each for each in sys.path if each.endswith("site-packages"))
    (site / "ours.pth").write_text("\n".join(ours.split(os.pathsep)))
    found = run_in(python, "-c", PARSE, path / WARMUP, cwd=tmp_path)
    assert found.returncode == 0, found.stderr
    assert found.stdout.splitlines() == [
        "serving_default context question",
        "tokens padding_mask segment_ids token_ids",
    ]


SHOW = """
import sys
import tensorflow_text
from tensorflow.python.tools import saved_model_cli
sys.exit(saved_model_cli.main())
"""
OUTPUTS = {
    "tagging": ["count", "ends", "probabilities", "starts", "tags", "words"],
    "question_answering": ["end", "null_odds", "probability", "score", "start", "text"],
    "multiple_choice": ["choice", "probabilities", "probability", "score", "text"],
    "regression": ["value"],
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_saved_model_cli_shows_named_inputs_and_outputs(exported, kind):
    _, path = exported(kind)
    found = subprocess.run(
        [sys.executable, "-c", SHOW, "show", "--dir", str(path), "--all"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    parts = found.split("signature_def[")[1:]
    (default,) = (part for part in parts if part.startswith("'serving_default']"))
    inputs = list(raw_text.INPUTS.get(kind, ["text"]))
    for name in inputs:
        assert f"inputs['{name}'] tensor_info:" in default
    for name in OUTPUTS[kind]:
        assert f"outputs['{name}'] tensor_info:" in default
    assert found.count("inputs['") == len(inputs) + 3
    assert "output_0" not in found
    assert "args_0" not in found
