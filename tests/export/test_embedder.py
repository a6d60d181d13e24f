"""An encoder without a task in every format: its vectors against pooling in plain NumPy."""

import functools
import importlib
import json

import keras
import numpy as np
import pytest
from conftest import toy_rows
from marks import slow_but
from passages import NASTY
from task_models import SENTENCES

import keras_bert
from keras_bert import numpy_ops
from keras_bert.bert import Bert
from keras_bert.embedder import embedder_of
from keras_bert.errors import CheckFailed, InputError
from keras_bert.export.proof import proof_lines
from keras_bert.export.runners import open_exported
from keras_bert.guesses import Guess
from keras_bert.models.embedder import BertEmbedder
from keras_bert.text.tokenizer import WordPieceTokenizer
from keras_bert.text.vocabulary import train_vocabulary

LENGTH = 24
TEXTS = [*SENTENCES[:20], *NASTY, "a", " ".join(SENTENCES)]  # the last is cut
FORMS = ("float.tflite", "open.tflite", "float16.tflite", "dynamic.tflite", "model.onnx", "saved")


def make_encoder(seed=0):
    tokenizer = WordPieceTokenizer(train_vocabulary([*SENTENCES, *NASTY], 300))
    keras.utils.set_random_seed(seed)
    encoder = keras_bert.BertEncoder(
        vocab_size=tokenizer.vocabulary_size, hidden_size=32, num_hidden_layers=2,
        num_attention_heads=2, intermediate_size=64, max_position_embeddings=64,
        initializer_range=0.3,
    )  # fmt: skip
    return Bert(encoder, tokenizer, max_length=LENGTH)


def pooled(bert, texts, texts_b=None, pooling="mean", normalize=True, length=LENGTH):
    """The vectors, text by text without padding, in float64."""
    found = []
    for i, text in enumerate(texts):
        encoding = bert.tokenizer.encode(text, texts_b and texts_b[i], length)
        ids, segments = np.array([encoding.token_ids]), np.array([encoding.segment_ids])
        inputs = {"token_ids": ids, "segment_ids": segments, "padding_mask": np.ones_like(ids)}
        states = bert.encoder(inputs, training=False)["sequence_output"]
        states = np.array(keras.ops.convert_to_numpy(states)[0], "float64")
        vector = states.mean(axis=0) if pooling == "mean" else states[0]
        found.append(vector / np.sqrt(np.sum(vector**2)) if normalize else vector)
    return np.array(found)


@pytest.fixture(scope="module")
def bert():
    return make_encoder()


@pytest.fixture(scope="module")
def folder(bert, tmp_path_factory):
    path = tmp_path_factory.mktemp("encoder") / "encoder"
    bert.save(path)
    return path


@pytest.fixture(scope="module")
def exported(bert, tmp_path_factory):
    """Returns the path of a form of the embedder, which is written when it is first asked for."""
    place = tmp_path_factory.mktemp("embedders")

    @functools.cache
    def make(form, pooling="mean", normalize=True):
        path = place / f"{pooling}_{normalize}_{form}"
        name, _, ending = form.partition(".")
        more = {"quantize": name} if name in ("float16", "dynamic") else {}
        more |= {"length": "dynamic"} if name == "open" else {}
        kind = {"tflite": "tflite", "onnx": "onnx", "": "saved_model"}[ending]
        bert.export(path, format=kind, pooling=pooling, normalize=normalize, **more)
        return path

    return make


