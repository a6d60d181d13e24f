"""ONNX files: the ops that runtimes fuse, names, half floats, int8, and what is refused."""

import collections
import subprocess
import sys

import numpy as np
import pytest
from marks import slow_but
from task_models import LENGTH, make_bert

from keras_bert.errors import InputError
from keras_bert.export import onnx_quantize
from keras_bert.export.export import ExportSettings
from keras_bert.export.onnx import change_weights, convert, export_onnx
from keras_bert.export.onnx_graph import Graph
from keras_bert.export.runners import open_exported
from keras_bert.quantization.ranges import measure_batches
from keras_bert.quantization.rescaling import rescaling_of

LAYERS = 2
LABELS = ("negative", "neutral", "positive")


def batch(rows=3, length=LENGTH, seed=0):
    """Returns inputs of which one row is full and the others have padding."""
    rng = np.random.default_rng(seed)
    mask = (np.arange(length) < rng.integers(length // 2, length, (rows, 1))).astype("int32")
    mask[0] = 1
    return {
        "token_ids": rng.integers(5, 140, (rows, length)).astype("int32") * mask,
        "segment_ids": (np.arange(length) > length // 3).astype("int32") * mask,
        "padding_mask": mask,
    }


def run(model, inputs, outputs=None):
    """Returns what onnxruntime computes for a `ModelProto` or the path of a file, a dict."""
    import onnxruntime

    source = str(model) if hasattr(model, "__fspath__") else model.SerializeToString()
    session = onnxruntime.InferenceSession(source, providers=["CPUExecutionProvider"])
    names = outputs or [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, inputs), strict=True))


def logits_of(bert, inputs):
    return np.asarray(bert.network(inputs, training=False))


def counts_of(model):
    return collections.Counter(node.op_type for node in model.graph.node)


def classifier(**encoder):
    """Returns a model whose biases and LayerNorms are not those that it begins with."""
    encoder = {"num_hidden_layers": LAYERS, **encoder}
    bert = make_bert("classification", encoder=encoder, labels=LABELS)
    rng = np.random.default_rng(2)
    for weight in bert.model.weights:
        if len(weight.shape) == 1:
            weight.assign(weight + rng.normal(0, 0.2, weight.shape))
    return bert


@pytest.fixture(scope="module")
def bert():
    return classifier()


@pytest.fixture(scope="module")
def path(bert, tmp_path_factory):
    """The file of the model, as `export_onnx` writes it."""
    path = tmp_path_factory.mktemp("onnx") / "model.onnx"
    assert export_onnx(bert, path)["opset"] == 20
    return path


@pytest.fixture(scope="module")
def changed(bert):
    """A function that returns the float model with other weights; it is converted once."""
    import onnx

    converted = convert(bert)

    def change(quantize="none", rescaling=None):
        model = onnx.ModelProto()
        model.CopyFrom(converted)
        change_weights(model, bert.encoder, quantize, rescaling)
        return model

    return change


@pytest.fixture(scope="module")
def rescaling(bert):
    return rescaling_of(bert.encoder, measure_batches(bert.encoder, [batch(seed=1)]))


# === The graph ===


def test_the_graph_is_of_the_opset_and_names_what_is_open(path):
    import onnx

    model = onnx.load(path)
    assert [(each.domain, each.version) for each in model.opset_import] == [("", 20)]
    assert {node.domain for node in model.graph.node} == {""}
    shapes = {
        value.name: [dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim]
        for value in (*model.graph.input, *model.graph.output)
    }
    assert shapes == {
        **dict.fromkeys(("token_ids", "segment_ids", "padding_mask"), ["batch", "length"]),
        **dict.fromkeys(("logits", "probability"), ["batch", 3]),
    }


def test_formulas_are_ops_of_the_opset(path):
    import onnx

    counts = counts_of(onnx.load(path))
    assert counts["LayerNormalization"] == 2 * LAYERS + 1
    assert counts["Gelu"] == LAYERS
    assert counts["Softmax"] == LAYERS + 1
    # Nothing is left of the formulas, nor of shapes that are computed again in each layer.
    assert not {"Erf", "ReduceMean", "Sqrt", "Reciprocal", "Less", "Concat"} & set(counts)
    assert counts["Shape"] == 1
    assert counts["Reshape"] == 4 * LAYERS


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "gelus"),
    [
        ({"hidden_act": "gelu_new"}, ["tanh"]),
        ({"hidden_act": "relu"}, []),
        ({"left_to_right": True}, ["none"]),
    ],
)
def test_other_encoders_are_right_too(changes, gelus):
    """What a rule does not know stays; the numbers are Keras's in any case."""
    bert = classifier(num_hidden_layers=1, **changes)
    model = convert(bert)
    found = [
        {each.name: each.s.decode() for each in node.attribute}.get("approximate", "none")
        for node in model.graph.node
        if node.op_type == "Gelu"
    ]
    assert found == gelus
    inputs = batch()
    np.testing.assert_allclose(run(model, inputs)["logits"], logits_of(bert, inputs), atol=1e-5)


