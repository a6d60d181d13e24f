"""Multiple choice: the layouts of SWAG and RACE, rows, answers, and what is refused."""

import gzip
import json
import pathlib
import types

import numpy as np
import pytest

import keras_bert
from keras_bert import numpy_ops
from keras_bert.errors import InputError
from keras_bert.models import BertMultipleChoice
from keras_bert.tasks.file_layout import FileLayout
from keras_bert.tasks.multiple_choice.task import MultipleChoiceTask, ending
from keras_bert.tasks.splitting import hold_out
from keras_bert.text.tokenizer import WordPieceTokenizer

TASK = MultipleChoiceTask()
CONFIG = types.SimpleNamespace(settings={"num_choices": 2}, max_length=64, labels=())
VOCABULARY = pathlib.Path(keras_bert.__file__).parent / "data" / "bert_base_uncased_vocab.txt"

# SWAG's header, and rows written for this test.
SWAG = (
    ",video-id,fold-ind,startphrase,sent1,sent2,gold-source,ending0,ending1,ending2,ending3,label\n"
    "0,anetv_1,3416,Members of a band walk by. A drum line,Members of a band walk by.,"
    "A drum line,gold,passes by.,has heard them.,arrives asleep.,turns to sing.,0\n"
    '1,lsmdc-2,18313,"He says ""no"". She","He says ""no"".",She,gold,"pats her shoulder, '
    'then leaves.",turns.,walks.,wheels.,2\n'
)
RACE = {
    "answers": ["C", "A"],
    "options": [["By bus.", "By train.", "On foot.", "By car."], ["happy", "sad", "tired", "ill"]],
    "questions": ["How did he come?", "The boy felt  _  ."],
    "article": "A boy walked to the city.\nHe sang.",
    "id": "middle1.txt",
}


@pytest.fixture(scope="module")
def tokenizer():
    return WordPieceTokenizer.from_file(VOCABULARY)


def make(folder, name, text):
    path = folder / name
    data = text.encode()
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return str(path)


def read(path, labelled=True, **flags):
    return TASK.read(path, FileLayout(**flags), labelled)


@pytest.mark.parametrize("name", ["train.csv", "train.csv.gz"])
def test_swag(tmp_path, name):
    found = read(make(tmp_path, name, SWAG))
    assert found.texts[1] == 'He says "no".'
    assert found.choices[0][1] == "A drum line has heard them."
    assert found.choices[1][0] == "She pats her shoulder, then leaves."
    assert (found.labels, found.lines, found.num_choices) == ([0, 2], ["2", "3"], 4)
    assert read(make(tmp_path, name, SWAG), labelled=False).labels is None


def test_swag_test_file_has_no_labels(tmp_path):
    text = "".join(line.rpartition(",")[0] + "\n" for line in SWAG.splitlines())
    path = make(tmp_path, "test.csv", text)
    assert len(read(path, labelled=False)) == 2
    with pytest.raises(InputError, match=r"test\.csv: no label column"):
        read(path)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("1.txt", json.dumps(RACE)),
        ("1.txt.gz", json.dumps(RACE) + "\n"),
        ("1.json", json.dumps(RACE, indent=2)),
        ("all.jsonl", json.dumps(RACE) + "\n" + json.dumps({**RACE, "article": "Other."}) + "\n"),
    ],
)
def test_race(tmp_path, name, text):
    found = read(make(tmp_path, name, text))
    assert found.texts[:2] == [RACE["article"]] * 2
    assert found.questions[:2] == RACE["questions"]
    assert found.choices[:2] == RACE["options"]
    assert found.labels[:2] == [2, 0]
    assert found.lines[:2] == ["1, question 1", "1, question 2"]
    assert len(found) == (4 if name == "all.jsonl" else 2)
    del (fields := json.loads(json.dumps(RACE)))["answers"]
    unlabelled = read(make(tmp_path, "2.txt", json.dumps(fields)), labelled=False)
    assert (unlabelled.labels, unlabelled.choices) == (None, RACE["options"])