@pytest.mark.parametrize("form", slow_but(FORMS, "float.tflite"))
def test_vectors_are_the_pooled_ones(bert, exported, form):
    model = open_exported(exported(form))
    found, expected = model.embed(TEXTS), pooled(bert, TEXTS)
    assert found.dtype == np.float32
    assert found.shape == (len(TEXTS), 32)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1.0, atol=1e-6)
    if form == "dynamic.tflite":
        assert np.sum(found * expected, axis=1).min() > 0.99
    else:
        np.testing.assert_allclose(found, expected, atol=1e-3 if "16" in form else 1e-5)
    # A row alone is computed in another order than among others.
    np.testing.assert_allclose(model.embed(TEXTS[0]), found[0], atol=1e-6)
    assert np.array(model.predict("a")["embedding"], "float32").shape == (32,)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("form", "pooling", "normalize"),
    [
        ("float.tflite", "mean", False),
        ("float.tflite", "cls", True),
        *((form, "cls", False) for form in ("float.tflite", "model.onnx", "saved")),
    ],
)
def test_other_poolings(bert, exported, form, pooling, normalize):
    found = open_exported(exported(form, pooling, normalize)).embed(TEXTS)
    expected = pooled(bert, TEXTS, None, pooling, normalize)
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("form", slow_but(FORMS, "float.tflite"))
def test_pairs(bert, exported, form):
    found = open_exported(exported(form)).embed(TEXTS[:6], TEXTS[6:12])
    expected = pooled(bert, TEXTS[:6], TEXTS[6:12])
    tolerance = {"dynamic.tflite": 0.1, "float16.tflite": 1e-3}.get(form, 1e-5)
    np.testing.assert_allclose(found, expected, atol=tolerance)


@pytest.mark.slow
def test_both_poolings_in_the_graph_and_in_numpy(bert):
    rows = bert.tokenizer(TEXTS, length=LENGTH)
    for pooling in ("mean", "cls"):
        network = BertEmbedder(bert.encoder, pooling=pooling)
        logits = network(rows, training=False)
        for normalize in (True, False):
            settings = {"normalize": normalize}
            expected = pooled(bert, TEXTS, None, pooling, normalize)
            for values, ops in ((logits, keras.ops), (np.asarray(logits), numpy_ops)):
                found = network.outputs_from_logits(values, settings, ops)["embedding"]
                np.testing.assert_allclose(np.asarray(found), expected, atol=1e-5)
        again = BertEmbedder.from_config(network.get_config())
        assert again.pooling == pooling
    with pytest.raises(InputError, match="pooling must be one of cls, mean"):
        BertEmbedder(bert.encoder, pooling="max")


@pytest.mark.slow
@pytest.mark.parametrize("quantize", ["int4", "int16x8"])
def test_lines_calibrate_an_embedder(bert, tmp_path, quantize):
    lines = write_lines(tmp_path / "lines.txt", SENTENCES)
    path = tmp_path / "a.tflite"
    asked = {"pooling": "mean", "normalize": True, "quantize": quantize, "force": True}
    result = bert.export(path, calibration=lines, **asked)
    assert result["calibration_rows"] == len(SENTENCES)
    assert result["proof"]["seen"]
    found = open_exported(path).embed(TEXTS)
    cosines = np.sum(found * pooled(bert, TEXTS), axis=1)
    assert cosines.min() > (0.9 if quantize == "int4" else 0.999)
    scores = result["proof"]["exported_scores"]
    alike = np.sum(open_exported(path).embed(SENTENCES) * pooled(bert, SENTENCES), axis=1)
    assert scores["cosine"] == pytest.approx(alike.mean(), abs=1e-5)


@pytest.mark.slow
def test_a_saved_model_takes_raw_text(bert, exported):
    import tensorflow as tf

    importlib.import_module("tensorflow_text")
    serve = tf.saved_model.load(str(exported("saved"))).signatures["serving_default"]
    found = serve(text=tf.constant(TEXTS))
    assert found.keys() == {"embedding"}
    np.testing.assert_allclose(found["embedding"], pooled(bert, TEXTS), atol=1e-5)


@pytest.mark.slow
def test_an_embedder_is_a_model_folder_too(bert, tmp_path):
    embedder = embedder_of(bert, "cls", True)
    embedder.save(tmp_path / "model")
    again = keras_bert.load(tmp_path / "model")
    assert again.config == embedder.config or again.config.task == "embedding"
    found = np.array([answer["embedding"] for answer in again.predict(TEXTS)])
    np.testing.assert_allclose(found, pooled(bert, TEXTS, None, "cls"), atol=1e-5)


