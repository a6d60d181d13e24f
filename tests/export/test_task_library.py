"""The TFLite Task Library, an independent reader of our files, gives the same answers.

Its last release is of 2023: the runtime inside knows no matrix with a scale for each output, and
needs an old NumPy, so it gets an environment of its own.
"""

import json
import sys

import numpy as np
import pytest
from environments import make_environment, need_packages, run_in
from placed_files import PER_TENSOR, TEXTS, check_scores, placed_file
from task_models import SENTENCES, make_bert

from keras_bert.export.export import export
from keras_bert.export.runners import open_exported

pytestmark = pytest.mark.slow

CLASSIFY = """
import json, sys
from tflite_support.task import text

classifier = text.BertNLClassifier.create_from_file(sys.argv[1])
for line in json.load(open(sys.argv[2])):
    found = classifier.classify(line).classifications[0].categories
    print(json.dumps({each.category_name: each.score for each in found}))
"""
ANSWER = """
import json, sys
from tflite_support.task import text

answerer = text.BertQuestionAnswerer.create_from_file(sys.argv[1])
for context, question in json.load(open(sys.argv[2])):
    found = answerer.answer(context, question).answers
    print(json.dumps([[each.text, each.pos.start, each.pos.end, each.pos.logit] for each in found]))
"""


@pytest.fixture(scope="module")
def task_library(tmp_path_factory):
    if sys.version_info[:2] != (3, 11):
        pytest.skip("tflite-support has no wheels for this Python; its last are for 3.11")
    need_packages("libusb-1.0-0", "libportaudio2")
    packages = ["tflite-support==0.4.4", "protobuf==3.20.3", "numpy<2", "absl-py", "flatbuffers"]
    # Without what it names for audio and cameras.
    packages += ["sounddevice", "cffi", "pycparser", "pybind11"]
    folder = tmp_path_factory.mktemp("task_library")
    return make_environment(folder / "venv", ["--no-deps", *packages])


def run(python, script, path, question, folder):
    (folder / "asked.json").write_text(json.dumps(question))
    (folder / "script.py").write_text(script)
    return run_in(python, "script.py", path, "asked.json", cwd=folder)


@pytest.mark.parametrize("scheme", ["none", "float16", PER_TENSOR])
def test_classifies_with_the_file_as_it_is(request, task_library, tmp_path, scheme):
    placed = placed_file(request, scheme)
    found = run(task_library, CLASSIFY, placed.path, TEXTS, tmp_path)
    assert found.returncode == 0, found.stderr
    answers = [json.loads(line) for line in found.stdout.splitlines()]
    scores = [[answer[label] for label in placed.labels] for answer in answers]
    check_scores(scores, placed, scheme)


@pytest.mark.parametrize(
    ("scheme", "message"),
    [("dynamic", "Didn't find op for builtin opcode"), ("int4", "Could not build model")],
)
def test_refuses_newer_schemes(request, task_library, tmp_path, scheme, message):
    found = run(task_library, CLASSIFY, placed_file(request, scheme).path, TEXTS, tmp_path)
    assert found.returncode != 0
    assert message in found.stderr


def test_answers_with_the_file_as_it_is(task_library, tmp_path):
    bert = make_bert("question_answering", encoder={"max_position_embeddings": 384})
    path = tmp_path / "model.tflite"
    export(bert, output=path, format="tflite", length=384)
    questions = [f"which {SENTENCES[i].split()[0]}" for i in range(50)]
    asked = [(" ".join(SENTENCES[i : i + 5]), asked) for i, asked in enumerate(questions)]
    found = run(task_library, ANSWER, path, asked, tmp_path)
    assert found.returncode == 0, found.stderr
    answers = [json.loads(line) for line in found.stdout.splitlines()]
    # It has none where no two of the five best starts and ends belong together.
    assert sum(map(bool, answers)) >= 5
    runner = open_exported(path)
    for (context, question), answers_ in zip(asked, answers, strict=True):
        examples = runner.task.examples_from([question], [context])
        rows = runner.task.rows(examples, runner.tokenizer, runner.config)
        ((starts,), (ends,)) = runner.outputs(rows).values()
        (window,) = rows.encodings
        words = context.split()
        # The number of the word that each token of the row comes from.
        starts_in_text = window.passage.starts.tolist()
        numbers = np.full(len(starts), -1)
        numbers[window.position : window.position + window.count] = [
            len(context[: at + 1].split()) - 1 for at in starts_in_text
        ]
        for text, start, end, logit in answers_:
            assert text == " ".join(words[numbers[start] : numbers[end] + 1])
            assert logit == pytest.approx(starts[start] + ends[end], abs=1e-4)


def test_only_a_length_of_384_answers(task_library, tmp_path):
    path = tmp_path / "model.tflite"
    export(
        make_bert("question_answering", encoder={"max_position_embeddings": 384}),
        output=path,
        format="tflite",
        length=128,
    )
    found = run(task_library, ANSWER, path, [("a film", "what")], tmp_path)
    assert found.returncode != 0
