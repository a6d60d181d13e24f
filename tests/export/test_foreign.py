"""Exported files of other models: refused in one line, whatever their tensors are."""

import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
import zipfile

import numpy as np
import pytest
import tensorflow as tf
from environments import ROOT

from keras_bert.config import BertConfig
from keras_bert.errors import InputError
from keras_bert.export import contents
from keras_bert.export.runners import open_exported
from keras_bert.model_folder import ModelConfig

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "bad"]
LENGTH, LABELS = 8, ("no", "yes")
FORMATS = ("tflite", "onnx", "saved_model")


def description(**changes):
    """Returns our files of a classifier, which may belong to no such model."""
    encoder = BertConfig(
        vocab_size=len(WORDS), hidden_size=4, num_hidden_layers=1, num_attention_heads=1,
        intermediate_size=4, max_position_embeddings=LENGTH,
    )  # fmt: skip
    config = ModelConfig(
        encoder=encoder, task="classification", labels=LABELS, max_length=LENGTH, pair=False
    )
    files = {
        contents.CONFIG_FILE: config.to_json(),
        contents.VOCABULARY_FILE: "".join(f"{word}\n" for word in WORDS),
        contents.LABELS_FILE: "no\nyes\n",
    }
    return {name: text for name, text in {**files, **changes}.items() if text is not None}


def answer(inputs, scale):
    """The right model's output: a number for each label, from whatever inputs there are."""
    total = sum(tf.reduce_sum(tf.cast(value, tf.float32)) for value in inputs.values())
    return tf.fill([1, 2], 0.5) + scale * total


def output_of(dtype=tf.float32, shape=(1, 2), name="probability"):
    return lambda inputs: {
        name: tf.cast(tf.reshape(tf.repeat(answer(inputs, 0.0), 8, 1)[:, : int(np.prod(shape))],
                                 shape), dtype)
    }  # fmt: skip