def test_general_layouts(tmp_path):
    lines = (
        '{"text": "It rains.", "question": "Why wet?", "choices": ["rain", "sun"], "label": 0}\n'
        '{"text": "It shines.", "choices": ["rain", "sun"], "label": "1"}\n'
    )
    found = read(make(tmp_path, "a.jsonl", lines))
    assert found.texts == ["It rains.", "It shines."]
    assert found.questions == ["Why wet?", ""]
    assert (found.choices, found.labels) == ([["rain", "sun"]] * 2, [0, 1])
    assert [sorted(each) for each in TASK.asked_fields(found)] == [
        ["choices", "context", "question"]
    ] * 2
    csv = 'label,choice1,text,choice0\n1,"no, never",Is it?,yes\n'
    found = read(make(tmp_path, "a.csv", csv))
    assert (found.texts, found.choices, found.labels) == (["Is it?"], [["yes", "no, never"]], [1])
    # As `predict` writes them.
    cell = 'text,choices,label\nIs it?,"[""yes"", ""no""]",1\n'
    assert read(make(tmp_path, "b.csv", cell)).choices == [["yes", "no"]]
    assert TASK.asked_fields(found) == [{"context": "Is it?", "choices": ["yes", "no, never"]}]
    tsv = 'q\tchoice0\tchoice1\tchoice2\tbody\tgold\nWhy "?\ta\tb\tc\tIt is.\t2\n'
    flags = {"text_column": "body", "text_b_column": "q", "label_column": "gold"}
    found = read(make(tmp_path, "a.tsv", tsv), **flags)
    assert (found.texts, found.questions, found.labels) == (["It is."], ['Why "?'], [2])
    no_question = read(make(tmp_path, "b.jsonl", lines), text_b_column="")
    assert no_question.questions == ["", ""]


GENERAL = '{"text": "t", "choices": ["a", "b"], "label": 1}\n'


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.jsonl", GENERAL + '{"text": "t", "choices": ["a", "b", "c"], "label": 1}\n',
         ":2: 3 choices where the questions before have 2"),
        ("a.jsonl", GENERAL + '{"text": "t", "choices": ["a", "b"], "label": 2}\n',
         ":2: label 2 is not the number of a choice, from 0 to 1"),
        ("a.jsonl", '{"text": "t", "choices": ["a", "b"], "label": -1}\n', ":1: label -1 is not"),
        ("a.jsonl", '{"text": "t", "choices": ["a", "b"], "label": true}\n', ":1: label must be"),
        ("a.jsonl", '{"text": "t", "choices": ["a", "b"], "label": "B"}\n', ":1: label .*'B'"),
        ("a.jsonl", GENERAL + '{"text": "t", "choices": ["a", "b"]}\n', ":2: label must .* None"),
        ("a.jsonl", '{"text": "t", "choices": ["a", " "], "label": 0}\n', ":1: choice 1 is empty"),
        ("a.jsonl", '{"text": "t", "choices": ["a", 2], "label": 0}\n', ":1: choice 1 must be"),
        ("a.jsonl", '{"text": "t", "choices": ["a"], "label": 0}\n', ":1: .*at least two"),
        ("a.jsonl", '{"text": "t", "choices": "ab", "label": 0}\n', ":1: .*must be a list"),
        ("a.jsonl", '{"text": "", "choices": ["a", "b"], "label": 0}\n', ":1: the text is empty"),
        ("a.jsonl", '{"text": "t", "question": 3, "choices": ["a", "b"], "label": 0}\n',
         ":1: the question must be a text"),
        ("a.jsonl", '{"texts": "t", "choices": ["a", "b"], "label": 0}\n', ": no text column"),
        ("a.jsonl", '{"text": "t", "choices": ["a", "b"]}\n', ": no label column"),
        ("a.jsonl", '{"text": "t"\n', ":1: not a JSON object"),
        ("a.csv", "text,label\nt,0\n", ": no column choice0"),
        ("a.csv", "text,choice0,choice2,label\nt,a,b,0\n", ": no column choice1"),
        ("a.csv", "text,choice0,choice1,label\nt,a,b,0\nt,a,,0\n", ":3: choice1 is empty"),
        ("a.csv", SWAG.replace("turns.", ""), ":3: ending1 is empty"),
        ("a.csv", SWAG.replace("wheels.,2", "wheels.,4"), ":3: label 4 is not .* from 0 to 3"),
        ("1.txt", json.dumps({**RACE, "answers": ["C", "E"]}),
         ":1, question 2: answer 'E' is not a letter from A to D"),
        ("1.txt", json.dumps({**RACE, "answers": ["C"]}), ":1: .*2 options, 1 answers"),
        ("1.txt", json.dumps({**RACE, "options": [["a", "b"], list("abc")], "answers": ["A", "A"]}),
         ":1, question 2: 3 choices where the questions before have 2"),
        ("1.txt", json.dumps({**RACE, "options": None}), ":1: options must be a list"),
        ("1.txt", json.dumps({**RACE, "article": 1}), ":1, question 1: the text must be a text"),
        ("1.json", json.dumps({**RACE, "article": "\ud800"}, indent=1), ":1: a lone surrogate"),
    ],
)  # fmt: skip
def test_bad_files_are_told_by_name_and_line(tmp_path, name, text, message):
    with pytest.raises(InputError, match=name.replace(".", r"\.") + message) as error:
        read(make(tmp_path, name, text))
    assert "\n" not in str(error.value)


