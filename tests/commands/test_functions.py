"""The functions behind the verbs, called from Python: they do what the commands do."""

import csv
import json
import pathlib

import numpy as np
import pytest
from pretraining_helpers import make_records, write_config

import keras_bert
from keras_bert.errors import InputError
from keras_bert.export.verify import report_lines


def result_of(found):
    assert found.status == 0, found.err
    return json.loads(found.out.splitlines()[-1])


@pytest.fixture(scope="module")
def tflite(toy, tmp_path_factory):
    from keras_bert.export.export import export

    path = str(tmp_path_factory.mktemp("exported") / "model.tflite")
    result = export(keras_bert.load(toy.model), output=path, format="tflite", length=32)
    assert result["bytes"] == pathlib.Path(path).stat().st_size
    return path


def test_evaluate_takes_a_path_or_a_model(cli, toy):
    wanted = result_of(cli("evaluate", f"--model={toy.model}", f"--data={toy.dev}", "--json"))
    result, lines = keras_bert.evaluate(toy.model, data=toy.dev)
    assert result == wanted
    assert lines == cli("evaluate", f"--model={toy.model}", f"--data={toy.dev}").out.splitlines()
    result, _ = keras_bert.evaluate(keras_bert.load(toy.model), data=pathlib.Path(toy.dev))
    assert result == {name: value for name, value in wanted.items() if name != "model"}


def test_predict_answers_a_text_or_a_file(cli, toy, tmp_path):
    wanted = result_of(cli("predict", f"--model={toy.model}", "--text=a superb film", "--json"))
    bert = keras_bert.load(toy.model)
    assert keras_bert.predict(bert, text="a superb film")[0] == wanted
    flags = [f"--model={toy.model}", f"--input={toy.dev}", f"--output={tmp_path / 'a.csv'}"]
    assert cli("predict", *flags).status == 0
    result, _ = keras_bert.predict(bert, input=toy.dev, output=tmp_path / "b.csv")
    assert result["count"] == 100
    one, other = (list(csv.DictReader((tmp_path / name).open())) for name in ("a.csv", "b.csv"))
    for row, same in zip(one, other, strict=True):
        assert float(row.pop("probability")) == pytest.approx(float(same.pop("probability")), 1e-5)
        for label in ("negative", "positive"):
            name = next(name for name in row if label in name)
            assert float(row.pop(name)) == pytest.approx(float(same.pop(name)), abs=1e-6)
        assert row == same


def test_open_model_takes_every_format(toy, tflite):
    answers = [keras_bert.open_model(path).predict(toy.texts) for path in (toy.model, tflite)]
    labels = [[answer["label"] for answer in each] for each in answers]
    assert labels[0] == labels[1]
    bert = keras_bert.load(toy.model)
    assert keras_bert.open_model(bert) is bert


def test_convert_is_the_verb(cli, toy, tmp_path):
    flags = [f"--from={toy.model}", "--to=huggingface", f"--output={tmp_path / 'a'}", "--json"]
    wanted = result_of(cli("convert", *flags))
    result = keras_bert.convert(from_=toy.model, to="huggingface", output=tmp_path / "b")
    assert {**result, "output": wanted["output"]} == wanted
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_verify_takes_a_model_in_memory(toy, tflite):
    bert = keras_bert.load(toy.model)
    result, lines = keras_bert.verify(bert, exported=tflite, data=toy.dev, max_drop=0.0)
    assert result["passed"]
    assert result["agreement"] == 1
    assert result["model_bytes"] == sum(weight.nbytes for weight in bert.model.get_weights())
    assert lines[-1] == "accuracy lost: 0.00 points: passed (at most 0.00 may be lost)"
    from_folder, _ = keras_bert.verify(toy.model, exported=tflite, data=toy.dev)
    for name in ("count", "agreement", "max_difference", "model_scores", "exported_scores"):
        assert from_folder[name] == result[name]


@pytest.mark.parametrize(
    ("drop", "line"),
    [
        (0.0, "f1 lost: 0.00 points: passed (at most 1.00 may be lost)"),
        (-0.0067, "f1 gained: 0.67 points: passed (at most 1.00 may be lost)"),
        (-0.00001, "f1 lost: 0.00 points: passed (at most 1.00 may be lost)"),
        (0.0123, "f1 lost: 1.23 points: failed (at most 1.00 may be lost)"),
    ],
)
def test_verify_ends_with_its_verdict(drop, line):
    result = {
        "metric": "f1", "drop": drop, "max_drop": 0.01, "passed": drop <= 0.01, "agreement": 1.0,
        "count": 3, "max_difference": None, "model_scores": {}, "exported_scores": {},
        "model_bytes": 1, "exported_bytes": 1, "model_ms": 1.0, "exported_ms": 1.0,
        "timed_length": 8,
    }  # fmt: skip
    assert report_lines(result, ())[-1] == line