# === The verbs ===


def write_lines(path, lines):
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def test_embed_and_similarity_run_an_exported_file(cli, bert, folder, exported, tmp_path):
    path = exported("float.tflite")
    table = write_lines(tmp_path / "texts.csv", ["text", *SENTENCES[:9]])
    out, want = tmp_path / "a.npz", tmp_path / "b.npz"
    asked = [f"--input={table}", f"--length={LENGTH}"]
    call = cli("embed", f"--model={path}", *asked, f"--output={out}", "--json")
    assert call.status == 0, call.err
    result = json.loads(call.out.splitlines()[-1])
    assert (result["pooling"], result["normalized"], result["layers"]) == ("mean", True, [])
    flags = ["--pooling=mean", "--normalize", f"--output={want}"]
    assert cli("embed", f"--model={folder}", *asked, *flags).status == 0
    found, expected = np.load(out), np.load(want)
    assert found["vectors"].dtype == np.float32
    np.testing.assert_allclose(found["vectors"], expected["vectors"], atol=1e-5)
    np.testing.assert_array_equal(found["lines"], expected["lines"])
    texts = [f"--text={text}" for text in SENTENCES[:3]]
    both = []
    for model in (path, folder):
        call = cli("similarity", f"--model={model}", *texts, "--json")
        assert call.status == 0, call.err
        both.append(json.loads(call.out.splitlines()[-1])["similarities"])
    np.testing.assert_allclose(*both, atol=1e-5)
    call = cli("embed", f"--model={path}", f"--text={' '.join(SENTENCES)}", f"--output={out}")
    assert f"longer than {LENGTH} tokens and is cut\n" in call.err


BAD = {
    "--pooling=cls: ": ("embed", "--pooling=cls"),
    "has vectors of length 1: export it with": ("embed", "--nonormalize"),
    "has the last layer only": ("embed", "--layers=0"),
    "takes 3 to 24 tokens": ("embed", "--length=25"),
    "--word: needs vectors of tokens": ("similarity", "--word=a"),
}


@pytest.mark.parametrize("message", BAD)
def test_what_an_exported_file_has_not_is_refused(cli, exported, tmp_path, message):
    verb, flag = BAD[message]
    output = [f"--output={tmp_path / 'a.npz'}"] if verb == "embed" else []
    call = cli(verb, f"--model={exported('float.tflite')}", "--text=a", "--text=b", flag, *output)
    assert call.status == 2
    assert message in call.err.splitlines()[-1], call.err
    assert not (tmp_path / "a.npz").exists()


def test_verify_compares_cosines_and_neighbours(cli, bert, folder, exported, tmp_path):
    lines = write_lines(tmp_path / "lines.txt", SENTENCES[:30])
    path = exported("float.tflite")
    call = cli("verify", f"--model={folder}", f"--exported={path}", f"--data={lines}", "--json")
    assert call.status == 0, call.err
    result = json.loads(call.out.splitlines()[-1])
    scores = result["exported_scores"]
    assert result["count"] == scores["count"] == 30
    assert result["metric"] == "cosine"
    assert scores["cosine"] == pytest.approx(1, abs=1e-6)
    assert scores["least_cosine"] == pytest.approx(1, abs=1e-6)
    assert scores["same_neighbour"] == 1
    assert result["agreement"] == 1
    assert result["passed"]
    assert result["max_difference"] < 1e-5
    # Another encoder's file does not pass, and the numbers are those of its vectors.
    make_encoder(seed=3).save(tmp_path / "other")
    flags = [f"--exported={path}", f"--data={lines}", "--json"]
    call = cli("verify", f"--model={tmp_path / 'other'}", *flags)
    assert call.status == 1
    result = json.loads(call.out.splitlines()[-1])
    scores = result["exported_scores"]
    one = pooled(make_encoder(seed=3), SENTENCES[:30])
    other = open_exported(path).embed(SENTENCES[:30])
    cosines = np.sum(one * other, axis=1)
    assert scores["cosine"] == pytest.approx(cosines.mean(), abs=1e-5)
    assert scores["least_cosine"] == pytest.approx(cosines.min(), abs=1e-5)
    nearest = []
    for vectors in (one, other):
        similarities = vectors @ vectors.T
        np.fill_diagonal(similarities, -2)
        nearest.append(similarities.argmax(axis=1))
    same = np.mean(nearest[0] == nearest[1])
    assert 0 < same < 1
    assert result["agreement"] == pytest.approx(same)
    assert scores["same_neighbour"] == pytest.approx(same, abs=1e-5)
    assert f"\nsame nearest text for {same:.2%} of 30 texts; largest" in call.err