def test_flags_that_name_no_column(tmp_path):
    path = make(tmp_path, "a.jsonl", GENERAL)
    for flag in ("text_column", "text_b_column", "label_column"):
        with pytest.raises(InputError, match=f"no {flag.removesuffix('_column')} column .'other'"):
            read(path, **{flag: "other"})


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("", r"the \1 end"),
        ("Why?", r"Why? the \1 end"),
        ("It was  _  .", r"It was  the \1 end  ."),
        ("_ is it", r"the \1 end is it"),
        ("He is ____.", r"He is the \1 end."),
        ("What is num_choices?", r"What is num_choices? the \1 end"),
    ],
)
def test_a_gap_in_the_question_is_filled(question, expected):
    assert ending(question, r"the \1 end") == expected


def row_tokens(tokenizer, row):
    return [tokenizer.vocabulary[i] for i in row.token_ids]


def test_rows_are_text_then_question_and_choice(tokenizer, tmp_path):
    examples = read(make(tmp_path, "1.txt", json.dumps(RACE)))
    rows = TASK.rows(examples, tokenizer, CONFIG)
    assert (len(rows), rows.group) == (8, 4)
    assert rows.example_indices.tolist() == [0] * 4 + [1] * 4
    article = "a boy walked to the city . he sang ."
    for index, said in ((2, "how did he come ? on foot ."), (5, "the boy felt sad .")):
        row = rows.encodings[index]
        expected = f"[CLS] {article} [SEP] {said} [SEP]"
        assert " ".join(row_tokens(tokenizer, row)) == expected
        # The same as the pair of texts by the usual encoder.
        usual = tokenizer.encode(article, said)
        assert row.token_ids.tolist() == usual.token_ids
        assert row.segment_ids.tolist() == usual.segment_ids


@pytest.mark.parametrize(
    ("length", "expected"),
    [
        (12, "[CLS] a b c d [SEP] why is it ? x [SEP]"),
        (11, "[CLS] a b c [SEP] why is it ? x [SEP]"),
        (8, "[CLS] [SEP] why is it ? x [SEP]"),
        (6, "[CLS] [SEP] it ? x [SEP]"),
        (4, "[CLS] [SEP] x [SEP]"),
        (3, "[CLS] [SEP] [SEP]"),
    ],
)
def test_the_text_is_cut_first_and_the_choice_last(tokenizer, tmp_path, length, expected):
    line = {"text": "a b c d", "question": "why is it?", "choices": ["x", "y y"], "label": 0}
    examples = read(make(tmp_path, "a.jsonl", json.dumps(line)))
    config = types.SimpleNamespace(max_length=length)
    rows = TASK.rows(examples, tokenizer, config).encodings
    assert " ".join(row_tokens(tokenizer, rows[0])) == expected
    assert rows[0].segment_ids.sum() == expected.split(" [SEP] ", 1)[1].count(" ") + 1
    assert all(len(row.token_ids) <= length for row in rows)


def test_rows_of_many_questions_are_those_of_each(tokenizer):
    """They are cut some hundred at a time."""
    texts = [f"text {i // 3}" for i in range(600)]
    choices = [[f"one {i}", f"two {i}"] for i in range(600)]
    examples = TASK.examples_from(texts, choices)
    rows = TASK.rows(examples, tokenizer, CONFIG)
    assert len(rows) == 1200
    for i in (0, 255, 256, 257, 599):
        alone = TASK.rows(examples.take([i]), tokenizer, CONFIG).encodings
        for found, expected in zip(rows.encodings[2 * i : 2 * i + 2], alone):
            assert found.token_ids.tolist() == expected.token_ids.tolist()


def test_answers_are_softmax_over_the_choices_of_a_question():
    examples = TASK.examples_from(["p", "q"], [["a", "b"], ["c", "d"]])
    rows = types.SimpleNamespace(group=2)
    logits = np.array([[0.0], [np.log(3.0)], [1000.0], [-1000.0]], "float32")
    outputs = BertMultipleChoice.outputs_from_logits(logits, {}, numpy_ops)
    answers = TASK.answers({"score": list(outputs["score"])}, rows, examples, CONFIG)
    first, second = answers
    assert (first["choice"], first["text"], second["choice"], second["text"]) == (1, "b", 0, "c")
    np.testing.assert_allclose(first["probabilities"], [0.25, 0.75], atol=1e-7)
    assert first["probability"] == first["probabilities"][1]
    np.testing.assert_allclose(second["probabilities"], [1, 0])
    assert json.dumps(answers)
    assert TASK.answer_line(first) == "1\t0.7500\tb"
    assert TASK.columns(CONFIG) == [
        "choice", "text", "probability", "probability_0", "probability_1",
    ]  # fmt: skip
    assert TASK.cells(first, CONFIG)[:2] == [1, "b"]
    assert TASK.answers_agree(first, {"choice": 1}, CONFIG)
    assert not TASK.answers_agree(first, second, CONFIG)


