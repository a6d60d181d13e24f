"""Exported files of the tasks but classification: answers, outputs, files inside, and the proof.

The models have random weights, so their answers are close calls: what holds for them holds for
trained ones.
"""

import copy
import json
import subprocess
import sys

import numpy as np
import pytest
from exported_files import tampered
from flatbuffers import number_types
from flatbuffers.table import Table
from task_models import (
    KINDS,
    LENGTH,
    QUESTION,
    answer_half,
    asked_of,
    make_bert,
    passage,
    perturbed,
    write_data,
)

from keras_bert.errors import InputError
from keras_bert.export import metadata
from keras_bert.export.onnx import export_onnx
from keras_bert.export.runners import open_exported
from keras_bert.export.saved_model import export_saved_model
from keras_bert.export.tflite import check_ops, count_ops, export_tflite, input_order, output_order

# The outputs of each task, and their shapes for one row.
OUTPUTS = {
    "regression": {"value": (1, 1)},
    "tagging": {"probability": (1, LENGTH, 5)},
    "question_answering": {"start_logits": (1, LENGTH), "end_logits": (1, LENGTH)},
    "multiple_choice": {"score": (1, 1)},
}
FLOAT = ("float.tflite", "open.tflite", "model.onnx", "saved_model")
INT8 = ("int8.tflite", "int8_open.tflite")
EVERY = [(kind, name) for kind in KINDS for name in (*FLOAT, "int8.tflite")]
EVERY.append(("question_answering", "int8_open.tflite"))
TFLITE = [(kind, name) for kind, name in EVERY if name.endswith(".tflite")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("tasks")


@pytest.fixture(scope="module")
def berts():
    """The Keras models, one a task; the answerer finds no answer in about half of the passages."""
    found = {kind: make_bert(kind) for kind in KINDS}
    answer_half(found["question_answering"], *asked_of("question_answering"))
    return found


@pytest.fixture(scope="module")
def exported(berts, folder):
    """A function that writes a task's model in a format, once, and gives the path."""
    written = {}

    def path_of(kind, name):
        path = folder / kind / name
        if path not in written:
            bert = berts[kind]
            if name == "model.onnx":
                written[path] = export_onnx(bert, path)
            elif name == "saved_model":
                written[path] = export_saved_model(bert, path)
            else:
                length = "dynamic" if "open" in name else None
                quantize = "dynamic" if "int8" in name else "none"
                written[path] = export_tflite(bert, path, length, quantize)
        return path

    for kind in KINDS:
        (folder / kind).mkdir()
    return path_of


@pytest.fixture(scope="module")
def expected(berts):
    """By task: examples, the outputs of the Keras model, its answers."""
    found = {}
    for kind, bert in berts.items():
        examples = bert.task.examples_from(*asked_of(kind))
        rows, outputs = bert.rows_and_outputs(examples)
        answers = bert.task.answers(outputs, rows, examples, bert.config)
        found[kind] = (examples, outputs, answers)
    return found


def largest_difference(outputs, others):
    assert outputs.keys() == others.keys()
    return max(
        float(np.abs(one - other).max())
        for name, values in outputs.items()
        for one, other in zip(values, others[name], strict=True)
    )


def without_numbers(answer):
    """Returns an answer without what rounding may change: probabilities and the like."""
    if isinstance(answer, list):
        return [without_numbers(each) for each in answer]
    if isinstance(answer, dict):
        return {k: without_numbers(v) for k, v in answer.items() if k != "probabilities"}
    return None if isinstance(answer, float) else answer


# === Answers and outputs ===


@pytest.mark.parametrize(("kind", "name"), [each for each in EVERY if each[1] in FLOAT])
def test_float_formats_give_the_answers_of_keras(exported, expected, kind, name):
    examples, outputs, answers = expected[kind]
    runner = open_exported(exported(kind, name))
    _, found = runner.rows_and_outputs(examples)
    assert largest_difference(outputs, found) < 1e-5
    again = runner.predict(*asked_of(kind))
    assert without_numbers(again) == without_numbers(answers)
    for answer, other in zip(again, answers, strict=True):
        for key in ("value", "probability"):
            if key in answer:
                assert answer[key] == pytest.approx(other[key], abs=1e-5)


@pytest.mark.parametrize(("kind", "name"), [each for each in EVERY if each[1] in INT8])
def test_int8_gives_nearly_all_answers_of_keras(exported, expected, kind, name):
    """Within a tenth of the outputs' range; nine in ten of the close calls stay as they were."""
    examples, outputs, answers = expected[kind]
    runner = open_exported(exported(kind, name))
    rows, found = runner.rows_and_outputs(examples)
    spread = max(float(np.ptp(np.concatenate(values))) for values in outputs.values())
    assert 0 < largest_difference(outputs, found) < 0.1 * spread  # and it is quantized
    again = runner.task.answers(found, rows, examples, runner.config)
    if kind == "tagging":
        same = [
            a == b for one, two in zip(again, answers) for a, b in zip(one["tags"], two["tags"])
        ]
        assert np.mean(same) > 0.95
    else:
        same = [
            runner.task.answers_agree(one, two, runner.config)
            for one, two in zip(again, answers, strict=True)
        ]
        assert np.mean(same) > 0.9


def by_hand(bert, inputs):
    """Returns a task's outputs for inputs, from the logits of its Keras network, written out."""
    network = bert.network
    logits = network(inputs, training=False)
    if bert.config.task == "question_answering":
        return {name: np.asarray(value) for name, value in logits.items()}
    logits = np.asarray(logits)
    if bert.config.task == "regression":
        return {"value": logits * 1.5 + 2.5}  # the scale and mean of its settings
    if bert.config.task == "multiple_choice":
        return {"score": logits}
    exponents = np.exp(logits)
    return {"probability": exponents / exponents.sum(axis=-1, keepdims=True)}


@pytest.mark.parametrize(("kind", "name"), [each for each in TFLITE if each[1] not in INT8])
def test_tflite_outputs_are_those_of_the_network(berts, exported, kind, name):
    """LiteRT without anything of ours, on token ids, against Keras on the same ones."""
    from ai_edge_litert.interpreter import Interpreter

    path = exported(kind, name)
    interpreter = Interpreter(model_path=str(path))
    assert list(interpreter.get_signature_list()) == ["serving_default"]
    run = interpreter.get_signature_runner("serving_default")
    assert sorted(run.get_input_details()) == ["ids", "mask", "segment_ids"]
    assert {run.get_input_details()[each]["dtype"] for each in run.get_input_details()} == {
        np.int32
    }
    assert set(run.get_output_details()) == set(OUTPUTS[kind])
    rng = np.random.default_rng(0)
    for size in (LENGTH, 20):
        length = size if "open" in name else LENGTH
        mask = (np.arange(length) < size).astype("int32")[None]
        ids = rng.integers(5, 100, (1, length)).astype("int32") * mask
        segment_ids = (np.arange(length) > size // 2).astype("int32")[None] * mask
        found = run(ids=ids, segment_ids=segment_ids, mask=mask)
        inputs = {"token_ids": ids, "segment_ids": segment_ids, "padding_mask": mask}
        for key, value in by_hand(berts[kind], inputs).items():
            shape = tuple(length if n == LENGTH else n for n in OUTPUTS[kind][key])
            assert found[key].shape == shape
            assert found[key].dtype == np.float32
            seen = size if LENGTH in OUTPUTS[kind][key] else 1
            np.testing.assert_allclose(found[key][:, :seen], value[:, :seen], atol=1e-5)


# === The files ===


@pytest.mark.parametrize(("kind", "name"), TFLITE)
def test_tflite_files_have_built_in_ops(exported, kind, name):
    ops = count_ops(exported(kind, name).read_bytes())
    check_ops(ops)
    assert not [op for op in ops if op.startswith(("FLEX", "CUSTOM"))]
    pooled = kind in ("regression", "multiple_choice")
    # Query, key and value in one, of [CLS] alone in two; the output, two feed-forward; the head;
    # the pooler where it is asked.
    assert ops["FULLY_CONNECTED"] == (2 if pooled else 1) + 3 + 1 + pooled
    assert ops.get("TANH", 0) == pooled
    assert ops["GELU"] == 1
    assert ops["SOFTMAX"] == 1 + (kind == "tagging")


def described(path):
    """Reads names and descriptions of the tensors out of the metadata of a TFLite file.

    By slot numbers alone, those of MediaPipe's metadata_schema.fbs.
    """
    from ai_edge_litert import schema_py_generated as schema

    root = schema.Model.GetRootAs(path.read_bytes(), 0)
    entries = [root.Metadata(i) for i in range(root.MetadataLength())]
    (entry,) = (each for each in entries if each.Name() == b"TFLITE_METADATA")
    data = bytearray(root.Buffers(entry.Buffer()).DataAsNumpy().tobytes())
    assert data[4:8] == b"M001"

    def tables(table, slot):
        offset = table.Offset(4 + 2 * slot)
        start = table.Vector(offset)
        return [Table(data, table.Indirect(start + 4 * i)) for i in range(table.VectorLen(offset))]

    def text(table, slot):
        return table.String(table.Offset(4 + 2 * slot) + table.Pos).decode()

    model = Table(data, Table(data, 0).Get(number_types.UOffsetTFlags, 0))
    (subgraph,) = tables(model, 3)
    inputs, outputs = (
        {text(each, 0): text(each, 1) for each in tables(subgraph, slot)} for slot in (2, 3)
    )
    return text(model, 0), text(model, 1), inputs, outputs


@pytest.mark.parametrize(("kind", "name"), TFLITE)
def test_metadata_says_what_the_tensors_are(exported, kind, name):
    path = exported(kind, name)
    title, description, inputs, outputs = described(path)
    assert title.startswith("BERT")
    assert description
    # In the order of the tensors, by which readers bind them.
    assert list(inputs) == input_order(path.read_bytes())
    assert list(outputs) == output_order(path.read_bytes())
    assert set(outputs) == set(OUTPUTS[kind])
    assert len(set(outputs.values())) == len(outputs)
    words = {"regression": "number", "tagging": "every token", "multiple_choice": "choice"}
    for output, said in outputs.items():
        assert words.get(kind, output.split("_")[0]) in said


@pytest.mark.parametrize("name", ["int8.tflite", "model.onnx", "saved_model"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_files_inside_are_complete(berts, exported, kind, name):
    path = exported(kind, name)
    if name == "int8.tflite":
        files = metadata.read_files(path)
    elif name == "model.onnx":
        import onnx

        files = {each.key: each.value.encode() for each in onnx.load(path).metadata_props}
    else:
        files = {each.name: each.read_bytes() for each in (path / "assets.extra").iterdir()}
        assert files.pop("tf_serving_warmup_requests")
    labels = {"labels.txt"} if kind == "tagging" else set()
    assert files.keys() == {"vocab.txt", "keras_bert.json"} | labels
    assert files["vocab.txt"].decode().splitlines() == list(berts[kind].tokenizer.vocabulary)
    if labels:
        assert files["labels.txt"] == b"O\nB-PER\nI-PER\nB-LOC\nI-LOC\n"
    config = json.loads(files["keras_bert.json"])
    assert (config["task"], config["max_length"]) == (kind, LENGTH)
    assert config["settings"] == berts[kind].config.settings


def test_a_shorter_answerer_has_windows_that_fit(berts, tmp_path):
    path = tmp_path / "short.tflite"
    export_tflite(berts["question_answering"], path, length=24)
    runner = open_exported(path)
    assert runner.fixed_length == runner.config.max_length == 24
    text = passage(6)
    answer = runner.predict(QUESTION, text)
    best = answer["n_best"][0]
    assert best["text"] == text[best["start"] : best["end"]] != ""


def test_an_answerer_too_short_for_any_passage_is_not_written(berts, tmp_path):
    with pytest.raises(InputError, match="length 3 leaves no room for a passage"):
        export_tflite(berts["question_answering"], tmp_path / "short.tflite", length=3)
    assert not list(tmp_path.iterdir())


# === Texts longer than a row, from the .tflite alone ===


def test_a_passage_of_several_windows_is_answered(exported, expected):
    runner = open_exported(exported("question_answering", "float.tflite"))
    examples, _, answers = expected["question_answering"]
    windows = runner.task.rows(examples, runner.tokenizer, runner.config).example_indices
    assert np.bincount(windows).max() > 5
    nothing, later = 0, 0
    for i, (question, context) in enumerate(zip(examples.questions, examples.contexts)):
        found = runner.predict(question, context)
        assert found["text"] == context[found["start"] : found["end"]]
        for each in found["n_best"]:
            assert each["text"] == context[each["start"] : each["end"]]
        assert (found["text"], found["start"]) == (answers[i]["text"], answers[i]["start"])
        nothing += not found["text"]
        later += found["start"] > 6 * LENGTH  # no row holds so many characters of these words
    assert 5 < nothing < len(answers) - 5
    assert later > 2


def test_a_sentence_longer_than_a_row_is_tagged(exported, expected):
    runner = open_exported(exported("tagging", "float.tflite"))
    examples, _, answers = expected["tagging"]
    rows = runner.task.rows(examples, runner.tokenizer, runner.config).example_indices
    (longest,) = np.flatnonzero(np.bincount(rows) == np.bincount(rows).max())[:1]
    assert np.bincount(rows)[longest] > 2
    text = examples.texts[longest]
    found = runner.predict(text)
    assert " ".join(found["words"]) == text
    assert found["tags"] == answers[longest]["tags"]
    assert found["entities"]
    for entity in found["entities"]:
        assert entity["text"] == text[entity["start"] : entity["end"]]


# === What does not fit ===


@pytest.mark.parametrize(
    ("kind", "change", "message"),
    [
        ("tagging", {"labels": ["O", "B-PER", "B-LOC"]}, "5 outputs for 3 labels"),
        ("tagging", {"task": "classification", "settings": {}}, r"is of shape \(1, 48, 5\)"),
        ("regression", {"task": "multiple_choice", "pair": True, "settings": {"num_choices": 2}},
         "has no score: it is not the model for multiple_choice"),
        ("multiple_choice", {"task": "question_answering", "settings": {}},
         "has no start_logits, end_logits: it is not"),
        ("question_answering", {"task": "tagging", "labels": ["a", "b"], "settings": {}},
         "has no probability"),
        ("question_answering", {"task": None}, "task None has no answers"),
        ("question_answering", {"settings": {"n_best": 0}}, "n_best must be from 1 to 65535"),
        ("regression", {"settings": {}}, "settings must be mean, scale"),
        ("tagging", {"settings": {"scheme": "none", "overlap": -1}}, "overlap must be 0"),
    ],
)  # fmt: skip
def test_a_description_that_does_not_fit_the_outputs_is_refused(
    exported, tmp_path, kind, change, message
):
    def edit(files):
        files["keras_bert.json"] = json.dumps({**json.loads(files["keras_bert.json"]), **change})

    path = tampered(exported(kind, "float.tflite"), tmp_path / "bad.tflite", edit)
    with pytest.raises(InputError, match=message) as caught:
        open_exported(path).predict(["a film"])
    assert "bad.tflite" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["model.onnx", "saved_model"])
def test_other_formats_with_other_outputs_are_refused(exported, tmp_path, name):
    import shutil

    source, path = exported("regression", name), tmp_path / name
    wrong = {"task": "multiple_choice", "pair": True, "settings": {"num_choices": 2}}
    if name == "model.onnx":
        import onnx

        model = onnx.load(source)
        (entry,) = (e for e in model.metadata_props if e.key == "keras_bert.json")
        entry.value = json.dumps({**json.loads(entry.value), **wrong})
        onnx.save(model, path)
    else:
        shutil.copytree(source, path)
        config = path / "assets.extra" / "keras_bert.json"
        config.write_text(json.dumps({**json.loads(config.read_text()), **wrong}))
    with pytest.raises(InputError, match=f"{name}: has no score"):
        open_exported(path)


# === SavedModel without us ===


RAW = {
    "regression": ["text"],
    "tagging": ["text"],
    "question_answering": ["question", "context"],
    "multiple_choice": ["text", "choices"],
}
LOAD = """
import json, sys
class Blocked:  # not Keras itself: TensorFlow Text derives a layer from it
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("keras_bert", "export", "tf_keras", "tokenizers"):
            raise ImportError(f"{name} is blocked")
sys.meta_path.insert(0, Blocked())
import tensorflow as tf, tensorflow_text
def lists(found):
    return {name: value.numpy().tolist() for name, value in found.items()}
paths, asked, ids = json.load(sys.stdin)
ids = tf.constant(ids)
inputs = dict(token_ids=ids, segment_ids=tf.zeros_like(ids), padding_mask=tf.sign(ids))
results = {}
for kind, path in paths.items():
    serve = tf.saved_model.load(path).signatures
    texts = {name: tf.constant(value) for name, value in asked[kind].items()}
    results[kind] = lists(serve["serving_default"](**texts)), lists(serve["tokens"](**inputs))
assert not {"keras_bert", "export"} & set(sys.modules)
print(json.dumps(results, default=bytes.decode))
"""


def assert_raw_answers(kind, found, answers, examples):
    """Compares what a SavedModel returned for raw text with the answers of the Keras model."""
    if kind == "regression":
        assert list(found) == ["value"]
        values = [[answer["value"]] for answer in answers]
        np.testing.assert_allclose(found["value"], values, atol=1e-5)
        return
    for i, answer in enumerate(answers):
        each = {name: values[i] for name, values in found.items()}
        if kind == "tagging":
            count = len(answer["words"])
            assert each["count"] == count
            for name in ("words", "tags"):
                assert each[name][:count] == answer[name]
            places = list(zip(each["starts"], each["ends"]))
            assert places[:count] == [tuple(place) for place in examples.word_offsets[i]]
            assert set(places[count:]) <= {(-1, -1)}
            assert not any(each["words"][count:] + each["tags"][count:])
            answer["probability"], each["probability"] = (
                answer["probabilities"],
                each["probabilities"][:count],
            )
        elif kind == "question_answering":
            same = ("text", "start", "end")
            assert [each[name] for name in same] == [answer[name] for name in same]
            assert each["null_odds"] == pytest.approx(answer["null_odds"], abs=1e-5)
        else:
            assert (each["choice"], each["text"]) == (answer["choice"], answer["text"])
            assert each["probabilities"] == pytest.approx(answer["probabilities"], abs=1e-5)
        assert each["probability"] == pytest.approx(answer["probability"], abs=1e-5)


@pytest.mark.slow
def test_saved_models_need_tensorflow_and_its_text_alone(berts, exported, expected):
    """From raw text to the answers of a model that cannot even be imported there."""
    paths = {kind: str(exported(kind, "saved_model")) for kind in KINDS}
    ids = [[2, 7, 9, 3, 11, 12, 3], [2, 8, 3, 30, 3, 0, 0]]
    asked = {
        kind: {name: values for name, values in zip(RAW[kind], asked_of(kind))} for kind in KINDS
    }
    run = subprocess.run(
        [sys.executable, "-c", LOAD],
        input=json.dumps([paths, asked, ids]),
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout.splitlines()[-1])

    for kind in KINDS:
        examples, _, answers = expected[kind]
        assert_raw_answers(kind, found[kind][0], copy.deepcopy(answers), examples)
    ids = np.array(ids, "int32")
    inputs = {"token_ids": ids, "segment_ids": 0 * ids, "padding_mask": np.sign(ids)}
    for kind in KINDS:
        _, tokens = found[kind]
        logits = {"logits"} if kind == "tagging" else set()
        assert tokens.keys() == OUTPUTS[kind].keys() | logits
        for name, value in by_hand(berts[kind], inputs).items():
            np.testing.assert_allclose(tokens[name], value, atol=1e-5)


# === The commands ===


@pytest.fixture(scope="module")
def models(berts, folder):
    """By task: the model folder, a labelled file it is right on, an export of other weights."""
    found = {}
    for kind, bert in berts.items():
        bert.save(folder / kind / "model")
        data = write_data(kind, bert, folder / kind)
        damaged = folder / kind / "damaged.onnx"
        export_onnx(perturbed(bert), damaged)
        found[kind] = (folder / kind / "model", data, damaged)
    return found


METRICS = {
    "regression": "pearson",
    "tagging": "f1",
    "question_answering": "f1",
    "multiple_choice": "accuracy",
}


@pytest.mark.parametrize("kind", KINDS)
def test_verify_scores_with_the_tasks_own_metric(cli, models, exported, kind):
    model, data, damaged = models[kind]
    flags = [f"--model={model}", f"--data={data}", "--json"]
    found = cli("verify", *flags, f"--exported={exported(kind, 'float.tflite')}")
    assert found.status == 0, found.err
    result = json.loads(found.out.splitlines()[-1])
    perfect = 100 if kind == "question_answering" else 1
    metric = METRICS[kind]
    assert result["metric"] == metric
    assert result["passed"]
    assert result["model_scores"][metric] == pytest.approx(perfect)
    assert result["exported_scores"][metric] == pytest.approx(perfect)
    assert result["agreement"] == 1
    assert result["max_difference"] < 1e-5
    assert result["exported_ms"] > 0

    found = cli("verify", *flags, f"--exported={damaged}")
    assert found.status == 1
    assert f"{metric} fell by" in found.err
    assert "more than --max_drop=0.01" in found.err
    # With --json the report is on stderr too, and the line on the failed check is the last.
    assert found.err.splitlines()[-1].startswith("keras-bert verify: ")
    result = json.loads(found.out.splitlines()[-1])
    assert not result["passed"]
    lost = result["model_scores"][metric] - result["exported_scores"][metric]
    assert result["drop"] == pytest.approx(lost / perfect)  # a share, also where 100 is perfect
    assert result["drop"] > 0.1
    if kind == "tagging":
        flags.append(f"--max_drop={result['drop'] + 1e-6}")
        assert cli("verify", *flags, f"--exported={damaged}").status == 0


@pytest.mark.parametrize("kind", KINDS)
def test_evaluate_takes_a_tflite_file(cli, models, exported, kind):
    _, data, _ = models[kind]
    path = exported(kind, "float.tflite")
    found = cli("evaluate", f"--model={path}", f"--data={data}", "--json")
    assert found.status == 0, found.err
    perfect = 100 if kind == "question_answering" else 1
    result = json.loads(found.out.splitlines()[-1])
    assert result[METRICS[kind]] == pytest.approx(perfect)
    assert found.err.startswith(METRICS[kind])


@pytest.mark.parametrize("kind", KINDS)
def test_predict_takes_a_tflite_file(cli, berts, models, exported, tmp_path, kind):
    path = exported(kind, "float.tflite")
    texts, texts_b = (each and each[-3:] for each in asked_of(kind))
    text_b = texts_b and texts_b[0]
    flags = [f"--text={texts[0]}"]
    if text_b:
        flags.append(f"--text_b={json.dumps(text_b) if isinstance(text_b, list) else text_b}")
    found = cli("predict", f"--model={path}", *flags, "--json")
    assert found.status == 0, found.err
    (record,) = json.loads(found.out.splitlines()[-1])["predictions"]
    answer = berts[kind].predict(texts[0], text_b)
    assert without_numbers({k: record[k] for k in answer}) == without_numbers(answer)

    _, data, _ = models[kind]
    output = tmp_path / "answers.jsonl"
    found = cli("predict", f"--model={path}", f"--input={data}", f"--output={output}")
    assert found.status == 0, found.err
    count = json.loads(
        cli("evaluate", f"--model={path}", f"--data={data}", "--json").out.splitlines()[-1]
    )["count"]
    assert len(output.read_text().splitlines()) == count


def test_verify_refuses_a_file_of_another_task(cli, models, exported):
    model, data, _ = models["regression"]
    other = exported("multiple_choice", "model.onnx")
    found = cli("verify", f"--model={model}", f"--data={data}", f"--exported={other}")
    assert found.status == 2
    assert ": is for " in found.err