def test_only_the_formula_itself_becomes_the_op():
    """Another constant, another axis, another input: the nodes stay as they are."""
    import onnx
    from onnx import numpy_helper
    from onnx.parser import parse_model

    from keras_bert.export.onnx_formulas import gelu, layer_norm

    text = """<ir_version: 9, opset_import: ["" : 20]>
        agraph (float[N, 4] x, float[N, 4] other) => (float[N, 4] y) {{
            a = Mul(x, half)
            b = Mul({argument}, root)
            c = Erf(b)
            d = Add(c, one)
            g = Mul(a, d)
            mean = ReduceMean(g, axis)
            e = Sub(g, mean)
            e2 = Mul(e, e)
            variance = ReduceMean(e2, axis)
            v = Add(variance, epsilon)
            s = Sqrt(v)
            r = Reciprocal(s)
            w = Mul(r, gamma)
            n = Mul(e, w)
            y = Add(n, beta)
        }}"""

    def rewritten(argument="x", half=0.5, axis=-1):
        model = parse_model(text.format(argument=argument))
        for name, value in {
            "half": np.float32(half), "root": np.float32(0.5**0.5), "one": np.float32(1),
            "axis": np.array([axis]), "epsilon": np.float32(1e-12),
            "gamma": np.arange(4, dtype="float32"), "beta": np.ones(4, "float32"),
        }.items():  # fmt: skip
            model.graph.initializer.append(numpy_helper.from_array(np.array(value), name))
        before = onnx.ModelProto()
        before.CopyFrom(model)
        graph = Graph(model)
        counts = graph.rewrite(gelu), graph.rewrite(layer_norm)
        graph.finish()
        rng = np.random.default_rng(0)
        inputs = {name: rng.normal(size=(4, 4)).astype("float32") for name in ("x", "other")}
        np.testing.assert_allclose(run(model, inputs)["y"], run(before, inputs)["y"], atol=1e-6)
        return counts

    assert rewritten() == (1, 1)
    assert rewritten(argument="other") == (0, 1)
    assert rewritten(half=0.25) == (0, 1)
    assert rewritten(axis=0) == (1, 0)


@pytest.mark.slow
def test_the_optimizer_of_onnxruntime_fuses_everything(path, tmp_path):
    pytest.importorskip("sympy")  # the optimizer infers shapes with it
    import onnx

    optimized = tmp_path / "optimized.onnx"
    # --opt_level=0: else it runs the file once more before, for which it wants PyTorch.
    subprocess.run(
        [sys.executable, "-m", "onnxruntime.transformers.optimizer", f"--input={path}",
         f"--output={optimized}", "--opt_level=0"],
        check=True, capture_output=True,
    )  # fmt: skip
    counts = counts_of(onnx.load(optimized))
    assert counts["Attention"] == LAYERS
    assert counts["SkipLayerNormalization"] == 2 * LAYERS
    assert counts["EmbedLayerNormalization"] == 1
    assert counts["BiasGelu"] == LAYERS
    assert not {"LayerNormalization", "Gelu"} & set(counts)
    inputs = batch()
    for name, values in run(path, inputs).items():
        np.testing.assert_allclose(run(optimized, inputs)[name], values, atol=1e-5)


# === Fewer bits ===


