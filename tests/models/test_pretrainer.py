"""The pretraining heads against transformers, packed rows against rows apart, and checkpoints."""

import os
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest
from pretraining_helpers import SIZES, make_records

import keras_bert
from keras_bert.checkpoints import names, open_checkpoint
from keras_bert.errors import InputError
from keras_bert.models.encoder import BertEncoder
from keras_bert.models.pretrainer import BertPretrainer
from keras_bert.pretraining.batches import PretrainingBatches

DATA = pathlib.Path(__file__).parents[1] / "data"
TINY = DATA / "hf_tiny_bert_pretraining"


def make(pair="nsp", **changes):
    return BertPretrainer(BertEncoder(**{**SIZES, **changes}), pair)


def test_heads_loss_and_gradients_are_those_of_transformers():
    import tensorflow as tf

    golden = np.load(DATA / "pretraining_golden.npz")
    model = keras_bert.load(TINY, pretraining=True).model
    inputs = {
        name: golden[name]
        for name in ("token_ids", "segment_ids", "padding_mask", "masked_positions")
    }
    targets = {"masked_lm": golden["masked_token_ids"], "pair": golden["pair_labels"][:, None]}
    weights = {
        "masked_lm": golden["masked_weights"] / golden["masked_weights"].sum(),
        "pair": np.full((4, 1), 0.25, "float32"),
    }
    with tf.GradientTape() as tape:
        outputs = model(inputs)
        loss = model.compute_loss(inputs, targets, outputs, weights)
    valid = golden["masked_weights"] > 0
    np.testing.assert_allclose(
        np.asarray(outputs["masked_lm"])[valid], golden["masked_lm"][valid], atol=2e-5
    )
    np.testing.assert_allclose(np.asarray(outputs["pair"])[:, 0], golden["pair"], atol=1e-5)
    np.testing.assert_allclose(float(loss), golden["loss"], rtol=1e-6)
    variables = names.variables_of(model)
    wanted = {
        "bert/embeddings/word_embeddings": "gradient_word_embeddings",
        "bert/pooler/dense/kernel": "gradient_pooler",
        "cls/predictions/transform/dense/kernel": "gradient_transform",
        "bert/encoder/layer_0/attention/self/query/kernel": "gradient_query",
    }
    gradients = tape.gradient(loss, [variables[name].value for name in wanted])
    for found, name in zip(gradients, wanted.values(), strict=True):
        scale = np.abs(golden[name]).max()
        np.testing.assert_allclose(
            tf.convert_to_tensor(found).numpy(), golden[name], atol=2e-6 * scale, err_msg=name
        )


@pytest.mark.parametrize("pair", ["nsp", "none"])
def test_packed_rows_give_what_their_examples_give_apart(pair):
    keras.utils.set_random_seed(1)
    packed, apart = make(pair, packed=True, initializer_range=0.3), make(pair)
    apart.set_weights(packed.get_weights())
    generator = np.random.default_rng(1)
    sizes = (7, 10, 5)
    token_ids = generator.integers(5, 60, (1, 24)).astype("int32")
    segment_ids = generator.integers(0, 2, (1, 24)).astype("int32")
    numbers = np.concatenate([np.repeat([1, 2, 3], sizes), [0, 0]]).astype("int32")[None]
    firsts = np.array([[0, 7, 17]], "int32")
    masked = {0: [1, 5], 1: [0, 9], 2: [2, 4]}
    targets = generator.integers(0, 60, (3, 2)).astype("int32")
    positions = np.array([[firsts[0, i] + p for i in masked for p in masked[i]]], "int32")
    inputs = {
        "token_ids": token_ids,
        "segment_ids": segment_ids,
        "padding_mask": numbers,
        "masked_positions": positions,
    }
    one_row = {"masked_lm": targets.reshape(1, 6)}
    one_weight = {"masked_lm": np.full((1, 6), 1 / 6, "float32")}
    rows = {name: np.zeros((3, 12), "int32") for name in list(inputs)[:3]}
    for i, (size, first) in enumerate(zip(sizes, firsts[0], strict=True)):
        rows["token_ids"][i, :size] = token_ids[0, first : first + size]
        rows["segment_ids"][i, :size] = segment_ids[0, first : first + size]
        rows["padding_mask"][i, :size] = 1
    rows["masked_positions"] = np.array(list(masked.values()), "int32")
    three_rows = {"masked_lm": targets}
    three_weights = {"masked_lm": np.full((3, 2), 1 / 6, "float32")}
    if pair != "none":
        inputs["pair_positions"] = firsts
        labels = np.array([0, 1, 1], "int32")
        one_row["pair"], three_rows["pair"] = labels[None], labels[:, None]
        one_weight["pair"] = np.full((1, 3), 1 / 3, "float32")
        three_weights["pair"] = np.full((3, 1), 1 / 3, "float32")
    found, expected = packed(inputs), apart(rows)
    np.testing.assert_allclose(
        np.asarray(found["masked_lm"]).reshape(3, 2, 60), expected["masked_lm"], atol=1e-5
    )
    if pair != "none":
        np.testing.assert_allclose(found["pair"][0], expected["pair"][:, 0], atol=1e-5)
    losses = [
        float(packed.compute_loss(None, one_row, found, one_weight)),
        float(apart.compute_loss(None, three_rows, expected, three_weights)),
    ]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    # And what another example or the padding holds changes nothing.
    token_ids[0, 7:17] = 50
    token_ids[0, 22:] = 9
    moved = np.asarray(packed(inputs)["masked_lm"])[0]
    np.testing.assert_allclose(moved[[0, 1, 4, 5]], found["masked_lm"][0].numpy()[[0, 1, 4, 5]])
    assert np.abs(moved[2:4] - found["masked_lm"][0].numpy()[2:4]).max() > 0.1


