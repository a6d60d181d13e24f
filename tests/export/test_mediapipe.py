"""MediaPipe's text tasks, independent readers of our files, give the same answers."""

import json

import numpy as np
import pytest
from environments import make_environment, run_in
from placed_files import SCHEMES, TEXTS, check_scores, placed_file
from task_models import make_bert

from keras_bert.bert import Bert
from keras_bert.export.export import export
from keras_bert.export.runners import open_exported

pytestmark = pytest.mark.slow

# One task a process: several in one may wait for each other without end.
CLASSIFY = """
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
EMBED = """
import json, sys
from mediapipe.tasks import python
from mediapipe.tasks.python import text

options = text.TextEmbedderOptions(
    base_options=python.BaseOptions(model_asset_path=sys.argv[1]))
with text.TextEmbedder.create_from_options(options) as embedder:
    for line in json.load(open(sys.argv[2])):
        print(json.dumps(embedder.embed(line).embeddings[0].embedding.tolist()))
"""


@pytest.fixture(scope="module")
def mediapipe(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mediapipe")
    return make_environment(folder / "venv", ["mediapipe==1.2.3"])


def lines_of(python, script, path, texts, folder):
    (folder / "texts.json").write_text(json.dumps(texts))
    (folder / "script.py").write_text(script)
    found = run_in(python, "script.py", path, "texts.json", cwd=folder)
    assert found.returncode == 0, found.stderr
    return [json.loads(line) for line in found.stdout.splitlines()]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_classifies_with_the_file_as_it_is(request, mediapipe, tmp_path, scheme):
    placed = placed_file(request, scheme)
    answers = lines_of(mediapipe, CLASSIFY, placed.path, TEXTS, tmp_path)
    check_scores([[a[label] for label in placed.labels] for a in answers], placed, scheme)


@pytest.mark.parametrize("scheme", ["none", "dynamic"])
def test_embeds_with_the_file_as_it_is(mediapipe, tmp_path, scheme):
    path = tmp_path / "embedder.tflite"
    bert = make_bert("regression")
    embedder = Bert(bert.encoder, bert.tokenizer, max_length=bert.config.max_length)
    export(embedder, output=path, format="tflite", quantize=scheme, verify=False)
    found = lines_of(mediapipe, EMBED, path, TEXTS, tmp_path)
    expected = open_exported(path).embed(TEXTS)
    np.testing.assert_allclose(found, expected, atol=1e-5 if scheme == "none" else 1e-3)