def test_the_proof_of_vectors_is_a_line_about_vectors():
    scores = {"cosine": 0.98125, "least_cosine": 0.9, "same_neighbour": 0.75}
    proof = {
        "data": "a.txt", "seen": False, "metric": "cosine", "count": 8, "of_rows": 20,
        "model_scores": dict.fromkeys(scores, 1.0), "exported_scores": scores,
        "agreement": 0.75, "max_difference": 0.03, "drop": 0.01875,
    }  # fmt: skip
    assert proof_lines(proof) == [
        "a.txt, 8 of 20 rows: cosine of the two vectors of a text: mean 0.9812, least 0.9000; "
        "same nearest text for 75.00% of 8 texts; largest difference of an output 3.00e-02",
        "cosine lost: 1.88 points",
    ]


STATIC = {"int8": 0.99, "int16x8": 0.9999, "int8_full": 0.97}


@pytest.mark.slow
@pytest.mark.parametrize("quantize", STATIC)
def test_schemes_of_fixed_ranges_are_proven_by_cosines(bert, tmp_path, quantize):
    lines = write_lines(tmp_path / "lines.txt", SENTENCES)
    path = tmp_path / "a.tflite"
    asked = {"pooling": "mean", "normalize": True, "quantize": quantize, "calibration": lines}
    result = bert.export(path, data=lines, max_drop=0.05, **asked)
    found = open_exported(path).embed(SENTENCES)
    cosines = np.sum(found * pooled(bert, SENTENCES), axis=1)
    assert cosines.mean() > STATIC[quantize]
    proof = result["proof"]
    assert proof["exported_scores"]["cosine"] == pytest.approx(cosines.mean(), abs=2e-5)
    assert proof["exported_scores"]["least_cosine"] == pytest.approx(cosines.min(), abs=2e-5)
    path.unlink()
    if quantize == "int8_full":
        with pytest.raises(CheckFailed, match=r"cosine fell by .*: .*a\.tflite was not written"):
            bert.export(path, data=lines, max_drop=0.0, **asked)
        assert not path.exists()


def test_benchmark_names_no_flag_that_it_has_not(cli, folder):
    flags = [f"--model={folder}", "--repeats=1", "--noprocesses", "--length=8"]
    call = cli("benchmark", *flags)
    assert call.status == 0, call.err
    (note,) = [line for line in call.err.splitlines() if line.startswith("note: ")]
    assert "states no pooling for sentences: the mean of its tokens" in note
    assert "--" not in note


@pytest.mark.slow
def test_export_proves_an_embedder_on_lines(cli, folder, tmp_path):
    lines = write_lines(tmp_path / "lines.txt", SENTENCES[:10])
    path = tmp_path / "a.tflite"
    flags = ["--format=tflite", f"--output={path}", f"--data={lines}", "--pooling=mean"]
    call = cli("export", f"--model={folder}", *flags, "--normalize", "--json")
    assert call.status == 0, call.err
    proof = json.loads(call.out.splitlines()[-1])["proof"]
    assert proof["metric"] == "cosine"
    assert proof["passed"]
    assert proof["model_scores"]["cosine"] == pytest.approx(1, abs=1e-9)


