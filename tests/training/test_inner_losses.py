"""Losses between hidden states and relations of two networks, against NumPy, and in training."""

import dataclasses
import json

import keras
import numpy as np
import pytest
from conftest import toy_rows, write_tsv
from keras import ops
from scipy.special import log_softmax
from small_networks import NETWORKS, make_batch, make_encoder, make_network
from task_models import make_bert
from teaching import Exported, Killed, data_of, silent

from keras_bert.errors import InputError
from keras_bert.tasks.registry import get_task
from keras_bert.training.distillation import RowLoss, with_teacher
from keras_bert.training.inner_losses import (
    INNER,
    BesideTeacher,
    InnerTargets,
    check_inner,
)
from keras_bert.training.relations import relation_divergence, relation_heads, state_difference
from keras_bert.training.settings import FinetuneSettings
from keras_bert.training.task_training import TaskTraining, config_for
from keras_bert.training.taught_targets import TaughtTargets
from keras_bert.training.teachers import Teachers

BATCH, LENGTH = 6, 8
# Two heads of four in the student, three of eight in the teacher.
WIDER = {"hidden_size": 24, "num_attention_heads": 3, "num_hidden_layers": 3}


def divergence_of(teacher, student, mask, heads):
    """Returns equations 4 to 6 of MiniLMv2 for each row, written out, in float64."""
    found = []
    for its, mine, tokens in zip(teacher, student, mask.astype(bool)):
        total = 0.0
        for head in range(heads):
            relations = []
            for vectors in (its, mine):
                width = vectors.shape[-1] // heads
                part = np.float64(vectors[tokens][:, head * width : (head + 1) * width])
                relations.append(log_softmax(part @ part.T / np.sqrt(width), axis=-1))
            total += (np.exp(relations[0]) * (relations[0] - relations[1])).sum()
        found.append(total / (heads * tokens.sum()))
    return np.array(found)


def test_relations_are_those_of_the_formula():
    rng = np.random.default_rng(0)
    its, mine = (rng.normal(size=(3, 7, width)).astype("float32") for width in (24, 16))
    mask = np.array([[1] * 7, [1] * 3 + [0] * 4, [1] + [0] * 6], "float32")
    assert relation_heads(24, 16) == 8
    heads = [relation_heads(*widths) for widths in ((768, 384), (1024, 768), (384, 128))]
    assert heads == [48, 32, 32]
    found = ops.convert_to_numpy(relation_divergence(its, mine, mask, 8))
    np.testing.assert_allclose(found, divergence_of(its, mine, mask, 8), rtol=1e-5, atol=1e-7)
    same = ops.convert_to_numpy(relation_divergence(its, its, mask, 4))
    np.testing.assert_allclose(same, 0.0, atol=1e-6)


def test_states_are_compared_where_there_are_tokens():
    rng = np.random.default_rng(0)
    its, mine = rng.normal(size=(2, 2, 5, 4)).astype("float32")
    mask = np.array([[1] * 5, [1, 1, 0, 0, 0]], "float32")
    expected = [np.square(its[0] - mine[0]).mean(), np.square(its[1, :2] - mine[1, :2]).mean()]
    np.testing.assert_allclose(state_difference(its, mine, mask), expected, rtol=1e-5)


def queries_keys_values(encoder, x, block):
    states = keras.Model(encoder.input, encoder.hidden_states)(x, training=False)
    attention = encoder.blocks[block].attention
    names = "query_dense", "key_dense", "value_dense"
    return [ops.convert_to_numpy(getattr(attention, name)(states[block])) for name in names]


