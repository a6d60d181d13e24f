"""The same numbers from Keras, SavedModel, ONNX and TFLite in float, on token ids, for every task.

The networks are small, but their logits spread over several units as those of trained ones do: near
zero a probability would hide what a logit has lost.
"""

import numpy as np
import pytest
from marks import slow_but
from task_models import LENGTH, make_bert

from keras_bert.export.contents import TFLITE_INPUTS
from keras_bert.export.onnx import export_onnx
from keras_bert.export.saved_model import export_saved_model
from keras_bert.export.tflite import export_tflite
from keras_bert.models.encoder import INPUT_NAMES

LABELS = {"labels": ("bad", "fair", "good", "great")}
CASES = {
    "classification": ("classification", {**LABELS, "pooling": "mean"}),
    "pair": ("classification", {**LABELS, "pair": True}),
    "multi_label": ("multi_label", {**LABELS, "settings": {"thresholds": [0.5] * 4}}),
    "regression": ("regression", {}),
    "tagging": ("tagging", {}),
    "question_answering": ("question_answering", {}),
    "multiple_choice": ("multiple_choice", {}),
}
# Logits that a format reports beside the task's outputs.
REPORTED = {"classification", "pair", "multi_label", "tagging"}


def realistic(kind, changes):
    """Returns a model of two layers, with biases, whose logits spread over several units."""
    bert = make_bert(kind, encoder={"num_hidden_layers": 2, "initializer_range": 0.15}, **changes)
    rng = np.random.default_rng(4)
    for weight in bert.model.weights:
        if len(weight.shape) == 1:
            weight.assign(weight + rng.normal(0, 0.1, weight.shape))
    head = bert.model.head.kernel
    head.assign(head * 5)
    return bert


