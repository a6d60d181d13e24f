"""Exported files: the same answers as the model, built-in ops only, all that is needed inside."""

import json
import os
import shutil
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from exported_files import tampered

import keras_bert
from keras_bert.errors import InputError
from keras_bert.export import metadata
from keras_bert.export.runners import open_exported
from keras_bert.export.tflite import check_ops, count_ops, input_order

FLOAT = ("float.tflite", "dynamic_shape.tflite", "model.onnx", "saved_model")
ALL = (*FLOAT, "float16.tflite", "int8.tflite", "int8_dynamic_shape.tflite")


@pytest.fixture(scope="module")
def exported(toy, tmp_path_factory):
    """A folder with the toy model in every format, and the two hundred texts to compare on."""
    from keras_bert.commands.main import main

    folder = tmp_path_factory.mktemp("exported")
    flags = {
        "float.tflite": ["--format=tflite"],
        "dynamic_shape.tflite": ["--format=tflite", "--length=dynamic"],
        "float16.tflite": ["--format=tflite", "--quantize=float16"],
        "int8.tflite": ["--format=tflite", "--quantize=dynamic"],
        "int8_dynamic_shape.tflite": ["--format=tflite", "--quantize=dynamic", "--length=dynamic"],
        "model.onnx": ["--format=onnx"],
        "saved_model": ["--format=saved_model"],
    }
    for name, arguments in flags.items():
        output = f"--output={folder / name}"
        assert main(["export", f"--model={toy.model}", output, *arguments]) == 0
    return folder


@pytest.fixture(scope="module")
def texts(toy):
    odd = ["Café, NAÏVE!", "完全な映画。", "good\tfilm", "a" * 300, "🙂 superb", "[MASK] [SEP]"]
    return (toy.texts + odd) * 2


@pytest.fixture(scope="module")
def expected(toy, texts):
    return keras_bert.load(toy.model).probabilities(texts)


@pytest.mark.parametrize("name", FLOAT)
def test_float_formats_agree_to_1e_5(exported, texts, expected, name):
    assert len(texts) >= 200
    found = open_exported(exported / name).probabilities(texts)
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "tolerance"),
    [("float16.tflite", 2e-3), ("int8.tflite", 0.03), ("int8_dynamic_shape.tflite", 0.03)],
)
def test_quantized_formats_agree(exported, texts, expected, name, tolerance):
    found = open_exported(exported / name).probabilities(texts)
    np.testing.assert_allclose(found, expected, atol=tolerance)
    assert np.abs(found - expected).max() > 0  # it is quantized


@pytest.mark.parametrize("name", [n for n in ALL if n.endswith(".tflite")])
def test_tflite_files_have_builtin_ops_and_the_agreed_names(exported, name):
    model = (exported / name).read_bytes()
    ops = count_ops(model)
    check_ops(ops)
    assert not [op for op in ops if op.startswith(("FLEX", "CUSTOM"))]
    # Query, key and value are one, but not in the last block, of which [CLS] alone is asked; the
    # output, two feed-forward; pooler and head.
    assert ops["FULLY_CONNECTED"] == (1 + 3) + (2 + 3) + 2
    assert ops["GELU"] == 2  # the hand-written form is folded into the one op
    assert ops["SOFTMAX"] == 3
    assert sorted(input_order(model)) == ["ids", "mask", "segment_ids"]

    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(exported / name))
    signature = interpreter.get_signature_list()["serving_default"]
    assert sorted(signature["inputs"]) == ["ids", "mask", "segment_ids"]
    assert signature["outputs"] == ["probability"]


def test_quantized_files_are_small(exported):
    sizes = {n: os.path.getsize(exported / n) for n in ALL if n.endswith(".tflite")}
    assert sizes["float16.tflite"] < 0.56 * sizes["float.tflite"]
    assert sizes["int8.tflite"] < 0.4 * sizes["float.tflite"]  # a toy: its graph weighs as well


def test_exporting_twice_gives_the_same_bytes(cli, toy, exported, tmp_path):
    again = tmp_path / "again.tflite"
    flags = ["--format=tflite", "--quantize=dynamic", f"--output={again}"]
    assert cli("export", f"--model={toy.model}", *flags).status == 0
    assert again.read_bytes() == (exported / "int8.tflite").read_bytes()


