"""Training with teachers: what they answer, how it is kept, and what is refused."""

import dataclasses
import json

import numpy as np
import pytest
from conftest import toy_rows, write_tsv
from task_models import make_bert, perturbed
from teaching import ALL_KINDS, Exported, Killed, data_of, silent

import keras_bert
from keras_bert import numpy_ops
from keras_bert.bert import Bert
from keras_bert.errors import InputError
from keras_bert.export.export import export
from keras_bert.loading import load
from keras_bert.model_folder import ModelConfig
from keras_bert.opening import open_model
from keras_bert.tasks.file_layout import FileLayout
from keras_bert.tasks.registry import get_task
from keras_bert.text.tokenizer import WordPieceTokenizer
from keras_bert.training.checkpoints import TEACHER_NAME
from keras_bert.training.settings import FinetuneSettings, FitSettings, teacher_paths
from keras_bert.training.task_training import TaskTraining, config_for
from keras_bert.training.taught_rows import taught_rows
from keras_bert.training.teachers import Teachers, digest_of, mean_logits, open_teachers
from keras_bert.training.unlabeled import read_unlabeled


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_logits_are_the_means_of_what_the_models_answer(kind, tmp_path):
    """Of a file's probability the logarithm is as good as the logits."""
    bert = make_bert(kind)
    other = perturbed(bert)
    if kind == "regression":
        # It answers in a unit of its own.
        other.config = dataclasses.replace(other.config, settings={"mean": -1.0, "scale": 4.0})
    examples, rows = data_of(kind, bert, tmp_path)
    for second in (other, Exported(other)):
        logits = mean_logits([bert, second], [rows, rows], bert.config)
        outputs = bert.outputs(rows), other.outputs(rows)
        if kind in ("multi_label", "classification", "tagging"):
            assert list(logits) == ["logits"]
            join = np.concatenate if kind == "tagging" else np.stack
            p, q = (np.float64(join(each["probability"])) for each in outputs)
            if kind == "multi_label":
                expected = np.sqrt(p * q) / (np.sqrt(p * q) + np.sqrt((1 - p) * (1 - q)))
                found = numpy_ops.sigmoid(logits["logits"])
            else:
                expected = np.sqrt(p * q) / np.sqrt(p * q).sum(axis=-1, keepdims=True)
                found = numpy_ops.softmax(logits["logits"])
            np.testing.assert_allclose(found, expected, atol=2e-6)
        elif kind == "regression":
            mean = np.mean([each["value"] for each in outputs], axis=0)
            np.testing.assert_allclose(logits["logits"], (mean - 2.5) / 1.5, atol=1e-5)
        elif kind == "multiple_choice":
            mean = np.mean([each["score"] for each in outputs], axis=0).reshape(-1, 3)
            np.testing.assert_allclose(logits["logits"], mean, atol=1e-5)
        else:
            for name in ("start_logits", "end_logits"):
                parts = zip(*(each[name] for each in outputs))
                mean = np.concatenate([np.mean(pair, axis=0) for pair in parts])
                np.testing.assert_allclose(logits[name], mean, atol=1e-5)


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_rows_without_labels_are_rows_of_the_teacher_alone(kind, tmp_path):
    bert = make_bert(kind)
    task = get_task(kind)
    examples, rows = data_of(kind, bert, tmp_path)
    names = {"tagging": ("tags",), "question_answering": ("answers", "impossible")}
    unknown = dict.fromkeys(names.get(kind, ("labels",)))
    more = dataclasses.replace(examples.take(range(5)), **unknown)
    targets = task.targets(examples, rows, bert.config)
    weights = np.full(len(rows) // rows.group, 3.0, "float32")
    teachers = Teachers([bert], label_weight=0.25)
    found_rows, found, found_weights = taught_rows(
        bert, teachers, examples, rows, targets, weights, [more], say=silent
    )
    all_rows = task.rows(more, bert.tokenizer, bert.config)
    assert len(found_rows) == len(rows) + len(all_rows)
    count, extra = len(rows) // rows.group, len(all_rows) // rows.group
    np.testing.assert_array_equal(found.shares, np.repeat([0.25, 0.0], [count, extra]))
    np.testing.assert_array_equal(found_weights, np.repeat([3.0, 1.0], [count, extra]))
    if kind == "tagging":
        # The same words are read: each has a target, and no other token.
        labelled = task.targets(examples.take(range(5)), all_rows, bert.config)
        for one, other in zip(found.labels[-extra:], labelled, strict=True):
            np.testing.assert_array_equal(one >= 0, other >= 0)
    elif kind in ("regression", "multi_label"):
        assert not found.labels[-extra:].any()
    # The teacher answers the second time as it did the first.
    batch = found.batch(np.array([0, count]), 48)
    if kind not in ("question_answering", "tagging"):
        width = len(found.logits["logits"][0])
        np.testing.assert_allclose(batch[0, -width:], batch[1, -width:], atol=1e-5)


def test_a_teacher_of_texts_may_have_a_vocabulary_of_its_own(toy, tmp_path):
    bert = load(toy.model)
    words = [*bert.tokenizer.vocabulary[:5], *bert.tokenizer.vocabulary[:4:-1]]
    order = [bert.tokenizer.vocabulary.index(word) for word in words]
    tokenizer = WordPieceTokenizer(words, **bert.tokenizer.get_config())
    other = Bert.from_config(bert.config, bert.plain_model(), tokenizer)
    table = other.encoder.embeddings.get_weights()
    at = next(i for i, value in enumerate(table) if len(value) == len(words))
    table[at] = table[at][order]
    other.encoder.embeddings.set_weights(table)
    task = bert.task
    examples = task.read(toy.dev, FileLayout()).take(range(10))
    rows = task.rows(examples, bert.tokenizer, bert.config)
    targets = task.targets(examples, rows, bert.config)
    found = [
        taught_rows(bert, Teachers([each]), examples, rows, targets, None, say=silent)[1]
        for each in (bert, other)
    ]
    one, two = (each.logits["logits"] for each in found)
    np.testing.assert_allclose(one, two, atol=1e-5)
    windows = dataclasses.replace(bert.config, windows=True)
    with pytest.raises(InputError, match="teacher=the start: has another vocabulary"):
        TaskTraining(bert, windows, FitSettings(), teachers=Teachers([other]))


def run(bert, examples, settings=None, more=(), **arguments):
    """Does a run, and returns its training."""
    task = get_task(bert.config.task)
    fields = {n: getattr(bert.config, n) for n in ("labels", "pair", "settings")}
    config = config_for(task, bert, bert.config.max_length, fields)
    settings = settings or FitSettings(epochs=2, batch_size=4, checkpoint_every=2)
    teachers = arguments.pop("teachers", None) or Teachers(
        [bert, perturbed(bert)], 0.3, 2.0, ["a", "b"]
    )
    training = TaskTraining(bert, config, settings, teachers=teachers)
    training.train(examples, examples, unlabeled=more, say=silent, **arguments)
    return training


@pytest.mark.parametrize(
    ("kind", "at"),
    [("tagging", 4), pytest.param("question_answering", 7, marks=pytest.mark.slow)],
)
def test_a_killed_run_resumes_to_the_same_bits(kind, at, tmp_path, monkeypatch):
    """It is killed between two checkpoints, and reads what the teacher said back."""
    bert = make_bert(kind)
    examples, _ = data_of(kind, bert, tmp_path)
    more = [examples.take(range(3))]
    whole, steps = run(bert, examples, more=more), []

    def die(self, batch, logs=None):
        steps.append(batch)
        if len(steps) == at:
            raise Killed

    state = tmp_path / "state"
    kept = {"state_folder": state, "fingerprint": "x", "more": more}
    with monkeypatch.context() as patch:
        patch.setattr("keras_bert.training.progress.ProgressLine.on_train_batch_end", die)
        with pytest.raises(Killed):
            run(bert, examples, **kept)
    answers = (state / TEACHER_NAME).read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr("keras_bert.training.teacher_logits.mean_logits", None)
        resumed = run(bert, examples, resume=True, **kept)
    assert (state / TEACHER_NAME).read_bytes() == answers
    for one, other in zip(resumed.model.get_weights(), whole.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    resumed.discard_state()
    assert not state.exists()


def test_what_is_kept_is_checked(tmp_path, monkeypatch):
    bert = make_bert("classification")
    examples, rows = data_of("classification", bert, tmp_path)
    targets = bert.task.targets(examples, rows, bert.config)
    lines = []

    def taught(teacher=bert, rows=rows, resume=True):
        return taught_rows(
            bert, Teachers([teacher]), examples, rows, targets, None, (), tmp_path / "state",
            resume, say=lines.append,
        )[1].logits["logits"]  # fmt: skip

    first, path = taught(), tmp_path / "state" / TEACHER_NAME
    assert lines == ["the start: answers 12 rows once, to be learned from"]
    np.testing.assert_array_equal(taught(), first)
    assert len(lines) == 1
    with pytest.raises(InputError, match=f"{TEACHER_NAME}: is of another teacher, or of other"):
        taught(perturbed(bert))
    fewer = dataclasses.replace(rows, encodings=[*rows.encodings[1:], rows.encodings[0]])
    with pytest.raises(InputError, match="is of another teacher, or of other rows"):
        taught(rows=fewer)
    whole = path.read_bytes()
    for damaged in (whole[:-9], whole[:200] + b"\0" + whole[201:], b""):
        path.write_bytes(damaged)
        lines.clear()
        np.testing.assert_array_equal(taught(), first)
        assert lines[0].startswith(f"{path}: is damaged (")
        assert path.read_bytes() == whole
    # Where they are many, numbers have 16 bits; in the run that computed them too.
    monkeypatch.setattr("keras_bert.training.teacher_logits._MOST_BYTES_OF_FLOAT32", 8)
    half = taught(resume=False)
    assert half.dtype == np.float16
    np.testing.assert_array_equal(taught(), half)
    np.testing.assert_allclose(half, first, rtol=1e-3)
    assert path.stat().st_size < len(whole)


@pytest.mark.slow
def test_the_command_learns_from_files_and_texts_without_labels(cli, toy, tmp_path):
    exported = str(tmp_path / "teacher.tflite")
    export(load(toy.model), output=exported, format="tflite", length=32)
    train = write_tsv(tmp_path / "train.tsv", toy_rows(4, seed=5))
    texts = tmp_path / "texts.txt"
    texts.write_text("\n".join(text for _, text in toy_rows(400, seed=6)), encoding="utf-8")
    table = write_tsv(tmp_path / "more.tsv", [(t,) for _, t in toy_rows(40, seed=7)], ("text",))
    output = tmp_path / "student"
    found = cli(
        "finetune", "--init=bert_tiny_en_uncased", f"--vocab={toy.vocabulary}",
        f"--train={train}", f"--eval={toy.dev}", "--length=32", "--epochs=6",
        "--learning_rate=1e-3", f"--teacher={toy.model},{exported}", "--label_weight=0.3",
        f"--unlabeled={texts},{table}", f"--output={output}", "--json",
    )  # fmt: skip
    assert found.status == 0, found.err
    assert "answers 444 rows once, to be learned from" in found.err
    # Four labels alone say little; the teacher knows all about it.
    assert json.loads(found.out.splitlines()[-1])["accuracy"] > 0.95
    card = (output / "README.md").read_text(encoding="utf-8")
    assert "the labels count 0.3, what model and teacher.tflite answer 0.7" in card
    assert "- Learned from 440 examples without labels, as answered by model and" in card
    assert "--teacher=model,teacher.tflite" in card
    assert f"{tmp_path}" not in card


def test_open_teachers_takes_every_format_and_a_list(toy, tmp_path):
    settings = FinetuneSettings(teacher=[toy.model, toy.model], temperature=3)
    teachers = open_teachers(settings)
    assert [type(each) for each in teachers.models] == [Bert, Bert]
    assert (teachers.label_weight, teachers.temperature) == (0.5, 3.0)
    assert open_teachers(FinetuneSettings(teacher="none")) is None
    odd = tmp_path / "a,b"
    odd.mkdir()
    assert teacher_paths(str(odd)) == [str(odd)]
    assert teacher_paths("a,b") == ["a", "b"]


def test_a_teacher_that_means_something_else_is_refused(toy, tmp_path):
    def taught(by, **more):
        keras_bert.finetune(
            load(toy.model), train=toy.train, teacher=str(by), length=32, epochs=1, **more
        )

    with pytest.raises(InputError, match="teacher: .*no such file or folder"):
        taught(tmp_path / "nothing")
    make_bert("tagging").save(tmp_path / "tagger")
    with pytest.raises(InputError, match="teacher=.*tagger: answers tagging, not classification"):
        taught(f"{toy.model},{tmp_path / 'tagger'}")
    bert = load(toy.model)
    swapped = Bert(bert.model, bert.tokenizer, labels=list(bert.config.labels)[::-1])
    swapped.save(tmp_path / "swapped")
    with pytest.raises(InputError, match="has the labels positive, negative and the data negative"):
        taught(tmp_path / "swapped")
    pairs = dataclasses.replace(bert.config, pair=True)
    Bert.from_config(pairs, bert.model, bert.tokenizer).save(tmp_path / "pairs")
    with pytest.raises(InputError, match="teacher=.*pairs: is for pairs of texts"):
        taught(tmp_path / "pairs")
    with pytest.raises(InputError, match="teacher=,: names no model"):
        FinetuneSettings(teacher=",")
    with pytest.raises(InputError, match="unlabeled: goes with teacher"):
        FinetuneSettings(unlabeled="x.txt")
    with pytest.raises(InputError, match="nothing.txt: no such file"):
        taught(toy.model, unlabeled=str(tmp_path / "nothing.txt"))
    (tmp_path / "empty.txt").write_text("\n\n", encoding="utf-8")
    with pytest.raises(InputError, match="empty.txt: has no text"):
        taught(toy.model, unlabeled=str(tmp_path / "empty.txt"))


def test_a_teacher_of_other_tokens_is_refused():
    bert = make_bert("tagging")
    words = [*bert.tokenizer.vocabulary[:5], *bert.tokenizer.vocabulary[:4:-1]]
    switches = bert.tokenizer.get_config()
    other = Bert.from_config(bert.config, bert.model, WordPieceTokenizer(words, **switches))
    config = bert.config
    with pytest.raises(InputError, match="teacher=x: has another vocabulary or another tokenizer"):
        TaskTraining(bert, config, FitSettings(), teachers=Teachers([other], names=["x"]))
    bert.fixed_length = 32
    with pytest.raises(InputError, match="teacher=the start: reads 32 tokens, fewer than a row"):
        TaskTraining(bert, config, FitSettings(), teachers=Teachers([bert]))
    assert isinstance(config, ModelConfig)
    assert open_model(bert) is bert


def test_a_file_of_raw_text_is_refused():
    bert = make_bert("classification")
    file = Exported(bert)
    file.takes_text = True
    with pytest.raises(InputError, match="teacher=the start: takes raw text: name its model, or"):
        TaskTraining(bert, bert.config, FitSettings(), teachers=Teachers([file]))


def test_an_exported_file_is_named_by_its_bytes(tmp_path):
    file = Exported(make_bert("classification"))
    file.path = tmp_path / "saved"
    (tmp_path / "saved" / "variables").mkdir(parents=True)
    (tmp_path / "saved" / "saved_model.pb").write_bytes(b"graph")
    (tmp_path / "saved" / "variables" / "data").write_bytes(b"weights")
    first = digest_of(file)
    assert digest_of(file) == first
    (tmp_path / "saved" / "variables" / "data").write_bytes(b"others")
    second = digest_of(file)
    assert second != first
    file.path = tmp_path / "saved" / "saved_model.pb"
    assert digest_of(file) not in (first, second)


def test_texts_without_labels_are_read_as_the_task_needs_them(tmp_path):
    lines, table = tmp_path / "a.txt", tmp_path / "b.csv"
    lines.write_text("one text\n\nanother, text\n", encoding="utf-8")
    table.write_text("text,text_b\nfirst,second\n", encoding="utf-8")
    task = get_task("classification")
    single = read_unlabeled(task, f"{tmp_path}/*", FileLayout(), pair=False)
    assert [each.texts for each in single] == [["one text", "another, text"], ["first"]]
    assert [each.texts_b for each in single] == [None, None]
    (pairs,) = read_unlabeled(task, str(table), FileLayout(), pair=True)
    assert (pairs.texts, pairs.texts_b, pairs.labels) == (["first"], ["second"], None)
    (words,) = read_unlabeled(get_task("tagging"), str(lines), FileLayout(), pair=False)
    assert words.words[0] == ["one", "text"]
    assert read_unlabeled(task, None, FileLayout(), pair=False) == []