def test_left_to_right_sees_nothing_of_what_comes_after():
    keras.utils.set_random_seed(2)
    model = make("none", left_to_right=True, initializer_range=0.3)
    token_ids = np.arange(5, 29, dtype="int32")[None]
    inputs = {
        "token_ids": token_ids,
        "segment_ids": np.zeros((1, 24), "int32"),
        "padding_mask": np.ones((1, 24), "int32"),
        "masked_positions": np.arange(24, dtype="int32")[None],
    }
    before = model(inputs)["masked_lm"].numpy()[0]
    after = model({**inputs, "token_ids": np.where(token_ids < 17, token_ids, 40)})["masked_lm"]
    np.testing.assert_array_equal(before[:12], after.numpy()[0, :12])
    assert np.abs(before[12] - after.numpy()[0, 12]).max() > 0.1


def test_padding_beside_packed_and_left_to_right_changes_nothing():
    keras.utils.set_random_seed(3)
    model = make("none", left_to_right=True, packed=True)
    token_ids = np.arange(5, 17, dtype="int32")[None]
    numbers = np.array([[1] * 5 + [2] * 7], "int32")

    def run(extra):
        pad = ((0, 0), (0, extra))
        return model(
            {
                "token_ids": np.pad(token_ids, pad),
                "segment_ids": np.zeros((1, 12 + extra), "int32"),
                "padding_mask": np.pad(numbers, pad),
                "masked_positions": np.arange(12, dtype="int32")[None],
            }
        )["masked_lm"].numpy()

    np.testing.assert_allclose(run(0), run(12), atol=1e-5)