def test_dynamic_int8_is_small_and_near(bert, changed):
    import onnx

    model = changed("dynamic")
    counts = counts_of(model)
    assert counts["MatMulInteger"] == 6 * LAYERS
    # Query, key and value share their input; context, and the two of the feed-forward part.
    assert counts["DynamicQuantizeLinear"] == 4 * LAYERS
    large = [each for each in model.graph.initializer if np.prod(each.dims) >= 1024]
    # The pooler works on one vector a text.
    assert sorted(each.data_type for each in large)[:1] == [onnx.TensorProto.FLOAT]
    assert [each.data_type for each in large].count(onnx.TensorProto.INT8) == 6 * LAYERS + 2
    inputs = batch()
    expected = logits_of(bert, inputs)
    difference = np.abs(run(model, inputs)["logits"] - expected).max()
    assert 0 < difference < 0.05 * np.ptp(expected)


def test_tables_have_a_scale_for_each_row(bert):
    """A row that is a thousand times smaller than the others keeps its digits."""
    from keras_bert.export.onnx_quantize import _int8

    rng = np.random.default_rng(0)
    table = rng.normal(size=(40, 32)).astype("float32")
    table[7] /= 1000
    table[8] = 0
    values, scale = _int8(table, axis=1)
    assert values.dtype == np.int8
    assert scale.shape == (40, 1)
    assert np.abs(values).max() == 127
    half_a_step = np.abs(table).max(axis=1, keepdims=True) / 254
    assert (np.abs(values * scale - table) <= half_a_step * 1.001).all()


def test_smoothing_alone_changes_no_number(bert, changed, rescaling):
    inputs = batch()
    plain, smoothed = changed(), changed(rescaling=rescaling)
    assert counts_of(smoothed)["Mul"] == counts_of(plain)["Mul"] + 2 * LAYERS
    expected = logits_of(bert, inputs)
    np.testing.assert_allclose(run(smoothed, inputs)["logits"], expected, atol=1e-5)


@pytest.mark.slow
def test_smoothing_of_a_network_without_biases():
    """tf2onnx leaves zeros out of the graph."""
    bert = make_bert("classification", labels=LABELS)
    rescaling = rescaling_of(bert.encoder, measure_batches(bert.encoder, [batch(seed=1)]))
    inputs = batch()
    model = convert(bert)
    change_weights(model, bert.encoder, "none", rescaling)
    found = run(model, inputs)["logits"]
    np.testing.assert_allclose(found, logits_of(bert, inputs), atol=1e-5)


@pytest.mark.slow
def test_a_calibration_helps_where_a_channel_is_large(tmp_path):
    """One channel of LayerNorm's output is made 60 times larger, and its rows smaller."""
    from task_models import SENTENCES

    copy = classifier()
    for block in copy.encoder.blocks:
        factors = np.ones(32, "float32")
        factors[5] = 60
        block.attention_norm.gamma.assign(block.attention_norm.gamma * factors)
        block.intermediate.kernel.assign(block.intermediate.kernel / factors[:, None])
    inputs = batch(rows=16)
    expected = logits_of(copy, inputs)
    errors = []
    for calibration, gate in ((None, 0.003), ((SENTENCES, ["neutral"] * len(SENTENCES)), 0.002)):
        path = tmp_path / f"{gate}.onnx"
        result = export_onnx(copy, path, quantize="dynamic", calibration=calibration)
        assert (result["rescaled"], result["max_drop"]) == (calibration is not None, gate)
        assert result["calibration_rows"] == (len(SENTENCES) if calibration else 0)
        errors.append(np.abs(run(path, inputs)["logits"] - expected).mean())
    assert errors[1] < 0.5 * errors[0]


def test_half_floats_take_half_the_bytes(bert, changed):
    def weights(model):
        tensors = model.graph.initializer
        return sum(len(each.raw_data) for each in tensors if np.prod(each.dims) >= 1024)

    half = changed("float16")
    assert weights(half) == weights(changed()) / 2
    inputs = batch()
    difference = np.abs(run(half, inputs)["logits"] - logits_of(bert, inputs)).max()
    assert 0 < difference < 0.01