@pytest.mark.parametrize("kind", NETWORKS)
def test_outputs_are_the_logits_and_the_sum_of_the_losses(kind):
    student, teacher = make_network(kind, seed=1), make_encoder(seed=2, **WIDER)
    x, _ = make_batch(kind)
    x["padding_mask"][0, ..., 5:] = 0
    model = BesideTeacher(student, teacher, relation_layer=1, hidden_layers=[0, 2])
    found = model(x, training=False)
    expected = student(x, training=False)
    expected = expected if isinstance(expected, dict) else {"logits": expected}
    assert {*found} == {*expected, INNER}
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, atol=1e-6)
    rows = {name: value.reshape(-1, LENGTH) for name, value in x.items()}
    mask = rows["padding_mask"].astype("float32")
    pairs = zip(
        queries_keys_values(teacher, rows, 1), queries_keys_values(student.encoder, rows, 1)
    )
    total = sum(divergence_of(its, mine, mask, 8) for its, mine in pairs)
    states = [
        [ops.convert_to_numpy(s) for s in keras.Model(e.input, e.hidden_states)(rows)]
        for e in (teacher, student.encoder)
    ]
    for number, block in enumerate((0, 2)):
        matrix = model.get_layer("both").projections[number].get_weights()[0]
        total += state_difference(states[0][block + 1], states[1][number + 1] @ matrix, mask)
    total = np.asarray(total).reshape(BATCH, -1).mean(axis=1)
    np.testing.assert_allclose(found[INNER], total, rtol=2e-5)


def test_the_teachers_weights_are_no_part_of_the_model():
    student, teacher = make_network("tagging", seed=1), make_encoder(seed=2, **WIDER)
    before = teacher.get_weights()
    model = BesideTeacher(student, teacher, relation_layer=2, hidden_layers=[1, 2])
    projections = [f"projection_{i}" for i in range(2)]
    own = [v.path for v in student.weights]
    assert [v.path for v in model.weights][: len(own)] == own
    assert [v.path.split("/")[-2] for v in model.weights][len(own) :] == projections
    ids = {id(v) for v in teacher.variables}
    assert not ids & {id(v) for v in [*model.variables, *model.trainable_variables]}
    assert ids <= {id(v) for v in model.non_trainable_variables}
    assert student.encoder.deployed is None
    assert before is not None


