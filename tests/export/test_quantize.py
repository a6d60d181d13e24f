"""Quantized TFLite files: their weights, op versions and answers, and what is refused."""

import json
import os

import numpy as np
import pytest
from task_models import make_bert

import keras_bert
from keras_bert.errors import InputError
from keras_bert.export import calibration, delegates, flatbuffer, quantizer
from keras_bert.export.balancing import balance
from keras_bert.export.export import ExportSettings
from keras_bert.export.recipes import RECIPES
from keras_bert.export.rounding import amplitudes
from keras_bert.export.runners import open_exported
from keras_bert.export.tflite import convert, static_mask

LENGTH = 32  # the toy model's
# Its two blocks': query, key and value joined in one, key and value in the other, where one token
# attends; then the projection and the two of the feed-forward part.
PRODUCTS = (1 + 3) + (2 + 3)
STATIC = ("int8", "int16x8", "int8_full")


@pytest.fixture(scope="module")
def bert(toy):
    return keras_bert.load(toy.model)


@pytest.fixture(scope="module")
def inputs(bert, toy):
    return calibration.inputs_of(bert, calibration.read_calibration(bert, toy.dev), LENGTH)[:32]


@pytest.fixture(scope="module")
def float_model(bert):
    return convert(bert, [1, LENGTH])


@pytest.fixture(scope="module")
def static_model(bert):
    """The float file with the mask that fixed ranges can bear."""
    with static_mask(bert, RECIPES["int8"]):
        return convert(bert, [1, LENGTH])


@pytest.fixture(scope="module")
def made(float_model, static_model, inputs):
    """Returns a file of a scheme, made once: its bytes."""
    files = {}

    def make(name, **options):
        key = (name, *sorted(options.items()))
        if key not in files:
            model = static_model if name in STATIC else float_model
            files[key] = quantizer.quantized(model, RECIPES[name], inputs, **options)
        return files[key]

    return make


def graph_of(model):
    return flatbuffer.Graph(flatbuffer.read(model))


def run(model, batch):
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=bytes(model), num_threads=1)
    interpreter.get_signature_runner("serving_default")
    run = interpreter.get_signature_runner("serving_default")
    return run(**batch)["probability"]


def whole_numbers(graph, tensor):
    """Returns a quantized constant as int8 and its scales, unpacked without the library."""
    data = np.frombuffer(bytes(graph.model.buffers[graph.tensors[tensor].buffer].data), np.uint8)
    if graph.type(tensor) == "INT4":
        nibbles = np.stack([data & 15, data >> 4], axis=1).reshape(-1).astype(np.int8)
        values = np.where(nibbles > 7, nibbles - 16, nibbles)
        values = values[: np.prod(graph.shape(tensor))]
    else:
        assert graph.type(tensor) == "INT8"
        values = data.view(np.int8)
    quantization = graph.tensors[tensor].quantization
    assert not np.any(quantization.zeroPoint)
    return values.reshape(graph.shape(tensor)), np.array(quantization.scale, "float32")


def matrices(graph):
    """Returns the weights of each product by the shape and place, whatever became of them."""
    return [op.inputs[1] for op in graph.ops if op.kind == "FULLY_CONNECTED"]


@pytest.mark.parametrize("name", ["dynamic", "int4", *STATIC])
def test_weights_are_the_nearest_whole_numbers(made, float_model, static_model, inputs, name):
    """Each is within half a step of the float file's; with errors made up for, most are."""
    before, after = graph_of(float_model), graph_of(made(name))
    if name in STATIC:
        tensors = [op.outputs[0] for op in before.products()]
        balance(before, amplitudes(static_model, tensors, inputs).get)
    count = 0
    for old, new in zip(matrices(before), matrices(after), strict=True):
        weights = before.floats(old)
        if weights.size < 1024:
            assert after.type(new) == "FLOAT32"  # the head
            np.testing.assert_array_equal(after.floats(new), weights)
            continue
        values, scales = whole_numbers(after, new)
        assert scales.shape == (len(weights),)
        steps = np.abs(values * scales[:, None] - weights) / scales[:, None]
        if name == "int4":
            # A row's largest weights may be cut off, and errors are made up for.
            assert np.median(steps) < 0.4
        else:
            assert steps.max() < 0.5001
            assert np.abs(values).max(axis=1).tolist() == [127] * len(values)
        count += 1
    assert count == PRODUCTS + 1  # and the pooler