def test_weights_that_float16_cannot_hold_are_refused(changed):
    from onnx import numpy_helper

    graph = Graph(model := changed())
    (tensor,) = (
        t
        for t in model.graph.initializer
        if "layer_0_1/intermediate" in t.name and len(t.dims) == 2
    )
    kernel = numpy_helper.to_array(tensor).copy()
    kernel[3, 4] = 7e4
    tensor.CopyFrom(numpy_helper.from_array(kernel, tensor.name))
    with pytest.raises(InputError, match="too large for float16"):
        onnx_quantize.half_floats(graph)


def test_a_product_that_is_not_found_is_an_error(bert, changed, rescaling):
    graph = Graph(changed())
    graph.rewrite(
        lambda _, node: (
            [onnx_quantize._with_inputs(node, node.input[::-1])]
            if node.op_type == "Add" and node.input[1].endswith("BiasAdd/ReadVariableOp:0")
            else None
        )
    )
    with pytest.raises(RuntimeError, match="12 products and 12 biases, but in the"):
        onnx_quantize.smooth(graph, rescaling, bert.encoder)


# === Settings ===


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"quantize": "int4"}, "is for format=tflite only: format=onnx has none, float16, dyn"),
        ({"quantize": "int8", "calibration": "a.csv"}, "is for format=tflite only"),
        ({"quantize": "dynamic", "table_bits": 8}, "is for format=tflite only"),
        ({"quantize": "dynamic", "per_tensor": True}, "is for format=tflite only"),
        ({"input_names": "other"}, "input_names"),
        ({"format": "saved_model", "output": "m", "quantize": "dynamic"},
         "is for format=tflite and format=onnx only: format=saved_model has none"),
        ({"format": "tflite", "output": "m.tflite", "input_names": "huggingface"},
         "is for format=onnx only"),
    ],
)  # fmt: skip
def test_settings_that_onnx_does_not_have_are_refused(settings, message):
    with pytest.raises(InputError) as caught:
        ExportSettings(**{"output": "m.onnx", "format": "onnx", **settings})
    assert message in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


# === Hugging Face's names ===


@pytest.mark.parametrize(
    "kind", slow_but(["regression", "multiple_choice", "question_answering"], "multiple_choice")
)
def test_huggingface_names(kind, tmp_path):
    import onnx

    bert = make_bert(kind)
    ours, theirs = tmp_path / "ours.onnx", tmp_path / "theirs.onnx"
    export_onnx(bert, ours)
    export_onnx(bert, theirs, input_names="huggingface")
    model = onnx.load(theirs)
    assert {value.name for value in model.graph.input} == {
        "input_ids", "attention_mask", "token_type_ids",
    }  # fmt: skip
    assert {value.type.tensor_type.elem_type for value in model.graph.input} == {
        onnx.TensorProto.INT64
    }
    names = [value.name for value in model.graph.output]
    inputs = batch(rows=6)
    found = {name: open_exported(path).run(inputs) for name, path in
             (("ours", ours), ("theirs", theirs))}  # fmt: skip
    for name, values in found["ours"].items():
        np.testing.assert_array_equal(found["theirs"][name], values)
    fed = {
        "input_ids": inputs["token_ids"].astype("int64"),
        "token_type_ids": inputs["segment_ids"].astype("int64"),
        "attention_mask": inputs["padding_mask"].astype("int64"),
    }
    if kind == "question_answering":
        assert names == ["start_logits", "end_logits"]
        return
    assert names[0] == "logits"
    if (
        kind == "multiple_choice"
    ):  # transformers' shapes: (batch, choices, length), (batch, choices)
        fed = {name: rows.reshape(2, 3, -1) for name, rows in fed.items()}
    logits = run(theirs, fed)["logits"]
    assert logits.shape == ((2, 3) if kind == "multiple_choice" else (6, 1))
    (values,) = found["ours"].values()
    np.testing.assert_allclose(logits.ravel(), values.ravel(), atol=1e-6)