def test_a_file_that_needs_flex_ops_is_refused():
    import tensorflow as tf

    function = tf.function(
        lambda x: tf.math.erf(x), input_signature=[tf.TensorSpec([4], tf.float32)]
    )
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function()])
    converter.target_spec.supported_ops = [tf.lite.OpsSet.SELECT_TF_OPS]
    ops = count_ops(converter.convert())
    with pytest.raises(RuntimeError, match="FlexErf"):
        check_ops(ops)
    with pytest.raises(RuntimeError, match="VAR_HANDLE"):
        check_ops({"ADD": 3, "VAR_HANDLE": 1})


def test_inputs_are_bound_by_name(exported, toy):
    """Swapped segment ids and mask must change the answer: else a mix-up would go unnoticed."""
    runner = open_exported(exported / "float.tflite")
    inputs = runner.tokenizer(["a superb film"], None, runner.fixed_length)
    swapped = {
        **inputs,
        "segment_ids": inputs["padding_mask"],
        "padding_mask": inputs["segment_ids"],
    }
    found, other = (runner.run(each)["probability"] for each in (inputs, swapped))
    assert np.abs(found - other).max() > 1e-3


def test_the_files_inside_are_those_of_the_model(exported, toy):
    with zipfile.ZipFile(exported / "int8.tflite") as archive:
        assert {i.compress_type for i in archive.infolist()} == {zipfile.ZIP_STORED}
        with open(toy.vocabulary, "rb") as file:
            assert archive.read("vocab.txt") == file.read()
        assert archive.read("labels.txt") == b"negative\npositive\n"
        config = json.loads(archive.read("keras_bert.json"))
    assert config["labels"] == ["negative", "positive"]
    assert config["tokenizer"]["lower_case"] is True


def test_another_length_is_written_and_used(cli, toy, tmp_path, texts):
    path = tmp_path / "short.tflite"
    flags = ["--format=tflite", "--length=16", f"--output={path}"]
    assert cli("export", f"--model={toy.model}", *flags).status == 0
    runner = open_exported(path)
    assert runner.fixed_length == 16
    import dataclasses

    bert = keras_bert.load(toy.model)
    bert.config = dataclasses.replace(bert.config, max_length=16)
    np.testing.assert_allclose(runner.probabilities(texts), bert.probabilities(texts), atol=1e-5)
    refused = cli("export", f"--model={toy.model}", "--format=tflite", "--length=513",
                  f"--output={tmp_path / 'long.tflite'}")  # fmt: skip
    assert refused.status == 2
    assert "length 513" in refused.err
    assert not (tmp_path / "long.tflite").exists()


def test_the_saved_model_needs_tensorflow_text_alone(exported, toy):
    code = f"""
import json, sys, tensorflow as tf, tensorflow_text
model = tf.saved_model.load({str(exported / "saved_model")!r})
text = model.signatures["serving_default"](text=tf.constant(["a superb film", "awful"]))
ids = tf.constant([[2, 7, 9, 3]])
tokens = model.signatures["tokens"](
    token_ids=ids, segment_ids=tf.zeros_like(ids), padding_mask=tf.ones_like(ids))
assert not {{"keras_bert", "export"}} & set(sys.modules)
print(json.dumps([[x.decode() for x in text["label"].numpy()],
                  text["probability"].numpy().tolist(), tokens["logits"].numpy().tolist()]))
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    labels, probabilities, logits = json.loads(found.stdout.splitlines()[-1])
    bert = keras_bert.load(toy.model)
    assert labels == ["positive", "negative"]
    np.testing.assert_allclose(
        probabilities, bert.probabilities(["a superb film", "awful"]), atol=1e-5
    )
    ids = np.array([[2, 7, 9, 3]], "int32")
    inputs = {"token_ids": ids, "segment_ids": 0 * ids, "padding_mask": 0 * ids + 1}
    np.testing.assert_allclose(logits, bert.model(inputs), atol=1e-5)


@pytest.mark.parametrize("name", ["int8.tflite", "model.onnx", "saved_model"])
def test_evaluate_predict_and_verify_take_every_format(cli, exported, toy, name):
    path = exported / name
    found = cli("evaluate", f"--model={path}", f"--data={toy.dev}", "--json")
    assert json.loads(found.out.splitlines()[-1])["accuracy"] >= 0.97
    found = cli("predict", f"--model={path}", "--text=a lovely story")
    assert found.out.startswith("positive\t")
    found = cli(
        "verify", f"--model={toy.model}", f"--exported={path}", f"--data={toy.dev}", "--json"
    )
    assert found.status == 0
    result = json.loads(found.out.splitlines()[-1])
    assert result["passed"]
    assert result["agreement"] >= 0.99
    assert result["exported_bytes"] > 0 < result["exported_ms"]


def test_verify_exits_1_when_accuracy_is_lost(cli, exported, toy, tmp_path):
    """The weights of the head are blanked in the file: a converter's worst silent failure."""
    broken = tmp_path / "untrained"
    shutil.copytree(toy.model, broken)
    bert = keras_bert.load(broken)
    head = bert.model.get_layer("logits")
    head.kernel.assign(-head.kernel.value)
    bert.save(broken)
    path = tmp_path / "broken.tflite"
    assert cli("export", f"--model={broken}", "--format=tflite", f"--output={path}").status == 0
    flags = [f"--model={toy.model}", f"--exported={path}", f"--data={toy.dev}", "--json"]
    found = cli("verify", *flags)
    assert found.status == 1
    result = json.loads(found.out.splitlines()[-1])
    assert not result["passed"]
    assert result["drop"] > 0.5
    assert "more than --max_drop=0.01" in found.err
    assert cli("verify", *flags, "--max_drop=1").status == 0