@pytest.mark.slow
def test_fit_on_jax_gives_the_same_losses(tmp_path):
    """`compile` and `fit` with nothing of TensorFlow's; packed, with both heads."""
    sizes = {**SIZES, "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    code = f"""
import sys
import keras, numpy as np
from keras_bert import BertEncoder, BertPretrainer
from keras_bert.training.optimizer import adamw
assert keras.backend.backend() == sys.argv[1]
model = BertPretrainer(BertEncoder(**{sizes!r}, packed=True), "nsp")
if sys.argv[1] == "tensorflow":
    model.save_weights("start.weights.h5")
else:
    model.load_weights("start.weights.h5")
model.compile(adamw(1e-2), jit_compile=False)
data = np.load("batch.npz")
inputs = {{k: data[k] for k in (
    "token_ids", "segment_ids", "padding_mask", "masked_positions", "pair_positions")}}
targets = {{"masked_lm": data["masked_lm"], "pair": data["pair"]}}
weights = {{"masked_lm": data["masked_lm_weights"], "pair": data["pair_weights"]}}
history = model.fit(inputs, targets, sample_weight=weights, batch_size=8, epochs=4, verbose=0,
                    shuffle=False).history
np.savez(sys.argv[1], **history)
"""
    records = make_records(tmp_path / "records", packed=True)
    inputs, targets, weights = PretrainingBatches(records, 8)[0]
    weights = {f"{name}_weights": value for name, value in weights.items()}
    np.savez(tmp_path / "batch.npz", **inputs, **targets, **weights)
    for backend in ("tensorflow", "jax"):
        environment = {
            **os.environ,
            "KERAS_BACKEND": backend,
            "PYTHONPATH": str(pathlib.Path(keras_bert.__file__).parent.parent),
        }
        subprocess.run(
            [sys.executable, "-c", code, backend], check=True, env=environment, cwd=tmp_path
        )
    ours, theirs = np.load(tmp_path / "tensorflow.npz"), np.load(tmp_path / "jax.npz")
    assert ours["loss"][-1] < ours["loss"][0] - 0.1
    for name in ours:
        np.testing.assert_allclose(theirs[name], ours[name], rtol=2e-5, err_msg=name)


def test_saves_and_loads_as_keras_models_do(tmp_path):
    model = make("sop")
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert (again.pair, again.get_config()) == ("sop", model.get_config())
    for ours, theirs in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    # The table is one variable in both places, before and after.
    table = again.encoder.get_layer("embeddings").word_embeddings
    assert again.get_layer("masked_lm").embeddings.word_embeddings is table
    assert sum(w.shape == (60, 32) for w in again.weights) == 1


def test_to_hugging_face_and_back_keeps_every_weight(tmp_path, cli):
    first, there, back = (str(tmp_path / name) for name in ("a", "b", "c"))
    assert cli("convert", f"--from={TINY}", f"--output={first}", "--pretraining").status == 0
    done = cli("convert", f"--from={first}", f"--output={there}", "--to=huggingface")
    assert done.status == 0, done.err
    shapes = open_checkpoint(there).shapes
    assert set(shapes) == set(open_checkpoint(TINY).shapes)
    google = str(tmp_path / "g")
    assert cli("convert", f"--from={first}", f"--output={google}", "--to=google").status == 0
    expected = names.arrays(names.variables_of(keras_bert.load(first).model))
    for folder in (there, google):
        done = cli("convert", f"--from={folder}", f"--output={back}", "--pretraining")
        assert done.status == 0, done.err
        found = names.arrays(names.variables_of(keras_bert.load(back).model))
        assert set(found) == set(expected)
        for name, value in found.items():
            np.testing.assert_array_equal(value, expected[name], err_msg=name)


def test_a_checkpoint_without_the_head_says_so():
    with pytest.raises(InputError, match="has no masked-LM head"):
        keras_bert.load(DATA / "hf_tiny_bert", pretraining=True)


def test_unknown_pair_is_refused():
    with pytest.raises(InputError, match="pair must be one of"):
        make("nps")


def test_fill_mask_follows_the_head(cli, tmp_path):
    """The probabilities are softmax of the logits that transformers' golden test has fixed."""
    bert = keras_bert.load(TINY, pretraining=True)
    text = "w [MASK] a [MASK] b"
    encoding = bert.tokenizer.encode_with_mask(text)
    inputs = {
        "token_ids": np.array([encoding.token_ids]),
        "segment_ids": np.zeros((1, 7), int),
        "padding_mask": np.ones((1, 7), int),
        "masked_positions": np.array([[2, 4]]),
    }
    logits = bert.model(inputs)["masked_lm"].numpy()[0].astype("float64")
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    answers = bert.fill_mask(text, top=100)
    assert len(answers) == 2
    for row, answer in zip(probabilities, answers, strict=True):
        assert len(answer) == 95  # all but the special tokens
        shares = [found["probability"] for found in answer]
        assert shares == sorted(shares, reverse=True)
        for found in answer:
            index = bert.tokenizer.vocabulary.index(found["token"])
            assert found["probability"] == pytest.approx(row[index], rel=1e-6)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--text=no mask here"], "has no [MASK]"),
        (["--text=" + "a " * 40 + "[MASK]"], "[MASK] of which 0 are within"),
        (["--text="], "is empty"),
    ],
)
def test_fill_mask_tells_of_bad_texts(cli, arguments, reason):
    done = cli("fill-mask", f"--model={TINY}", *arguments)
    assert done.status == 2
    assert reason in done.err
    assert done.err.count("\n") == 1


def test_fill_mask_needs_the_head(cli):
    done = cli("fill-mask", f"--model={DATA / 'hf_tiny_bert'}", "--text=[MASK]")
    assert (done.status, done.err.count("\n")) == (2, 1)
    assert "masked-LM head" in done.err