@pytest.mark.parametrize(("bits", "most"), [(8, 127), (4, 7)])
def test_each_row_of_the_word_table_has_a_scale(bert, made, bits, most):
    graph = graph_of(made("dynamic", table_bits=bits))
    (lookup,) = [op for op in graph.ops if op.kind == "EMBEDDING_LOOKUP"]
    values, scales = whole_numbers(graph, lookup.inputs[1])
    assert graph.type(lookup.inputs[1]) == f"INT{bits}"
    table = np.array(bert.encoder.embeddings.word_embeddings)
    np.testing.assert_allclose(scales, np.abs(table).max(axis=1) / most, rtol=1e-5)
    assert (np.abs(values * scales[:, None] - table) <= 0.501 * scales[:, None]).all()
    errors = np.square(values * scales[:, None] - table).sum(axis=1)

    # Where ranges are searched, no row loses more by it, and most lose less.
    graph = graph_of(made("int4", table_bits=bits))
    (lookup,) = [op for op in graph.ops if op.kind == "EMBEDDING_LOOKUP"]
    values, scales = whole_numbers(graph, lookup.inputs[1])
    searched = np.square(values * scales[:, None] - table).sum(axis=1)
    assert (searched <= errors * 1.001).all()
    if bits == 4:
        assert np.mean(searched < 0.99 * errors) > 0.5


def test_versions_say_what_a_runtime_must_know(made, float_model):
    def versions(model):
        graph = graph_of(model)
        codes = graph.model.operatorCodes
        return {
            (op.kind, *(graph.type(tensor) for tensor in op.inputs[:2])): codes[
                op.operator.opcodeIndex
            ].version
            for op in graph.ops
            if op.kind in ("FULLY_CONNECTED", "EMBEDDING_LOOKUP", "BATCH_MATMUL")
        }

    head = ("FULLY_CONNECTED", "FLOAT32", "FLOAT32")
    assert versions(float_model)[head] <= 5
    for name, of_type in (("dynamic", "INT8"), ("int4", "INT4")):
        found = versions(made(name))
        assert found["FULLY_CONNECTED", "FLOAT32", of_type] == 12
        assert found["EMBEDDING_LOOKUP", "INT32", "INT8"] == 4
        assert found[head] <= 5
    found = versions(made("dynamic", per_tensor=True))
    assert found["FULLY_CONNECTED", "FLOAT32", "INT8"] <= 9
    assert found["EMBEDDING_LOOKUP", "INT32", "INT8"] <= 3
    found = versions(made("int8"))
    assert found["BATCH_MATMUL", "INT8", "INT8"] == 2
    assert 4 <= found["FULLY_CONNECTED", "INT8", "INT8"] <= 5
    assert versions(made("int16x8"))["BATCH_MATMUL", "INT16", "INT16"] == 3


def test_one_scale_for_each_matrix(made, float_model):
    before, after = graph_of(float_model), graph_of(made("dynamic", per_tensor=True))
    for old, new in zip(matrices(before), matrices(after), strict=True):
        if after.type(new) == "FLOAT32":
            continue
        values, scales = whole_numbers(after, new)
        weights = before.floats(old)
        np.testing.assert_allclose(scales, [np.abs(weights).max() / 127], rtol=1e-5)
        assert np.abs(values * scales - weights).max() < 0.501 * scales[0]