def test_a_loss_of_just_the_limit_passes(cli, exported, toy, monkeypatch):
    """0.48 - 0.47 is 0.010000000000000009."""
    from keras_bert.export.comparison import TaskComparison

    real = TaskComparison.of

    def with_drop(drop):
        def compared(*args):
            result, both = real(*args)
            return {**result, "drop": drop}, both

        return compared

    monkeypatch.setattr(TaskComparison, "of", with_drop(0.48 - 0.47))
    flags = [f"--model={toy.model}", f"--exported={exported / 'float.tflite'}", f"--data={toy.dev}"]
    assert cli("verify", *flags).status == 0
    monkeypatch.setattr(TaskComparison, "of", with_drop(0.0101))
    assert cli("verify", *flags).status == 1


def test_verify_wants_the_model_that_the_file_was_made_of(cli, exported, toy):
    path = exported / "float.tflite"
    found = cli("verify", f"--model={path}", f"--exported={path}", f"--data={toy.dev}")
    assert found.status == 2
    assert "float.tflite: is an exported file itself: give the model folder" in found.err


def test_a_file_whose_answers_are_no_numbers_is_refused(cli, toy, tmp_path):
    import onnx

    path = tmp_path / "nan.onnx"
    assert cli("export", f"--model={toy.model}", "--format=onnx", f"--output={path}").status == 0
    model = onnx.load(path)
    for each in model.graph.initializer:
        if tuple(each.dims) == (2,) and each.data_type == onnx.TensorProto.FLOAT:
            each.raw_data = np.full(2, np.nan, "float32").tobytes()
    onnx.save(model, path)
    flags = [f"--model={toy.model}", f"--exported={path}", f"--data={toy.dev}"]
    for found in (cli("verify", *flags), cli("predict", f"--model={path}", "--text=a")):
        assert found.status == 2
        assert "probability is not finite" in found.err
        assert len(found.err.splitlines()) == 1