def batches():
    """Returns inputs: one full row, and some shorter ones with padding to another length."""
    rng = np.random.default_rng(0)
    for rows, length in ((1, LENGTH), (4, 20)):
        ends = rng.integers(length // 2, length + 1, (rows, 1)) if rows > 1 else [[length]]
        mask = (np.arange(length) < np.array(ends)).astype("int32")
        yield {
            "token_ids": rng.integers(5, 140, (rows, length)).astype("int32") * mask,
            "segment_ids": (np.arange(length) > length // 3).astype("int32") * mask,
            "padding_mask": mask,
        }


def from_keras(bert, inputs):
    """Returns logits and outputs of the Keras network, as arrays."""
    from keras import ops

    logits = bert.network(inputs, training=False)
    outputs = bert.model.outputs_from_logits(logits, bert.config.settings, ops)
    outputs = {name: np.asarray(ops.convert_to_numpy(value)) for name, value in outputs.items()}
    logits = logits if isinstance(logits, dict) else {"logits": logits}
    return {name: ops.convert_to_numpy(value) for name, value in logits.items()}, outputs


def onnx_runner(path):
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return lambda inputs: dict(zip(names, session.run(names, inputs), strict=True))


def saved_model_runner(path):
    import tensorflow as tf
    import tensorflow_text  # noqa: F401  registers the ops of the other signature

    loaded = tf.saved_model.load(str(path))

    def run(inputs):
        found = loaded.signatures["tokens"](**{k: tf.constant(v) for k, v in inputs.items()})
        return {name: value.numpy() for name, value in found.items()}

    return run


def tflite_runner(path):
    """Runs the rows of a batch one by one, padded to the file's length where that is fixed."""
    from ai_edge_litert.interpreter import Interpreter

    run = Interpreter(model_path=str(path)).get_signature_runner("serving_default")
    fixed = run.get_input_details()["ids"]["shape_signature"][1]

    def of_row(row):
        length = row["token_ids"].shape[1]
        width = ((0, 0), (0, max(fixed - length, 0)))
        names = zip(TFLITE_INPUTS, INPUT_NAMES, strict=True)
        return run(**{theirs: np.pad(row[ours], width) for theirs, ours in names})

    def of_batch(inputs):
        rows = len(inputs["token_ids"])
        found = [of_row({k: v[i : i + 1] for k, v in inputs.items()}) for i in range(rows)]
        return {name: np.concatenate([each[name] for each in found]) for name in found[0]}

    return of_batch


@pytest.mark.slow
@pytest.mark.parametrize("case", list(CASES))
def test_every_format_has_the_numbers_of_keras(case, tmp_path):
    bert = realistic(*CASES[case])
    export_onnx(bert, tmp_path / "model.onnx")
    export_saved_model(bert, tmp_path / "saved")
    export_tflite(bert, tmp_path / "fixed.tflite")
    export_tflite(bert, tmp_path / "open.tflite", length="dynamic")
    runners = {
        "onnx": onnx_runner(tmp_path / "model.onnx"),
        "saved_model": saved_model_runner(tmp_path / "saved"),
        "fixed": tflite_runner(tmp_path / "fixed.tflite"),
        "open": tflite_runner(tmp_path / "open.tflite"),
    }
    for inputs in batches():
        logits, outputs = from_keras(bert, inputs)
        is_token = inputs["padding_mask"].astype(bool)
        if len(is_token) > 1:
            assert all(np.ptp(values) > 2 for values in logits.values())
        for name, run in runners.items():
            found = run(inputs)
            expected = dict(outputs)
            if name in ("onnx", "saved_model") and case in REPORTED:
                expected.update(logits)
            assert found.keys() == expected.keys()
            for key, values in expected.items():
                got = found[key]
                if bert.task.per_token:  # what a padding position says has no meaning
                    got = got[:, : is_token.shape[1]][is_token]
                    values = values[is_token]
                np.testing.assert_allclose(got, values, atol=1e-5, rtol=0, err_msg=name)


@pytest.fixture(scope="module")
def bert():
    return realistic(*CASES["pair"])


@pytest.fixture(scope="module")
def exported(bert, tmp_path_factory):
    """A function that writes the classifier in a format, once, and returns the path."""
    folder = tmp_path_factory.mktemp("order")
    writers = {
        "model.onnx": export_onnx, "saved": export_saved_model, "model.tflite": export_tflite,
    }  # fmt: skip

    def path_of(name):
        if not (folder / name).exists():
            writers[name](bert, folder / name)
        return folder / name

    return path_of


def swapped(inputs):
    """Returns inputs under each other's names: what a program does that feeds by position."""
    first, second, third = INPUT_NAMES
    return {first: inputs[first], second: inputs[third], third: inputs[second]}


@pytest.mark.parametrize("name", slow_but(["model.onnx", "saved", "model.tflite"], "model.tflite"))
def test_inputs_in_another_order_change_the_output(bert, exported, name):
    """So a mix-up is seen; under a wrong name nothing runs at all."""
    make = {"model.onnx": onnx_runner, "saved": saved_model_runner, "model.tflite": tflite_runner}
    path = exported(name)
    run = make[name](path)
    inputs = next(iter(batches()))
    inputs["padding_mask"][:, 30:] = 0
    expected = from_keras(bert, inputs)[1]["probability"]
    np.testing.assert_allclose(run(inputs)["probability"], expected, atol=1e-5)
    assert np.abs(run(swapped(inputs))["probability"] - expected).max() > 1e-2
    if name == "model.tflite":
        from ai_edge_litert.interpreter import Interpreter

        interpreter = Interpreter(model_path=str(path))
        wrong = interpreter.get_signature_runner("serving_default")
        fed = {"token_ids": inputs["token_ids"], "segment_ids": inputs["segment_ids"]}
        with pytest.raises(ValueError, match="token_ids|input"):
            wrong(mask=inputs["padding_mask"], **fed)
        return
    inputs["attention_mask"] = inputs.pop("padding_mask")
    with pytest.raises(Exception, match="attention_mask|padding_mask"):
        run(inputs)


def test_tensors_of_a_tflite_file_in_another_order_are_found_by_name(exported, tmp_path):
    """The graph's list of inputs is reversed; the signature still says which is which."""
    from ai_edge_litert import schema_py_generated as schema
    from flatbuffers import Builder

    from keras_bert.export import metadata
    from keras_bert.export.runners import open_exported

    path = exported("model.tflite")
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(path.read_bytes(), 0))
    (graph,) = model.subgraphs
    graph.inputs = list(graph.inputs)[::-1]
    builder = Builder(0)
    builder.Finish(model.Pack(builder), b"TFL3")
    files = {name: content for name, content in metadata.read_files(path).items()}
    other = tmp_path / "other.tflite"
    _write_with_files(other, bytes(builder.Output()), files)
    inputs = next(iter(batches()))
    first, second = (open_exported(each).run(inputs)["probability"] for each in (path, other))
    np.testing.assert_array_equal(first, second)


def _write_with_files(path, model, files):
    import zipfile

    path.write_bytes(model)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_STORED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
