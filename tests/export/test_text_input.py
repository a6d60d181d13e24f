"""TFLite files that take raw text: their tokens against the original BERT's, and their answers."""

import dataclasses
import os
import re
import sys
import types

import numpy as np
import pytest
import tokenizer_golden as golden
from marks import slow_but
from said import said_by
from task_models import make_bert

from keras_bert.errors import InputError
from keras_bert.export import text_input
from keras_bert.export.export import export
from keras_bert.export.runners import TFLiteRunner, open_exported
from keras_bert.export.text_input import DIFFERENT_LINES, GOLDEN_LINES, TextInput
from keras_bert.export.verify import verify
from keras_bert.tasks.registry import get_task
from keras_bert.text import cleaning
from keras_bert.text.graph_normalizer import normalizer_table

LENGTH = 1024
TEXTS = [
    "a superb, lovely FILM",
    "Café NAÏVE 完全。",
    "ﬁne… “quoted” Ｆｕｌｌ",
    "awful plot 🙂",
    "",
]


def tokens_of_tflite(tokenizer, texts):
    """Returns the ids of each text, without special tokens, of a TFLite file of the ops alone."""
    task, config = get_task("classification"), types.SimpleNamespace(pair=False, windows=False)
    bert = types.SimpleNamespace(tokenizer=tokenizer, task=task, config=config)
    content = TextInput(bert, LENGTH).convert()
    run = text_input.text_interpreter()(model_content=content).get_signature_runner()
    found = []
    for text in texts:
        outputs = run(text=np.array([text.encode()], object))
        ids, segments, mask = (outputs[name][0] for name in ("ids", "segment_ids", "mask"))
        assert not segments.any()
        assert set(ids[mask == 0]) <= {tokenizer.pad_id}
        ids = ids[mask == 1].tolist()
        assert (ids[0], ids[-1]) == (tokenizer.cls_id, tokenizer.sep_id)
        found.append(ids[1:-1])
    return found


def is_explained(text, lower_case):
    """Whether a text has what the ops cannot do: a sigma at a word's end, or a long word."""
    words = [word for word, _ in cleaning.split_words(text, lower_case, lower_case)]
    sigma = lower_case and any("ς" in word for word in words) and "Σ" in text
    return sigma or any(len(word) > 100 for word in words)


@pytest.mark.parametrize("name", slow_but(golden.LOWER_CASE, "chinese"))
def test_counts_the_lines_that_differ_from_the_original(name):
    tokenizer, rows = golden.tokenizer(name), golden.rows()
    found, notes = said_by(tokens_of_tflite, tokenizer, [row["text"] for row in rows])
    different = [
        row["text"]
        for row, ids in zip(rows, found, strict=True)
        if ids != row[name]["ids"][: LENGTH - 2]
    ]
    expected = DIFFERENT_LINES[golden.LOWER_CASE[name]]
    assert (len(different), len(rows)) == (expected, GOLDEN_LINES)
    assert all(is_explained(text, golden.LOWER_CASE[name]) for text in different)
    (line,) = notes
    assert f"{expected} of the {GOLDEN_LINES} lines" in line


@pytest.mark.parametrize(
    "switches", slow_but([(True, True), (True, False), (False, True)], (True, True))
)
def test_the_table_normalizes_each_character_as_in_training(switches):
    import tensorflow_text

    chars = [chr(code) for code in range(0x20000) if not 0xD800 <= code < 0xE000]
    normalizer = tensorflow_text.FastBertNormalizer(model_buffer=normalizer_table(*switches))
    found = normalizer.normalize([f"a{char}b" for char in chars]).numpy()
    expected = [cleaning.normalize(f"a{char}b", *switches)[0] for char in chars]
    assert [text.decode() for text in found] == expected


def check_answers(bert, path, pairs=None, atol=1e-5, **settings):
    (result, notes) = said_by(
        export, bert, output=path, format="tflite", tokenizer="in_graph", **settings
    )
    assert result["ops"]["CUSTOM FastBertNormalize"] == (1 if pairs is None else 2)
    assert any("lines of the tokenizer's tests" in line for line in notes)
    runner = open_exported(path)
    (found, expected) = (model.predict(TEXTS, pairs) for model in (runner, bert))
    (name,) = bert.task.outputs
    key = "value" if name == "value" else "probabilities"
    for one, other in zip(found, expected, strict=True):
        one, other = (
            np.array(list(a[key].values()) if key != "value" else a[key]) for a in (one, other)
        )
        np.testing.assert_allclose(one, other, atol=atol)
    return runner


def test_a_classifier_answers_for_raw_text(tmp_path):
    bert, path = make_bert("classification"), tmp_path / "model.tflite"
    runner = check_answers(bert, path)
    # As `benchmark` runs it: ids in, which are written out as text.
    inputs = {"token_ids": np.array([[2, 40, 41, 3]], "int32")}
    inputs |= {"segment_ids": inputs["token_ids"] * 0, "padding_mask": inputs["token_ids"] * 0 + 1}
    assert runner.run(inputs)["probability"].shape == (1, 2)
    with pytest.raises(InputError, match=r"windows is not for it"):
        runner.predict(TEXTS, windows=True)
    _, notes = said_by(runner.predict, ["one two three four five six seven " * 9])
    assert notes == ["the texts: 1 of 1 texts is longer than 48 tokens and is cut"]
    examples = TEXTS[:2], [bert.predict(TEXTS[:1])[0]["label"]] * 2
    picture = str(tmp_path / "noise.png")
    _, lines = verify(bert, str(path), examples, picture=picture, max_drop=1.0)
    text = "model.tflite: takes raw text: the picture does not show where it differs"
    assert text in lines
    assert os.path.exists(picture)
    with pytest.raises(InputError, match="has no ids, mask, segment_ids"):
        TFLiteRunner(tmp_path / "model.tflite")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["regression", "multi_label"])