def test_benchmark_times_every_format(cli, exported, toy):
    others = ",".join(str(exported / n) for n in ("float.tflite", "model.onnx", "saved_model"))
    found = cli(
        "benchmark", f"--model={exported / 'int8.tflite'}", f"--against={others},{toy.model}",
        "--repeats=3", "--length=16", "--json", "--noprocesses",
    )  # fmt: skip
    assert found.status == 0, found.err
    rows = json.loads(found.out.splitlines()[-1])["models"]
    assert len(rows) == 5
    assert [row["length"] for row in rows] == [32, 32, 16, 16, 16]
    assert all(row["median_ms"] > 0 for row in rows)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.tflite", b"not a model", "holds no keras_bert.json"),
        ("a.onnx", b"not a model", "not an ONNX file"),
        ("a.txt", b"text", "not a .tflite file"),
    ],
)
def test_what_is_no_exported_file_is_refused(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        open_exported(path)


def test_a_truncated_tflite_file_is_refused(exported, tmp_path):
    path = tmp_path / "cut.tflite"
    path.write_bytes((exported / "int8.tflite").read_bytes()[:100_000])
    with pytest.raises(InputError, match=r"cut\.tflite"):
        open_exported(path)


def test_pairs_go_through_every_format(cli, toy, tmp_path):
    import dataclasses

    bert = keras_bert.load(toy.model)
    bert.config = dataclasses.replace(bert.config, pair=True)
    bert.save(tmp_path / "pair")
    texts, texts_b = toy.texts[:20], toy.texts[20:40]
    expected = keras_bert.load(tmp_path / "pair").probabilities(texts, texts_b)
    for kind, name in (("tflite", "p.tflite"), ("onnx", "p.onnx"), ("saved_model", "p")):
        path = tmp_path / "out" / name
        flags = [f"--model={tmp_path / 'pair'}", f"--format={kind}", f"--output={path}"]
        assert cli("export", *flags).status == 0
        found = open_exported(path).probabilities(texts, texts_b)
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_metadata_is_the_flatbuffer_that_the_schema_describes(exported):
    """Read back with slot numbers alone, against the values of metadata_schema.fbs."""
    from ai_edge_litert import schema_py_generated as schema

    root = schema.Model.GetRootAs((exported / "int8.tflite").read_bytes(), 0)
    entries = [root.Metadata(i) for i in range(root.MetadataLength())]
    (entry,) = (e for e in entries if e.Name() == b"TFLITE_METADATA")
    data = root.Buffers(entry.Buffer()).DataAsNumpy().tobytes()
    assert data[4:8] == b"M001"
    for text in (b"vocab.txt", b"labels.txt", b"ids", b"mask", b"segment_ids", b"probability"):
        assert text in data
    assert metadata.read_files(exported / "int8.tflite").keys() == {
        "vocab.txt", "labels.txt", "keras_bert.json",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": ["a", "b", "c"]}, "2 outputs for 3 labels"),
        ({"labels": ["a", "a"]}, "appears twice"),
        ({"labels": "ab"}, "labels must be a list"),
        ({"labels": ["a\nb", "c"]}, "of several lines"),
        ({"max_length": 10.5}, "max_length must be int"),
        ({"pair": "no"}, "pair must be true, false or null"),
        ({"tokenizer": {"max_chars_per_word": -5}}, "max_chars_per_word"),
        ({"tokenizer": {"lower_case": "no"}}, "lower_case must be bool"),
    ],
)
def test_a_description_that_does_not_fit_the_file_is_refused(exported, tmp_path, change, message):
    def edit(files):
        files["keras_bert.json"] = json.dumps({**json.loads(files["keras_bert.json"]), **change})

    path = tampered(exported / "int8.tflite", tmp_path / "bad.tflite", edit)
    with pytest.raises(InputError, match=message) as caught:
        open_exported(path).predict(["a film"])
    assert "bad.tflite" in str(caught.value)


def test_a_vocabulary_of_another_size_is_refused(exported, tmp_path):
    def edit(files):
        files["vocab.txt"] += b"more\n"

    path = tampered(exported / "int8.tflite", tmp_path / "bad.tflite", edit)
    with pytest.raises(InputError, match=r"bad\.tflite.* tokens for an embedding of .* rows"):
        open_exported(path)


@pytest.mark.parametrize(("offset", "value"), [(8, b"\x01"), (20, b"\0\0\xc0\x03\0\0\xc0\x03")])
def test_an_archive_that_lies_is_refused(exported, tmp_path, offset, value):
    """Encryption that is not there, and sizes of 60 MiB."""
    data = bytearray((exported / "int8.tflite").read_bytes())
    start = data.rfind(b"PK\x01\x02") + offset
    data[start : start + len(value)] = value
    path = tmp_path / "bad.tflite"
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"bad\.tflite: the archive in it is damaged"):
        open_exported(path)


def test_missing_files_and_folders_are_refused_by_the_runner_itself(tmp_path):
    from keras_bert.export.runners import TFLiteRunner

    with pytest.raises(InputError, match=r"none\.tflite: no such file"):
        TFLiteRunner(tmp_path / "none.tflite")
    with pytest.raises(InputError, match="is a folder, not a TFLite file"):
        TFLiteRunner(tmp_path)


def test_a_saved_model_cut_short_is_refused(exported, tmp_path):
    folder = tmp_path / "cut"
    shutil.copytree(exported / "saved_model", folder)
    os.truncate(folder / "variables" / "variables.data-00000-of-00001", 1000)
    with pytest.raises(InputError, match="variables.data-00000-of-00001: truncated: 1000 bytes"):
        open_exported(folder)


@pytest.mark.parametrize("name", ["int8.tflite", "model.onnx", "saved_model"])
def test_runners_take_any_sequence_and_no_second_texts(exported, name):
    runner = open_exported(exported / name)
    assert runner.predict([]) == []
    assert runner.predict(iter(["a film"])) == runner.predict(np.array(["a film"]))
    with pytest.raises(InputError, match="takes single texts"):
        runner.predict(["a", "b"], ["c", "d"])
    with pytest.raises(InputError, match="2 first texts but 1 second"):
        runner.predict(["a", "b"], ["c"])