@pytest.mark.parametrize(
    ("name", "tolerance"),
    [("none", 0), ("float16", 2e-3), ("dynamic", 0.02), ("int4", 0.2), ("int8", 0.1),
     ("int16x8", 0.02), ("int8_full", 0.3)],
)  # fmt: skip
def test_answers_are_those_of_the_float_file(made, float_model, inputs, name, tolerance):
    model = made(name)
    found = np.concatenate([run(model, batch) for batch in inputs])
    expected = np.concatenate([run(float_model, batch) for batch in inputs])
    assert np.abs(found - expected).max() <= tolerance
    assert (np.abs(found - expected).max() > 0) == (name != "none")
    np.testing.assert_array_equal(found.argmax(axis=1), expected.argmax(axis=1))


def test_the_same_arguments_make_the_same_bytes(float_model, static_model, inputs, made):
    for name, model in (("int4", float_model), ("int8", static_model)):
        assert quantizer.quantized(model, RECIPES[name], inputs) == made(name)


def test_sizes(made, float_model):
    """Weights in bits, and nothing beside them: 4-bit weights and table take an eighth."""
    graph = graph_of(float_model)
    weights = sum(np.prod(graph.shape(tensor)) for tensor in matrices(graph))
    saved = len(made("dynamic")) - len(made("int4"))
    assert abs(saved - weights / 2) < 0.01 * weights
    assert len(made("float16")) < 0.6 * len(float_model)


def test_the_weights_stand_inside_the_flatbuffer(made):
    """A writer that repacks the file, as that of our metadata, drops what stands behind it."""
    model = made("int4")
    for buffer in graph_of(model).model.buffers:
        assert not buffer.offset
    from ai_edge_litert import schema_py_generated as schema

    root = schema.Model.GetRootAs(model, 0)
    assert all(not root.Buffers(i).Offset() for i in range(root.BuffersLength()))


def test_a_lookup_in_place_of_a_gather_changes_no_number(float_model, inputs):
    graph = graph_of(float_model)
    assert graph.tables_as_lookups() == 1
    changed = flatbuffer.write(graph.model)
    for batch in inputs[:4]:
        np.testing.assert_array_equal(run(changed, batch), run(float_model, batch))


@pytest.mark.slow
def test_a_lookup_of_ids_of_open_shape(bert, inputs):
    open_shape = convert(bert, [None, None])
    graph = graph_of(open_shape)
    graph.tables_as_lookups()
    changed = flatbuffer.write(graph.model)
    for rows, length in ((1, 7), (3, 19)):
        batch = {
            name: np.concatenate([batch[name][:, :length] for batch in inputs[:rows]])
            for name in inputs[0]
        }
        np.testing.assert_array_equal(run(changed, batch), run(open_shape, batch))


def test_a_calibration_has_the_rows_of_the_file():
    """A file that is shorter than the model gets its texts cut as it will cut them."""
    bert = make_bert("regression")
    examples = calibration.read_calibration(bert, (["a good film of a good actor"], [1.0]))
    for batch in calibration.inputs_of(bert, examples, 5):
        assert {each.shape for each in batch.values()} == {(1, 5)}
        assert batch["ids"][0, batch["mask"].sum() - 1] == bert.tokenizer.sep_id


def test_what_a_format_has_not_is_not_suggested():
    with pytest.raises(InputError, match="has no use for it$"):
        ExportSettings(output="x", format="saved_model", calibration="y.csv")
    with pytest.raises(InputError, match="see quantize=dynamic$"):
        ExportSettings(output="x.onnx", format="onnx", calibration="y.csv")


# === Static schemes ===


