"""MediaPipe, an independent reader of our files, classifies and embeds texts as their models do."""

import json

import numpy as np
import pytest
from environments import make_environment, run_in

import keras_bert

pytestmark = pytest.mark.slow

SCRIPT = """
import json, sys
from mediapipe.tasks import python
from mediapipe.tasks.python import text

options = text.TextClassifierOptions(
    base_options=python.BaseOptions(model_asset_path=sys.argv[1]))
with text.TextClassifier.create_from_options(options) as classifier:
    for line in json.load(open(sys.argv[2])):
        categories = classifier.classify(line).classifications[0].categories
        print(json.dumps({c.category_name: c.score for c in categories}))
"""


@pytest.fixture(scope="module")
def mediapipe(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mediapipe")
    return make_environment(folder / "venv", ["mediapipe==1.2.2"])


@pytest.mark.parametrize("quantize", ["none", "dynamic"])
def test_loads_the_file_as_it_is_and_agrees(cli, toy, mediapipe, tmp_path, quantize):
    path = tmp_path / "model.tflite"
    flags = ["--format=tflite", f"--quantize={quantize}", f"--output={path}"]
    assert cli("export", f"--model={toy.model}", *flags).status == 0
    # MediaPipe's tokenizer lowers ASCII letters only, so the texts are ASCII; one is over-long.
    texts = ["A superb, lovely FILM!", "it's awful; don't go", *toy.texts, "dull plot " * 60]
    (tmp_path / "texts.json").write_text(json.dumps(texts))
    (tmp_path / "script.py").write_text(SCRIPT)
    found = run_in(mediapipe, "script.py", path, "texts.json", cwd=tmp_path)
    assert found.returncode == 0, found.stderr
    answers = [json.loads(line) for line in found.stdout.splitlines()]
    scores = np.array([[a["negative"], a["positive"]] for a in answers])
    expected = keras_bert.load(toy.model).probabilities(texts)
    np.testing.assert_allclose(scores, expected, atol=1e-5 if quantize == "none" else 0.03)
    assert (scores.argmax(axis=-1) == expected.argmax(axis=-1)).all()


EMBED = """
import json, sys
from mediapipe.tasks import python
from mediapipe.tasks.python import text

options = text.TextEmbedderOptions(
    base_options=python.BaseOptions(model_asset_path=sys.argv[1]))
with text.TextEmbedder.create_from_options(options) as embedder:
    for line in json.load(open(sys.argv[2])):
        print(json.dumps([float(x) for x in embedder.embed(line).embeddings[0].embedding]))
"""


@pytest.mark.parametrize("quantize", ["none", "dynamic"])
def test_an_embedder_has_the_vectors_of_its_encoder(toy, mediapipe, tmp_path, quantize):
    bert = keras_bert.load(toy.model)
    encoder = keras_bert.Bert(bert.encoder, bert.tokenizer, max_length=32)
    path = tmp_path / "embedder.tflite"
    encoder.export(path, quantize=quantize, pooling="mean", normalize=True)
    texts = ["A superb, lovely FILM!", "it's awful; don't go", *toy.texts, "dull plot " * 60]
    (tmp_path / "texts.json").write_text(json.dumps(texts))
    (tmp_path / "script.py").write_text(EMBED)
    found = run_in(mediapipe, "script.py", path, "texts.json", cwd=tmp_path)
    assert found.returncode == 0, found.stderr
    vectors = np.array([json.loads(line) for line in found.stdout.splitlines()])
    expected = encoder.embed(texts, pooling="mean", normalize=True)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)
    if quantize == "none":
        np.testing.assert_allclose(vectors, expected, atol=1e-5)
    assert np.sum(vectors * expected, axis=1).min() > 0.99