TOKENS = {name: ((1, LENGTH), tf.int32) for name in contents.TFLITE_INPUTS}
# Runtimes may fit such a model to the inputs, or refuse them.
EITHER = "either"
# Kind: (inputs as name to shape and type, function of them to outputs, what the message says).
KINDS = {
    "right": (TOKENS, output_of(), None),
    "one dimension": (
        {name: ((LENGTH,), tf.int32) for name in TOKENS}, output_of(),
        "1 dimensions, it must have 2",
    ),
    "three dimensions": (
        {**TOKENS, "ids": ((1, LENGTH, 3), tf.int32)}, output_of(), "3 dimensions, it must have 2",
    ),
    "a batch of four": (
        {name: ((4, LENGTH), tf.int32) for name in TOKENS}, output_of(), EITHER,
    ),
    "int64": (
        {**TOKENS, "mask": ((1, LENGTH), tf.int64)}, output_of(),
        "is of int64, it must be of int32",
    ),
    "float": ({**TOKENS, "ids": ((1, LENGTH), tf.float32)}, output_of(), "it must be of int32"),
    "an image": ({"image": ((1, 4, 4, 3), tf.float32)}, output_of(), "has no "),
    "no mask": ({n: TOKENS[n] for n in ("ids", "segment_ids")}, output_of(), "has no "),
    "one more input": (
        {**TOKENS, "image": ((1, 4), tf.float32)}, output_of(), "also has the input image",
    ),
    "integers": (TOKENS, output_of(tf.int32), "probability is of int32, it must be of float32"),
    "int64 out": (TOKENS, output_of(tf.int64), "probability is of int64, it must be of float32"),
    "bool": (TOKENS, output_of(tf.bool), "probability is of bool, it must be of float32"),
    "five labels": (TOKENS, output_of(shape=(1, 5)), "5 outputs for 2 labels"),
    "no dimension": (TOKENS, output_of(shape=(1,)), "is of shape"),
    "rank four": (TOKENS, output_of(shape=(1, 1, 1, 2)), "is of shape"),
    "another output": (TOKENS, output_of(name="logits"), "has no probability"),
    "not finite": (
        TOKENS, lambda inputs: {"probability": answer(inputs, 1.0) * float("inf")}, "is not finite",
    ),
    "shorter": ({name: ((1, 4), tf.int32) for name in TOKENS}, output_of(), EITHER),
}  # fmt: skip


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A function that writes one kind of file in one format and returns its path."""
    folder = tmp_path_factory.mktemp("foreign")
    made = {}

    def write(kind, form):
        if (kind, form) not in made:
            made[kind, form] = make(*KINDS[kind][:2], form, folder / f"{len(made)}")
        return made[kind, form]

    return write


def make(inputs, outputs_of, form, path, files=None):
    files = description() if files is None else files
    names = dict(zip(contents.TFLITE_INPUTS, ("token_ids", "segment_ids", "padding_mask")))
    if form == "tflite":
        names = {}
    specs = [
        tf.TensorSpec(shape, dtype, name=names.get(name, name))
        for name, (shape, dtype) in inputs.items()
    ]
    module = tf.Module()
    module.call = tf.function(
        lambda *values: outputs_of({s.name: v for s, v in zip(specs, values)}),
        input_signature=specs,
    )
    module.text = tf.function(
        lambda text: {"probability": tf.ones([tf.shape(text)[0], 2]) / 2},
        input_signature=[tf.TensorSpec([None], tf.string, name="text")],
    )
    if form == "saved_model":
        tf.saved_model.save(
            module, str(path), {"tokens": module.call, "serving_default": module.text}
        )
        (path / contents.EXTRA_FOLDER).mkdir()
        for name, text in files.items():
            (path / contents.EXTRA_FOLDER / name).write_text(text)
        return path
    if form == "tflite":
        saved = f"{path}.saved"
        tf.saved_model.save(module, saved, {"serving_default": module.call})
        model = tf.lite.TFLiteConverter.from_saved_model(saved).convert()
        path = path.with_suffix(".tflite")
        path.write_bytes(packed(model, files))
        return path
    import onnx
    import tf2onnx

    proto, _ = tf2onnx.convert.from_function(module.call, input_signature=specs, opset=17)
    onnx.helper.set_model_props(proto, files)
    path = path.with_suffix(".onnx")
    onnx.save(proto, str(path))
    return path


def packed(model, files, method=zipfile.ZIP_STORED):
    stream = io.BytesIO()
    stream.write(model)
    with zipfile.ZipFile(stream, "a", method) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return stream.getvalue()


def run(path):
    """Opens a file and answers for tokens, as texts go another way in a SavedModel."""
    model = open_exported(path)
    encoded = model.tokenizer.encode("good bad")
    row = np.zeros((1, model.fixed_length or LENGTH), "int32")
    row[0, : len(encoded.token_ids)] = encoded.token_ids
    zeros = np.zeros_like(row)
    return model.run({"token_ids": row, "segment_ids": zeros, "padding_mask": zeros})


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("kind", KINDS)
def test_models_of_others(kind, form, files):
    message = KINDS[kind][2]
    path = files(kind, form)
    if message is None:
        np.testing.assert_array_equal(run(path)["probability"], [[0.5, 0.5]])
        return
    if message is EITHER:
        with contextlib.suppress(InputError):
            np.testing.assert_array_equal(run(path)["probability"], [[0.5, 0.5]])
        return
    with pytest.raises(InputError) as error:
        run(path)
    assert message in str(error.value)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """The bytes of a right TFLite model without our files."""
    path = make(TOKENS, output_of(), "tflite", tmp_path_factory.mktemp("plain") / "m", {})
    return path.read_bytes()


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "holds no keras_bert.json: it was not written by `keras-bert export`"),
        (description(**{contents.VOCABULARY_FILE: None}), "holds no vocab.txt"),
        (description(**{contents.CONFIG_FILE: "{"}), "the model's description is broken"),
        (description(**{contents.CONFIG_FILE: "[1]"}), "the model's description is broken"),
        (description(**{contents.CONFIG_FILE: "[" * 10**5}), "the model's description is broken"),
        (description(**{contents.CONFIG_FILE: '{"format_version": 2}'}), "missing key encoder"),
        (description(**{contents.VOCABULARY_FILE: "a\nb\n"}), "the model's description is broken"),
        (
            description(**{contents.VOCABULARY_FILE: "\n".join([*WORDS, "c", ""])}),
            "8 tokens for an",
        ),
    ],
)  # fmt: skip
def test_descriptions_of_others(files, message, plain, tmp_path):
    path = tmp_path / "m.tflite"
    path.write_bytes(packed(plain, files))
    with pytest.raises(InputError, match=r"m.tflite: ") as error:
        open_exported(path)
    assert message in str(error.value)


def test_a_description_that_unpacks_to_gigabytes(plain, tmp_path):
    path = tmp_path / "m.tflite"
    path.write_bytes(packed(plain, description(**{"vocab.txt": "a" * 10**8}), zipfile.ZIP_DEFLATED))
    assert path.stat().st_size < 2 * 10**6
    with pytest.raises(InputError, match="vocab.txt has 100,000,000 bytes, more than 25,165,824"):
        open_exported(path)
    files = description(**{"vocab.txt": "a" * 10**6})
    path.write_bytes(packed(plain, files, zipfile.ZIP_DEFLATED))
    with pytest.raises(InputError, match="holds no "):
        open_exported(path)


@pytest.mark.parametrize("content", [b"", b"TFL3", b"not a model", bytes(100), b"\x1c\0\0\0TFL3"])
@pytest.mark.parametrize("ending", [".tflite", ".onnx"])
def test_no_models_at_all(content, ending, tmp_path):
    path = tmp_path / f"m{ending}"
    path.write_bytes(packed(content, description()))
    with pytest.raises(InputError, match=f"m{ending}: "):
        open_exported(path)


def test_a_model_without_a_signature(tmp_path):
    function = tf.function(lambda x: x + 1.0, input_signature=[tf.TensorSpec([1, 2], tf.float32)])
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function()])
    path = tmp_path / "m.tflite"
    path.write_bytes(packed(converter.convert(), description()))
    with pytest.raises(InputError, match="not a TFLite file that LiteRT runs: "):
        open_exported(path)


def test_a_file_that_ends_litert(plain, tmp_path):
    """Of a thousand damaged files some end the process; here none may."""
    path = tmp_path / "m.tflite"
    rng = np.random.default_rng(1)
    refused = 0
    for _ in range(40):
        changed = bytearray(plain)
        for place in rng.integers(0, len(plain), 6):
            changed[place] = rng.integers(256)
        path.write_bytes(packed(bytes(changed), description()))
        try:
            run(path)
        except InputError:
            refused += 1
    assert refused > 10


def test_a_saved_model_whose_index_is_damaged(files, tmp_path):
    path = shutil.copytree(files("right", "saved_model"), tmp_path / "m")
    index = path / "variables" / "variables.index"
    content = bytearray(index.read_bytes())
    content[3] ^= 1
    index.write_bytes(content)
    with pytest.raises(InputError, match="variables.index: damaged: the block at 0 does not have"):
        open_exported(path)


def test_the_program_refuses_in_one_line(files):
    command = ["-m", "keras_bert", "predict", f"--model={files('integers', 'tflite')}", "--text=a"]
    done = subprocess.run(
        [sys.executable, *command], capture_output=True, text=True, cwd=ROOT,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].endswith("is of int32, it must be of float32")
    assert "Traceback" not in done.stderr


def test_what_the_description_is():
    # So that the tests above fail for the reason that they name.
    data = json.loads(description()[contents.CONFIG_FILE])
    assert ModelConfig.from_dict(data).labels == LABELS