@pytest.mark.slow
def test_a_student_becomes_like_its_teacher_inside():
    student = make_network("classification", seed=1, hidden_dropout_prob=0.1)
    teacher = make_encoder(seed=2, **WIDER)
    x, y = make_batch("classification")
    labels = TaughtTargets(y, {"logits": np.zeros((BATCH, 3))}, np.ones(BATCH))
    targets = InnerTargets(labels).batch(np.arange(BATCH), LENGTH)
    model = BesideTeacher(student, teacher, relation_layer=2, hidden_layers=[0, 2])
    losses = {"logits": with_teacher(student.default_loss(), 1.0), INNER: RowLoss()}
    before = teacher.get_weights()
    model.compile(keras.optimizers.Adam(1e-2), losses, jit_compile=False)
    history = model.fit(x, targets, epochs=60, batch_size=BATCH, verbose=0).history
    assert history["inner_loss"][-1] < 0.5 * history["inner_loss"][0]
    for one, other in zip(teacher.get_weights(), before, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_fill_of_a_batch_counts_nothing():
    tags = [np.array([1, -1], "int32"), np.array([0, 1, 2], "int32")]
    labels = TaughtTargets(tags, {"logits": np.zeros((5, 3))}, [0.5, 0.5], [2, 3])
    found = InnerTargets(labels).batch(np.array([1, 0, 1, 1]), 8, 2)
    np.testing.assert_array_equal(found[INNER], [2, 2, 0, 0])
    np.testing.assert_array_equal(found["logits"][2:, :, 1], -1)
    found = InnerTargets(labels).batch(np.array([1, 0]), 8)
    np.testing.assert_array_equal(found[INNER], [1, 1])


@pytest.mark.slow
def test_a_killed_run_resumes_to_the_same_bits(tmp_path, monkeypatch):
    kind = "multiple_choice"
    bert = make_bert(kind)
    wide = {"hidden_size": 48, "num_hidden_layers": 2, "num_attention_heads": 3}
    teacher = make_bert(kind, seed=1, encoder=wide)
    examples, _ = data_of(kind, bert, tmp_path)
    steps = []

    def run(**arguments):
        task = get_task(kind)
        fields = {n: getattr(bert.config, n) for n in ("labels", "pair", "settings")}
        config = config_for(task, bert, bert.config.max_length, fields)
        settings = FinetuneSettings(
            epochs=2, batch_size=4, checkpoint_every=2, teacher="x", relation_layer=-1,
            hidden_layers=[1], precision="float32",
        )  # fmt: skip
        training = TaskTraining(bert, config, settings, teachers=Teachers([teacher], 0.3, 2.0))
        training.train(examples, examples, say=silent, **arguments)
        return training

    whole = run()

    def die(self, batch, logs=None):
        steps.append(batch)
        if len(steps) == 5:
            raise Killed

    kept = {"state_folder": tmp_path / "state", "fingerprint": "x"}
    with monkeypatch.context() as patch:
        patch.setattr("keras_bert.training.progress.ProgressLine.on_train_batch_end", die)
        with pytest.raises(Killed):
            run(**kept)
    resumed = run(resume=True, **kept)
    for one, other in zip(resumed.model.get_weights(), whole.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"relation_layer": 2}, "relation_layer=2: the start has blocks from 0 to 1, or -1 for"),
        ({"relation_layer": -3}, "relation_layer=-3: the start has blocks from 0 to 1"),
        ({"hidden_layers": [0, 1]}, "hidden_layers=0,1: expected 1 numbers from 0 to 1: for each"),
        ({"hidden_layers": [2]}, "hidden_layers=2: expected 1 numbers from 0 to 1"),
    ],
)
def test_layers_that_there_are_not_are_refused(given, message):
    student, teacher = make_bert("tagging"), make_bert("tagging", encoder={"num_hidden_layers": 2})
    settings = FinetuneSettings(teacher="x", **given)
    with pytest.raises(InputError, match=message):
        check_inner(settings, Teachers([teacher]), student.config, student.tokenizer)


def test_what_shows_no_states_is_refused():
    bert = make_bert("tagging")
    settings = FinetuneSettings(teacher="x", relation_layer=0)
    with pytest.raises(InputError, match="relation_layer: the start is an exported file, which"):
        check_inner(settings, Teachers([Exported(bert)]), bert.config, bert.tokenizer)
    short = Teachers([make_bert("tagging", encoder={"max_position_embeddings": 48})])
    longer = dataclasses.replace(bert.config, max_length=60)
    with pytest.raises(InputError, match="relation_layer: the start reads 48 tokens, fewer than"):
        check_inner(settings, short, longer, bert.tokenizer)
    for name, value in (("relation_layer", 1), ("hidden_layers", [1])):
        with pytest.raises(InputError, match=f"{name}: goes with teacher"):
            FinetuneSettings(**{name: value})
    with pytest.raises(InputError, match="inner_weight: goes with relation_layer or hidden_layers"):
        FinetuneSettings(teacher="x", inner_weight=2)


@pytest.mark.slow
def test_the_command_learns_from_inside(cli, toy, tmp_path):
    train = write_tsv(tmp_path / "train.tsv", toy_rows(80, seed=5))
    found = cli(
        "finetune", f"--train={train}", f"--eval={toy.dev}", "--length=32", "--epochs=2",
        "--learning_rate=1e-3", f"--teacher={toy.model}", "--student_layers=0",
        "--relation_layer=-1", "--hidden_layers=1", "--inner_weight=0.5",
        f"--output={tmp_path / 'student'}", "--json",
    )  # fmt: skip
    assert found.status == 0, found.err
    report = json.loads(found.out.splitlines()[-1])
    first, last = (report["epochs"][i]["inner_loss"] for i in (0, -1))
    assert last < first