def test_benchmark_reports_each_model(toy, tflite):
    sizes = {"length": 8, "repeats": 2, "processes": False}
    result = keras_bert.benchmark(model=tflite, against=[toy.model], **sizes)
    assert [each["model"] for each in result["models"]] == [tflite, toy.model]
    assert result["models"][0]["ratio"] == 1
    assert [each["length"] for each in result["models"]] == [32, 8]


def test_vocab_is_the_verb(cli, toy, tmp_path):
    flags = [f"--corpus={toy.dev}", "--size=60", "--lower_case", f"--output={tmp_path / 'a'}"]
    assert cli("vocab", *flags).status == 0
    result = keras_bert.vocab(corpus=toy.dev, size=60, lower_case=True, output=tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert result == {"output": str(tmp_path / "b"), "size": 60, "files": 1}


def test_embed_file_and_similarity_are_the_verbs(cli, toy, tmp_path):
    texts = ["a good film", "a bad film"]
    flags = [f"--model={toy.model}", *(f"--text={text}" for text in texts), "--layers=-1,1"]
    assert cli("embed", *flags, f"--output={tmp_path / 'a.npz'}").status == 0
    keras_bert.embed_file(model=toy.model, text=texts, layers=[-1, 1], output=tmp_path / "b.npz")
    with np.load(tmp_path / "a.npz") as one, np.load(tmp_path / "b.npz") as other:
        assert set(one) == set(other)
        for name in one:
            np.testing.assert_array_equal(one[name], other[name])
    wanted = result_of(cli("similarity", *flags, "--word=film", "--json"))
    result = keras_bert.similarity(model=toy.model, text=texts, layers=(-1, 1), word="film")
    assert result.pop("notes") == []
    assert result == wanted


def test_pretrain_is_the_verb(cli, tmp_path):
    make_records(tmp_path / "records")
    write_config(tmp_path / "config.json")
    common = {"config": tmp_path / "config.json", "records": tmp_path / "records", "steps": 3}
    common |= {"batch_size": 4, "seed": 5, "precision": "float32"}
    flags = [f"--{name}={value}" for name, value in common.items()]
    wanted = result_of(cli("pretrain", *flags, f"--output={tmp_path / 'a'}", "--json"))
    bert, result = keras_bert.pretrain(output=tmp_path / "b", **common)
    for name in ("masked_lm_loss", "pair_loss", "resumed_from", "dtype_policy", "replicas"):
        assert result[name] == wanted[name]
    saved = keras_bert.load(tmp_path / "a").model.get_weights()
    for one, other in zip(bert.model.get_weights(), saved, strict=True):
        np.testing.assert_array_equal(one, other)
    card = (tmp_path / "b" / "README.md").read_text()
    command = (
        "keras-bert pretrain --batch_size=4 --config=config.json --output=b --precision=float32 "
        "--records=records --seed=5 --steps=3"
    )
    for part in ("# A pretrained BERT of", command, "masked-LM accuracy", "## Licence"):
        assert part in card
    assert str(tmp_path) not in card


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda toy: keras_bert.evaluate(data=toy.dev), "give either model or predictions"),
        (lambda toy: keras_bert.predict(toy.model), "give either text or input"),
        (lambda toy: keras_bert.predict(toy.model, text=" "), "text is empty"),
        (lambda toy: keras_bert.predict(toy.model, text="a", text_b="b"), "text: the model takes"),
        (
            lambda toy: keras_bert.predict(toy.model, text="a", task="tagging"),
            "task=tagging: the model is for classification",
        ),
        (
            lambda toy: keras_bert.pretrain(records="r", output="o", steps=1),
            r"give one of preset, config \(random weights\) and init .*, found none",
        ),
        (
            lambda toy: keras_bert.pretrain(records="r", output="o", preset="p", steps=0),
            "steps=0: expected a number from 1 to",
        ),
        (
            lambda toy: keras_bert.prepare(corpus="c", vocab="v", output="o", beam_options="x"),
            "beam_options: need a runner; on this machine use workers",
        ),
        (lambda toy: keras_bert.benchmark(model=toy.model, length=9999), "length=9999: .*at most"),
        (
            lambda toy: keras_bert.convert(from_=toy.model, output="o", null_answers=True),
            "null_answers: .* is no question answerer",
        ),
        (
            lambda toy: keras_bert.embed_file(model="m", text=["a"], output="o.npz", layers=["x"]),
            "layers=x: expected numbers",
        ),
    ],
)
def test_messages_name_settings_as_python_does(toy, call, message):
    with pytest.raises(InputError, match=message) as caught:
        call(toy)
    assert "--" not in str(caught.value).split(" or in a file ")[0].replace("--text_b", "")


def test_what_is_no_setting_is_a_type_error(toy):
    with pytest.raises(TypeError, match="lenght"):
        keras_bert.benchmark(model=toy.model, lenght=3)