def test_which_ops_are_static(made):
    graph = graph_of(made("int8"))
    whole = [op.kind for op in graph.ops if graph.type(op.outputs[0]) == "INT8"]
    assert whole.count("FULLY_CONNECTED") == PRODUCTS
    assert whole.count("BATCH_MATMUL") == 4
    assert whole.count("SOFTMAX") == whole.count("GELU") == 2
    producers = graph.producers()
    for op in graph.ops:
        if op.kind == "SOFTMAX" and graph.type(op.outputs[0]) == "INT8":
            addition = producers[op.inputs[0]]
            assert (addition.kind, graph.type(addition.outputs[0])) == ("ADD", "INT8")
        if op.kind == "RSQRT":
            assert graph.type(op.outputs[0]) == "FLOAT32"  # LayerNorm
    graph = graph_of(made("int16x8"))
    products = [op for op in graph.ops if op.kind in ("FULLY_CONNECTED", "BATCH_MATMUL")]
    assert sum(graph.type(op.inputs[0]) == "INT16" for op in products) == PRODUCTS + 4
    graph = graph_of(made("int8_full"))
    norms = [op for op in graph.ops if op.kind == "RSQRT"]
    # Float is the first, of the embeddings' sum; whole numbers all of the blocks.
    assert [graph.type(op.outputs[0]) for op in norms] == ["FLOAT32"] + 4 * ["INT8"]