def test_other_tasks_answer_for_raw_text(kind, tmp_path):
    check_answers(make_bert(kind), tmp_path / "model.tflite")


@pytest.mark.slow
def test_pairs_are_cut_as_in_training(tmp_path):
    bert = make_bert("classification", pair=True)
    path = tmp_path / "model.tflite"
    runner = check_answers(bert, path, TEXTS[::-1], length=20)
    words = ["one two three four five six seven eight nine ten " * n for n in range(4)]
    firsts, seconds = zip(*[(a, b) for a in words for b in words])
    (found, _), (expected, _) = (
        said_by(m.predict, firsts, seconds) for m in (runner, changed(bert, max_length=20))
    )
    for one, other in zip(found, expected, strict=True):
        assert one["probability"] == pytest.approx(other["probability"], abs=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("quantize", ["float16", "dynamic", "int4", "int8"])
def test_the_network_in_it_is_that_of_other_files(quantize, toy, tmp_path):
    settings = {"format": "tflite", "quantize": quantize}
    if quantize == "int8":
        settings["calibration"] = toy.dev
    paths = [tmp_path / f"{name}.tflite" for name in ("in_graph", "outside")]
    for path in paths:
        export(toy.model, output=path, tokenizer=path.stem, **settings)
    found, expected = (open_exported(path).probabilities(TEXTS) for path in paths)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.slow
def test_commands_take_the_file(cli, toy, tmp_path):
    path = tmp_path / "model.tflite"
    flags = ["--format=tflite", "--tokenizer=in_graph", f"--output={path}"]
    found = cli("export", f"--model={toy.model}", *flags)
    assert found.status == 0
    assert "note: --tokenizer=in_graph: a capital sigma" in found.err
    built_in, custom = found.out.splitlines()[1:3]
    assert "FastBert" not in built_in
    ops = "FastBertNormalize:1 FastWordpieceTokenizeWithOffsets:1"
    assert custom == f"2 custom ops of TensorFlow Text: {ops}"
    count = int(built_in.split()[0])
    assert count == sum(int(part.split(":")[1]) for part in built_in.split()[3:])
    for delegate in ("XNNPACK", "GPU", "Qualcomm NPU", "MediaTek NPU"):
        (line,) = [x for x in found.out.splitlines() if x.startswith(f"{delegate}: takes")]
        assert f" of {count + 2} ops; not " in line
        assert "CUSTOM:2" in line
    assert "largest activation: " in found.out
    for verb in ("evaluate", "predict"):
        data = f"--data={toy.dev}" if verb == "evaluate" else "--text=a lovely film"
        outs = [cli(verb, f"--model={model}", data).out for model in (path, toy.model)]
        assert outs[0] == outs[1] != ""
    verified = cli("verify", f"--model={toy.model}", f"--exported={path}", f"--data={toy.dev}")
    assert verified.status == 0, verified.err
    assert "same answer on 100.00% of 100 examples" in verified.out
    timed = cli("benchmark", f"--model={path}", "--repeats=2")
    assert timed.status == 0, timed.err


def changed(bert, **fields):
    bert.config = dataclasses.replace(bert.config, **fields)
    return bert


def refused(bert, tmp_path, **settings):
    path = tmp_path / "model.tflite"
    settings = {"format": "tflite", "tokenizer": "in_graph", "output": path, **settings}
    with pytest.raises(InputError) as caught:
        export(bert, **settings)
    assert not list(tmp_path.iterdir())
    return str(caught.value)


def test_refuses_what_the_ops_cannot_do(tmp_path):
    bert = make_bert("tagging")
    assert "for a text as a whole, not for tagging" in refused(bert, tmp_path)
    bert = make_bert("classification")
    assert "length" in refused(bert, tmp_path, length="dynamic")
    onnx = refused(bert, tmp_path, format="onnx", output=tmp_path / "model.onnx")
    assert "tokenizer=in_graph is for format=tflite only" in onnx
    bert.tokenizer.tokenize_chinese_chars = False
    assert "tokenize_chinese_chars is false" in refused(bert, tmp_path)
    changed(bert, windows=True)
    assert "in windows" in refused(bert, tmp_path)


def test_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_text", None)
    message = refused(make_bert("classification"), tmp_path)
    assert re.search(r"tensorflow_text is not installed: pip install .*\[tokenizers\]", message)


def test_damaged_files_have_no_text_ops(tmp_path):
    for number, content in enumerate([b"", b"\0" * 64, b"\xff" * 4096, b"TFL3" * 100]):
        path = tmp_path / f"{number}.tflite"
        path.write_bytes(content)
        assert not text_input.takes_text(path)
        with pytest.raises(InputError, match=path.name):
            open_exported(path)
