"""A student that begins as some blocks of its teacher."""

import json

import numpy as np
import pytest
from conftest import toy_rows, write_tsv
from keras import ops
from task_models import make_bert

import keras_bert
from keras_bert.errors import InputError
from keras_bert.loading import load
from keras_bert.training.settings import FinetuneSettings, check_start
from keras_bert.training.student import student_of


def test_a_student_computes_what_its_blocks_of_the_teacher_do():
    teacher = make_bert("tagging", encoder={"num_hidden_layers": 4})
    student = student_of(teacher, [0, 3])
    assert student.config.encoder.num_hidden_layers == 2
    assert student.tokenizer is teacher.tokenizer
    x = {
        "token_ids": np.arange(5, 21, dtype="int32").reshape(2, 8),
        "segment_ids": np.zeros((2, 8), "int32"),
        "padding_mask": np.ones((2, 8), "int32"),
    }
    encoder = teacher.encoder
    bias = encoder.attention_mask(x["padding_mask"])
    state = encoder.all_hidden_states()(x, training=False)[0]
    for number in (0, 3):
        state = encoder.blocks[number](state, bias, training=False)
    expected = teacher.model.head(state)
    found = student.model(x, training=False)
    np.testing.assert_allclose(ops.convert_to_numpy(found), ops.convert_to_numpy(expected))
    whole = student_of(teacher, [0, 1, 2, 3])
    for one, other in zip(whole.model.get_weights(), teacher.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("layers", [[], [1, 0], [0, 0], [-1], [0, 4]])
def test_blocks_that_there_are_not_are_refused(layers):
    teacher = make_bert("tagging", encoder={"num_hidden_layers": 4})
    with pytest.raises(InputError, match="student_layers=.*: expected numbers from 0 to 3 that"):
        student_of(teacher, layers)


def test_one_start_only(toy):
    both = FinetuneSettings(teacher=toy.model, student_layers=[0])
    check_start(None, both)
    check_start(toy.model + "/", both)
    with pytest.raises(InputError, match="student_layers: the start is blocks of .*: leave out i"):
        check_start(toy.vocabulary, both)
    with pytest.raises(InputError, match="student_layers: goes with teacher"):
        check_start(None, FinetuneSettings(student_layers=[0]))
    with pytest.raises(InputError, match="init: is needed"):
        keras_bert.finetune(None, train=toy.train)


@pytest.mark.slow
def test_the_command_starts_from_the_teachers_blocks(cli, toy, tmp_path):
    output, train = tmp_path / "student", write_tsv(tmp_path / "train.tsv", toy_rows(160, seed=5))
    found = cli(
        "finetune", f"--train={train}", f"--eval={toy.dev}", "--length=32", "--epochs=1",
        "--learning_rate=0", f"--teacher={toy.model}", "--student_layers=0", "--seeds=1,2",
        f"--output={output}", "--json",
    )  # fmt: skip
    assert found.status == 0, found.err
    # The two seeds have the same rows, so the teacher answers once.
    assert found.err.count("answers 160 rows once") == 1
    assert json.loads(found.out.splitlines()[-1])["teacher"]["models"] == [toy.model]
    student, teacher = load(output), load(toy.model)
    expected = student_of(teacher, [0]).model.get_weights()
    for one, other in zip(student.model.get_weights(), expected, strict=True):
        np.testing.assert_array_equal(one, other)
    card = (output / "README.md").read_text(encoding="utf-8")
    assert "--student_layers=0" in card
    assert "--init" not in card
    assert "model" in card.partition("## Licence")[2]