@pytest.mark.slow
def test_a_folder_for_transformers_js_is_complete(bert, tmp_path):
    """Its layout: the tokenizer and the config beside onnx/model.onnx."""
    import json

    from keras_bert.converting import convert as convert_folder

    bert.save(tmp_path / "model")
    folder = tmp_path / "for_js"
    convert_folder(from_=str(tmp_path / "model"), to="huggingface", output=str(folder))
    export_onnx(bert, folder / "onnx" / "model.onnx", input_names="huggingface")
    files = {"config.json", "tokenizer.json", "tokenizer_config.json", "onnx/model.onnx"}
    assert files <= {str(each.relative_to(folder)) for each in folder.rglob("*")}
    config = json.loads((folder / "config.json").read_text())
    assert config["model_type"] == "bert"
    assert config["architectures"] == ["BertForSequenceClassification"]
    assert list(config["id2label"].values()) == list(LABELS)
    # What their pipeline does: tokenize, feed int64, softmax over the logits.
    from tokenizers import Tokenizer

    encoding = Tokenizer.from_file(str(folder / "tokenizer.json")).encode("a great film")
    fed = {
        "input_ids": np.array([encoding.ids]),
        "attention_mask": np.array([encoding.attention_mask]),
        "token_type_ids": np.array([encoding.type_ids]),
    }
    exponents = np.exp(run(folder / "onnx" / "model.onnx", fed)["logits"])
    found = exponents / exponents.sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(found, bert.probabilities(["a great film"]), atol=1e-5)


# === Names and order ===


def permuted(source, target, names=None):
    """Writes a file with its inputs and outputs in the opposite order, or inputs renamed."""
    import onnx

    model = onnx.load(source)
    for side in (model.graph.input, model.graph.output):
        values = [onnx.ValueInfoProto.FromString(v.SerializeToString()) for v in side][::-1]
        del side[:]
        side.extend(values)
    if names:
        for value in model.graph.input:
            value.name = names.get(value.name, value.name)
        for node in model.graph.node:
            for i, name in enumerate(node.input):
                node.input[i] = names.get(name, name)
    onnx.save(model, target)
    return target


def test_the_runner_binds_by_name_whatever_the_order(path, tmp_path):
    other = permuted(path, tmp_path / "other.onnx")
    inputs = batch()
    expected = open_exported(path).run(inputs)["probability"]
    np.testing.assert_array_equal(open_exported(other).run(inputs)["probability"], expected)


def test_swapped_names_change_the_answer_and_unknown_ones_are_refused(path, tmp_path):
    inputs = batch()
    expected = open_exported(path).run(inputs)["probability"]
    swap = {"segment_ids": "padding_mask", "padding_mask": "segment_ids"}
    swapped = permuted(path, tmp_path / "swapped.onnx", swap)
    assert np.abs(open_exported(swapped).run(inputs)["probability"] - expected).max() > 1e-3
    for names in ({"token_ids": "ids"}, {"token_ids": "input_ids"}):
        renamed = permuted(path, tmp_path / "renamed.onnx", names)
        with pytest.raises(InputError, match=r"renamed\.onnx: has no (token_ids|attention_mask)"):
            open_exported(renamed)


# === Files that are not whole, or not ours ===


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.9, 0.999])
def test_a_file_cut_short_is_refused(path, tmp_path, share):
    cut = tmp_path / "cut.onnx"
    content = path.read_bytes()
    cut.write_bytes(content[: int(share * len(content))])
    with pytest.raises(InputError, match=r"cut\.onnx") as caught:
        open_exported(cut)
    assert len(str(caught.value).splitlines()) == 1


def test_an_op_that_no_runtime_knows_is_refused(path, tmp_path):
    import onnx

    model = onnx.load(path)
    (node,) = (each for each in model.graph.node if each.op_type == "Tanh")
    node.op_type, node.domain = "Tanhh", "my.ops"
    model.opset_import.append(onnx.helper.make_opsetid("my.ops", 1))
    other = tmp_path / "other.onnx"
    onnx.save(model, other)
    with pytest.raises(InputError, match=r"other\.onnx: not an ONNX file that onnxruntime runs"):
        open_exported(other)


def test_a_file_of_somebody_else_is_refused(path, tmp_path):
    import onnx

    model = onnx.load(path)
    del model.metadata_props[:]
    other = tmp_path / "other.onnx"
    onnx.save(model, other)
    with pytest.raises(InputError, match=r"other\.onnx: holds no keras_bert\.json"):
        open_exported(other)