def test_ranges_hold_all_rows_of_the_calibration(made, float_model, inputs):
    """The smallest and largest value of each GELU, computed by the interpreter itself."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    interpreter = Interpreter(
        model_content=bytes(float_model),
        num_threads=1,
        experimental_preserve_all_tensors=True,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    graph, found = graph_of(float_model), {}
    gelus = [op.outputs[0] for op in graph.ops if op.kind == "GELU"]
    for batch in inputs:
        interpreter.get_signature_runner("serving_default")(**batch)
        for tensor in gelus:
            found.setdefault(graph.name(tensor), []).append(interpreter.get_tensor(tensor))
    graph = graph_of(made("int8"))
    gelus = [op.outputs[0] for op in graph.ops if op.kind == "GELU"]
    assert len(gelus) == 2
    for tensor in gelus:
        values = np.stack(found[graph.name(tensor).removesuffix("_quantized")])
        scale = graph.tensors[tensor].quantization.scale[0]
        assert abs(scale * 255 - (values.max() - values.min())) < 2 * scale


def test_queries_keys_and_values_get_one_range(static_model, inputs):
    graph = graph_of(static_model)
    tensors = [op.outputs[0] for op in graph.products()]
    found = amplitudes(static_model, tensors, inputs)
    assert balance(graph, found.get) == 2
    changed = flatbuffer.write(graph.model)
    for batch in inputs[:4]:
        np.testing.assert_allclose(run(changed, batch), run(static_model, batch), atol=1e-5)
    after = amplitudes(changed, tensors, inputs)
    parts = {3 * 128: 3, 2 * 128: 2}
    joined = [op.outputs[0] for op in graph.products() if graph.shape(op.outputs[0])[-1] in parts]
    assert len(joined) == 2
    for tensor in joined:
        largest = [x.max() for x in np.split(after[tensor], parts[len(after[tensor])])]
        np.testing.assert_allclose(largest, largest[0], rtol=1e-4)


# === export ===


def flags_of(toy, path, *more):
    return ["export", f"--model={toy.model}", "--format=tflite", f"--output={path}", *more]


def test_export_reports_what_was_measured(cli, toy, tmp_path):
    path = tmp_path / "int8.tflite"
    said = cli(*flags_of(toy, path, "--quantize=int8", f"--calibration={toy.train}", "--json"))
    assert said.status == 0, said.err
    assert "128 of its 600 rows are used" in said.err
    found = json.loads(said.out.splitlines()[-1])
    assert (found["calibration_rows"], found["rescaled"], found["quantize"]) == (128, True, "int8")
    assert found["bytes"] == os.path.getsize(path)
    answers = open_exported(path).predict(toy.texts)
    expected = keras_bert.load(toy.model).predict(toy.texts)
    assert [each["label"] for each in answers] == [each["label"] for each in expected]


@pytest.mark.slow
def test_a_plain_dynamic_file_says_what_would_make_it_better(cli, toy, tmp_path):
    said = cli(*flags_of(toy, tmp_path / "m.tflite", "--quantize=dynamic"))
    assert said.status == 0
    assert said.err.count("--calibration=FILE") == 1


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--quantize=int8"], ["--quantize=int8", "--calibration=FILE"]),
        (["--quantize=int16x8"], ["--calibration=FILE"]),
        (["--quantize=none", "--calibration={dev}"], ["--quantize=none", "--calibration"]),
        (["--quantize=float16", "--per_tensor"], ["--quantize=float16", "--per_tensor"]),
        (["--quantize=dynamic", "--table_bits=5"], ["--table_bits=5", "4 or 8"]),
        (["--table_bits=4"], ["--table_bits=4", "--quantize=none"]),
        (["--quantize=int8", "--calibration={dev}", "--length=dynamic"], ["--length=dynamic"]),
        (["--quantize=int8", "--calibration={missing}"], ["missing.csv", "no such file"]),
        (["--quantize=int8", "--calibration={empty}"], ["empty.csv"]),
        (["--quantize=int8", "--calibration={other}"], ["other.csv", "sideways"]),
        (["--quantize=int3"], ["int3"]),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(cli, toy, tmp_path, flags, words):
    (tmp_path / "empty.csv").write_text("text,label\n")
    (tmp_path / "other.csv").write_text("text,label\na good film,sideways\n")
    places = {name: tmp_path / f"{name}.csv" for name in ("missing", "empty", "other")}
    flags = [flag.format(dev=toy.dev, **places) for flag in flags]
    path = tmp_path / "out" / "m.tflite"
    path.parent.mkdir()
    said = cli(*flags_of(toy, path, *flags))
    assert said.status == 2
    lines = [line for line in said.err.splitlines() if not line.startswith(("loading", "note"))]
    assert len(lines) == 1, said.err
    for word in words:
        assert word in lines[0]
    assert os.listdir(path.parent) == []


# === Where the ops run ===


def test_the_report_counts_every_op_once(made):
    for name in ("none", "dynamic", "int4", "int16x8"):
        graph, found = graph_of(made(name)), delegates.report(made(name))
        assert set(found["delegates"]) == set(delegates.lists())
        for sides in found["delegates"].values():
            assert sum(sum(side.values()) for side in sides.values()) == len(graph.ops)


def test_what_falls_back(made):
    found = delegates.report(made("dynamic"))["delegates"]
    assert found["XNNPACK"]["leaves"]["EMBEDDING_LOOKUP"] == 1
    assert found["XNNPACK"]["takes"]["FULLY_CONNECTED"] == PRODUCTS + 2
    assert "EMBEDDING_LOOKUP" in found["MediaTek NPU"]["leaves"]
    assert "EMBEDDING_LOOKUP" in found["Qualcomm NPU"]["takes"]
    static = delegates.report(made("int16x8"))
    assert static["delegates"]["XNNPACK"]["leaves"]["BATCH_MATMUL"] == 4
    assert static["whole_number_ops"] > PRODUCTS + 4 + 2 + 2
    assert delegates.report(made("none"))["whole_number_ops"] == 0


def test_the_largest_activation(made, bert):
    """The scores of attention or what the feed-forward part is inside: computed by hand."""
    config = bert.config.encoder
    scores = config.num_attention_heads * LENGTH * LENGTH
    inner = LENGTH * config.intermediate_size
    found = delegates.report(made("dynamic"))["largest_activation_bytes"]
    assert found == 4 * max(scores, inner)


def test_the_lists_name_their_source():
    for entry in delegates.lists().values():
        assert all(len(entry[key]) > 9 for key in ("source", "date", "what"))
        for ops in entry["ops"].values():
            assert ops == sorted(set(ops))