def test_what_a_model_does_not_state_is_said(bert, tmp_path):
    with pytest.warns(Guess, match="no pooling for sentences: pooling=mean normalize=False"):
        embedder = embedder_of(bert)
    assert (embedder.config.pooling, embedder.config.settings) == ("mean", {"normalize": False})
    stated = make_encoder()
    changes = {"pooling": "cls", "settings": {"normalize": True}}
    stated.config = type(stated.config)(encoder=stated.config.encoder, max_length=9, **changes)
    config = embedder_of(stated).config
    assert (config.pooling, config.settings, config.max_length) == ("cls", {"normalize": True}, 9)
    assert embedder_of(stated, "mean", False).config.pooling == "mean"


def test_a_model_with_a_task_is_no_embedder(cli, toy, folder, tmp_path):
    out = tmp_path / "a.tflite"
    flags = ["--format=tflite", f"--output={out}"]
    call = cli("export", f"--model={toy.model}", *flags, "--pooling=cls")
    assert call.status == 2
    assert "are for encoders without a task, not for classification" in call.err
    call = cli("export", f"--model={folder}", *flags, "--strict")
    assert call.status == 2
    assert "no pooling for sentences: --pooling=mean" in call.err
    assert not out.exists()


@pytest.mark.slow
def test_files_that_do_not_belong_together(cli, toy, folder, exported, tmp_path):
    lines = write_lines(tmp_path / "lines.txt", SENTENCES[:5])
    classifier = tmp_path / "c.tflite"
    flags = ["--format=tflite", f"--output={classifier}"]
    assert cli("export", f"--model={toy.model}", *flags).status == 0
    call = cli("embed", f"--model={classifier}", "--text=a", f"--output={tmp_path / 'a.npz'}")
    assert call.status == 2
    assert "is a model for classification: vectors are those of" in call.err
    call = cli("verify", f"--model={folder}", f"--exported={classifier}", f"--data={lines}")
    assert call.status == 2
    assert "is for classification, the model has no task" in call.err
    both = f"{exported('float.tflite')},{exported('float.tflite', 'cls', False)}"
    call = cli("verify", f"--model={folder}", f"--exported={both}", f"--data={lines}")
    assert call.status == 2
    assert "is for embedding (cls), " in call.err
    call = cli("evaluate", f"--model={exported('float.tflite')}", f"--data={lines}")
    assert call.status == 2
    assert "has no right answers to be scored by" in call.err
    with pytest.raises(InputError, match="windows is for"):
        open_exported(exported("float.tflite")).predict(["a"], windows=True)


def test_a_blank_file_has_no_texts(cli, folder, exported, tmp_path):
    lines = write_lines(tmp_path / "lines.txt", ["", " "])
    flags = [f"--exported={exported('float.tflite')}", f"--data={lines}"]
    call = cli("verify", f"--model={folder}", *flags)
    assert call.status == 2
    assert "lines.txt: has no text" in call.err


def test_the_device_prints_vectors_and_the_most_alike(bert, exported, tmp_path, capsys):
    from keras_bert.device.main import main

    path, texts = exported("float.tflite"), SENTENCES[:4]
    assert main(["embed", f"--model={path}", *texts]) == 0
    lines = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert [text for _, _, text in lines] == texts
    found = np.array([[float(number) for number in line[0].split(" ")] for line in lines])
    expected = pooled(bert, texts)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    documents = [text for _, text in toy_rows(12, seed=9)]
    file = write_lines(tmp_path / "documents.txt", documents)
    assert main(["embed", f"--model={path}", f"--nearest={file}", "--top=2", texts[0]]) == 0
    lines = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    cosines = pooled(bert, documents) @ expected[0]
    best = np.argsort(-cosines)[:2]
    assert [line[2] for line in lines] == [documents[i] for i in best]
    np.testing.assert_allclose([float(line[0]) for line in lines], cosines[best], atol=1e-4)
    assert main(["classify", f"--model={path}", "a"]) == 2
    assert "use `keras-bert-device embed`" in capsys.readouterr().err