def test_examples_from_lists_and_from_a_command_line():
    found = TASK.examples_from(["It"], ['["a", "b"]'])
    assert (found.choices, found.labels) == ([["a", "b"]], None)
    for choices, message in (
        (None, "no choices: give them"),
        (["a, b"], r"the texts:1: the choices must be a list, as in text_b="),
        ([["a"]], "the texts:1: .*at least two"),
        ([["a", ""]], "the texts:1: choice 1 is empty"),
    ):
        with pytest.raises(InputError, match=message):
            TASK.examples_from(["It"], choices)
    with pytest.raises(InputError, match="the texts:2: 3 choices where .* 2"):
        TASK.examples_from(["It", "he"], [["a", "b"], ["a", "b", "c"]])


def test_config_and_check(tmp_path):
    examples = read(make(tmp_path, "a.csv", SWAG))
    assert TASK.config_fields(examples, {}) == {"pair": True, "settings": {"num_choices": 4}}
    with pytest.raises(InputError, match="labels is for classification"):
        TASK.config_fields(examples, {"labels": ["a", "b"]})
    with pytest.raises(InputError, match=r"a\.csv:2: 4 choices where the model takes 2"):
        TASK.check(examples, CONFIG)
    for settings, message in (
        ({}, "settings must be num_choices"),
        ({"num_choices": "4"}, "must be int"),
        ({"num_choices": 1}, "at least 2"),
    ):
        with pytest.raises(InputError, match=message):
            TASK.check_config(types.SimpleNamespace(settings=settings))
    targets = TASK.targets(examples, None, CONFIG)
    assert (targets.dtype, targets.tolist()) == (np.int32, [0, 2])
    with pytest.raises(InputError, match="no submission file"):
        TASK.submission([], examples, CONFIG)
    with pytest.raises(InputError, match="no submission file"):
        TASK.submission_file(examples)


def test_questions_about_one_text_are_held_out_together():
    texts = [f"Text {i // 4}" for i in range(40)]
    examples = TASK.examples_from(texts, [[f"a{i}", f"b{i}"] for i in range(40)])
    held, rest = hold_out(examples, 0.3, seed=0)
    assert (len(held), len(rest)) == (12, 28)
    assert not set(held.texts) & set(rest.texts)


def test_each_choice_by_itself_gives_what_the_trained_network_gives(tokenizer, tmp_path):
    """The network in training takes the choices of a question together; devices take rows."""
    from keras_bert.bert import Bert, build_model
    from keras_bert.config import BertConfig
    from keras_bert.model_folder import ModelConfig
    from keras_bert.text.padding import TokenizedTexts

    encoder = BertConfig(
        vocab_size=tokenizer.vocabulary_size, hidden_size=16, num_hidden_layers=2,
        num_attention_heads=2, intermediate_size=32, max_position_embeddings=64,
        initializer_range=0.5,
    )  # fmt: skip
    config = ModelConfig(
        encoder=encoder, task="multiple_choice", pair=True, max_length=64,
        settings={"num_choices": 4},
    )  # fmt: skip
    bert = Bert.from_config(config, build_model(config), tokenizer)
    examples = read(make(tmp_path, "a.csv", SWAG))
    rows = TASK.rows(examples, tokenizer, config)
    together = TokenizedTexts(rows.encodings, 64, group=rows.group).batch(np.arange(2))
    logits = np.asarray(bert.model(together, training=False))
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    for batch_size in (1, 3, None):
        answers = bert.answers(examples, batch_size)
        found = [answer["probabilities"] for answer in answers]
        np.testing.assert_allclose(found, expected, atol=1e-5)
        assert [answer["choice"] for answer in answers] == logits.argmax(axis=1).tolist()
    assert np.ptp(expected, axis=1).min() > 1e-3
    asked = bert.predict(examples.texts[0], examples.choices[0])
    np.testing.assert_allclose(asked["probabilities"], expected[0], atol=1e-5)
    assert bert.predict([], []) == []
