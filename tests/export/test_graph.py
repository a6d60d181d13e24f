"""The graph inside TFLite files: few operations, kernels as they are written, the same numbers."""

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from marks import slow_but
from task_models import LENGTH, make_bert

from keras_bert.export.contents import TFLITE_INPUTS
from keras_bert.export.tflite import convert, count_ops
from keras_bert.models.encoder import INPUT_NAMES
from keras_bert.quantization.ranges import measure_batches, products
from keras_bert.quantization.rescaling import rescaling_of

KINDS = ("question_answering", "regression", "tagging", "multiple_choice")


def bert_of(kind):
    """Returns a model with outliers in its norms and biases, as real networks have them."""
    bert = make_bert(kind)
    rng = np.random.default_rng(3)
    for variable in bert.model.weights:
        if variable.name in ("gamma", "beta", "bias"):
            variable.assign_add(rng.normal(size=variable.shape))
    gamma = np.ones(32, "float32")
    gamma[[3, 17]] = 25, 0.05
    bert.encoder.blocks[0].attention_norm.gamma.assign(gamma)
    return bert


def batch_of(bert, rows, length):
    rng = np.random.default_rng(4)
    ids = rng.integers(5, bert.config.encoder.vocab_size, (rows, length)).astype("int32")
    mask = (np.arange(length) < rng.integers(2, length + 1, (rows, 1))).astype("int32")
    segments = (np.arange(length) >= length // 2).astype("int32") * np.ones_like(ids)
    return dict(zip(INPUT_NAMES, (ids * mask, segments, mask)))


def run(model, batch):
    """Runs the bytes of a file on each row of a batch, or on all at once where shapes are open."""
    runner = Interpreter(model_content=model).get_signature_runner("serving_default")
    fixed = all(-1 not in d["shape_signature"] for d in runner.get_input_details().values())
    whole = dict(zip(TFLITE_INPUTS, batch.values()))
    if not fixed:
        return runner(**whole)
    rows = [
        runner(**{k: v[i : i + 1] for k, v in whole.items()})
        for i in range(len(batch["token_ids"]))
    ]
    return {name: np.concatenate([row[name] for row in rows]) for name in rows[0]}


@pytest.fixture(scope="module")
def files():
    """A function that returns a model, the re-scaling, and the bytes of its file, once each."""
    made = {}

    def file_of(kind, shape, rescaled):
        if (kind, rescaled) not in made:
            bert = bert_of(kind)
            ranges = measure_batches(bert.encoder, [batch_of(bert, 8, LENGTH)])
            rescaling = rescaling_of(bert.encoder, ranges, output_beta=0.85) if rescaled else None
            made[kind, rescaled] = bert, rescaling, {}
        bert, rescaling, converted = made[kind, rescaled]
        if shape not in converted:
            sizes = [1, LENGTH] if shape == "fixed" else [None, None]
            converted[shape] = convert(bert, sizes, rescaling)
        return bert, rescaling, converted[shape]

    return file_of


@pytest.mark.parametrize("rescaled", [False, True])
@pytest.mark.parametrize("shape", ["fixed", "open"])
@pytest.mark.parametrize("kind", slow_but(KINDS, "question_answering"))
def test_the_numbers_are_those_of_keras(files, kind, shape, rescaled):
    bert, _, model = files(kind, shape, rescaled)
    batch = batch_of(bert, 6, LENGTH)
    found, expected = run(model, batch), bert.run(batch)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        scale = max(1.0, np.abs(value).max())
        np.testing.assert_allclose(found[name] / scale, value / scale, atol=1e-5)


@pytest.mark.parametrize("rescaled", [False, True])
def test_no_factor_is_moved_into_a_kernel(files, rescaled):
    """What is quantized is what the network's author wrote, or the re-scaling, and nothing else."""
    bert, rescaling, model = files("question_answering", "fixed", rescaled)
    interpreter = Interpreter(model_content=model)
    interpreter.allocate_tensors()
    tensors = {d["index"] for d in interpreter.get_tensor_details()}
    kernels = []
    for op in interpreter._get_ops_details():
        if op["op_name"] == "FULLY_CONNECTED" and op["inputs"][1] in tensors:
            kernels.append(interpreter.get_tensor(op["inputs"][1]))
    expected = {}
    for name, layer in products(bert.encoder).items():
        if rescaling is None:
            expected[name] = np.array(layer.kernel)
        else:
            expected[name] = rescaling.weights(name, layer)[0]
    head_size = 16
    qkv = [expected.pop(f"layer_0/attention/{part}") for part in ("query", "key", "value")]
    qkv[0] = qkv[0] * head_size**-0.5
    expected["joined"] = np.concatenate(qkv, axis=1)
    for name, kernel in expected.items():
        same = [k for k in kernels if k.shape == kernel.T.shape]
        assert any(np.allclose(k, kernel.T, rtol=1e-6, atol=1e-7) for k in same), name
    assert len(kernels) == len(expected) + 1  # and the head


def test_few_operations(files):
    counts = count_ops(files("question_answering", "fixed", False)[2])
    assert counts["FULLY_CONNECTED"] == 4 + 1
    assert counts["TRANSPOSE"] == 2  # heads forth and back; no transposed key
    assert counts["BATCH_MATMUL"] == 2
    assert counts["GATHER"] == 1
    assert counts["GELU"] == 1
    assert counts["SPLIT"] == 1
    assert not counts.keys() & {"SELECT", "SELECT_V2", "LESS", "PACK", "SHAPE", "BROADCAST_TO"}
    assert sum(counts.values()) <= 55


def test_a_vector_of_the_first_token_costs_no_last_block_of_the_others(files):
    """A head on [CLS] reads one row of the last block: one query, and one row of its products."""
    bert, _, model = files("regression", "fixed", False)
    assert bert.model.pooling == "cls"
    interpreter = Interpreter(model_content=model)
    shapes = {d["index"]: tuple(d["shape"]) for d in interpreter.get_tensor_details()}
    rows = [
        shapes[op["inputs"][0]][-2]
        for op in interpreter._get_ops_details()
        if op["op_name"] == "FULLY_CONNECTED"
    ]
    # Key and value of all tokens; query, attention's output, feed-forward, pooler, head of one.
    assert sorted(rows) == [1, 1, 1, 1, 1, 1, LENGTH]
